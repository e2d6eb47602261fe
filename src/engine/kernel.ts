/**
 * The kernel: takes the earliest event, checks it, folds it into its actor's digest, and hands it to
 * the actor; carries what actors send over their lanes. It serves the actors of one process and is
 * the context they act through. It never sees the host: no clock, no socket, no await. Nothing is
 * allocated per event.
 *
 * A lane's queue costs no events of its own: `send` works out when the packet's last byte has left
 * behind all that was sent before it (first in, first out, store and forward, no limit).
 */
import { violated } from "../base/assert.ts";
import { highWord, lowWord } from "../base/hash.ts";
import { type RandomStream, streamOf } from "../base/random.ts";
import type { Actor, ActorContext, TimerId } from "../model/actor.ts";
import type { Fact, FactRecord } from "../model/fact.ts";
import { NO_FAULT } from "../model/fault.ts";
import {
  COUNTER,
  DESTINATION,
  KIND,
  LAYER,
  NEXT_HOP,
  ORIGIN,
  PAYLOAD_HIGH,
  PAYLOAD_LOW,
  type Packet,
  PacketPool,
  PSN,
  SIZE_BYTES,
  SLOT,
  SOURCE,
  TOKEN,
  timePlace,
} from "../model/packet.ts";
import { TIME_MAX_PS } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import { ActorDigest } from "./actor-digest.ts";
import { checkCounter, orderBase } from "./event-order.ts";
import { FaultSchedule } from "./fault-schedule.ts";
import type { FaultEvent, FaultTable } from "./fault-table.ts";
import { LaneFaults } from "./lane-faults.ts";
import { LaneQueue } from "./lane-queue.ts";
import { Ledger } from "./ledger.ts";
import { TimerQueue } from "./timer-queue.ts";

/** What a packet on its way to another process leaves behind: the sender's side keeps no packet. */
export interface RemoteSink {
  /** The packet goes to `peer` over `lane`; it still is in the pool until the sink frees it. */
  send(peer: number, lane: number, packet: Packet): void;
}

export interface KernelOptions {
  readonly topology: Topology;
  /** Worker of each actor, and the worker that this kernel is. */
  readonly workerOf: Int32Array;
  readonly worker: number;
  readonly seed: string;
  readonly faults: FaultTable;
  readonly remote: RemoteSink;
  /** Makes the actors of this worker. */
  readonly actorAt: (actor: number) => Actor;
}

/** Counters of the fabric, for the report and the balance of bytes. */
export interface FabricCounters {
  sentPackets: number;
  sentBytes: number;
  deliveredPackets: number;
  deliveredBytes: number;
  droppedPackets: number;
  droppedBytes: number;
}

export class Kernel implements ActorContext {
  nowPs = 0;
  self = 0;
  readonly packets = new PacketPool();
  readonly ledger: Ledger;
  readonly faults: FaultTable;
  /** Events handled: deliveries and reminders. */
  events = 0;
  readonly digest: ActorDigest;
  readonly counters: FabricCounters = {
    sentPackets: 0,
    sentBytes: 0,
    deliveredPackets: 0,
    deliveredBytes: 0,
    droppedPackets: 0,
    droppedBytes: 0,
  };
  readonly finished: Uint8Array;
  /** Places of the faults that have begun, in order. */
  readonly begun: number[] = [];
  /** Where an actor's facts start to count; facts since the last take. */
  #facts: FactRecord[] = [];
  readonly #factCount: Int32Array;
  readonly #topology: Topology;
  readonly #workerOf: Int32Array;
  readonly #worker: number;
  readonly #seed: string;
  readonly #remote: RemoteSink;
  readonly #actors: (Actor | undefined)[];
  readonly #streams: (RandomStream | undefined)[] = [];
  readonly #queue: LaneQueue;
  readonly #timers = new TimerQueue();
  readonly #schedule = new FaultSchedule();
  readonly #laneFaults: LaneFaults;
  readonly #deadBy: Int32Array;
  #lastOrder = 0;
  /** By actor: number of the lane out of its port 0, and the events it has sent. */
  readonly #firstLane: Int32Array;
  readonly #counter: Float64Array;
  /** By lane. */
  readonly #freeAt: Float64Array;
  readonly #latencyPs: Float64Array;
  readonly #psPerByte: Float64Array;
  readonly #toActor: Int32Array;
  readonly #toPort: Int32Array;
  readonly #peer: Int32Array;

  constructor(options: KernelOptions) {
    const { topology, workerOf, worker } = options;
    const actors = topology.actors.length;
    const lanes = topology.lanes.length;
    this.#topology = topology;
    this.#workerOf = workerOf;
    this.#worker = worker;
    this.#seed = options.seed;
    this.#remote = options.remote;
    this.faults = options.faults;
    this.ledger = new Ledger(actors);
    this.digest = new ActorDigest(actors);
    this.finished = new Uint8Array(actors);
    this.#factCount = new Int32Array(actors);
    const orderBases = Float64Array.from(topology.lanes, (lane) => orderBase(lane.from));
    this.#queue = new LaneQueue(this.packets, orderBases);
    this.#laneFaults = new LaneFaults(lanes);
    this.#deadBy = new Int32Array(actors).fill(NO_FAULT);
    this.#firstLane = new Int32Array(actors + 1).fill(lanes);
    this.#counter = new Float64Array(actors);
    this.#freeAt = new Float64Array(lanes);
    this.#latencyPs = new Float64Array(lanes);
    this.#psPerByte = new Float64Array(lanes);
    this.#toActor = new Int32Array(lanes);
    this.#toPort = new Int32Array(lanes);
    this.#peer = new Int32Array(lanes);
    this.#layLanes();
    options.faults.faults.forEach((_, fault) => {
      this.schedule(options.faults.eventsOf(fault));
    });
    this.#actors = topology.actors.map((_, actor) =>
      workerOf[actor] === worker ? options.actorAt(actor) : undefined,
    );
  }

  /** Instant of the next delivery or reminder. */
  get nextEventPs(): number {
    return Math.min(this.#queue.headPs, this.#timers.headPs);
  }

  /** Instant of the next onset or end of a fault. */
  get nextFaultPs(): number {
    return this.#schedule.headPs;
  }

  /** The actor's own random stream. */
  get random(): RandomStream {
    let stream = this.#streams[this.self];
    if (stream === undefined) {
      stream = streamOf(this.#seed, this.#topology.actors[this.self].id);
      this.#streams[this.self] = stream;
    }
    return stream;
  }

  /** Is this actor dead hardware by now? */
  isDead(actor: number): boolean {
    return this.#deadBy[actor] !== NO_FAULT;
  }

  /** Lets every actor of this process take its first step, at virtual time 0. */
  start(): void {
    for (let actor = 0; actor < this.#actors.length; actor += 1) {
      this.#enter(actor);
      this.#actors[actor]?.start(this);
    }
  }

  /** Adds onsets and ends of faults; none may be before the present. */
  schedule(events: readonly FaultEvent[]): void {
    for (const event of events) {
      if (event.atPs < this.nowPs) {
        violated("fault-in-the-past", `${event.atPs} ps, now ${this.nowPs} ps`);
      }
      this.#schedule.add(event);
    }
  }

  /** A packet from another process: it lands on its lane. Its words and times are set. */
  admit(lane: number, packet: Packet, floorPs: number): void {
    const at = this.packets.times[timePlace(packet)];
    if (!(at >= floorPs)) {
      violated("no-event-before-its-time", `delivery at ${at} ps, window starts at ${floorPs} ps`);
    }
    if (this.#workerOf[this.#toActor[lane]] !== this.#worker) {
      violated("lane-ends-here", `lane ${lane} does not end at worker ${this.#worker}`);
    }
    this.#queue.push(lane, packet);
  }

  /** Runs every event strictly before `untilPs`. */
  run(untilPs: number): void {
    const queue = this.#queue;
    const timers = this.#timers;
    for (;;) {
      const deliveryPs = queue.headPs;
      const timerPs = timers.headPs;
      const isDelivery =
        deliveryPs < timerPs || (deliveryPs === timerPs && queue.headOrder < timers.headOrder);
      const at = isDelivery ? deliveryPs : timerPs;
      if (this.#schedule.headPs <= at) {
        if (this.#schedule.headPs >= untilPs) return;
        this.#applyFault(this.#schedule.pop());
        continue;
      }
      if (at >= untilPs) return;
      const order = isDelivery ? queue.headOrder : timers.headOrder;
      if (at < this.nowPs || (at === this.nowPs && order <= this.#lastOrder)) {
        violated("time-goes-forward", `event at ${at} ps / ${order} after ${this.nowPs} ps`);
      }
      this.nowPs = at;
      this.#lastOrder = order;
      if (at >= this.digest.epochEndPs) this.digest.advance(at);
      this.events += 1;
      if (isDelivery) this.#deliver(order);
      else this.#remind(order);
    }
  }

  send(port: number, packet: Packet): void {
    const self = this.self;
    const lane = this.#firstLane[self] + port;
    if (lane >= this.#firstLane[self + 1]) {
      violated("port-exists", `${this.#topology.actors[self].id} has no port ${port}`);
    }
    const sizeBytes = this.packets.words[packet + SIZE_BYTES];
    const freeAt = this.#freeAt[lane];
    const departs = freeAt > this.nowPs ? freeAt : this.nowPs;
    const done = departs + Math.ceil(sizeBytes * this.#psPerByte[lane]);
    const at = done + this.#latencyPs[lane];
    if (!(at <= TIME_MAX_PS && sizeBytes > 0)) {
      violated("packet-has-size", `${sizeBytes} bytes, arrival at ${at} ps`);
    }
    this.#freeAt[lane] = done;
    this.packets.times[timePlace(packet)] = at;
    this.packets.words[packet + COUNTER] = this.#counter[self];
    this.#counter[self] += 1;
    this.counters.sentPackets += 1;
    this.counters.sentBytes += sizeBytes;
    const peer = this.#peer[lane];
    if (peer < 0) this.#queue.push(lane, packet);
    else this.#remote.send(peer, lane, packet);
  }

  remindAfter(spanPs: number, tag: number, value: number): TimerId {
    const at = this.nowPs + spanPs;
    if (!(spanPs >= 1 && Number.isSafeInteger(at))) {
      violated("reminder-in-the-future", `${spanPs} ps from ${this.nowPs} ps`);
    }
    const order = orderBase(this.self) + this.#counter[this.self];
    this.#counter[this.self] += 1;
    return this.#timers.add(at, order, this.self, tag, value);
  }

  cancel(timer: TimerId): void {
    this.#timers.cancel(timer);
  }

  record(fact: Fact): void {
    this.#recordOf(this.self, fact);
  }

  finish(): void {
    this.finished[this.self] = 1;
  }

  /** Checks that no counter has run out; once a window is often enough. */
  checkCounters(): void {
    this.#counter.forEach((counter, actor) => {
      checkCounter(actor, counter);
    });
  }

  /** Facts recorded since the last call, in the order in which they happened here. */
  takeFacts(): FactRecord[] {
    const facts = this.#facts;
    this.#facts = [];
    return facts;
  }

  /** Reminders pending; a run that ended well has none. */
  get pendingReminders(): number {
    return this.#timers.size;
  }

  #deliver(order: number): void {
    const packet = this.#queue.pop();
    const lane = this.#queue.poppedLane;
    const actor = this.#toActor[lane];
    const words = this.packets.words;
    const sizeBytes = words[packet + SIZE_BYTES];
    const now = this.nowPs;
    const port = this.#toPort[lane];
    // A sum of words times odd constants, one multiplication deep: all products can run at once.
    const w0 = lowWord(now) ^ (port << 16);
    const w1 = highWord(now);
    const w2 = lowWord(order);
    const w3 = highWord(order);
    const w4 = words[packet + KIND];
    const w5 = words[packet + ORIGIN];
    const w6 = words[packet + DESTINATION];
    const w7 = words[packet + NEXT_HOP];
    const w8 = words[packet + SOURCE];
    const w9 = words[packet + PSN];
    const w10 = words[packet + LAYER];
    const w11 = words[packet + TOKEN];
    const w12 = words[packet + SLOT];
    const w13 = words[packet + PAYLOAD_LOW];
    const w14 = words[packet + PAYLOAD_HIGH];
    const sum =
      Math.imul(w0, 0x9e3779b1) +
      Math.imul(w1, 0x85ebca77) +
      Math.imul(w2, 0xc2b2ae3d) +
      Math.imul(w3, 0x27d4eb2f) +
      Math.imul(w4, 0x165667b1) +
      Math.imul(w5, 0xd3a2646d) +
      Math.imul(w6, 0xfd7046c5) +
      Math.imul(w7, 0xb55a4f09) +
      Math.imul(w8, 0x6c8e9cf5) +
      Math.imul(w9, 0x3c6ef373) +
      Math.imul(w10, 0x510e527f) +
      Math.imul(w11, 0x1f83d9ab) +
      Math.imul(w12, 0x5be0cd19) +
      Math.imul(w13, 0x428a2f99) +
      Math.imul(w14, 0x71374491) +
      Math.imul(sizeBytes, 0x7feb352d);
    this.#absorb(actor, sum | 0, Math.imul(w13 ^ w11, 0x2c1b3c6d) + Math.imul(w2 ^ w14, 0x297a2d39));
    if (this.#laneFaults.marked[lane] !== 0 || this.#deadBy[actor] !== NO_FAULT) {
      if (this.#dropped(lane, actor, packet)) return;
    }
    this.counters.deliveredPackets += 1;
    this.counters.deliveredBytes += sizeBytes;
    this.self = actor;
    this.ledger.self = actor;
    (this.#actors[actor] as Actor).receive(this, port, packet);
  }

  #remind(order: number): void {
    const timers = this.#timers;
    timers.pop();
    const actor = timers.poppedOwner;
    if (this.#deadBy[actor] !== NO_FAULT) return;
    const now = this.nowPs;
    const tag = timers.poppedTag;
    const value = timers.poppedValue;
    const sum =
      Math.imul(lowWord(now), 0x9e3779b1) +
      Math.imul(highWord(now), 0x85ebca77) +
      Math.imul(lowWord(order), 0xc2b2ae3d) +
      Math.imul(tag, 0x165667b1) +
      Math.imul(value, 0xd3a2646d);
    this.#absorb(actor, sum | 0, Math.imul(tag ^ lowWord(order), 0x2c1b3c6d) + value);
    this.self = actor;
    this.ledger.self = actor;
    (this.#actors[actor] as Actor).remind(this, tag, value);
  }

  #absorb(actor: number, one: number, other: number): void {
    const digest = this.digest;
    digest.touch(actor);
    let first = Math.imul(digest.first[actor] ^ one, 0x85ebca6b);
    first ^= first >>> 15;
    let second = Math.imul((digest.second[actor] + other) | 0, 0xc2b2ae35) ^ first;
    second ^= second >>> 13;
    digest.first[actor] = first;
    digest.second[actor] = second;
  }

  /** Ends a packet that a fault stops; says whether it did. */
  #dropped(lane: number, actor: number, packet: Packet): boolean {
    const sizeBytes = this.packets.words[packet + SIZE_BYTES];
    const dead = this.#deadBy[actor] !== NO_FAULT;
    if (!dead) {
      const flightPs = this.#latencyPs[lane] + Math.ceil(sizeBytes * this.#psPerByte[lane]);
      const outage = this.#laneFaults.during(lane, this.nowPs - flightPs, this.nowPs);
      if (outage === NO_FAULT) return false;
    }
    this.counters.droppedPackets += 1;
    this.counters.droppedBytes += sizeBytes;
    this.packets.free(packet);
    return true;
  }

  #applyFault(event: FaultEvent): void {
    this.nowPs = event.atPs;
    this.#lastOrder = 0;
    if (event.atPs >= this.digest.epochEndPs) this.digest.advance(event.atPs);
    this.faults.nowPs = event.atPs;
    const { spec, deadActors, downLanes } = this.faults.faults[event.fault];
    if (event.began) this.begun.push(event.fault);
    for (const actor of deadActors) {
      if (event.began && this.#deadBy[actor] === NO_FAULT) this.#deadBy[actor] = event.fault;
    }
    for (const lane of downLanes) {
      if (event.began) this.#laneFaults.begin(lane, event.fault, event.atPs);
      else this.#laneFaults.end(lane, event.fault, event.atPs);
    }
    const type = event.began ? "fault.began" : "fault.healed";
    for (const target of spec.targets) {
      const actor = this.#reporterOf(spec.kind === "link-down", target);
      if (this.#workerOf[actor] !== this.#worker) continue;
      this.#recordOf(actor, { type, fault: spec.name, kind: spec.kind, target });
    }
  }

  /** The actor in whose name a fault on a target is logged: itself, or the first end of a link. */
  #reporterOf(isLink: boolean, target: string): number {
    if (!isLink) return this.#topology.indexOf(target);
    return (this.#topology.lanes.find((lane) => lane.link === target) as { from: number }).from;
  }

  #recordOf(actor: number, fact: Fact): void {
    const index = this.#factCount[actor];
    this.#factCount[actor] = index + 1;
    this.digest.touch(actor);
    this.digest.absorbText(actor, JSON.stringify(fact));
    this.#facts.push({ atPs: this.nowPs, actor, index, fact });
  }

  #enter(actor: number): void {
    this.self = actor;
    this.ledger.self = actor;
  }

  #layLanes(): void {
    this.#topology.lanes.forEach((lane, place) => {
      if (this.#firstLane[lane.from] > place) this.#firstLane[lane.from] = place;
      this.#latencyPs[place] = lane.lane.latencyPs;
      this.#psPerByte[place] = lane.lane.psPerByte;
      this.#toActor[place] = lane.to;
      this.#toPort[place] = lane.toPort;
      const far = this.#workerOf[lane.to];
      this.#peer[place] = far === this.#worker ? -1 : far;
      if (!(lane.lane.latencyPs >= 1)) violated("latency-positive", lane.link);
    });
    for (let actor = this.#firstLane.length - 2; actor >= 0; actor -= 1) {
      if (this.#firstLane[actor] > this.#firstLane[actor + 1]) {
        this.#firstLane[actor] = this.#firstLane[actor + 1];
      }
    }
  }
}

/** A kernel that is alone in its run: nothing leaves it. */
export const NO_REMOTE: RemoteSink = {
  send: () => violated("alone", "a packet left a run that has one process"),
};

