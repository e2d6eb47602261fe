/**
 * Pending reminders: a binary heap that knows where each entry stands, so that a cancelled reminder
 * leaves at once. Retransmission timers are nearly always cancelled; left behind, they would fill
 * the queue and hold the run's end back.
 */
import { NO_TIMER, type TimerId } from "../model/actor.ts";
import { NEVER_PS } from "../model/time.ts";

/** Slots a process can have at once; a TimerId is slot + generation x this. */
const SLOTS_MAX = 4_194_304;

export class TimerQueue {
  /** Instant of the earliest reminder; NEVER_PS when there is none. */
  headPs = NEVER_PS;
  headOrder = NEVER_PS;
  /**
   * What the reminder that `pop` removed last was: its owner and its two numbers, and its order.
   */
  poppedOwner = -1;
  poppedTag = 0;
  poppedValue = 0;
  #capacity = 256;
  #size = 0;
  #time = new Float64Array(this.#capacity);
  #order = new Float64Array(this.#capacity);
  #heap = new Int32Array(this.#capacity);
  /** By slot: place in the heap (-1 when free), owner, the two numbers, how often it was used. */
  #place = new Int32Array(this.#capacity).fill(-1);
  #owner = new Int32Array(this.#capacity);
  #tag = new Int32Array(this.#capacity);
  #value = new Int32Array(this.#capacity);
  #generation = new Int32Array(this.#capacity);
  #freeSlots: number[] = [];
  #slots = 0;

  get size(): number {
    return this.#size;
  }

  add(at: number, order: number, owner: number, tag: number, value: number): TimerId {
    const slot = this.#freeSlots.length > 0 ? (this.#freeSlots.pop() as number) : this.#newSlot();
    this.#owner[slot] = owner;
    this.#tag[slot] = tag;
    this.#value[slot] = value;
    const place = this.#size;
    this.#size += 1;
    this.#rise(place, at, order, slot);
    this.#publishHead();
    return slot + this.#generation[slot] * SLOTS_MAX;
  }

  /** Removes a reminder; nothing happens when it has fired or was cancelled before. */
  cancel(timer: TimerId): void {
    if (timer === NO_TIMER) return;
    const slot = timer % SLOTS_MAX;
    if (this.#generation[slot] !== (timer - slot) / SLOTS_MAX || this.#place[slot] < 0) return;
    this.#remove(this.#place[slot]);
  }

  /** Removes all reminders of an owner: dead hardware is reminded of nothing. */
  cancelAllOf(owner: number): void {
    for (let slot = 0; slot < this.#slots; slot += 1) {
      if (this.#place[slot] >= 0 && this.#owner[slot] === owner) this.#remove(this.#place[slot]);
    }
  }

  /** Removes the earliest reminder and leaves it in popped...; there must be one. */
  pop(): void {
    const slot = this.#heap[0];
    this.poppedOwner = this.#owner[slot];
    this.poppedTag = this.#tag[slot];
    this.poppedValue = this.#value[slot];
    this.#remove(0);
  }

  #remove(place: number): void {
    const slot = this.#heap[place];
    this.#place[slot] = -1;
    this.#generation[slot] = (this.#generation[slot] + 1) & 0x3fffffff;
    this.#freeSlots.push(slot);
    const last = this.#size - 1;
    this.#size = last;
    if (place !== last) {
      const at = this.#time[last];
      const order = this.#order[last];
      const moved = this.#heap[last];
      const parent = (place - 1) >> 1;
      const up =
        place > 0 &&
        (at < this.#time[parent] || (at === this.#time[parent] && order < this.#order[parent]));
      if (up) this.#rise(place, at, order, moved);
      else this.#sink(place, at, order, moved);
    }
    this.#publishHead();
  }

  #publishHead(): void {
    this.headPs = this.#size === 0 ? NEVER_PS : this.#time[0];
    this.headOrder = this.#size === 0 ? NEVER_PS : this.#order[0];
  }

  #set(place: number, at: number, order: number, slot: number): void {
    this.#time[place] = at;
    this.#order[place] = order;
    this.#heap[place] = slot;
    this.#place[slot] = place;
  }

  #rise(from: number, at: number, order: number, slot: number): void {
    const time = this.#time;
    const orders = this.#order;
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const parentTime = time[parent];
      if (parentTime < at || (parentTime === at && orders[parent] < order)) break;
      this.#set(place, parentTime, orders[parent], this.#heap[parent]);
      place = parent;
    }
    this.#set(place, at, order, slot);
  }

  #sink(from: number, at: number, order: number, slot: number): void {
    const time = this.#time;
    const orders = this.#order;
    const size = this.#size;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      const right = child + 1;
      if (
        right < size &&
        (time[right] < time[child] ||
          (time[right] === time[child] && orders[right] < orders[child]))
      ) {
        child = right;
      }
      if (at < time[child] || (at === time[child] && order < orders[child])) break;
      this.#set(place, time[child], orders[child], this.#heap[child]);
      place = child;
    }
    this.#set(place, at, order, slot);
  }

  #newSlot(): number {
    if (this.#slots === this.#capacity) this.#grow();
    const slot = this.#slots;
    this.#slots += 1;
    return slot;
  }

  #grow(): void {
    this.#capacity *= 2;
    const grow32 = (old: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
      const bigger = new Int32Array(this.#capacity);
      bigger.set(old);
      return bigger;
    };
    const grow64 = (old: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const bigger = new Float64Array(this.#capacity);
      bigger.set(old);
      return bigger;
    };
    this.#time = grow64(this.#time);
    this.#order = grow64(this.#order);
    this.#heap = grow32(this.#heap);
    this.#place = grow32(this.#place).fill(-1, this.#slots);
    this.#owner = grow32(this.#owner);
    this.#tag = grow32(this.#tag);
    this.#value = grow32(this.#value);
    this.#generation = grow32(this.#generation);
  }
}
