/**
 * The queue pairs of one NIC, one per remote NIC. Each is both ends of InfiniBand RC: the
 * requester's sequence numbers and unacknowledged messages, and the responder's expectation.
 */
import { NO_TIMER, type TimerId } from "../../src/model/actor.ts";
import { EarlyArrivals } from "./early-arrivals.ts";
import { SendRing } from "./send-ring.ts";

/** No sequence number. */
export const NO_PSN = -1;

export class QueuePair {
  /** Place in the NIC's list: what a reminder names it by. */
  readonly place: number;
  /** Actor index of the remote NIC. */
  readonly remote: number;
  /** Requester: sequence number of the next packet. */
  nextPsn = 0;
  /** Retries since the last progress; given up when they are used up. */
  retries = 0;
  failed = false;
  timer: TimerId = NO_TIMER;
  /** Packets sent since one asked for an acknowledgement. */
  unrequested = 0;
  readonly sent = new SendRing();
  /** Responder: sequence number expected next; has it complained about the gap before it? */
  expectedPsn = 0;
  complained = false;
  /** Responder of an adaptively routed network: what has arrived of the messages behind a gap. */
  readonly early = new EarlyArrivals();
  /** The last message that asked for an acknowledgement and has none yet; NO_PSN: there is none. */
  owedPsn = NO_PSN;

  constructor(place: number, remote: number) {
    this.place = place;
    this.remote = remote;
  }

  /** Sequence number of the oldest unacknowledged packet; the next one's when there is none. */
  get firstPsn(): number {
    return this.nextPsn - this.sent.count;
  }
}

export class QueuePairs {
  readonly #pairs: QueuePair[] = [];
  readonly #byRemote = new Map<number, QueuePair>();

  /** The queue pair to a remote NIC; made when first used. */
  to(remote: number): QueuePair {
    const known = this.#byRemote.get(remote);
    if (known !== undefined) return known;
    const pair = new QueuePair(this.#pairs.length, remote);
    this.#pairs.push(pair);
    this.#byRemote.set(remote, pair);
    return pair;
  }

  at(place: number): QueuePair {
    return this.#pairs[place];
  }
}
