/**
 * The kernel: takes the earliest event, checks it, folds it into its actor's digest, and hands it
 * to the actor; carries what actors send over their lanes. It serves the actors of one process and
 * is the context they act through. It never sees the host: no clock, no socket, no await. Nothing
 * is allocated per event.
 *
 * A lane's queue costs no events of its own: `send` works out when the packet's last byte has left
 * behind all that was sent before it (first in, first out, store and forward, no limit).
 */
import { violated } from "../base/assert.ts";
import { OwnerStreams, type RandomStream } from "../base/random.ts";
import type { Actor, ActorContext, FaultBoard, TimerId } from "../model/actor.ts";
import type { Fact } from "../model/fact.ts";
import { NO_FAULT } from "../model/fault.ts";
import { COUNTER, type Packet, PacketPool, SIZE_BYTES, timePlace } from "../model/packet.ts";
import { TIME_MAX_PS } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import { ActorDigest } from "./actor-digest.ts";
import { deliveryWord, reminderWord } from "./event-hash.ts";
import { checkCounter, orderBase } from "./event-order.ts";
import { FactLog } from "./fact-log.ts";
import { FaultState } from "./fault-state.ts";
import { type KernelOptions, makeCounters, type RemoteSink } from "./kernel-options.ts";
import { LaneQueue } from "./lane-queue.ts";
import { LaneTable } from "./lane-table.ts";
import { Ledger } from "./ledger.ts";
import { noteOf } from "./packet-note.ts";
import { TimerQueue } from "./timer-queue.ts";

export class Kernel implements ActorContext {
  nowPs = 0;
  self = 0;
  readonly packets = new PacketPool();
  readonly ledger: Ledger;
  readonly faults: FaultBoard;
  readonly faultState: FaultState;
  /** Events handled: deliveries and reminders. */
  events = 0;
  readonly digest: ActorDigest;
  readonly factLog: FactLog;
  readonly counters = makeCounters();
  /** By actor: 1 when its part in the run is over. */
  readonly finished: Uint8Array;
  readonly #topology: Topology;
  readonly #workerOf: Int32Array;
  readonly #worker: number;
  readonly #remote: RemoteSink;
  readonly #logPackets: boolean;
  readonly #lanes: LaneTable;
  readonly #queue: LaneQueue;
  readonly #timers = new TimerQueue();
  readonly #deadBy: Int32Array;
  readonly #laneWasDown: Uint8Array;
  readonly #actors: (Actor | undefined)[];
  readonly #streams: OwnerStreams;
  /** By actor: events sent. */
  readonly #counter: Float64Array;
  #lastOrder = 0;

  constructor(options: KernelOptions) {
    const { topology, workerOf, worker } = options;
    const actors = topology.actors.length;
    this.#topology = topology;
    this.#workerOf = workerOf;
    this.#worker = worker;
    this.#streams = new OwnerStreams(options.seed, (actor) => topology.actors[actor].id);
    this.#remote = options.remote;
    this.#logPackets = options.logPackets === true;
    this.faults = options.faults;
    this.ledger = new Ledger(actors);
    this.digest = new ActorDigest(actors);
    this.factLog = new FactLog(actors, this.digest);
    this.finished = new Uint8Array(actors);
    this.#counter = new Float64Array(actors);
    this.#lanes = new LaneTable(topology, workerOf, worker);
    this.#queue = new LaneQueue(this.packets, this.#lanes.orderBase);
    this.faultState = new FaultState(options.faults, actors, this.#lanes.count);
    this.#deadBy = this.faultState.deadBy;
    this.#laneWasDown = this.faultState.lanes.marked;
    this.#actors = topology.actors.map((_, actor) =>
      workerOf[actor] === worker ? options.actorAt(actor) : undefined,
    );
  }

  /** Instant of the next delivery or reminder. */
  get nextEventPs(): number {
    return Math.min(this.#queue.headPs, this.#timers.headPs);
  }

  /** The actor's own random stream. */
  get random(): RandomStream {
    return this.#streams.of(this.self);
  }

  /** Is this actor dead hardware by now? */
  isDead(actor: number): boolean {
    return this.#deadBy[actor] !== NO_FAULT;
  }

  /** Lets every actor of this process take its first step, at virtual time 0. */
  start(): void {
    for (let actor = 0; actor < this.#actors.length; actor += 1) {
      this.self = actor;
      this.ledger.self = actor;
      this.#actors[actor]?.start(this);
    }
  }

  /** A packet from another process: it lands on its lane. Its words and times are set. */
  admit(lane: number, packet: Packet, floorPs: number): void {
    const at = this.packets.times[timePlace(packet)];
    if (!(at >= floorPs)) {
      violated("no-event-before-its-time", `delivery at ${at} ps, window starts at ${floorPs} ps`);
    }
    if (this.#lanes.peer[lane] !== -1) {
      violated("lane-ends-here", `lane ${lane} does not end at worker ${this.#worker}`);
    }
    this.#queue.push(lane, packet);
  }

  /** Runs every event strictly before `untilPs`. */
  run(untilPs: number): void {
    const queue = this.#queue;
    const timers = this.#timers;
    const faultState = this.faultState;
    for (;;) {
      const deliveryPs = queue.headPs;
      const timerPs = timers.headPs;
      const isDelivery =
        deliveryPs < timerPs || (deliveryPs === timerPs && queue.headOrder < timers.headOrder);
      const at = isDelivery ? deliveryPs : timerPs;
      if (faultState.nextPs <= at) {
        if (faultState.nextPs >= untilPs) return;
        this.#applyFault();
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
    const lanes = this.#lanes;
    const lane = lanes.firstLane[self] + port;
    if (lane >= lanes.firstLane[self + 1]) {
      violated("port-exists", `${this.#topology.actors[self].id} has no port ${port}`);
    }
    const sizeBytes = this.packets.words[packet + SIZE_BYTES];
    const freeAt = lanes.freeAtPs[lane];
    const departs = freeAt > this.nowPs ? freeAt : this.nowPs;
    const done = departs + lanes.serializationPs(lane, sizeBytes);
    const at = done + lanes.latencyPs[lane];
    if (!(at <= TIME_MAX_PS && sizeBytes > 0)) {
      violated("packet-has-size", `${sizeBytes} bytes, arrival at ${at} ps`);
    }
    lanes.freeAtPs[lane] = done;
    this.packets.times[timePlace(packet)] = at;
    this.packets.words[packet + COUNTER] = this.#counter[self];
    this.#counter[self] += 1;
    this.counters.sentPackets += 1;
    this.counters.sentBytes += sizeBytes;
    const peer = lanes.peer[lane];
    if (peer < 0) this.#queue.push(lane, packet);
    else this.#remote.send(peer, lane, packet);
  }

  backlogPs(port: number): number {
    const freeAt = this.#lanes.freeAtPs[this.#lanes.firstLane[this.self] + port];
    return freeAt > this.nowPs ? freeAt - this.nowPs : 0;
  }

  remindAfter(spanPs: number, tag: number, value: number): TimerId {
    if (!(spanPs >= 1)) violated("reminder-in-the-future", `${spanPs} ps from ${this.nowPs} ps`);
    // What lies beyond the end of virtual time stands at its end: no run gets there.
    const at = Math.min(this.nowPs + spanPs, TIME_MAX_PS);
    const order = orderBase(this.self) + this.#counter[this.self];
    this.#counter[this.self] += 1;
    return this.#timers.add(at, order, this.self, tag, value);
  }

  cancel(timer: TimerId): void {
    this.#timers.cancel(timer);
  }

  record(fact: Fact): void {
    this.factLog.record(this.self, this.nowPs, fact);
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

  /** Reminders pending; a run that ended well has none. */
  get pendingReminders(): number {
    return this.#timers.size;
  }

  #deliver(order: number): void {
    const packet = this.#queue.pop();
    const lane = this.#queue.poppedLane;
    const actor = this.#lanes.toActor[lane];
    const port = this.#lanes.toPort[lane];
    const words = this.packets.words;
    const sizeBytes = words[packet + SIZE_BYTES];
    this.#absorb(actor, deliveryWord(words, packet, this.nowPs, order, port));
    if (this.#laneWasDown[lane] !== 0 || this.#deadBy[actor] !== NO_FAULT) {
      if (this.#dropped(lane, actor, packet)) return;
    }
    if (this.#logPackets) this.#notePacket(lane, actor, packet, NO_FAULT);
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
    const tag = timers.poppedTag;
    const value = timers.poppedValue;
    this.#absorb(actor, reminderWord(this.nowPs, order, tag, value));
    this.self = actor;
    this.ledger.self = actor;
    (this.#actors[actor] as Actor).remind(this, tag, value);
  }

  /** Folds an event's word into the rolling hashes of its actor. */
  #absorb(actor: number, word: number): void {
    const digest = this.digest;
    digest.touch(actor);
    let first = Math.imul(digest.first[actor] ^ word, 0x85ebca6b);
    first ^= first >>> 15;
    let second = Math.imul((digest.second[actor] + word) | 0, 0xc2b2ae35) ^ first;
    second ^= second >>> 13;
    digest.first[actor] = first;
    digest.second[actor] = second;
  }

  /** Ends a packet that a fault stops; says whether it did. */
  #dropped(lane: number, actor: number, packet: Packet): boolean {
    const sizeBytes = this.packets.words[packet + SIZE_BYTES];
    let cause = this.#deadBy[actor];
    if (cause === NO_FAULT) {
      const lanes = this.#lanes;
      const flightPs = lanes.latencyPs[lane] + lanes.serializationPs(lane, sizeBytes);
      cause = this.faultState.lanes.during(lane, this.nowPs - flightPs, this.nowPs);
      if (cause === NO_FAULT) return false;
    }
    if (this.#logPackets) this.#notePacket(lane, actor, packet, cause);
    this.counters.droppedPackets += 1;
    this.counters.droppedBytes += sizeBytes;
    this.packets.free(packet);
    return true;
  }

  /**
   * A packet's line in the log. It takes no number of its own, so that all other facts keep theirs.
   */
  #notePacket(lane: number, actor: number, packet: Packet, cause: number): void {
    const note = noteOf(this.#topology, this.packets.words, packet, lane);
    const fact: Fact =
      cause === NO_FAULT
        ? { type: "packet.delivered", ...note }
        : { type: "packet.dropped", fault: this.faults.nameOf(cause), ...note };
    this.factLog.note(actor, this.nowPs, fact);
  }

  #applyFault(): void {
    const { fault, began, atPs } = this.faultState.applyNext();
    this.nowPs = atPs;
    this.#lastOrder = 0;
    if (atPs >= this.digest.epochEndPs) this.digest.advance(atPs);
    const { spec, deadActors } = this.faultState.table.faults[fault];
    for (const actor of deadActors) this.#timers.cancelAllOf(actor);
    const type = began ? "fault.began" : "fault.healed";
    for (const target of spec.targets) {
      const actor = this.faultState.table.reporterOf(spec, target);
      if (this.#workerOf[actor] !== this.#worker) continue;
      this.factLog.record(actor, atPs, { type, fault: spec.name, kind: spec.kind, target });
    }
  }
}
