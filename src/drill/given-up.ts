/**
 * Who has given up whom, over a run: pairs of ranks, the ranks that most of their EP group have
 * given up, and the experts that are out of reach by that. Ranks are places among the GPUs.
 */
import type { ExpertMap } from "../model/expert-map.ts";
import type { Scenario } from "../model/scenario.ts";
import { makeExpertMap } from "../workload/expert-map.ts";
import { expertsOnlyOn, expertsOnRanks } from "./experts-out.ts";
import { Counter, States } from "./series.ts";

export class GivenUp {
  /** Pairs of ranks of which the first has given the other up. */
  readonly pairs = new Counter();
  /** Ranks that most of their EP group have given up. */
  readonly ranks = new States<number>();
  /** Ranks that anybody has given up. */
  readonly ranksOfAny = new States<number>();
  readonly #scenario: Scenario;
  readonly #epSize: number;
  /** By rank: who has given it up. */
  readonly #maskersOf = new Map<number, Set<number>>();
  /** By rank: whom it has given up. */
  readonly #masksOf = new Map<number, Set<number>>();
  /** By rank that has given others up: experts that it can reach no replica of. */
  readonly #missingOf = new Map<number, States<number>>();
  /** Made when somebody is given up: most runs do without. */
  #map: ExpertMap | undefined;
  #expertsOn: readonly (readonly number[])[] | undefined;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#epSize = scenario.workload.epSize;
  }

  /** A rank gives another up; the second time nothing changes. */
  mask(by: number, rank: number, atPs: number): void {
    const maskers = setAt(this.#maskersOf, rank);
    if (maskers.has(by)) return;
    maskers.add(by);
    setAt(this.#masksOf, by).add(rank);
    this.pairs.add(atPs, 1);
    this.ranksOfAny.begin(rank, atPs);
    if (this.#isMost(maskers.size)) this.ranks.begin(rank, atPs);
    this.#look(by, rank, atPs);
  }

  /** A controller has a rank leave: all of its group give it up, and it gives up nobody. */
  exclude(rank: number, atPs: number): void {
    const first = this.#groupOf(rank) * this.#epSize;
    for (let other = first; other < first + this.#epSize; other += 1) {
      this.#unmask(rank, other, atPs);
      if (other !== rank) this.mask(other, rank, atPs);
    }
  }

  /** A controller has these ranks of a group work together, and serve all of its experts. */
  takeUp(members: readonly number[], atPs: number): void {
    for (const by of members) {
      for (const rank of members) this.#unmask(by, rank, atPs);
      this.#missingOf.get(by)?.endAll(atPs);
    }
  }

  /**
   * Logical experts, ascending, that some rank in service could reach no live replica of at an
   * instant of [fromPs, toPs). In service is whom most of its group have not given up in that part
   * of the run: who is cut off misses nearly all, and that says nothing about the others. Where
   * nobody of a group is in service, all of them count.
   */
  expertsMissing(fromPs: number, toPs: number): number[] {
    const masked = new Set(this.ranks.during(fromPs, toPs));
    const maskedIn = new Map<number, number>();
    for (const rank of masked) {
      const group = this.#groupOf(rank);
      maskedIn.set(group, (maskedIn.get(group) ?? 0) + 1);
    }
    const missing = new Set<number>();
    for (const [rank, states] of this.#missingOf) {
      const isOneOfAll = maskedIn.get(this.#groupOf(rank)) === this.#epSize;
      if (masked.has(rank) && !isOneOfAll) continue;
      for (const expert of states.during(fromPs, toPs)) missing.add(expert);
    }
    return [...missing].sort((left, right) => left - right);
  }

  #groupOf(rank: number): number {
    return Math.floor(rank / this.#epSize);
  }

  /** Is that most of the others in an EP group? */
  #isMost(count: number): boolean {
    return count * 2 > this.#epSize - 1;
  }

  /** A rank takes another back; if it had not given it up, nothing changes. */
  #unmask(by: number, rank: number, atPs: number): void {
    const maskers = setAt(this.#maskersOf, rank);
    if (!maskers.delete(by)) return;
    setAt(this.#masksOf, by).delete(rank);
    if (maskers.size === 0) this.ranksOfAny.end(rank, atPs);
    if (!this.#isMost(maskers.size)) this.ranks.end(rank, atPs);
    this.#look(by, rank, atPs);
  }

  /** Which of the experts on `rank` can `by` reach now? */
  #look(by: number, rank: number, atPs: number): void {
    this.#map ??= makeExpertMap(this.#scenario);
    this.#expertsOn ??= expertsOnRanks(this.#map, this.#scenario);
    const out = setAt(this.#masksOf, by);
    const first = this.#groupOf(by) * this.#epSize;
    const among = this.#expertsOn[rank - first];
    const isOut = (place: number): boolean => out.has(first + place);
    const missing = new Set(expertsOnlyOn(this.#map, this.#scenario, isOut, among));
    let states = this.#missingOf.get(by);
    if (states === undefined) {
      states = new States();
      this.#missingOf.set(by, states);
    }
    for (const expert of among) {
      if (missing.has(expert)) states.begin(expert, atPs);
      else states.end(expert, atPs);
    }
  }
}

function setAt(map: Map<number, Set<number>>, key: number): Set<number> {
  let found = map.get(key);
  if (found === undefined) {
    found = new Set();
    map.set(key, found);
  }
  return found;
}
