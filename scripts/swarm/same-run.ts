/** Compares two runs of one scenario in everything that is of the model, and names what differs. */
import type { FactRecord } from "../../src/model/fact.ts";
import type { RunByWire } from "./by-wire.ts";
import type { Problem } from "./run-problems.ts";

/** Longest text of a fact that is shown, characters. */
const SHOWN = 200;

/** How `other` differs from `one`; `check` names the comparison. */
export function differences(check: string, one: RunByWire, other: RunByWire): Problem[] {
  const rows: [what: string, one: unknown, other: unknown][] = [
    ["end", one.end, other.end],
    ["reason to stop", one.stopReason, other.stopReason],
    ["virtual time", one.virtualTimePs, other.virtualTimePs],
    ["events", one.events, other.events],
    ["assignments", one.assignments, other.assignments],
    ["faults", blamed(one.byFault), blamed(other.byFault)],
    ["corrupted", one.corrupted, other.corrupted],
    ["digest", one.digest, other.digest],
  ];
  const found = rows
    .filter(([, left, right]) => JSON.stringify(left) !== JSON.stringify(right))
    .map(([what, left, right]) => `${what} ${JSON.stringify(left)} and ${JSON.stringify(right)}`);
  const fact = firstFact(one.facts, other.facts);
  if (fact !== undefined) found.push(fact);
  const bin = firstBin(one.traffic, other.traffic);
  if (bin !== undefined) found.push(bin);
  if (found.length === 0) {
    const epoch = one.epochs.find(({ digest }, place) => digest !== other.epochs[place]?.digest);
    if (epoch === undefined && one.epochs.length === other.epochs.length) return [];
    found.push(`epoch ${epoch?.epoch ?? "beyond the last"}`);
  }
  return [{ check, detail: found.join("; ") }];
}

/** The first fact that two logs disagree on, in words; undefined: none. */
function firstFact(one: readonly FactRecord[], other: readonly FactRecord[]): string | undefined {
  const count = Math.max(one.length, other.length);
  for (let place = 0; place < count; place += 1) {
    const [left, right] = [textOf(one[place]), textOf(other[place])];
    if (left !== right) return `fact ${place} is ${left.slice(0, SHOWN)}, ${right.slice(0, SHOWN)}`;
  }
  return undefined;
}

/** The first bin of traffic that two runs disagree on, in words; undefined: none. */
function firstBin(one: RunByWire["traffic"], other: RunByWire["traffic"]): string | undefined {
  const count = Math.max(one.length, other.length);
  for (let place = 0; place < count; place += 1) {
    const [left, right] = [one[place], other[place]].map((bin) => JSON.stringify(bin) ?? "none");
    if (left !== right) {
      return `traffic ${place} is ${left.slice(0, SHOWN)}, ${right.slice(0, SHOWN)}`;
    }
  }
  return undefined;
}

function textOf(record: FactRecord | undefined): string {
  return record === undefined ? "none" : JSON.stringify(record);
}

/** Faults that something is put down to; a record also knows those that were ordered too late. */
function blamed(totals: RunByWire["byFault"]): RunByWire["byFault"] {
  return totals
    .filter(({ masked, lost }) => masked + lost > 0)
    .sort((left, right) => (left.fault < right.fault ? -1 : 1));
}
