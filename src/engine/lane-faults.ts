/**
 * Which lanes were down when. A packet is lost when its lane was down at any moment between the
 * start of its serialization and its arrival; the receiver's side decides, when the whole of that
 * span is past.
 */
import { NO_FAULT } from "../model/fault.ts";
import { NEVER_PS } from "../model/time.ts";

interface Outage {
  readonly fault: number;
  readonly fromPs: number;
  untilPs: number;
}

export class LaneFaults {
  /** 1 for lanes that ever were down: the only thing the kernel reads for healthy ones. */
  readonly marked: Uint8Array;
  readonly #outages = new Map<number, Outage[]>();

  constructor(lanes: number) {
    this.marked = new Uint8Array(lanes);
  }

  begin(lane: number, fault: number, atPs: number): void {
    this.marked[lane] = 1;
    const outages = this.#outages.get(lane) ?? [];
    outages.push({ fault, fromPs: atPs, untilPs: NEVER_PS });
    this.#outages.set(lane, outages);
  }

  end(lane: number, fault: number, atPs: number): void {
    for (const outage of this.#outages.get(lane) ?? []) {
      if (outage.fault === fault && outage.untilPs === NEVER_PS) outage.untilPs = atPs;
    }
  }

  /**
   * The first fault that had the lane down in [fromPs, untilPs]; NO_FAULT when it was up
   * throughout.
   */
  during(lane: number, fromPs: number, untilPs: number): number {
    for (const outage of this.#outages.get(lane) ?? []) {
      if (outage.fromPs <= untilPs && outage.untilPs > fromPs) return outage.fault;
    }
    return NO_FAULT;
  }
}
