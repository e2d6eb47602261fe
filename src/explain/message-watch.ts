/**
 * Writes down what messages do: told by the lanes (engine/lane-watch.ts) what is sent, begins and
 * is dropped, and by the watched devices what is delivered. The handle of a packet says which
 * message it is as long as it is under way; a device may give it back and use it anew while it
 * handles the delivery, so there its words decide.
 */

import type { LaneWatch, WatchedKernel } from "../engine/lane-watch.ts";
import type { LaneEffect } from "../fault/effects.ts";
import {
  DESTINATION,
  KIND,
  KIND_MASK,
  LAYER,
  NEXT_HOP,
  NO_PACKET,
  ORIGIN,
  type Packet,
  PacketFlag,
  PacketKind,
  type PacketPool,
  PSN,
  ROW_WORDS,
  SIZE_BYTES,
  SLOT,
  SOURCE,
  TOKEN,
  timePlace,
} from "../model/packet.ts";
import type { Topology } from "../model/topology.ts";
import type { EventClock } from "./event-clock.ts";
import { HopState, HopTime, HopWord, type MessageLog, MessageWord } from "./message-log.ts";
import { NO_ROW } from "./row-store.ts";
import { SentByNic } from "./sent-by-nic.ts";

/** Rows that are kept before the exchange that is looked at begins, and at most. */
const ROWS_BEFORE = 300_000;
const ROWS_MOST = 6_000_000;
/** Rows between two looks at how many there are. */
const LOOK_EVERY = 16_384;

/** Kinds of message that NICs make themselves. */
const OF_NICS: readonly number[] = [PacketKind.ack, PacketKind.nak, PacketKind.qpResetDone];

/** Words by which a message is known while it is passed on. */
const IDENTITY = [
  [ORIGIN, MessageWord.origin],
  [DESTINATION, MessageWord.destination],
  [LAYER, MessageWord.exchange],
  [TOKEN, MessageWord.token],
  [SLOT, MessageWord.slot],
] as const;

export interface MessageWatchOptions {
  readonly topology: Topology;
  readonly log: MessageLog;
  readonly clock: EventClock;
  /** Tokens and choices that a message is about. */
  readonly copiesIn: (packets: PacketPool, packet: Packet) => readonly number[];
  /** Is an exchange looked at? */
  isWanted(exchange: number): boolean;
}

export class MessageWatch implements LaneWatch {
  readonly #options: MessageWatchOptions;
  readonly #log: MessageLog;
  readonly #clock: EventClock;
  readonly sentByNic = new SentByNic();
  #kernel: WatchedKernel | undefined;
  /** By row of the pool: the hop of the message there; by lane: the hop sent last. */
  #hopOf = new Int32Array(1024).fill(NO_ROW);
  readonly #lastOn: Int32Array;
  readonly #isNic: Uint8Array;
  /** The packet that is being delivered, until it is sent on. */
  #delivered: Packet = NO_PACKET;
  /** The exchange that is looked at has begun: keep what comes. */
  isPinned = false;

  constructor(options: MessageWatchOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#clock = options.clock;
    const { actors, lanes } = options.topology;
    this.#lastOn = new Int32Array(lanes.length).fill(NO_ROW);
    this.#isNic = Uint8Array.from(actors, ({ kind }) => Number(kind === "nic"));
  }

  /** The kernel that is watched. */
  get kernel(): WatchedKernel {
    if (this.#kernel === undefined) throw new Error("nothing is watched yet");
    return this.#kernel;
  }

  attach(kernel: WatchedKernel): void {
    this.#kernel = kernel;
  }

  /** The hop that was sent on a lane last; NO_ROW: none that is held. */
  lastOn(lane: number): number {
    const hop = this.#lastOn[lane];
    return this.#log.hops.holds(hop) ? hop : NO_ROW;
  }

  /** A message is about to be delivered; returns its hop. */
  delivering(packet: Packet): number {
    const hop = this.#hopAt(packet);
    this.#delivered = packet;
    if (hop === NO_ROW) return NO_ROW;
    this.#log.hops.setWord(hop, HopWord.state, HopState.handled);
    return hop;
  }

  /** Its receiver has handled it. */
  delivered(): void {
    this.#delivered = NO_PACKET;
  }

  sent(lane: number, packet: Packet, requests: number): void {
    const { lanes, nowPs } = this.kernel;
    const { hops } = this.#log;
    if (hops.count % LOOK_EVERY === 0) {
      this.#log.forgetBut(this.isPinned ? ROWS_MOST : ROWS_BEFORE);
    }
    const { hop: before } = this.#clock;
    const goesOn = packet === this.#delivered && before !== NO_ROW && this.#isSame(packet, before);
    const actor = lanes.fromActor[lane];
    const message = goesOn ? hops.word(before, HopWord.message) : this.#newMessage(packet, actor);
    const hop = hops.add();
    hops.setWord(hop, HopWord.message, message);
    hops.setWord(hop, HopWord.lane, lane);
    hops.setWord(hop, HopWord.previous, goesOn ? before : NO_ROW);
    hops.setWord(hop, HopWord.next, NO_ROW);
    hops.setWord(hop, HopWord.ahead, this.#lastOn[lane]);
    hops.setWord(hop, HopWord.fault, NO_ROW);
    hops.setWord(hop, HopWord.requests, requests);
    hops.setTime(hop, HopTime.sent, nowPs);
    hops.setTime(hop, HopTime.began, Number.NaN);
    hops.setTime(hop, HopTime.done, Number.NaN);
    hops.setTime(hop, HopTime.handled, Number.NaN);
    if (goesOn) {
      hops.setWord(before, HopWord.next, hop);
      this.#delivered = NO_PACKET;
    }
    this.#log.messages.setWord(message, MessageWord.last, hop);
    this.#lastOn[lane] = hop;
    this.#note(packet, hop);
    const { words } = this.kernel.packets;
    if ((words[packet + KIND] & PacketFlag.failed) !== 0) hops.setWord(hop, HopWord.isFailed, 1);
    if (lanes.isNetworkEntry[lane] !== 0) {
      hops.setWord(hop, HopWord.psn, words[packet + PSN]);
      hops.setWord(hop, HopWord.peer, words[packet + NEXT_HOP]);
      const isOfGpu = !OF_NICS.includes(words[packet + KIND] & KIND_MASK);
      if (isOfGpu && words[packet + SOURCE] === actor) {
        this.sentByNic.add(actor, words[packet + NEXT_HOP], words[packet + PSN], hop);
      }
    }
  }

  launched(lane: number, packet: Packet, beganPs: number, donePs: number): void {
    const hop = this.#hopAt(packet);
    if (hop === NO_ROW) return;
    const { lanes, packets } = this.kernel;
    const { hops } = this.#log;
    const handledPs = packets.times[timePlace(packet)];
    const tailPs = lanes.tailPs(lane, packets.words[packet + SIZE_BYTES]);
    hops.setWord(hop, HopWord.state, HopState.underWay);
    hops.setTime(hop, HopTime.began, beganPs);
    hops.setTime(hop, HopTime.done, donePs);
    hops.setTime(hop, HopTime.handled, handledPs);
    hops.setTime(hop, HopTime.tail, tailPs);
    if (lanes.isTimed[lane] !== 0) this.#noteAilment(lane, hop, handledPs - (donePs - tailPs));
  }

  dropped(_lane: number, packet: Packet, fault: number): void {
    const hop = this.#hopAt(packet);
    if (hop === NO_ROW) return;
    const { hops } = this.#log;
    hops.setWord(hop, HopWord.state, HopState.dropped);
    hops.setWord(hop, HopWord.fault, fault);
    hops.setTime(hop, HopTime.handled, this.kernel.nowPs);
  }

  /** A lane that a fault has slowed, or that one had made late. */
  #noteAilment(lane: number, hop: number, flightPs: number): void {
    const { lanes, faultState } = this.kernel;
    const psPerByte = lanes.psPerByte[lane];
    const latencyPs = lanes.latencyPs[lane];
    const { lane: healthy } = this.#options.topology.lanes[lane];
    if (psPerByte === healthy.psPerByte && flightPs === healthy.latencyPs) return;
    const namesOf = (effect: LaneEffect): string[] =>
      faultState.table.faults
        .filter(({ effects, permille }) => permille > 0 && effects.laneEffect === effect)
        .filter(({ effects }) => effects.lanes.includes(lane))
        .map(({ spec }) => spec.name);
    const ailment = { psPerByte, latencyPs, slow: namesOf("slow"), late: namesOf("late") };
    this.#log.ailments.set(hop, ailment);
  }

  #newMessage(packet: Packet, maker: number): number {
    const { messages } = this.#log;
    const { packets } = this.kernel;
    const { words } = packets;
    const kind = words[packet + KIND] & KIND_MASK;
    const isAnswer = kind === PacketKind.ack || kind === PacketKind.nak;
    const message = messages.add();
    messages.setWord(message, MessageWord.kind, kind);
    messages.setWord(message, MessageWord.sizeBytes, words[packet + SIZE_BYTES]);
    for (const [word, column] of IDENTITY) messages.setWord(message, column, words[packet + word]);
    if (isAnswer) {
      messages.setWord(message, MessageWord.origin, words[packet + SOURCE]);
      messages.setWord(message, MessageWord.destination, words[packet + NEXT_HOP]);
    }
    messages.setWord(message, MessageWord.maker, maker);
    messages.setWord(message, MessageWord.cause, this.#clock.hop);
    messages.setWord(message, MessageWord.earlier, NO_ROW);
    this.#log.setEvent(message, this.#clock.kind, this.#clock.number);
    if (this.#isNic[maker] !== 0 && !OF_NICS.includes(kind)) {
      const { sentByNic } = this;
      const earlier = sentByNic.last(maker, words[packet + NEXT_HOP], words[packet + PSN]);
      messages.setWord(message, MessageWord.earlier, earlier);
    }
    if (!isAnswer && this.#options.isWanted(words[packet + LAYER])) {
      const copies = this.#options.copiesIn(packets, packet);
      if (copies.length > 0) this.#log.copies.set(message, copies);
    }
    return message;
  }

  /** Is a packet that is sent the one that came by a hop? */
  #isSame(packet: Packet, hop: number): boolean {
    const { messages, hops } = this.#log;
    const message = hops.word(hop, HopWord.message);
    const { words } = this.kernel.packets;
    const kind = words[packet + KIND] & KIND_MASK;
    if (kind !== messages.word(message, MessageWord.kind)) return false;
    if (kind === PacketKind.ack || kind === PacketKind.nak) {
      return words[packet + SOURCE] === messages.word(message, MessageWord.origin);
    }
    return IDENTITY.every(
      ([word, column]) => words[packet + word] === messages.word(message, column),
    );
  }

  /** The hop of a packet that is under way; NO_ROW: forgotten, or never seen. */
  #hopAt(packet: Packet): number {
    const row = packet / ROW_WORDS;
    const hop = row < this.#hopOf.length ? this.#hopOf[row] : NO_ROW;
    return this.#log.hops.holds(hop) ? hop : NO_ROW;
  }

  #note(packet: Packet, hop: number): void {
    const row = packet / ROW_WORDS;
    while (row >= this.#hopOf.length) {
      const grown = new Int32Array(this.#hopOf.length * 2).fill(NO_ROW);
      grown.set(this.#hopOf);
      this.#hopOf = grown;
    }
    this.#hopOf[row] = hop;
  }
}
