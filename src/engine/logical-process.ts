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
import type { Grant, WindowReport, WorkerSummary } from "../model/window.ts";
import { makeFatTree } from "../topology/fat-tree.ts";
import { makePathFinder } from "../topology/paths.ts";
import type { Placement } from "../topology/placement.ts";
import { makeDeviceServices } from "./device-services.ts";
import { FaultTable } from "./fault-table.ts";
import { GroupWatch } from "./group-watch.ts";
import { Kernel } from "./kernel.ts";
import { Outbox, openFrame, type StagedFrame, unpackFrame } from "./packet-frame.ts";
import { isOut, summarize } from "./worker-summary.ts";

/**
 * Largest data frame that travels with the report and the next grant; a larger one goes straight to
 * its peer. Below this a message of its own costs more than carrying its bytes twice (decision
 * 0011).
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
}

/** One peer, as seen from here. */
interface Peer {
  readonly outbox: Outbox;
  sentFrames: number;
  receivedFrames: number;
  admittedFrames: number;
  readonly staged: StagedFrame[];
}

export class LogicalProcess {
  readonly kernel: Kernel;
  readonly #topology: Topology;
  readonly #worker: number;
  readonly #peers: Peer[];
  /** Peers that have packets waiting in their outbox. */
  readonly #addressed: number[] = [];
  readonly #gpus: readonly number[];
  readonly #groups: GroupWatch;
  readonly #carriedBytesMax: number;
  #window = 0;
  #floorPs = 0;
  #outgoing: { peer: number; bytes: Uint8Array }[] = [];

  constructor(options: LogicalProcessOptions) {
    const { scenario, placement, worker, devices } = options;
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    const services = makeDeviceServices(scenario, topology);
    this.#topology = topology;
    this.#worker = worker;
    this.#carriedBytesMax = options.carriedBytesMax ?? CARRIED_BYTES_MAX;
    const { cluster, recovery, workload } = scenario;
    const anyUplink = recovery.rerouteLocalPs >= 0 || recovery.rerouteManagerPs >= 0;
    const pathOf = makePathFinder(topology, cluster, { ...workload, anyUplink });
    this.#peers = placement.workers.map(() => ({
      outbox: new Outbox(),
      sentFrames: 0,
      receivedFrames: 0,
      admittedFrames: 0,
      staged: [],
    }));
    this.#gpus = placement.workers[worker].actors.filter(
      (actor) => topology.actors[actor].kind === "gpu",
    );
    this.#groups = new GroupWatch(scenario, topology, this.#gpus);
    this.kernel = new Kernel({
      topology,
      workerOf: placement.workerOf,
      worker,
      seed: scenario.run.seed,
      portBufferBytes: scenario.cluster.portBufferBytes,
      logPackets: scenario.run.logPackets,
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
   * Takes a data frame that came by the link of a peer. It is held until the grant that names it.
   */
  accept(peerNumber: number, frame: Uint8Array): void {
    const staged = openFrame(frame, this.#worker);
    if (staged.sender !== peerNumber) {
      violated("frame-of-its-link", `worker ${peerNumber} sent a frame of ${staged.sender}`);
    }
    const peer = this.#peers[peerNumber];
    // A frame that a grant carries may be older than one that came straight.
    let place = peer.staged.length;
    while (place > 0 && peer.staged[place - 1].sequence > staged.sequence) place -= 1;
    const before = place > 0 ? peer.staged[place - 1].sequence : peer.admittedFrames;
    if (staged.sequence <= before) {
      violated("frames-in-sequence", `frame ${staged.sequence} of worker ${peerNumber} again`);
    }
    peer.receivedFrames += 1;
    peer.staged.splice(place, 0, staged);
  }

  /** Data frames of a peer accepted since the run began. */
  received(peer: number): number {
    return this.#peers[peer].receivedFrames;
  }

  /** Runs one window. All frames that the grant names and does not carry have been accepted. */
  run(grant: Grant): WindowReport {
    if (grant.window <= this.#window || grant.endPs <= this.#floorPs) {
      violated("floor-never-falls", `window ${grant.window} after ${this.#window}`);
    }
    for (const { peer, count, carried } of grant.frames) {
      for (const frame of carried) this.accept(peer, frame);
      this.#admit(peer, count);
    }
    const { faultState, nowPs } = this.kernel;
    faultState.learn(grant.faults, grant.heals, nowPs);
    this.#window = grant.window;
    this.kernel.run(grant.endPs);
    this.#floorPs = grant.endPs;
    return this.#report();
  }

  /** The frames to send after `start` or `run`, besides those that the report carries. */
  takeFrames(): { peer: number; bytes: Uint8Array }[] {
    const frames = this.#outgoing;
    this.#outgoing = [];
    return frames;
  }

  /** Totals, and what did not hold. Call once, after the last window. */
  summary(): WorkerSummary {
    const held = this.#peers.reduce((sum, peer) => sum + peer.staged.length, 0);
    return summarize({
      kernel: this.kernel,
      topology: this.#topology,
      gpus: this.#gpus,
      heldFrames: held,
    });
  }

  #admit(peerNumber: number, count: number): void {
    const peer = this.#peers[peerNumber];
    if (peer.receivedFrames < count) {
      violated("frames-before-window", `${peer.receivedFrames} of ${count} from ${peerNumber}`);
    }
    while (peer.admittedFrames < count) {
      const staged = peer.staged.shift() as StagedFrame;
      peer.admittedFrames += 1;
      if (staged.sequence !== peer.admittedFrames) {
        violated("frames-in-sequence", `frame ${staged.sequence} of worker ${peerNumber}`);
      }
      unpackFrame(staged, this.kernel.packets, (lane, packet) =>
        this.kernel.admit(lane, packet, this.#floorPs),
      );
    }
  }

  #toPeer(peer: number, lane: number, packet: Packet): void {
    const at = this.kernel.packets.times[timePlace(packet)];
    const { outbox } = this.#peers[peer];
    if (outbox.count === 0) this.#addressed.push(peer);
    outbox.add(lane, packet, at);
  }

  #report(): WindowReport {
    const sent: { peer: number; earliestPs: number; carried: Uint8Array | null }[] = [];
    for (const number of this.#addressed) {
      const peer = this.#peers[number];
      const { earliestPs } = peer.outbox;
      peer.sentFrames += 1;
      const bytes = peer.outbox.drain(this.kernel.packets, this.#worker, number, peer.sentFrames);
      const isCarried = bytes.byteLength <= this.#carriedBytesMax;
      if (!isCarried) this.#outgoing.push({ peer: number, bytes });
      sent.push({ peer: number, earliestPs, carried: isCarried ? bytes : null });
    }
    this.#addressed.length = 0;
    const { kernel } = this;
    if (this.#window % COUNTER_CHECK_WINDOWS === 0) kernel.checkCounters();
    let finishedGpus = 0;
    for (const gpu of this.#gpus) {
      if (isOut(kernel, gpu)) finishedGpus += 1;
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
      groups: this.#groups.of(kernel),
      epochs: kernel.digest.takeParts(),
    };
  }
}
