/**
 * What was seen of the messages of a run: a row for each message, and one for each hop, its way
 * over one lane. A message that a NIC sends again is another one, which knows the attempt before
 * it. Only the latest rows are kept.
 */
import { EVENT_KINDS, type EventKind } from "./event-clock.ts";
import { NO_ROW, RowStore } from "./row-store.ts";

/** Where a hop has come to. */
export const HopState = { waiting: 0, underWay: 1, handled: 2, dropped: 3 } as const;

/** Words of a hop's row, then its instants. */
export const HopWord = {
  message: 0,
  lane: 1,
  /** The message's hop before; NO_ROW: it was made here. */
  previous: 2,
  /** The message's hop after. */
  next: 3,
  /** The hop that was sent on this lane before. */
  ahead: 4,
  state: 5,
  /** The fault that dropped it. */
  fault: 6,
  requests: 7,
  /** Sequence number, for what a NIC sends into the network. */
  psn: 8,
  /** The NIC that it is for, likewise. */
  peer: 9,
  /** 1: the transport gave it up and gives it back. */
  isFailed: 10,
} as const;
export const HopTime = { sent: 0, began: 1, done: 2, handled: 3, tail: 4 } as const;
const HOP_WORDS = 11;
const HOP_TIMES = 5;

/** A message's way over one lane. Instants in ps; NaN: not yet. */
export interface Hop {
  readonly row: number;
  readonly message: number;
  readonly lane: number;
  readonly previous: number;
  readonly next: number;
  readonly ahead: number;
  readonly state: number;
  readonly fault: number;
  readonly requests: number;
  readonly psn: number;
  readonly peer: number;
  readonly isFailed: boolean;
  /** When its sender handed it to the lane. */
  readonly sentPs: number;
  /** When its first byte left (after its work requests: see lane-parts.ts) and its last had. */
  readonly beganPs: number;
  readonly donePs: number;
  /** When its receiver handles it, or when it was dropped. */
  readonly handledPs: number;
  /** How much later than that its last byte comes (cut-through). */
  readonly tailPs: number;
}

export const MessageWord = {
  kind: 0,
  origin: 1,
  destination: 2,
  exchange: 3,
  token: 4,
  slot: 5,
  sizeBytes: 6,
  maker: 7,
  cause: 8,
  event: 9,
  earlier: 10,
  last: 11,
} as const;
const MESSAGE_WORDS = 12;
const EVENT_NUMBER = 0;

/** A message as it was made. */
export interface Message {
  readonly row: number;
  /** PacketKind. */
  readonly kind: number;
  /** GPUs (NICs, for acknowledgements) that it is from and for. */
  readonly origin: number;
  readonly destination: number;
  readonly exchange: number;
  readonly token: number;
  readonly slot: number;
  readonly sizeBytes: number;
  /** The actor that sent it first. */
  readonly maker: number;
  /** In which event it was made; when that was a delivery, of which hop. */
  readonly event: EventKind;
  readonly eventNumber: number;
  readonly cause: number;
  /** The hop of the attempt before, where a NIC sent it; NO_ROW: it is no repetition. */
  readonly earlier: number;
  readonly last: number;
}

/** What a lane that is not well made of a hop. */
export interface LaneAilment {
  readonly psPerByte: number;
  readonly latencyPs: number;
  /** Faults by name. */
  readonly slow: readonly string[];
  readonly late: readonly string[];
}

export class MessageLog {
  readonly hops = new RowStore(HOP_WORDS, HOP_TIMES);
  readonly messages = new RowStore(MESSAGE_WORDS, 1);
  /** By hop, where a fault was on its lane. */
  readonly ailments = new Map<number, LaneAilment>();
  /** By message of the exchange that is looked at: tokens and choices that it is about. */
  readonly copies = new Map<number, readonly number[]>();

  /** A hop that is held. */
  hop(row: number): Hop {
    const { hops } = this;
    const held = (column: number): number => this.#heldHop(hops.word(row, column));
    return {
      row,
      message: hops.word(row, HopWord.message),
      lane: hops.word(row, HopWord.lane),
      previous: held(HopWord.previous),
      next: held(HopWord.next),
      ahead: held(HopWord.ahead),
      state: hops.word(row, HopWord.state),
      fault: hops.word(row, HopWord.fault),
      requests: hops.word(row, HopWord.requests),
      psn: hops.word(row, HopWord.psn),
      peer: hops.word(row, HopWord.peer),
      isFailed: hops.word(row, HopWord.isFailed) !== 0,
      sentPs: hops.time(row, HopTime.sent),
      beganPs: hops.time(row, HopTime.began),
      donePs: hops.time(row, HopTime.done),
      handledPs: hops.time(row, HopTime.handled),
      tailPs: hops.time(row, HopTime.tail),
    };
  }

  /** A message that is held. */
  message(row: number): Message {
    const { messages } = this;
    const word = (column: number): number => messages.word(row, column);
    return {
      row,
      kind: word(MessageWord.kind),
      origin: word(MessageWord.origin),
      destination: word(MessageWord.destination),
      exchange: word(MessageWord.exchange),
      token: word(MessageWord.token),
      slot: word(MessageWord.slot),
      sizeBytes: word(MessageWord.sizeBytes),
      maker: word(MessageWord.maker),
      event: EVENT_KINDS[word(MessageWord.event)],
      eventNumber: messages.time(row, EVENT_NUMBER),
      cause: this.#heldHop(word(MessageWord.cause)),
      earlier: this.#heldHop(word(MessageWord.earlier)),
      last: this.#heldHop(word(MessageWord.last)),
    };
  }

  setEvent(message: number, kind: EventKind, number: number): void {
    this.messages.setWord(message, MessageWord.event, EVENT_KINDS.indexOf(kind));
    this.messages.setTime(message, EVENT_NUMBER, number);
  }

  /** Forgets the oldest hops and messages beyond so many of each. */
  forgetBut(most: number): void {
    this.hops.forgetBut(most);
    this.messages.forgetBut(most);
    forgetBefore(this.ailments, this.hops.first);
    forgetBefore(this.copies, this.messages.first);
  }

  #heldHop(row: number): number {
    return row >= this.hops.first ? row : NO_ROW;
  }
}

/** Keys are in ascending order. */
function forgetBefore(map: Map<number, unknown>, first: number): void {
  for (const row of map.keys()) {
    if (row >= first) return;
    map.delete(row);
  }
}
