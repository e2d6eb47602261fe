/**
 * How much of the fleet is used: thousandths by lane, as the server tells them, summed up for what
 * the picture shows. A device is as busy as its busiest lane; a switch, as its lanes are on the
 * mean. Pure.
 */
import { decodeUse } from "../../../src/observe/lane-use.ts";
import type { UseView } from "../../../src/observe/view-api.ts";
import type { FleetIndex } from "./fleet-index.ts";

/** One direction of some links. */
export interface Rate {
  /** Thousandths of what they carry at most. */
  readonly permille: number;
  readonly bitsPerSecond: number;
  /** What they carry at most. */
  readonly bitsPerSecondMax: number;
}

export class FleetUse {
  readonly #index: FleetIndex;
  #permille: Uint16Array;
  #actors: Uint16Array | undefined;
  #text: string | undefined;
  #span = { fromPs: 0, spanPs: 0 };

  constructor(index: FleetIndex) {
    this.#index = index;
    this.#permille = new Uint16Array(index.run.lanes.from.length);
  }

  /** Takes the use that a state tells of. */
  take({ permille, fromPs, spanPs }: UseView): void {
    // A state that changed between two bins tells of no use: the last one stands.
    if (spanPs <= 0) return;
    this.#span = { fromPs, spanPs };
    if (permille === this.#text) return;
    this.#text = permille;
    this.#permille = decodeUse(permille, this.#permille.length);
    this.#actors = undefined;
  }

  /** The time that it was counted over; of no length: nothing was counted yet. */
  get span(): { readonly fromPs: number; readonly spanPs: number } {
    return this.#span;
  }

  /** Of one lane, thousandths. */
  ofLane(lane: number): number {
    return this.#permille[lane] ?? 0;
  }

  /** Of all lanes of a bundle that is busiest, thousandths. */
  ofBundle(place: number): number {
    const { up, down } = this.#index.bundles[place];
    return Math.max(this.#most(up), this.#most(down));
  }

  /** Of one direction of a bundle, thousandths: the mean of its lanes. */
  ofLanes(lanes: readonly number[]): Rate {
    const { bytesPerSecond } = this.#index.run.lanes;
    let [bits, most] = [0, 0];
    for (const lane of lanes) {
      const rate = 8 * (bytesPerSecond[lane] ?? 0);
      if (!Number.isFinite(rate)) continue;
      bits += (rate * this.ofLane(lane)) / 1000;
      most += rate;
    }
    const permille = most > 0 ? Math.round((1000 * bits) / most) : 0;
    return { permille, bitsPerSecond: bits, bitsPerSecondMax: most };
  }

  /** Of an actor, thousandths. */
  ofActor(actor: number): number {
    this.#actors ??= this.#ofActors();
    return this.#actors[actor] ?? 0;
  }

  #most(lanes: readonly number[]): number {
    return lanes.reduce((most, lane) => Math.max(most, this.ofLane(lane)), 0);
  }

  #ofActors(): Uint16Array {
    const { run, bundles } = this.#index;
    const { kind } = run.actors;
    const use = new Uint16Array(kind.length);
    const sums = new Float64Array(kind.length);
    const counts = new Uint32Array(kind.length);
    for (const [place, { lower, upper, up, down }] of bundles.entries()) {
      if (kind[upper] === "controller") continue;
      const busy = this.ofBundle(place);
      // A NIC's link to its GPU says the same as its port.
      if (kind[lower] === "gpu" && kind[upper] === "nvswitch") {
        use[lower] = Math.max(use[lower], busy);
      }
      if (kind[lower] === "nic") use[lower] = Math.max(use[lower], busy);
      for (const actor of [lower, upper]) {
        for (const lane of [...up, ...down]) sums[actor] += this.ofLane(lane);
        counts[actor] += up.length + down.length;
      }
    }
    for (const [actor, count] of counts.entries()) {
      const isSwitch = kind[actor] !== "gpu" && kind[actor] !== "nic";
      if (isSwitch && count > 0) use[actor] = Math.round(sums[actor] / count);
    }
    return use;
  }
}

/** `12.3 Gb/s`, `1.60 Tb/s`, `0 Gb/s`. */
export function formatRate(bitsPerSecond: number): string {
  const giga = bitsPerSecond / 1e9;
  if (giga >= 1000) return `${(giga / 1000).toFixed(2)} Tb/s`;
  return giga === 0 ? "0 Gb/s" : `${giga.toFixed(giga < 10 ? 2 : 1)} Gb/s`;
}
