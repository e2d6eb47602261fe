/** The lines of faults in the event log: one a target, in the name of the device that it is. */
import type { Fact } from "../model/fact.ts";
import type { FactLog } from "./fact-log.ts";
import type { FaultChanges } from "./fault-changes.ts";
import type { FaultTable } from "./fault-table.ts";

const TYPES = { onset: "fault.began", level: "fault.changed", end: "fault.healed" } as const;

/** Records what faults did at an instant, as far as `isLocal` says that its reporter is of here. */
export function recordFaults(
  { events }: FaultChanges,
  table: FaultTable,
  factLog: FactLog,
  isLocal: (actor: number) => boolean,
): void {
  for (const { fault, type: what, permille, atPs } of events) {
    const { name, kind, targets } = table.faults[fault].spec;
    const type = TYPES[what];
    for (const target of targets) {
      const actor = table.reporterOf(target);
      if (!isLocal(actor)) continue;
      const about = { fault: name, kind, target };
      const fact: Fact =
        type === "fault.changed" ? { type, ...about, permille } : { type, ...about };
      factLog.recordAlone(actor, atPs, fact);
    }
  }
}
