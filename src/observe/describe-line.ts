/**
 * A line of the event log, or one of the journal beside it, in a sentence. Names in it may hold
 * control characters: escape the sentence before showing it.
 */
import { describeFact, type Tone, toneOf } from "./describe-fact.ts";
import { type EventLine, factOf } from "./event-line.ts";
import { describeJournalLine, journalEntryOf } from "./journal-line.ts";

/** Members of a line that are no fields of its fact. */
const FRAME = ["level", "virtualTimePs", "virtualTime", "actor", "index", "fact"];

/** `namesChain`: the schedule has several chains, so say which. */
export function describeLine(line: EventLine, namesChain = false): string {
  const fact = factOf(line);
  if (fact !== undefined) return describeFact(fact, namesChain);
  if (journalEntryOf(line.fact) !== undefined) return describeJournalLine(line);
  const fields = Object.entries(line).filter(([name]) => !FRAME.includes(name));
  return [line.fact, ...fields.map(([name, value]) => `${name}=${shown(value)}`)].join(" ");
}

/** How bad it is, for colour. */
export function toneOfLine(line: EventLine): Tone {
  const fact = factOf(line);
  if (fact !== undefined) return toneOf(fact);
  return line.level === "error" ? "bad" : line.level === "warn" ? "warning" : "plain";
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
