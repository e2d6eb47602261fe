/** Who has given whom up, by the facts of a run: masks that ranks set, and ranks that are out. */
import type { FactRecord } from "../model/fact.ts";

/** A rank that others have given up. */
export interface MaskedRank {
  readonly rank: string;
  /** How many ranks mask it. */
  readonly by: number;
  /** The faults that they put it down to. */
  readonly faults: readonly string[];
}

/** Listens to a run's facts in the order of the log. */
export class MaskBoard {
  /** By masked rank: who masks it, and for which fault. */
  readonly #masks = new Map<string, Map<number, string>>();
  /** Ranks that a controller had leave their group. */
  readonly #out = new Set<string>();

  /** Ranks that are out of their group. */
  get out(): readonly string[] {
    return [...this.#out];
  }

  /** Takes a fact; says whether it changed anything. */
  take({ actor, fact }: FactRecord): boolean {
    switch (fact.type) {
      case "rank.masked": {
        const maskers = this.#masks.get(fact.rank) ?? new Map<number, string>();
        this.#masks.set(fact.rank, maskers);
        maskers.set(actor, fact.fault);
        return true;
      }
      case "rank.excluded":
        this.#masks.delete(fact.rank);
        this.#out.add(fact.rank);
        return true;
      case "rank.admitted":
        return this.#out.delete(fact.rank);
      case "ranks.resumed":
        for (const member of fact.members) this.#masks.delete(member);
        return true;
      default:
        return false;
    }
  }

  /**
   * Ranks that others mask. A mask stays when the fault that it is put down to ends, that of an
   * operator, too: only those who take up a new membership forget theirs.
   */
  get masked(): MaskedRank[] {
    return [...this.#masks].map(([rank, maskers]) => {
      return { rank, by: maskers.size, faults: [...new Set(maskers.values())] };
    });
  }

  /** Ranks that more than half of the others of their group, of `groupSize`, have given up. */
  givenUp(groupSize: number): number {
    const masked = [...this.#masks].filter(([rank, { size }]) => {
      return 2 * size > groupSize - 1 && !this.#out.has(rank);
    });
    return this.#out.size + masked.length;
  }
}
