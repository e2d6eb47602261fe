/**
 * When things happen in a run without faults: what onsets and leases are measured by, so that
 * faults fall into the run, into its phases, and on its very events. Until the first fault a run
 * with faults is the same.
 */
import type { FactRecord } from "../../src/model/fact.ts";

/** A span of a phase of a rank, ps. */
export interface PhaseSpan {
  readonly fromPs: number;
  readonly untilPs: number;
}

export interface FleetClock {
  /** When the last rank finished. */
  readonly lengthPs: number;
  /** When enough had been combined for a fault to hit a run that is under way. */
  readonly warmPs: number;
  /** A dispatch or combine in the middle by length, ps. */
  readonly phasePs: number;
  /** Dispatches and combines, after the fleet was warm. */
  readonly phases: readonly PhaseSpan[];
  /** Instants of events, after the fleet was warm. */
  readonly instants: readonly number[];
}

/** Reads the clock of a healthy run; `warmCombined`: results after which the fleet is warm. */
export function readClock(facts: readonly FactRecord[], warmCombined: number): FleetClock {
  let lengthPs = 1;
  let combined = 0;
  let warmPs = Number.POSITIVE_INFINITY;
  for (const { atPs, fact } of facts) {
    if (fact.type === "rank.finished") lengthPs = Math.max(lengthPs, atPs);
    if (fact.type !== "combine.completed") continue;
    combined += fact.combined;
    if (combined >= warmCombined && atPs < warmPs) warmPs = atPs;
  }
  // A fleet that is warm only at its end has faults in the second half of its run.
  warmPs = Math.min(warmPs, Math.floor(lengthPs / 2));
  const phases = facts.flatMap(({ atPs, fact }) => {
    if (fact.type !== "dispatch.completed" && fact.type !== "combine.completed") return [];
    const fromPs = atPs - fact.durationPs;
    return fromPs > warmPs && fact.durationPs > 2 ? [{ fromPs, untilPs: atPs }] : [];
  });
  const spans = phases.map(({ fromPs, untilPs }) => untilPs - fromPs).sort((a, b) => a - b);
  const phasePs = spans[spans.length >> 1] ?? lengthPs;
  const instants = facts.map(({ atPs }) => atPs).filter((atPs) => atPs > warmPs);
  return { lengthPs, warmPs, phasePs, phases, instants: [...new Set(instants)] };
}
