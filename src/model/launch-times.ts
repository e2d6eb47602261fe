/**
 * When messages on lanes that a fault slowed began and left: what their receivers work out for
 * themselves on healthy lanes. A row each, beside the packet's own, for packets with the `timed`
 * flag only.
 */

/** Numbers a row. */
export const LAUNCH_WORDS = 6;

const TIMES = 3;
/** Words of a packet's row; a packet is named by its row's offset. */
const ROW_WORDS = 16;

export class LaunchTimes {
  #times = new Float64Array(0);

  /**
   * Notes of a packet when its first byte left, when its last byte did (with cut-through the last
   * one that its receiver waits for), and how long the rest takes, ps.
   */
  note(packet: number, beganPs: number, sentPs: number, tailPs: number): void {
    const place = this.#placeOf(packet);
    this.#times[place] = beganPs;
    this.#times[place + 1] = sentPs;
    this.#times[place + 2] = tailPs;
  }

  beganPs(packet: number): number {
    return this.#times[this.#placeOf(packet)];
  }

  sentPs(packet: number): number {
    return this.#times[this.#placeOf(packet) + 1];
  }

  tailPs(packet: number): number {
    return this.#times[this.#placeOf(packet) + 2];
  }

  /** Writes a packet's times into {@link LAUNCH_WORDS} words of a frame. */
  write(packet: number, frame: Int32Array, at: number): void {
    const place = this.#placeOf(packet);
    frame.set(new Int32Array(this.#times.slice(place, place + TIMES).buffer), at);
  }

  /** Takes a packet's times out of a frame. */
  read(packet: number, frame: Int32Array, at: number): void {
    const words = frame.slice(at, at + LAUNCH_WORDS);
    // The place first: making room for it replaces the array.
    const place = this.#placeOf(packet);
    this.#times.set(new Float64Array(words.buffer), place);
  }

  #placeOf(packet: number): number {
    const place = (packet / ROW_WORDS) * TIMES;
    while (place + TIMES > this.#times.length) {
      const grown = new Float64Array(Math.max(1024 * TIMES, this.#times.length * 2));
      grown.set(this.#times);
      this.#times = grown;
    }
    return place;
  }
}
