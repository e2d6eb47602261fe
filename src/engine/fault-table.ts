/**
 * The run's list of faults: what each does, and how far it has come. Every process holds the same
 * one, so that a rank can name the fault behind a lost peer wherever it runs.
 */
import { violated } from "../base/assert.ts";
import { EffectFinder, type FaultEffects, Severity, strengthAt } from "../fault/effects.ts";
import type { HotExpert } from "../model/actor.ts";
import { type FaultSpec, NO_FAULT } from "../model/fault.ts";
import { NEVER_PS } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import type { FaultEvent } from "./fault-schedule.ts";

/**
 * Devices and lanes that a message from one GPU to another passes, and, where there are several
 * ways, those that are on all of them.
 */
export type PathFinder = (
  fromGpu: number,
  toGpu: number,
) => {
  readonly actors: readonly number[];
  readonly lanes: readonly number[];
  readonly certain?: { readonly actors: ReadonlySet<number>; readonly lanes: ReadonlySet<number> };
};

/** A fault of the run. */
export interface ListedFault {
  readonly spec: FaultSpec;
  readonly effects: FaultEffects;
  status: "to come" | "in force" | "over";
  /** How hard it hits now, in thousandths; 0 unless it is in force. */
  permille: number;
  /** When it ended; NEVER_PS before. */
  endedPs: number;
  /** It ends as it begins: its span is empty, so it touches nothing and explains nothing. */
  isVoid: boolean;
}

export class FaultTable {
  /** The instant of the last change. */
  nowPs = 0;
  readonly faults: ListedFault[] = [];
  readonly #topology: Topology;
  readonly #hasController: boolean;
  readonly #pathOf: PathFinder;
  readonly #effects: EffectFinder;
  readonly #placeOf = new Map<string, number>();

  constructor(topology: Topology, specs: readonly FaultSpec[], pathOf: PathFinder) {
    this.#topology = topology;
    this.#hasController = topology.actors.some(({ kind }) => kind === "controller");
    this.#pathOf = pathOf;
    this.#effects = new EffectFinder(topology);
    for (const spec of specs) this.add(spec);
  }

  /** Adds a fault at the end of the list and returns what it will do when. */
  add(spec: FaultSpec): FaultEvent[] {
    const { name, atPs, healAtPs = NEVER_PS } = spec;
    if (!(healAtPs > atPs)) violated("fault-has-a-span", `${name}: ${atPs} to ${healAtPs} ps`);
    if (this.#placeOf.has(name)) violated("fault-name-unique", name);
    const fault = this.faults.length;
    const effects = this.#effects.effectsOf(spec);
    const untouched = { status: "to come", permille: 0, endedPs: NEVER_PS, isVoid: false } as const;
    this.faults.push({ spec, effects, ...untouched });
    this.#placeOf.set(name, fault);
    return this.eventsOf(fault);
  }

  /** Onset, levels and end of a fault as its lease has them. */
  eventsOf(fault: number): FaultEvent[] {
    const { atPs, healAtPs = NEVER_PS, levels = [] } = this.faults[fault].spec;
    const first = levels[0]?.atPs === atPs ? levels[0].permille : 1000;
    const events: FaultEvent[] = [{ atPs, fault, type: "onset", permille: first }];
    for (const level of levels) {
      if (level.atPs <= atPs || level.atPs >= healAtPs) continue;
      events.push({ atPs: level.atPs, fault, type: "level", permille: level.permille });
    }
    if (healAtPs !== NEVER_PS) events.push({ atPs: healAtPs, fault, type: "end", permille: 0 });
    return events;
  }

  /** Place of a fault in the list; NO_FAULT when the run has none of that name. */
  placeOf(name: string): number {
    return this.#placeOf.get(name) ?? NO_FAULT;
  }

  nameOf(fault: number): string {
    return this.faults[fault]?.spec.name ?? "none";
  }

  /** Experts that are hot now, in the order of the list. */
  get hotExperts(): HotExpert[] {
    return this.faults.flatMap(({ spec, effects, permille }, fault) => {
      const { sharePerMillion } = strengthAt(spec.parameters, permille);
      if (sharePerMillion === 0) return [];
      return effects.experts.map((expert) => ({ expert, sharePerMillion, fault }));
    });
  }

  /** See EffectFinder. */
  reporterOf(target: string): number {
    return this.#effects.reporterOf(target);
  }

  /** See FaultBoard. */
  between(rankActor: number, peerActor: number, sincePs: number): number {
    const there = this.#pathOf(rankActor, peerActor);
    const back = this.#pathOf(peerActor, rankActor);
    const actors = new Set([...there.actors, ...back.actors]);
    const lanes = new Set([...there.lanes, ...back.lanes]);
    const isCertain = ({ effects }: ListedFault): boolean =>
      [there, back].some(
        ({ certain }) =>
          certain === undefined ||
          effects.namedActors.some((one) => certain.actors.has(one)) ||
          effects.lanes.some((one) => certain.lanes.has(one)),
      );
    return this.#bestOf(
      sincePs,
      ({ effects }) =>
        effects.namedActors.some((one) => actors.has(one)) ||
        effects.lanes.some((one) => lanes.has(one)),
      {
        certaintyOf: (fault) => Number(isCertain(fault)),
        lasts: ({ effects }) =>
          effects.actorEffect === "dead" &&
          effects.actors.some((one) => actors.has(one) && this.#isGoneForGood(one)),
      },
    );
  }

  /** See FaultBoard. */
  corrupterOf(gpuActor: number, sincePs: number): number {
    return this.#bestOf(sincePs, ({ effects, status, endedPs }) => {
      if (effects.actorEffect !== "flips" || !effects.actors.includes(gpuActor)) return false;
      return status === "in force" || endedPs >= sincePs;
    });
  }

  /** Has an actor that died no part in the run any more, even if its fault heals? */
  #isGoneForGood(actor: number): boolean {
    return !this.#hasController && this.#topology.actors[actor].kind === "gpu";
  }

  /** Of the faults that have begun and match the one that explains best; NO_FAULT: none does. */
  #bestOf(
    sincePs: number,
    matches: (fault: ListedFault) => boolean,
    { certaintyOf, lasts }: Pick<Explaining, "certaintyOf" | "lasts"> = PLAIN,
  ): number {
    const by: Explaining = { sincePs, certaintyOf, lasts };
    let best = NO_FAULT;
    for (const [fault, listed] of this.faults.entries()) {
      if (listed.status === "to come" || listed.isVoid || !matches(listed)) continue;
      if (best === NO_FAULT || explainsBetter(listed, this.faults[best], by)) best = fault;
    }
    return best;
  }
}

/** What decides which of two faults explains a silence. */
interface Explaining {
  readonly sincePs: number;
  /** 1: there is no way round it. */
  readonly certaintyOf: (fault: ListedFault) => number;
  /** Does what it did stay after its lease? */
  readonly lasts: (fault: ListedFault) => boolean;
}

const PLAIN = { certaintyOf: () => 1, lasts: () => false };

/**
 * Of two faults the one that can silence somebody: what only delays or spoils explains nothing as
 * long as such a one has touched the two since the run began. Then the one that is in force now, as
 * is one that killed a rank for good; else one in force since `sincePs`; else the one that healed
 * last: a queue pair that failed stays failed, so a fault that has healed still explains its
 * silence. Among equals the more severe, the one that no way gets round, the one that healed later,
 * the earlier onset, the name: never the place in the list.
 */
function explainsBetter(left: ListedFault, right: ListedFault, by: Explaining): boolean {
  const [one, other] = [weighed(left, by), weighed(right, by)];
  const place = one.findIndex((weight, key) => weight !== other[key]);
  return place < 0 ? left.spec.name < right.spec.name : one[place] > other[place];
}

/** Keys of that order, the first that differs decides: the larger one explains better. */
function weighed(fault: ListedFault, { sincePs, certaintyOf, lasts }: Explaining): number[] {
  const { spec, effects } = fault;
  const endPs = lasts(fault) ? NEVER_PS : fault.endedPs;
  const recency = endPs === NEVER_PS ? 2 : Number(endPs >= sincePs);
  return [
    Number(effects.severity >= Severity.loses),
    recency,
    recency === 0 ? endPs : 0,
    effects.severity,
    certaintyOf(fault),
    endPs,
    -spec.atPs,
  ];
}
