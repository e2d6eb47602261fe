/**
 * What faults did to lanes when, as far as it decides whether a message gets through. A message is
 * lost when its lane was down at any moment between its beginning and its handling, when its sender
 * was dead while it was sending it, or when a lossy lane picks it as it is handled. With
 * cut-through a lane that fails later, under the tail alone, has let the message through. The
 * receiver's side decides, when the whole of that span is past.
 */
import { avalanche32, hashString, mix32 } from "../base/hash.ts";
import { NO_FAULT } from "../model/fault.ts";
import { NEVER_PS } from "../model/time.ts";

interface Outage {
  readonly fault: number;
  /** The lane's sender was dead: what had left it then still arrives. */
  readonly isOfSender: boolean;
  readonly fromPs: number;
  untilPs: number;
}

interface Loss {
  readonly fault: number;
  /** A packet is lost when its hash is below this, of 2^32. */
  readonly below: number;
  readonly sparedBytes: number;
  readonly seed: number;
}

/** A message's way over a lane. */
export interface Crossing {
  readonly beganPs: number;
  /** When it had left its sender, as far as its receiver has to have it. */
  readonly sentPs: number;
  readonly handledPs: number;
}

/** A million in the unit of a 32-bit hash. */
const HASHES_PER_MILLIONTH = 4_294_967_296 / 1e6;

export class LaneFaults {
  /** 1 for lanes that ever lost something: the only thing the kernel reads for healthy ones. */
  readonly marked: Uint8Array;
  readonly #seed: string;
  readonly #outages = new Map<number, Outage[]>();
  readonly #losses = new Map<number, Loss[]>();

  /** `seed` is the run's. */
  constructor(lanes: number, seed: string) {
    this.marked = new Uint8Array(lanes);
    this.#seed = seed;
  }

  begin(lane: number, fault: number, atPs: number, isOfSender: boolean): void {
    this.marked[lane] = 1;
    const outages = this.#outages.get(lane) ?? [];
    outages.push({ fault, isOfSender, fromPs: atPs, untilPs: NEVER_PS });
    this.#outages.set(lane, outages);
  }

  end(lane: number, fault: number, atPs: number): void {
    for (const outage of this.#outages.get(lane) ?? []) {
      if (outage.fault === fault && outage.untilPs === NEVER_PS) outage.untilPs = atPs;
    }
  }

  /** From now on a fault loses so many of a million packets above a size; 0: none any more. */
  lose(lane: number, fault: Omit<Loss, "below" | "seed">, perMillion: number, name: string): void {
    this.marked[lane] = 1;
    const losses = (this.#losses.get(lane) ?? []).filter((loss) => loss.fault !== fault.fault);
    if (perMillion > 0) {
      const seed = mix32(hashString(this.#seed, 0x85ebca77), hashString(name));
      losses.push({ ...fault, below: perMillion * HASHES_PER_MILLIONTH, seed });
    }
    this.#losses.set(lane, losses);
  }

  /** The first fault that had the lane down while a message crossed it; NO_FAULT: none. */
  during(lane: number, { beganPs, sentPs, handledPs }: Crossing): number {
    for (const { fault, isOfSender, fromPs, untilPs } of this.#outages.get(lane) ?? []) {
      const hits = isOfSender ? fromPs < sentPs : fromPs <= handledPs;
      if (hits && untilPs > beganPs) return fault;
    }
    return NO_FAULT;
  }

  /**
   * The first fault that loses a packet now; NO_FAULT: it gets through. `counter` is the packet's
   * COUNTER, so the same packet is lost on every placement, and its repetition has another chance.
   */
  losing(lane: number, counter: number, sizeBytes: number): number {
    for (const { fault, below, sparedBytes, seed } of this.#losses.get(lane) ?? []) {
      if (sizeBytes <= sparedBytes) continue;
      if (avalanche32(mix32(mix32(seed, lane), counter)) >>> 0 < below) return fault;
    }
    return NO_FAULT;
  }

  /** Lanes that are down or lossy now, ascending; for checks. */
  get inForce(): number[] {
    const down = [...this.#outages].filter(([, outages]) =>
      outages.some(({ untilPs }) => untilPs === NEVER_PS),
    );
    const lossy = [...this.#losses].filter(([, losses]) => losses.length > 0);
    const lanes = new Set([...down, ...lossy].map(([lane]) => lane));
    return [...lanes].sort((left, right) => left - right);
  }
}
