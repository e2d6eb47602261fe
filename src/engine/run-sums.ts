/** What workers' reports add up to beside facts: the digest, epoch by epoch, and the traffic. */
import { NEVER_PS } from "../model/time.ts";
import type { EpochPart, TrafficBin } from "../model/window.ts";
import { EPOCH_PS } from "./actor-digest.ts";
import { type ClosedEpoch, DigestChain } from "./digest-chain.ts";
import { TrafficSums } from "./traffic-sums.ts";

/** Parts of a report, or of a worker's summary. */
interface Parts {
  readonly epochs: readonly EpochPart[];
  readonly traffic: readonly TrafficBin[];
}

/** Epochs and bins of traffic that are whole, in order. */
export interface ClosedSums {
  readonly epochsClosed: readonly ClosedEpoch[];
  readonly traffic: readonly TrafficBin[];
}

export class RunSums {
  readonly #chain = new DigestChain();
  readonly #traffic: TrafficSums;

  /** `trafficEveryPs`: length of the bins of traffic. */
  constructor(trafficEveryPs: number) {
    this.#traffic = new TrafficSums(trafficEveryPs);
  }

  /** Digest over all closed epochs. */
  get digest(): string {
    return this.#chain.digest;
  }

  add({ epochs, traffic }: Parts): void {
    if (epochs.length > 0) this.#chain.add(epochs);
    if (traffic.length > 0) this.#traffic.add(traffic);
  }

  /** Closes what has ended by `endPs`; `epochsToo` false: epochs stay open. */
  closeUntil(endPs: number, epochsToo: boolean): ClosedSums {
    const epoch = endPs === NEVER_PS ? NEVER_PS : Math.floor(endPs / EPOCH_PS);
    const epochsClosed = epochsToo ? this.#chain.closeBefore(epoch) : [];
    return { epochsClosed, traffic: this.#traffic.closeUntil(endPs) };
  }
}
