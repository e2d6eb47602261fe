/**
 * Records of the journal that people want to see beside the facts: what happened to the hosts of a
 * run, and what was ordered from outside. They are no facts and never become any; they have the
 * shape of a line of the event log, so that one filter and one list hold both, and their actor is
 * `host` or `order`.
 */
import { listed } from "../base/words.ts";
import { formatTime } from "../model/time.ts";
import type { CatalogueEntry, Severity } from "./catalogue-entry.ts";
import type { EventLine } from "./event-line.ts";
import { actors, aFault, aText } from "./fact-fields.ts";

/** Classes of these lines, and what stands in the place of their actor. */
export const JOURNAL_CLASSES = ["host", "order"] as const;
export type JournalClass = (typeof JOURNAL_CLASSES)[number];

/** One type of these lines. */
export type JournalEntry = Pick<CatalogueEntry, "fields"> & {
  readonly level: Severity;
  readonly class: JournalClass;
};

const by = aText("who ordered it: `drill`, `operator` or `host`");
const detail = aText("a sentence");

const host = (level: Severity): JournalEntry => ({ level, class: "host", fields: { detail } });
const order = (fields: CatalogueEntry["fields"]): JournalEntry => ({
  level: "info",
  class: "order",
  fields: { by, ...fields },
});

/** Every type of these lines. */
export const JOURNAL_ENTRIES: Readonly<Record<string, JournalEntry>> = {
  "host.worker-lost": host("warn"),
  "host.worker-replaced": host("info"),
  "host.agent-lost": host("warn"),
  "host.agent-joined": host("info"),
  "host.host-fault": host("warn"),
  "host.resumed": host("info"),
  "order.fault": order({
    fault: aFault("name of the fault"),
    kind: aText("its kind"),
    targets: actors("what it hits"),
  }),
  "order.heal": order({ fault: aFault("name of the fault") }),
  "order.stop": order({ reason: aText("why the run ends") }),
  "order.note": order({ text: aText("what was done") }),
};

const BY_NAME: ReadonlyMap<string, JournalEntry> = new Map(Object.entries(JOURNAL_ENTRIES));

/** What is known of a type of these lines; undefined: there is none. */
export function journalEntryOf(type: string): JournalEntry | undefined {
  return BY_NAME.get(type);
}

/**
 * The line of a journal record that was read and checked; undefined for records that are neither
 * of a host nor an order.
 */
export function journalLine(record: Readonly<Record<string, unknown>>): EventLine | undefined {
  const { record: kind, atPs, event, name, chain: _, ...fields } = record;
  const fact = kind === "host" ? `host.${event}` : `order.${kind}`;
  const entry = journalEntryOf(fact);
  if (entry === undefined || typeof atPs !== "number") return undefined;
  const { level, class: actor } = entry;
  const fault = name === undefined ? {} : { fault: name };
  return { level, virtualTimePs: atPs, actor, index: 0, fact, ...fields, ...fault };
}

/**
 * Whether a line that {@link journalLine} made tells something that no fact does: what a drill or a
 * loss orders begins at once, and is a fact then.
 */
export function isNews({ fact, by }: EventLine): boolean {
  return by === undefined || by === "operator" || fact === "order.stop";
}

/** What such a line says, in a sentence. */
export function describeJournalLine(line: EventLine): string {
  const { fact, by, fault, kind, targets, healAtPs, reason, text, detail } = line;
  const whose = `by ${by}: `;
  switch (fact) {
    case "order.fault": {
      const until = typeof healAtPs === "number" ? `, until ${formatTime(healAtPs)}` : "";
      const on = Array.isArray(targets) ? listed(targets.map(String)) : "";
      return `${whose}fault ${fault} begins: ${kind} on ${on}${until}`;
    }
    case "order.heal":
      return `${whose}fault ${fault} heals`;
    case "order.stop":
      return `${whose}the run stops: ${reason}`;
    case "order.note":
      return `${whose}${text}`;
    default:
      return `${fact.slice("host.".length)}: ${detail}`;
  }
}
