/**
 * A run's events as a trace: when each was handled, in which order, and which event's handling made
 * it. Recorded by standing between the actors and their context, so the kernel does not know of it.
 * Reminders that were cancelled are left out: whoever replays the trace has less to do than who
 * made it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { RandomStream } from "../../src/base/random.ts";
import { orderBase } from "../../src/engine/event-order.ts";
import type {
  Actor,
  ActorContext,
  FaultBoard,
  LedgerPort,
  TimerId,
} from "../../src/model/actor.ts";
import type { Fact } from "../../src/model/fact.ts";
import { type Packet, type PacketPool, ROW_WORDS } from "../../src/model/packet.ts";

/**
 * Events are numbered from 1 in the order in which they were handled; 0 stands for the start of all
 * actors.
 */
export interface EventTrace {
  readonly events: number;
  /** By event: its instant, ps; its order among equal instants; the actor that handled it. */
  readonly at: Float64Array;
  readonly order: Float64Array;
  readonly actor: Int32Array;
  /**
   * The events made by event e are `children[firstChild[e]]` up to `children[firstChild[e + 1] -
   * 1]`.
   */
  readonly firstChild: Int32Array;
  readonly children: Int32Array;
}

/** A pending reminder. */
interface Reminder {
  readonly made: number;
  readonly timer: TimerId;
  cancelled: boolean;
}

/** Records every event that reaches a wrapped actor. One object a run. */
export class TraceRecorder {
  /** The event that is being handled. */
  #event = 0;
  /** By event: its instant and actor. */
  readonly #at: number[] = [0];
  readonly #actor: number[] = [-1];
  /**
   * By thing made, in the order of making: the event that made it, its order, the event it became.
   */
  readonly #parent: number[] = [];
  readonly #order: number[] = [];
  readonly #became: number[] = [];
  readonly #madeByPacket: number[] = [];
  readonly #reminders = new Map<TimerId, Reminder>();
  /** By actor and instant: its reminders, in the order in which they were made. */
  readonly #due = new Map<number, Map<number, Reminder[]>>();
  readonly #counter: number[] = [];
  readonly #context = new RecordingContext(this);

  /** The actor, seen through this recorder. */
  wrap(actor: Actor): Actor {
    return {
      start: (context) => actor.start(this.#context.around(context)),
      receive: (context, port, packet) => {
        this.#handled(context, this.#madeByPacket[packet / ROW_WORDS]);
        actor.receive(this.#context.around(context), port, packet);
      },
      remind: (context, tag, value) => {
        this.#handled(context, this.#dueNow(context));
        actor.remind(this.#context.around(context), tag, value);
      },
    };
  }

  packetSent(sender: number, packet: Packet): void {
    this.#madeByPacket[packet / ROW_WORDS] = this.#made(sender);
  }

  reminderSet(owner: number, atPs: number, timer: TimerId): void {
    const reminder = { made: this.#made(owner), timer, cancelled: false };
    this.#reminders.set(timer, reminder);
    const byTime = this.#due.get(owner) ?? new Map<number, Reminder[]>();
    this.#due.set(owner, byTime);
    const list = byTime.get(atPs);
    if (list === undefined) byTime.set(atPs, [reminder]);
    else list.push(reminder);
  }

  reminderCancelled(timer: TimerId): void {
    const reminder = this.#reminders.get(timer);
    if (reminder === undefined) return;
    reminder.cancelled = true;
    this.#reminders.delete(timer);
  }

  /** What was recorded. */
  trace(): EventTrace {
    const events = this.#event;
    const order = new Float64Array(events + 1);
    const firstChild = new Int32Array(events + 2);
    const children = new Int32Array(events);
    let count = 0;
    let parent = 0;
    this.#became.forEach((event, made) => {
      if (event === 0) return;
      for (; parent < this.#parent[made]; parent += 1) firstChild[parent + 1] = count;
      order[event] = this.#order[made];
      children[count] = event;
      count += 1;
    });
    firstChild.fill(count, parent + 1);
    return {
      events,
      at: Float64Array.from(this.#at),
      order,
      actor: Int32Array.from(this.#actor),
      firstChild,
      children,
    };
  }

  #made(sender: number): number {
    const counter = this.#counter[sender] ?? 0;
    this.#counter[sender] = counter + 1;
    this.#parent.push(this.#event);
    this.#order.push(orderBase(sender) + counter);
    return this.#became.push(0) - 1;
  }

  #handled(context: ActorContext, made: number): void {
    this.#event += 1;
    this.#became[made] = this.#event;
    this.#at.push(context.nowPs);
    this.#actor.push(context.self);
  }

  /** The reminder that has just fired: the first of this instant that was not cancelled. */
  #dueNow(context: ActorContext): number {
    const byTime = this.#due.get(context.self) as Map<number, Reminder[]>;
    const list = byTime.get(context.nowPs) as Reminder[];
    let reminder = list.shift() as Reminder;
    while (reminder.cancelled) reminder = list.shift() as Reminder;
    if (list.length === 0) byTime.delete(context.nowPs);
    this.#reminders.delete(reminder.timer);
    return reminder.made;
  }
}

/** Passes everything on, and tells the recorder what was made. */
class RecordingContext implements ActorContext {
  readonly #recorder: TraceRecorder;
  #inner!: ActorContext;

  constructor(recorder: TraceRecorder) {
    this.#recorder = recorder;
  }

  around(inner: ActorContext): this {
    this.#inner = inner;
    return this;
  }

  get nowPs(): number {
    return this.#inner.nowPs;
  }

  get self(): number {
    return this.#inner.self;
  }

  get packets(): PacketPool {
    return this.#inner.packets;
  }

  get random(): RandomStream {
    return this.#inner.random;
  }

  get ledger(): LedgerPort {
    return this.#inner.ledger;
  }

  get faults(): FaultBoard {
    return this.#inner.faults;
  }

  backlogPs(port: number): number {
    return this.#inner.backlogPs(port);
  }

  send(port: number, packet: Packet, requests?: number): void {
    this.#inner.send(port, packet, requests);
    this.#recorder.packetSent(this.self, packet);
  }

  remindAfter(spanPs: number, tag: number, value: number): TimerId {
    const timer = this.#inner.remindAfter(spanPs, tag, value);
    this.#recorder.reminderSet(this.self, this.nowPs + spanPs, timer);
    return timer;
  }

  cancel(timer: TimerId): void {
    this.#inner.cancel(timer);
    this.#recorder.reminderCancelled(timer);
  }

  record(fact: Fact): void {
    this.#inner.record(fact);
  }

  setPart(part: number): void {
    this.#inner.setPart(part);
  }
}

/** Writes a trace to a file: the number of events, then its columns, doubles first. */
export function saveTrace(path: string, trace: EventTrace): void {
  const { events, at, order, actor, firstChild, children } = trace;
  const columns = [Float64Array.of(events), at, order, actor, firstChild, children];
  writeFileSync(
    path,
    Buffer.concat(
      columns.map((column) => Buffer.from(column.buffer, column.byteOffset, column.byteLength)),
    ),
  );
}

/** Reads what {@link saveTrace} wrote. */
export function loadTrace(path: string): EventTrace {
  const file = readFileSync(path);
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
  const events = new Float64Array(bytes, 0, 1)[0];
  let place = 8;
  const doubles = (count: number): Float64Array => {
    place += count * 8;
    return new Float64Array(bytes, place - count * 8, count);
  };
  const words = (count: number): Int32Array => {
    place += count * 4;
    return new Int32Array(bytes, place - count * 4, count);
  };
  return {
    events,
    at: doubles(events + 1),
    order: doubles(events + 1),
    actor: words(events + 1),
    firstChild: words(events + 2),
    children: words(events),
  };
}
