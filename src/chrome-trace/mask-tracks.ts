/**
 * Who gave whom up, and until when: a span on the row of the rank that masks, and one on the row of
 * the rank that is masked, with an arrow from each of the first to the second. A mask lasts until a
 * controller has the ranks work together again, or to the end of the run.
 */
import { SpanLanes } from "./span-lanes.ts";
import { nanoseconds, type TraceArgs, type TraceText } from "./trace-event.ts";
import { GpuRows, LANES_MAX, type Tracks } from "./tracks.ts";

/** One rank that another gave up; actors by index. */
interface Mask {
  readonly by: number;
  readonly rank: number;
  readonly fromPs: number;
  readonly args: TraceArgs;
}

/** A rank that somebody has given up. */
interface GivenUp {
  readonly fromPs: number;
  /** Masks that hold now. */
  open: number;
  /** Those that were, with it. */
  readonly arrows: { readonly by: number; readonly lane: number; readonly atPs: number }[];
  readonly by: Set<number>;
}

export class MaskTracks {
  readonly #text: TraceText;
  readonly #tracks: Tracks;
  readonly #idOf: (actor: number) => string;
  /** By masking rank and masked rank. */
  readonly #masks = new Map<number, Map<number, Mask>>();
  readonly #givenUp = new Map<number, GivenUp>();
  readonly #lanes = new Map<number, SpanLanes>();
  /** Pairs of ranks of which one has given the other up. */
  #pairs = 0;

  constructor(text: TraceText, tracks: Tracks, idOf: (actor: number) => string) {
    this.#text = text;
    this.#tracks = tracks;
    this.#idOf = idOf;
  }

  get pairs(): number {
    return this.#pairs;
  }

  /** `by` gives `rank` up. */
  mask(mask: Mask): void {
    const { by, rank, fromPs } = mask;
    const own = this.#masks.get(by) ?? new Map<number, Mask>();
    this.#masks.set(by, own);
    const before = own.get(rank);
    if (before !== undefined) this.#end(before, fromPs);
    own.set(rank, mask);
    this.#pairs += 1;
    const givenUp = this.#givenUp.get(rank) ?? { fromPs, open: 0, arrows: [], by: new Set() };
    this.#givenUp.set(rank, givenUp);
    givenUp.open += 1;
    givenUp.by.add(by);
  }

  /** These ranks work together from now on. */
  resume(members: readonly number[], atPs: number): void {
    for (const by of members) {
      for (const rank of members) {
        const mask = this.#masks.get(by)?.get(rank);
        if (mask !== undefined) this.#end(mask, atPs);
      }
    }
  }

  finish(endPs: number): void {
    for (const own of this.#masks.values()) {
      for (const mask of [...own.values()]) this.#end(mask, endPs);
    }
  }

  #end({ by, rank, fromPs, args }: Mask, toPs: number): void {
    this.#masks.get(by)?.delete(rank);
    this.#pairs -= 1;
    const lanes = this.#lanes.get(by) ?? new SpanLanes(LANES_MAX);
    this.#lanes.set(by, lanes);
    const lane = lanes.place(fromPs, toPs);
    const id = this.#idOf(rank);
    const slice = { name: `gave up ${id}`, category: "mask", args: { rank: id, ...args } };
    const givenUp = this.#givenUp.get(rank);
    if (lane === undefined) {
      this.#text.instant(this.#tracks.gpu(by, GpuRows.events), { ...slice, atPs: fromPs });
    } else {
      this.#text.slice(this.#tracks.gpu(by, rowOf(lane)), { ...slice, fromPs, toPs });
      if (nanoseconds(toPs) > nanoseconds(fromPs)) givenUp?.arrows.push({ by, lane, atPs: fromPs });
    }
    if (givenUp === undefined) return;
    givenUp.open -= 1;
    if (givenUp.open > 0) return;
    this.#givenUp.delete(rank);
    this.#tookBack(rank, givenUp, toPs);
  }

  /** Nobody gives a rank up any more. */
  #tookBack(rank: number, { fromPs, arrows, by }: GivenUp, toPs: number): void {
    const track = this.#tracks.gpu(rank, GpuRows.givenUp);
    const names = [...by].map((one) => this.#idOf(one));
    this.#text.slice(track, {
      name: `given up by ${names.length}`,
      ...{ category: "mask", fromPs, toPs },
      args: { by: names },
    });
    for (const { by: masking, lane, atPs } of arrows) {
      const from = { track: this.#tracks.gpu(masking, rowOf(lane)), atPs };
      this.#text.arrow("gave up", from, { track, atPs });
    }
  }
}

function rowOf(lane: number): { readonly place: number; readonly name: string } {
  const { place, name } = GpuRows.masks;
  return { place: place + lane, name: lane === 0 ? name : `${name} (${lane + 1})` };
}
