/**
 * Turns "half-way through the dispatch of layer 12" into an instant. A run equals the one without a
 * fault until that fault begins, so the instant is found in a run without it, with all faults that
 * begin earlier. Moments are therefore settled one after another, the earliest first, each in a run
 * of its own. Pure: whoever calls says how a scenario is run.
 */
import type { Fact, FactRecord } from "../model/fact.ts";
import type { FaultMoment, FaultSpec } from "../model/fault.ts";
import type { Scenario } from "../model/scenario.ts";
import { shiftFault } from "./shift-fault.ts";

/** Runs a scenario and shows its facts in the order of the log; `false` ends the run there. */
export type FactRun = (scenario: Scenario, see: (facts: readonly FactRecord[]) => boolean) => void;

/** A moment and its instant, ps. */
export interface SettledMoment {
  readonly fault: string;
  readonly moment: FaultMoment;
  readonly atPs: number;
}

/** The scenario with instants only, or the faults whose moments the run never reaches. */
export type MomentResult =
  | { readonly ok: true; readonly scenario: Scenario; readonly moments: readonly SettledMoment[] }
  | { readonly ok: false; readonly unreached: readonly FaultSpec[] };

/**
 * Settles all moments of a scenario; `actors` are the ids of its topology in their order. Moments
 * of one instant are settled in the order of the list. It takes as many runs as there are moments,
 * each up to the last of them.
 */
export function settleMoments(
  scenario: Scenario,
  actors: readonly string[],
  run: FactRun,
): MomentResult {
  let faults = scenario.faults;
  const moments: SettledMoment[] = [];
  let settledPs = 0;
  for (;;) {
    const open = faults.filter(({ moment }) => moment !== undefined);
    if (open.length === 0) return { ok: true, scenario: { ...scenario, faults }, moments };
    const known = faults.filter(({ moment }) => moment === undefined);
    const first = firstReached({ ...scenario, faults: known }, open, actors, run);
    if (first === undefined) return { ok: false, unreached: open };
    const { fault, moment } = first;
    // A fault that shortens a phase may not move what begins after it to before it.
    const atPs = Math.max(first.atPs, settledPs);
    settledPs = atPs;
    moments.push({ fault: fault.name, moment, atPs });
    faults = faults.map((one) => (one === fault ? shiftFault(one, atPs) : one));
  }
}

/** The first of the open moments in a run; undefined when it reaches none. */
function firstReached(
  scenario: Scenario,
  open: readonly FaultSpec[],
  actors: readonly string[],
  run: FactRun,
): { readonly fault: FaultSpec; readonly moment: FaultMoment; readonly atPs: number } | undefined {
  const watches = open.flatMap((fault) =>
    fault.moment === undefined ? [] : [new MomentWatch(fault, fault.moment, actors)],
  );
  run(scenario, (facts) => {
    for (const record of facts) for (const watch of watches) watch.see(record);
    return watches.some(({ atPs }) => atPs === undefined);
  });
  let first: MomentWatch | undefined;
  for (const watch of watches) {
    if (watch.atPs === undefined) continue;
    if (first?.atPs === undefined || watch.atPs < first.atPs) first = watch;
  }
  if (first?.atPs === undefined) return undefined;
  return { fault: first.fault, moment: first.moment, atPs: first.atPs };
}

/** Facts that end a phase. */
type PhaseFact = Extract<Fact, { type: "dispatch.completed" | "combine.completed" }>;

/** Waits for the end of one phase in the facts of a run. */
class MomentWatch {
  readonly fault: FaultSpec;
  readonly moment: FaultMoment;
  /** The instant, once the phase has ended. */
  atPs: number | undefined;
  readonly #rank: number;
  /** Ends of this layer's dispatches, by actor and chain: its experts compute from there on. */
  readonly #dispatched = new Map<string, number>();

  constructor(fault: FaultSpec, moment: FaultMoment, actors: readonly string[]) {
    this.fault = fault;
    this.moment = moment;
    this.#rank = moment.rank === undefined ? -1 : actors.indexOf(moment.rank);
  }

  see({ fact, actor, atPs }: FactRecord): void {
    if (this.atPs !== undefined) return;
    if (fact.type !== "dispatch.completed" && fact.type !== "combine.completed") return;
    if (!this.#isMine(fact, actor)) return;
    const { phase } = this.moment;
    const begunPs = atPs - fact.durationPs;
    if (phase !== "compute") {
      if (fact.type === `${phase}.completed`) this.#settle(begunPs, atPs);
      return;
    }
    const key = `${actor} ${fact.chain}`;
    if (fact.type === "dispatch.completed") this.#dispatched.set(key, atPs);
    else this.#settle(this.#dispatched.get(key) ?? begunPs, begunPs);
  }

  #isMine(fact: PhaseFact, actor: number): boolean {
    const { step, layer, chain, rank } = this.moment;
    return (
      fact.step === step &&
      fact.layer === layer &&
      (chain === undefined || fact.chain === chain) &&
      (rank === undefined || actor === this.#rank)
    );
  }

  #settle(fromPs: number, untilPs: number): void {
    const share = this.moment.fractionPerMillion / 1e6;
    this.atPs = fromPs + Math.floor((untilPs - fromPs) * share);
  }
}
