/**
 * Which ranks are masked now, for whoever watches a run: pairwise masks as facts tell them, and
 * ranks that a controller has out of their group. Facts about masks are rare; only they cost
 * anything here.
 */
import type { FactRecord } from "../src/model/fact.ts";

export class RankMasks {
  readonly #epSize: number;
  /** By masked rank: who masks it, and for which fault. */
  readonly #masks = new Map<string, Map<number, string>>();
  /** Ranks that a controller had leave their group. */
  readonly #out = new Set<string>();

  /** `epSize`: ranks of an EP group. */
  constructor(epSize: number) {
    this.#epSize = epSize;
  }

  take({ actor, fact }: FactRecord): void {
    switch (fact.type) {
      case "rank.masked": {
        const maskers = this.#masks.get(fact.rank) ?? new Map<number, string>();
        this.#masks.set(fact.rank, maskers);
        maskers.set(actor, fact.fault);
        return;
      }
      case "rank.excluded":
        this.#masks.delete(fact.rank);
        this.#out.add(fact.rank);
        return;
      case "rank.admitted":
        this.#out.delete(fact.rank);
        return;
      case "ranks.resumed":
        for (const member of fact.members) this.#masks.delete(member);
        return;
      case "fault.healed":
        // An operator's mask ends all masks that were made for it; other faults leave theirs.
        if (fact.kind === "masked") this.#forget(fact.fault);
        return;
      default:
    }
  }

  /** Pairs of ranks of which the first has given the other up. */
  get pairs(): number {
    let pairs = 0;
    for (const { by } of this.ranks()) pairs += by;
    return pairs;
  }

  /** Ranks that more than half of the others in their EP group have given up. */
  get mostlyMasked(): number {
    let count = 0;
    for (const { by } of this.ranks()) if (by * 2 > this.#epSize - 1) count += 1;
    return count;
  }

  /** Ranks that somebody masks, and by how many. */
  *ranks(): Iterable<{ readonly rank: string; readonly by: number }> {
    for (const rank of this.#out) yield { rank, by: this.#epSize - 1 };
    for (const [rank, maskers] of this.#masks) {
      if (maskers.size > 0 && !this.#out.has(rank)) yield { rank, by: maskers.size };
    }
  }

  #forget(fault: string): void {
    for (const maskers of this.#masks.values()) {
      for (const [by, why] of maskers) if (why === fault) maskers.delete(by);
    }
  }
}
