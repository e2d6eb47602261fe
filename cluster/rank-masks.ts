/**
 * Which ranks are masked now, for whoever watches a run: what the board of masks has, and the ranks
 * that a controller has out of their group, which all others count as having given up. Facts about
 * masks are rare; only they cost anything here.
 */
import type { FactRecord } from "../src/model/fact.ts";
import { MaskBoard } from "../src/observe/mask-board.ts";

export class RankMasks {
  readonly #epSize: number;
  readonly #board = new MaskBoard();

  /** `epSize`: ranks of an EP group. */
  constructor(epSize: number) {
    this.#epSize = epSize;
  }

  take(record: FactRecord): void {
    this.#board.take(record);
  }

  /** Pairs of ranks of which the first has given the other up. */
  get pairs(): number {
    return this.ranks().reduce((sum, { by }) => sum + by, 0);
  }

  /** Ranks that more than half of the others in their EP group have given up. */
  get mostlyMasked(): number {
    return this.#board.givenUp(this.#epSize);
  }

  /** Ranks that somebody masks, and by how many. */
  ranks(): { readonly rank: string; readonly by: number }[] {
    const { out, masked } = this.#board;
    return [
      ...out.map((rank) => ({ rank, by: this.#epSize - 1 })),
      ...masked.filter(({ rank }) => !out.includes(rank)),
    ];
  }
}
