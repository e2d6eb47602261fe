/** When steps and layers of each chain began, from the schedule's operations. */
import type { Schedule, ScheduleOp } from "../../src/model/schedule.ts";

export class LayerClock {
  /** Start of the last layer but one, of the chain that is furthest behind. */
  lookBackPs = 0;
  /** By operation: 1 when it is the last of its chain and layer. */
  readonly #endsLayer: Uint8Array;
  /** By chain and place: when the layer began in this step, -1 when it has not. */
  readonly #startPs: Float64Array;
  readonly #places: number;
  /** By chain: start of the layer that began last, and of the one before. */
  readonly #latestPs: Float64Array;
  readonly #earlierPs: Float64Array;
  #stepStartPs = 0;

  constructor(schedule: Schedule) {
    const chains = schedule.chains.length;
    const last = new Map<string, number>();
    schedule.ops.forEach((op, number) => {
      last.set(`${op.chain}/${op.place}`, number);
    });
    this.#endsLayer = new Uint8Array(schedule.ops.length);
    for (const number of last.values()) this.#endsLayer[number] = 1;
    this.#places = schedule.ops.reduce((most, { place }) => Math.max(most, place + 1), 0);
    this.#startPs = new Float64Array(chains * this.#places);
    this.#latestPs = new Float64Array(chains);
    this.#earlierPs = new Float64Array(chains);
  }

  beginStep(nowPs: number): void {
    this.#stepStartPs = nowPs;
    this.#startPs.fill(-1);
  }

  /** How long the step took, ps. */
  endStep(nowPs: number): number {
    return nowPs - this.#stepStartPs;
  }

  began(op: ScheduleOp, nowPs: number): void {
    const layer = op.chain * this.#places + op.place;
    if (this.#startPs[layer] >= 0) return;
    this.#startPs[layer] = nowPs;
    this.#earlierPs[op.chain] = this.#latestPs[op.chain];
    this.#latestPs[op.chain] = nowPs;
    this.lookBackPs = Math.min(...this.#earlierPs);
  }

  /** How long the layer took when this operation is its last, ps; -1 when it is not. */
  ended(op: ScheduleOp, number: number, nowPs: number): number {
    if (this.#endsLayer[number] === 0) return -1;
    return nowPs - this.#startPs[op.chain * this.#places + op.place];
  }
}
