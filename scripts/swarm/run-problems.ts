/**
 * What must hold at the end of any run, whatever broke in it: accounts, explanations, and the
 * leases of its faults. Each breach has the name of its check and a sentence.
 */
import type { Fact } from "../../src/model/fact.ts";
import type { FaultHeal, FaultSpec } from "../../src/model/fault.ts";
import { NEVER_PS } from "../../src/model/time.ts";
import type { RunByWire } from "./by-wire.ts";

/** A check that failed. */
export interface Problem {
  /** Name of the check. */
  readonly check: string;
  readonly detail: string;
}

/** What was done to a run. */
export interface Ordered {
  /** Faults of the scenario, and those that it learnt of. */
  readonly faults: readonly FaultSpec[];
  readonly heals: readonly FaultHeal[];
  /** It was told to stop, if it lived to see it. */
  readonly mayStop: boolean;
}

/** All breaches of a run. */
export function runProblems(run: RunByWire, ordered: Ordered): Problem[] {
  return [
    ...endProblems(run, ordered.mayStop),
    ...accountProblems(run),
    ...blameProblems(run),
    ...leaseProblems(run, ordered),
  ];
}

function endProblems({ end, violations }: RunByWire, mayStop: boolean): Problem[] {
  const hasEnded = end === "finished" || (end === "stopped" && mayStop);
  return [
    ...(hasEnded ? [] : [{ check: "end", detail: `the run is ${end}` }]),
    ...violations.map((detail) => ({ check: "violation", detail })),
  ];
}

/** Every assignment is combined, masked or lost, the latter two by a named fault; bytes add up. */
function accountProblems(run: RunByWire): Problem[] {
  const { assignments, byFault, mismatches, unexplained, fabric, end } = run;
  const { dispatched, combined, masked, lost } = assignments;
  const named = byFault.reduce((sum, fault) => sum + fault.masked + fault.lost, 0);
  const settled = combined + masked + lost;
  const isOver = end === "finished";
  const { sentBytes = 0, deliveredBytes = 0, droppedBytes = 0 } = fabric;
  const gone = deliveredBytes + droppedBytes;
  const rows: [check: string, holds: boolean, detail: string][] = [
    [
      "conservation",
      isOver ? settled === dispatched : settled <= dispatched,
      `${dispatched} dispatched, ${combined} combined, ${masked} masked, ${lost} lost`,
    ],
    ["named", named === masked + lost, `${named} of ${masked + lost} lost to a named fault`],
    ["oracle", mismatches === 0, `${mismatches} results that no fault explains`],
    ["explained", unexplained === 0, `${unexplained} masked without a fault`],
    [
      "bytes",
      isOver ? gone === sentBytes : gone <= sentBytes,
      `${sentBytes} sent, ${deliveredBytes} delivered, ${droppedBytes} dropped`,
    ],
  ];
  return rows.filter(([, holds]) => !holds).map(([check, , detail]) => ({ check, detail }));
}

/** Whoever is named as the cause of something had begun by then. */
function blameProblems({ facts, byFault }: RunByWire): Problem[] {
  const begun = new Map(
    facts.flatMap(({ atPs, fact }): [string, number][] =>
      fact.type === "fault.began" ? [[fact.fault, atPs]] : [],
    ),
  );
  const problems: Problem[] = [];
  for (const { atPs, fact } of facts) {
    if ("fault" in fact && !((begun.get(fact.fault) ?? NEVER_PS) <= atPs)) {
      const detail = `${fact.type} at ${atPs} ps blames ${fact.fault}, which had not begun`;
      problems.push({ check: "blame", detail });
    }
  }
  for (const { fault, masked, lost } of byFault) {
    if (masked + lost === 0 || begun.has(fault)) continue;
    const detail = `${masked} masked and ${lost} lost to ${fault}, which never began`;
    problems.push({ check: "blame", detail });
  }
  return problems;
}

/**
 * Every fault begins at its onset, changes at its levels and ends at its heal, at the earliest one,
 * for each of its targets once, as far as the run went; and nothing else is said of it.
 */
function leaseProblems(run: RunByWire, { faults, heals }: Ordered): Problem[] {
  const horizonPs = Math.max(run.virtualTimePs, run.facts.at(-1)?.atPs ?? 0);
  const expected = faults.flatMap((fault) => expectedOf(fault, endOf(fault, heals)));
  const missing = new Set(expected.filter(({ atPs }) => atPs < horizonPs).map(({ line }) => line));
  const allowed = new Set(expected.map(({ line }) => line));
  const problems: Problem[] = [];
  for (const { atPs, fact } of run.facts) {
    const line = lineOf(atPs, fact);
    if (line === undefined) continue;
    if (!allowed.delete(line)) problems.push({ check: "lease", detail: `unexpected: ${line}` });
    missing.delete(line);
  }
  for (const line of missing) problems.push({ check: "lease", detail: `never said: ${line}` });
  return problems;
}

/** When a fault ends: with its lease or at an order, but not before it has begun. */
export function endOf(fault: FaultSpec, heals: readonly FaultHeal[]): number {
  const ordered = heals.filter((heal) => heal.fault === fault.name).map(({ atPs }) => atPs);
  return Math.max(fault.atPs, Math.min(fault.healAtPs ?? NEVER_PS, ...ordered));
}

function expectedOf(
  { name, targets, atPs, levels = [] }: FaultSpec,
  endPs: number,
): { atPs: number; line: string }[] {
  const later = levels.filter((level) => level.atPs > atPs && level.atPs < endPs);
  const said = [
    { atPs, what: "fault.began" },
    ...later.map((level) => ({ atPs: level.atPs, what: `fault.changed ${level.permille}` })),
    ...(endPs === NEVER_PS ? [] : [{ atPs: endPs, what: "fault.healed" }]),
  ];
  return targets.flatMap((target) =>
    said.map(({ atPs, what }) => ({ atPs, line: `${what} ${name} ${target} at ${atPs} ps` })),
  );
}

/** A fact about a fault's own life, as a line; undefined: it is about something else. */
function lineOf(atPs: number, fact: Fact): string | undefined {
  switch (fact.type) {
    case "fault.began":
    case "fault.healed":
      return `${fact.type} ${fact.fault} ${fact.target} at ${atPs} ps`;
    case "fault.changed":
      return `${fact.type} ${fact.permille} ${fact.fault} ${fact.target} at ${atPs} ps`;
    default:
      return undefined;
  }
}
