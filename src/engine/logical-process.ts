/**
 * One worker's share of a run: a kernel with the actors that the placement gives it, driven window
 * by window. It turns grants and data frames into reports and data frames. Synchronous and without
 * I/O: a worker process, the single placement and the tests drive the same object.
 */
import { violated } from "../base/assert.ts";
import type { DeviceFactory } from "../model/device.ts";
import { type Packet, timePlace } from "../model/packet.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import type { Grant, Resumption, SentFrame, WindowReport, WorkerSummary } from "../model/window.ts";
import { makeFatTree } from "../topology/fat-tree.ts";
import { makePathFinder } from "../topology/paths.ts";
import type { Placement } from "../topology/placement.ts";
import { makeDeviceServices } from "./device-services.ts";
import { FaultTable } from "./fault-table.ts";
import { GroupWatch } from "./group-watch.ts";
import { Kernel } from "./kernel.ts";
import type { LaneWatch } from "./lane-watch.ts";
import { openFrameOf, type StagedFrame, unpackFrame } from "./packet-frame.ts";
import { blaming } from "./peer-error.ts";
import { PeerFrames } from "./peer-frames.ts";
import { isHungForGood, isOut, summarize } from "./worker-summary.ts";

/**
 * Largest data frame that travels with the report and the next grant; a larger one goes straight to
 * its peer. Below this a message of its own costs more than carrying bytes twice (decision 0011).
 */
const CARRIED_BYTES_MAX = 4096;

/** Windows between two looks at the senders' counters; none comes near 2^32 events in so many. */
const COUNTER_CHECK_WINDOWS = 256;

export interface LogicalProcessOptions {
  readonly scenario: Scenario;
  readonly placement: Placement;
  /** Place of this worker in `placement.workers`. */
  readonly worker: number;
  readonly devices: DeviceFactory;
  /** Default {@link CARRIED_BYTES_MAX}; tests send frames both ways. */
  readonly carriedBytesMax?: number;
  readonly watch?: LaneWatch | undefined;
}

/** A frame that goes straight to a peer. */
interface StraightFrame {
  readonly peer: number;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

export class LogicalProcess {
  readonly kernel: Kernel;
  readonly #topology: Topology;
  #worker: number;
  #workerOf: Int32Array;
  #peers: PeerFrames[];
  /** Peers that have packets waiting in their outbox. */
  readonly #addressed: number[] = [];
  readonly #gpus: readonly number[];
  readonly #groups: GroupWatch;
  readonly #carriedBytesMax: number;
  #window = 0;
  #floorPs = 0;
  /** The straight frames of the last window. */
  #straight: readonly StraightFrame[] = [];
  #isTaken = true;

  constructor(options: LogicalProcessOptions) {
    const { scenario, placement, worker, devices } = options;
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    const services = makeDeviceServices(scenario, topology);
    this.#topology = topology;
    this.#worker = worker;
    this.#workerOf = placement.workerOf;
    this.#carriedBytesMax = options.carriedBytesMax ?? CARRIED_BYTES_MAX;
    const { cluster, recovery, workload } = scenario;
    const anyUplink = recovery.rerouteLocalPs >= 0 || recovery.rerouteManagerPs >= 0;
    const pathOf = makePathFinder(topology, cluster, { ...workload, anyUplink });
    this.#peers = placement.workers.map(() => new PeerFrames());
    this.#gpus = placement.workers[worker].actors.filter(
      (actor) => topology.actors[actor].kind === "gpu",
    );
    this.#groups = new GroupWatch(scenario, topology, this.#gpus);
    this.kernel = new Kernel({
      ...{ topology, worker, watch: options.watch },
      workerOf: placement.workerOf,
      seed: scenario.run.seed,
      portBufferBytes: scenario.cluster.portBufferBytes,
      logPackets: scenario.run.logPackets,
      trafficEveryPs: scenario.run.trafficEveryPs,
      faults: new FaultTable(topology, scenario.faults, pathOf),
      remote: { send: (peer, lane, packet) => this.#toPeer(peer, lane, packet) },
      actorAt: (actor) => devices(actor, services),
    });
  }

  /** Lets every actor take its first step; the report is that of window 0. */
  start(): WindowReport {
    this.kernel.start();
    return this.#report();
  }

  /**
   * Takes a data frame of a peer, which is held until the grant that names it. Throws PeerError,
   * and then has not taken it.
   */
  accept(peer: number, bytes: Uint8Array): void {
    blaming(peer, () => this.#peers[peer].accept(this.#open(peer, bytes)));
  }

  /**
   * Accepts the frames that a grant carries and returns what is left of it, so that it can be run
   * later, and tried again. Each PeerError goes to `failed`.
   */
  withoutCarried(grant: Grant, failed: (error: unknown) => void): Grant {
    const frames = grant.frames.map(({ peer, count, earliestPs, carried }) => {
      try {
        this.#acceptAll(peer, count, carried);
      } catch (error) {
        failed(error);
      }
      return { peer, count, earliestPs, carried: [] };
    });
    return { ...grant, frames };
  }

  /** Data frames of a peer accepted since the run began. */
  received(peer: number): number {
    return this.#peers[peer].received;
  }

  /** How many of the frames that a grant names of a peer are still to come by its link. */
  missing(frames: Grant["frames"][number]): number {
    return this.#peers[frames.peer].missing(frames);
  }

  /**
   * Runs one window. All frames that the grant names and does not carry have been accepted. Throws
   * PeerError before anything is run when frames are not what they should be.
   */
  run(grant: Grant): WindowReport {
    if (grant.window <= this.#window || grant.endPs <= this.#floorPs) {
      violated("floor-never-falls", `window ${grant.window} after ${this.#window}`);
    }
    for (const { peer, count, earliestPs, carried } of grant.frames) {
      this.#acceptAll(peer, count, carried);
      blaming(peer, () => this.#peers[peer].check(count, earliestPs));
    }
    for (const { peer, count } of grant.frames) this.#admit(peer, count);
    const { faultState, nowPs } = this.kernel;
    faultState.learn(grant.faults, grant.heals, nowPs);
    this.#window = grant.window;
    this.kernel.run(grant.endPs);
    this.#floorPs = grant.endPs;
    return this.#report();
  }

  /** The frames to send after `start` or `run`, besides those that the report carries. */
  takeFrames(): readonly { peer: number; bytes: Uint8Array }[] {
    const frames = this.#isTaken ? [] : this.#straight;
    this.#isTaken = true;
    return frames;
  }

  /**
   * Of the frames of the last window that went straight to a peer those after the first
   * `afterCount` that it was ever sent, for its replacement. Those that reports carried are not
   * among them: the coordinator still has them.
   */
  framesAgain(peer: number, afterCount: number): readonly Uint8Array[] {
    const again = this.#straight.filter((one) => one.peer === peer && one.sequence > afterCount);
    return again.map(({ bytes }) => bytes);
  }

  /**
   * A peer was lost and has a replacement: everything of the old one that is not handled yet is
   * dropped, and replaced by what the new one hands over, as far as it is not past here. `counts`:
   * frames sent to it and received of it that are settled so. Its link is a new one: nothing may
   * come by the old one afterwards. Throws PeerError, and then nothing has changed.
   */
  replacePeer(
    peer: number,
    counts: { readonly sent: number; readonly received: number },
    handover: readonly Uint8Array[],
  ): void {
    const { kernel } = this;
    const frames = blaming(peer, () => handover.map((bytes) => this.#open(peer, bytes)));
    this.#peers[peer].replaced(counts);
    kernel.takeArriving(
      (actor) => this.#workerOf[actor] === peer,
      (_, packet) => kernel.packets.free(packet),
    );
    for (const frame of frames) {
      unpackFrame(frame, kernel.packets, (lane, packet) => {
        if (kernel.packets.times[timePlace(packet)] < this.#floorPs) kernel.packets.free(packet);
        else kernel.admit(lane, packet, this.#floorPs);
      });
    }
  }

  /** Admits all frames that have come, named or not: at a point where they are complete. */
  admitAll(): void {
    for (const [peer, { received }] of this.#peers.entries()) this.#admit(peer, received);
  }

  /**
   * Takes the place of a lost worker: this process has run to that point under another placement,
   * with the same actors, and everything that came is admitted.
   */
  takePlace({ workerOf, workers }: Placement, worker: number, resumption: Resumption): void {
    const { atPs, window, frames, heals } = resumption;
    this.#worker = worker;
    this.#workerOf = workerOf;
    this.#peers = workers.map(
      (_, number) => new PeerFrames(frames.find(({ peer }) => peer === number)),
    );
    this.kernel.lanes.setPeers(workerOf, worker);
    this.#window = window;
    this.#floorPs = atPs;
    const later = heals.filter((heal) => heal.atPs >= atPs);
    this.kernel.faultState.learn([], later, this.kernel.nowPs);
    this.#straight = [];
  }

  /** Totals, and what did not hold. Call once, after the last window. */
  summary(): WorkerSummary {
    const held = this.#peers.reduce((sum, { waiting }) => sum + waiting, 0);
    const [kernel, topology, gpus] = [this.kernel, this.#topology, this.#gpus];
    return summarize({ kernel, topology, gpus, heldFrames: held });
  }

  #acceptAll(peer: number, count: number, frames: readonly Uint8Array[]): void {
    if (this.#peers[peer].isHandedOver(count)) return;
    for (const frame of frames) this.accept(peer, frame);
  }

  /** A frame that is all that one of this peer should be, but for its place among the others. */
  #open(peer: number, bytes: Uint8Array): StagedFrame {
    return openFrameOf(peer, bytes, this.#worker, this.kernel.lanes.sender);
  }

  #admit(peer: number, count: number): void {
    this.#peers[peer].admit(count, (frame) => {
      unpackFrame(frame, this.kernel.packets, (lane, packet) =>
        this.kernel.admit(lane, packet, this.#floorPs),
      );
    });
  }

  #toPeer(peer: number, lane: number, packet: Packet): void {
    const at = this.kernel.packets.times[timePlace(packet)];
    const { outbox } = this.#peers[peer];
    if (outbox.count === 0) this.#addressed.push(peer);
    outbox.add(lane, packet, at);
  }

  #report(): WindowReport {
    const sent: SentFrame[] = [];
    const straight: StraightFrame[] = [];
    for (const number of this.#addressed) {
      const peer = this.#peers[number];
      const { earliestPs } = peer.outbox;
      peer.sent += 1;
      const sequence = peer.sent;
      const bytes = peer.outbox.drain(this.kernel.packets, this.#worker, number, sequence);
      const sizeBytes = bytes.byteLength;
      const isCarried = sizeBytes <= this.#carriedBytesMax;
      if (!isCarried) straight.push({ peer: number, sequence, bytes });
      sent.push({ peer: number, earliestPs, sizeBytes, carried: isCarried ? bytes : null });
    }
    this.#straight = straight;
    this.#isTaken = false;
    this.#addressed.length = 0;
    const { kernel } = this;
    if (this.#window % COUNTER_CHECK_WINDOWS === 0) kernel.checkCounters();
    let finishedGpus = 0;
    let hungGpus = 0;
    for (const gpu of this.#gpus) {
      if (isOut(kernel, gpu)) finishedGpus += 1;
      if (isHungForGood(kernel, gpu)) hungGpus += 1;
    }
    return {
      window: this.#window,
      nextEventPs: kernel.nextEventPs,
      nextFaultPs: kernel.faultState.nextPs,
      sent,
      facts: kernel.factLog.take(),
      events: kernel.events,
      lastEventPs: kernel.nowPs,
      finishedGpus,
      hungGpus,
      groups: this.#groups.of(kernel),
      epochs: kernel.digest.takeParts(),
      traffic: kernel.traffic.take(this.#floorPs),
      trafficDuePs: kernel.traffic.duePs,
    };
  }
}
