/**
 * Computations, as far as facts tell them. No fact says when one begins or ends; but the schedule
 * says what comes before and after it. It ends when the exchange begins that waits for nothing
 * else, or when its layer ends; it begins with its layer, or when what comes before it in its chain
 * and on the compute stream has ended. What that does not settle is left out.
 */
import type { Schedule } from "../model/schedule.ts";

/** A computation whose begin and end are known. */
export interface Computed {
  readonly name: string;
  readonly layer: number;
  readonly chain: string;
  readonly fromPs: number;
  readonly toPs: number;
}

/** An operation and its neighbours in the schedule, by number; -1: none. */
interface ComputeOp {
  readonly number: number;
  readonly name: string;
  readonly place: number;
  readonly chain: number;
  readonly after: number;
  /** The one before it on the compute stream. */
  readonly previous: number;
  readonly isFirstOfLayer: boolean;
}

/** What an exchange or a layer says about the step that a rank is in; instants in ps. */
interface Instants {
  readonly fromPs: Float64Array;
  readonly toPs: Float64Array;
}

export class ComputeSlices {
  readonly #schedule: Schedule;
  readonly #layers: readonly number[];
  readonly #placeOf: ReadonlyMap<number, number>;
  readonly #computations: readonly ComputeOp[];
  /** By exchange: the computation that ends when it begins; -1: it may have waited for more. */
  readonly #endedBy: Int32Array;
  /** By chain and place: first and last operation. */
  readonly #firstOf: Int32Array;
  readonly #lastOf: Int32Array;
  /** By `dispatch` or `combine`, chain and place: the operation. */
  readonly #exchangeOf = new Map<string, number>();
  readonly #steps = new Map<number, Instants>();

  constructor(schedule: Schedule, layers: readonly number[]) {
    const { ops, chains } = schedule;
    this.#schedule = schedule;
    this.#layers = layers;
    this.#placeOf = new Map(layers.map((layer, place) => [layer, place]));
    this.#firstOf = new Int32Array(chains.length * layers.length).fill(-1);
    this.#lastOf = new Int32Array(chains.length * layers.length).fill(-1);
    this.#endedBy = new Int32Array(ops.length).fill(-1);
    const computations: ComputeOp[] = [];
    let previous = -1;
    for (const [number, op] of ops.entries()) {
      const at = op.chain * layers.length + op.place;
      const isFirstOfLayer = this.#firstOf[at] < 0;
      if (isFirstOfLayer) this.#firstOf[at] = number;
      this.#lastOf[at] = number;
      const [after = -1] = op.after;
      const { chain, place } = op;
      if (op.kind === "compute") {
        const name = op.compute ?? "";
        computations.push({ number, name, place, chain, after, previous, isFirstOfLayer });
        previous = number;
      } else if (op.kind !== "align") {
        this.#exchangeOf.set(`${op.kind} ${chain} ${place}`, number);
        const waitsForOthers = op.stream !== "free" && chains.length > 1;
        if (after >= 0 && ops[after].kind === "compute" && !waitsForOthers) {
          this.#endedBy[number] = after;
        }
      }
    }
    this.#computations = computations;
  }

  exchanged(
    actor: number,
    one: {
      readonly kind: "dispatch" | "combine";
      readonly layer: number;
      readonly chain: string;
      readonly fromPs: number;
      readonly atPs: number;
    },
  ): void {
    const place = this.#placeOf.get(one.layer) ?? -1;
    const chain = this.#schedule.chains.indexOf(one.chain);
    const number = this.#exchangeOf.get(`${one.kind} ${chain} ${place}`);
    if (number === undefined) return;
    const { toPs } = this.#stepOf(actor);
    toPs[number] = one.atPs;
    const before = this.#endedBy[number];
    if (before >= 0) toPs[before] = one.fromPs;
  }

  layerEnded(
    actor: number,
    one: {
      readonly layer: number;
      readonly chain: string;
      readonly atPs: number;
      readonly durationPs: number;
    },
  ): void {
    const place = this.#placeOf.get(one.layer) ?? -1;
    const chain = this.#schedule.chains.indexOf(one.chain);
    if (place < 0 || chain < 0) return;
    const at = chain * this.#layers.length + place;
    const { fromPs, toPs } = this.#stepOf(actor);
    fromPs[this.#firstOf[at]] = one.atPs - one.durationPs;
    toPs[this.#lastOf[at]] = one.atPs;
  }

  /** Ranks that have been in a step since they were last asked about. */
  actors(): readonly number[] {
    return [...this.#steps.keys()];
  }

  /** The computations of the step that a rank was in; it is forgotten. */
  take(actor: number): Computed[] {
    const step = this.#steps.get(actor);
    if (step === undefined) return [];
    this.#steps.delete(actor);
    const { fromPs, toPs } = step;
    const endOf = (number: number): number => (number < 0 ? 0 : toPs[number]);
    return this.#computations.flatMap((op) => {
      const began = op.isFirstOfLayer
        ? fromPs[op.number]
        : Math.max(endOf(op.after), endOf(op.previous));
      const ended = toPs[op.number];
      // Neither is known where one of them is NaN.
      if (!(began < ended)) return [];
      return [
        {
          name: op.name,
          layer: this.#layers[op.place],
          chain: this.#schedule.chains[op.chain],
          fromPs: began,
          toPs: ended,
        },
      ];
    });
  }

  #stepOf(actor: number): Instants {
    let step = this.#steps.get(actor);
    if (step === undefined) {
      const { length } = this.#schedule.ops;
      step = {
        fromPs: new Float64Array(length).fill(Number.NaN),
        toPs: new Float64Array(length).fill(Number.NaN),
      };
      this.#steps.set(actor, step);
    }
    return step;
  }
}
