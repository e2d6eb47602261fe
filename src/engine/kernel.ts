/**
 * The kernel: takes the earliest event, checks it, folds it into its actor's digest, and hands it
 * to the actor; gives what actors send to the fabric. It serves the actors of one process and is
 * the context they act through. It never sees the host: no clock, no socket, no await. Nothing is
 * allocated per event.
 */
import { violated } from "../base/assert.ts";
import { OwnerStreams, type RandomStream } from "../base/random.ts";
import type { Actor, ActorContext, FaultBoard, TimerId } from "../model/actor.ts";
import type { Fact } from "../model/fact.ts";
import { NO_FAULT } from "../model/fault.ts";
import { COUNTER, type Packet, PacketPool, SIZE_BYTES, timePlace } from "../model/packet.ts";
import { Part } from "../model/part.ts";
import { TIME_MAX_PS } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import { ActorDigest } from "./actor-digest.ts";
import { deliveryWord, reminderWord } from "./event-hash.ts";
import { EventCounters } from "./event-order.ts";
import { Fabric } from "./fabric.ts";
import { FactLog } from "./fact-log.ts";
import { recordFaults } from "./fault-facts.ts";
import { FaultState } from "./fault-state.ts";
import { type KernelOptions, makeCounters } from "./kernel-options.ts";
import type { LaneQueue, TakePacket } from "./lane-queue.ts";
import { LaneTable } from "./lane-table.ts";
import { LaneTraffic } from "./lane-traffic.ts";
import { Ledger } from "./ledger.ts";
import { PacketLog } from "./packet-log.ts";
import { TimerQueue } from "./timer-queue.ts";

export class Kernel implements ActorContext {
  nowPs = 0;
  self = 0;
  readonly packets = new PacketPool();
  readonly ledger: Ledger;
  readonly faults: FaultBoard;
  readonly faultState: FaultState;
  /** Events handled: deliveries, reminders, and what flow control needs. */
  events = 0;
  readonly lanes: LaneTable;
  readonly fabric: Fabric;
  readonly digest: ActorDigest;
  readonly factLog: FactLog;
  readonly counters = makeCounters();
  readonly traffic: LaneTraffic;
  /** By actor: its part in the run, as it said last. */
  readonly parts: Uint8Array;
  readonly #topology: Topology;
  readonly #packetLog: PacketLog | undefined;
  readonly #queue: LaneQueue;
  readonly #timers = new TimerQueue();
  readonly #deadBy: Int32Array;
  readonly #laneWasDown: Uint8Array;
  readonly #actors: (Actor | undefined)[];
  readonly #streams: OwnerStreams;
  readonly #order: EventCounters;
  #lastOrder = 0;

  constructor(options: KernelOptions) {
    const { topology, workerOf, worker, seed, faults: table } = options;
    const actors = topology.actors.length;
    this.#topology = topology;
    this.#streams = new OwnerStreams(seed, (actor) => topology.actors[actor].id);
    this.ledger = new Ledger(actors);
    this.digest = new ActorDigest(actors);
    this.factLog = new FactLog(actors, this.digest);
    this.parts = new Uint8Array(actors);
    this.#order = new EventCounters(actors);
    const portBufferBytes = options.portBufferBytes ?? 0;
    this.lanes = new LaneTable(topology, workerOf, worker, portBufferBytes > 0);
    this.traffic = new LaneTraffic(this.lanes.count, options.trafficEveryPs);
    this.faultState = new FaultState({ table, topology, lanes: this.lanes, seed });
    this.faults = this.faultState;
    this.#deadBy = this.faultState.deadBy;
    this.#laneWasDown = this.faultState.lanes.marked;
    const { packets, factLog, faults } = this;
    if (options.logPackets) this.#packetLog = new PacketLog({ topology, packets, faults, factLog });
    this.fabric = new Fabric({
      ...{ topology, packets, portBufferBytes, clock: this },
      lanes: this.lanes,
      counters: this.counters,
      order: this.#order,
      timers: this.#timers,
      remote: options.remote,
      packetLog: this.#packetLog,
      watch: options.watch,
      deadBy: this.#deadBy,
    });
    this.#queue = this.fabric.queue;
    options.watch?.attach(this);
    this.#actors = topology.actors.map((_, actor) =>
      workerOf[actor] === worker ? options.actorAt(actor) : undefined,
    );
  }

  /** Instant of the next delivery or reminder, or end of a stall that a message waits for. */
  get nextEventPs(): number {
    return Math.min(this.#queue.headPs, this.#timers.headPs, this.fabric.stalledPs);
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
      this.#handlerOf(actor)?.start(this);
    }
  }

  /** A packet from another process: it lands on its lane. Its words and times are set. */
  admit(lane: number, packet: Packet, floorPs: number): void {
    const at = this.packets.times[timePlace(packet)];
    if (!(at >= floorPs)) {
      violated("no-event-before-its-time", `delivery at ${at} ps, window starts at ${floorPs} ps`);
    }
    if (this.lanes.peer[lane] !== -1) {
      violated("lane-ends-here", `lane ${lane} ends at an actor of another worker`);
    }
    this.#queue.push(lane, packet);
  }

  /** Takes out what is under way from some senders to actors of this process. */
  takeArriving(isSender: (actor: number) => boolean, each: TakePacket): void {
    this.#queue.takeLanes((lane) => isSender(this.lanes.fromActor[lane]), each);
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
        this.#applyFaults();
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

  send(port: number, packet: Packet, requests = 1): void {
    this.fabric.send(this.self, port, packet, requests);
  }

  backlogPs(port: number): number {
    return this.fabric.backlogPs(this.self, port);
  }

  remindAfter(spanPs: number, tag: number, value: number): TimerId {
    if (!(spanPs >= 1)) violated("reminder-in-the-future", `${spanPs} ps from ${this.nowPs} ps`);
    // What lies beyond the end of virtual time stands at its end: no run gets there.
    const at = Math.min(this.nowPs + spanPs, TIME_MAX_PS);
    const order = this.#order.nextOrder(this.self);
    return this.#timers.add(at, order, this.self, tag, value);
  }

  cancel(timer: TimerId): void {
    this.#timers.cancel(timer);
  }

  record(fact: Fact): void {
    this.factLog.record(this.self, this.nowPs, fact);
  }

  setPart(part: number): void {
    this.parts[this.self] = part;
  }

  /** Checks that no counter has run out, once in a while. */
  checkCounters(): void {
    this.#order.check();
  }

  /** Reminders pending; a run that ended well has none. */
  get pendingReminders(): number {
    return this.#timers.size;
  }

  #deliver(order: number): void {
    const packet = this.#queue.pop();
    const lane = this.#queue.poppedLane;
    const lanes = this.lanes;
    const actor = lanes.toActor[lane];
    const port = lanes.toPort[lane];
    const words = this.packets.words;
    const sizeBytes = words[packet + SIZE_BYTES];
    const isPlain = lanes.isPlain[lane] !== 0;
    this.digest.absorb(actor, deliveryWord(words, packet, this.nowPs, order, port));
    if (!isPlain && lane >= lanes.count) {
      this.fabric.takeCredit(lane, packet);
      return;
    }
    if (this.#laneWasDown[lane] !== 0 || this.#deadBy[actor] !== NO_FAULT) {
      const cause = this.#stoppedBy(lane, actor, packet);
      if (cause !== NO_FAULT) {
        this.fabric.drop(lane, actor, packet, cause);
        return;
      }
    }
    this.#packetLog?.note(actor, this.nowPs, lane, packet);
    this.counters.deliveredPackets += 1;
    this.counters.deliveredBytes += sizeBytes;
    this.traffic.count(lane, sizeBytes, this.nowPs);
    const device = this.#handlerOf(actor) as Actor;
    if (!isPlain) this.fabric.beginHandling(lane, packet);
    device.receive(this, port, packet);
    if (!isPlain) this.fabric.endHandling();
  }

  #remind(order: number): void {
    const timers = this.#timers;
    timers.pop();
    const owner = timers.poppedOwner;
    const { poppedTag: tag, poppedValue: value } = timers;
    const word = reminderWord(this.nowPs, order, tag, value);
    if (owner >= this.#actors.length) {
      const lane = owner - this.#actors.length;
      this.digest.absorb(this.#topology.lanes[lane].from, word);
      this.fabric.flow?.wake(lane);
      return;
    }
    if (this.#deadBy[owner] !== NO_FAULT) {
      violated("dead-do-nothing", `${this.#topology.actors[owner].id} was reminded`);
    }
    this.digest.absorb(owner, word);
    this.#handlerOf(owner)?.remind(this, tag, value);
  }

  /** The fault that stops a message at the end of a lane; NO_FAULT when none does. */
  #stoppedBy(lane: number, actor: number, packet: Packet): number {
    if (this.#deadBy[actor] !== NO_FAULT) return this.#deadBy[actor];
    const { lanes } = this.faultState;
    const words = this.packets.words;
    const cause = lanes.during(lane, this.fabric.crossingOf(lane, packet));
    if (cause !== NO_FAULT) return cause;
    return lanes.losing(lane, words[packet + COUNTER], words[packet + SIZE_BYTES]);
  }

  /** Everything that faults do at their next instant, before all other events of it. */
  #applyFaults(): void {
    const changes = this.faultState.applyNext();
    if (changes.events.length === 0) return;
    const { atPs, died, revived } = changes;
    this.nowPs = atPs;
    this.#lastOrder = 0;
    if (atPs >= this.digest.epochEndPs) this.digest.advance(atPs);
    for (const actor of died) this.#timers.cancelAllOf(actor);
    this.fabric.faultsChanged(changes);
    const isOurs = (actor: number): boolean => this.#actors[actor] !== undefined;
    recordFaults(changes, this.faultState.table, this.factLog, isOurs);
    for (const actor of revived) this.#revive(actor);
    for (const actor of changes.affected(this.#topology)) {
      this.#handlerOf(actor)?.affected?.(this);
    }
  }

  /** An actor of this process, which acts from now on; else undefined. */
  #handlerOf(actor: number): Actor | undefined {
    this.self = actor;
    this.ledger.self = actor;
    return this.#actors[actor];
  }

  /**
   * A dead device works again. What it had open is lost with its memory. One that can begin anew
   * says itself when its part is over; one that cannot has no part in the run any more.
   */
  #revive(actor: number): void {
    const device = this.#handlerOf(actor);
    if (device === undefined) return;
    this.ledger.abandon(this.faultState.killerOf(actor));
    this.parts[actor] = device.revived === undefined ? Part.over : Part.goesOn;
    device.revived?.(this);
  }
}
