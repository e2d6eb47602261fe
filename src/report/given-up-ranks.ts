/**
 * Who was given up by whom, over time: how many ranks at each instant, and of each rank by how many
 * others, for which faults, since when. Masks last until a controller has ranks work together
 * again, or to the end.
 */
import type { Fact } from "../model/fact.ts";

/** How many ranks are given up from an instant on. */
export interface MaskPoint {
  readonly atPs: number;
  /** By somebody, and by more than half of the others of their group. */
  readonly byAny: number;
  readonly byMost: number;
}

/** A rank that somebody gave up. */
export interface GivenUpRank {
  readonly rank: string;
  /** Others that gave it up at some time. */
  readonly by: number;
  /** Does it hold to the end, of how many? */
  readonly stillBy: number;
  readonly firstPs: number;
  readonly faults: readonly string[];
}

/** Most points that are kept. */
const POINTS_MAX = 5_000;

interface Rank {
  readonly ever: Set<string>;
  readonly now: Set<string>;
  readonly firstPs: number;
  readonly faults: Set<string>;
}

export class GivenUpRanks {
  readonly points: MaskPoint[] = [];
  readonly #most: number;
  readonly #ranks = new Map<string, Rank>();
  #byAny = 0;
  #byMost = 0;

  constructor(epSize: number) {
    this.#most = (epSize - 1) / 2;
  }

  mask(atPs: number, by: string, { rank, fault }: Extract<Fact, { type: "rank.masked" }>): void {
    let one = this.#ranks.get(rank);
    if (one === undefined) {
      one = { ever: new Set(), now: new Set(), firstPs: atPs, faults: new Set() };
      this.#ranks.set(rank, one);
    }
    one.ever.add(by);
    one.faults.add(fault);
    this.#change(one, atPs, () => one.now.add(by));
  }

  /** These ranks work together from now on. */
  resume(atPs: number, members: readonly string[]): void {
    const known = new Set(members);
    for (const member of members) {
      const one = this.#ranks.get(member);
      if (one === undefined) continue;
      this.#change(one, atPs, () => {
        for (const by of [...one.now]) if (known.has(by)) one.now.delete(by);
      });
    }
  }

  /** In the order in which they were given up first. */
  ranks(): GivenUpRank[] {
    return [...this.#ranks].map(([rank, { ever, now, firstPs, faults }]) => ({
      ...{ rank, by: ever.size, stillBy: now.size, firstPs },
      faults: [...faults],
    }));
  }

  #change(one: Rank, atPs: number, act: () => void): void {
    const count = (sign: number): void => {
      if (one.now.size > 0) this.#byAny += sign;
      if (one.now.size > this.#most) this.#byMost += sign;
    };
    count(-1);
    act();
    count(1);
    const point = { atPs, byAny: this.#byAny, byMost: this.#byMost };
    if (this.points.at(-1)?.atPs === atPs) this.points[this.points.length - 1] = point;
    else if (this.points.length < POINTS_MAX) this.points.push(point);
  }
}
