/**
 * A worker process: holds some of the actors, runs the windows that the coordinator grants, and
 * exchanges data frames with its peers. It knows sockets and no devices; the devices are handed to
 * it. Imports as little as it can: a run may have a hundred of these.
 */
import { performance } from "node:perf_hooks";
import { InvariantError } from "../src/base/assert.ts";
import { LogicalProcess } from "../src/engine/logical-process.ts";
import { PeerError } from "../src/engine/peer-error.ts";
import { type RebuiltWorker, rebuildInSteps } from "../src/engine/rebuild.ts";
import type { DeviceFactory } from "../src/model/device.ts";
import type { Scenario } from "../src/model/scenario.ts";
import type { Grant, WindowReport } from "../src/model/window.ts";
import type { Placement } from "../src/topology/placement.ts";
import { decodeOwned } from "./codec.ts";
import { messageOf } from "./errors.ts";
import { LOOPBACK_ONLY } from "./host-security.ts";
import type { Link } from "./link.ts";
import {
  exitFailed,
  exitOrphaned,
  followLauncher,
  join,
  peakRssBytes,
  readInvitation,
} from "./membership.ts";
import { shortened } from "./message-readers.ts";
import {
  type Configuration,
  type CoordinatorMessage,
  type Disturbance,
  type PeerAddress,
  type Replacement,
  Tag,
} from "./messages.ts";
import { encodeReport } from "./report-wire.ts";
import { Slowness } from "./slowness.ts";
import { cut, hold } from "./tcp-proxy.ts";
import { encodeMessage, encodeTag } from "./wire.ts";
import { PeerMesh } from "./worker-link.ts";

/** Wall ms of a rebuild between two turns of the event loop. */
const REBUILD_TURN_MS = 20;

/** Runs this process as a worker until the run is over. `devices` makes the actors. */
export async function runWorker(devices: DeviceFactory): Promise<void> {
  process.on("uncaughtException", exitFailed);
  process.on("unhandledRejection", exitFailed);
  const invitation = readInvitation(process.env);
  const { host, port, identity, number, incarnation, silenceLimitSeconds, security } = invitation;
  const worker = new Worker(number, devices);
  const orphaned = (): void => (worker.leaving ? process.exit(0) : exitOrphaned());
  followLauncher(orphaned);
  const mesh = await PeerMesh.open(invitation, {
    frame: (peer, bytes) => worker.frameArrived(peer, bytes),
    complete: () => worker.linked(),
    unreachable: (peer, reason) => worker.unreachable(peer, reason),
  });
  await join({
    address: { host, port },
    identity,
    caller: { role: "worker", number, incarnation },
    silenceLimitSeconds,
    security: invitation.viaAgent === true ? LOOPBACK_ONLY : security,
    joined: (control) => worker.joined(control, mesh),
    received: (message) => worker.received(message),
    orphaned,
  });
}

/**
 * The state of a worker between messages. Everything happens inside the handler of a message or a
 * timer.
 */
class Worker {
  /** The coordinator has said goodbye. */
  leaving = false;
  readonly #number: number;
  readonly #devices: DeviceFactory;
  #control: Link | undefined;
  #mesh: PeerMesh | undefined;
  #process: LogicalProcess | undefined;
  /** Granted, and waiting for frames. */
  #pending: Grant | undefined;
  /** Peers whose frames are missing for it. */
  readonly #awaited = new Set<number>();
  /** Peers that were replaced, and what is under way from them has not been handed over yet. */
  readonly #replaced = new Map<number, Replacement>();
  /** Peers whose frames broke a rule: nothing is run before they are replaced. */
  readonly #distrusted = new Set<number>();
  /** What was said while this process was being rebuilt. */
  readonly #waiting: CoordinatorMessage[] = [];
  #isRebuilding = false;
  #isLinked = false;
  #delayMs = 0;
  readonly #slowness = new Slowness();
  /** The pending window waits for its delay. */
  #delayed: NodeJS.Timeout | undefined;
  #failed = false;

  constructor(number: number, devices: DeviceFactory) {
    this.#number = number;
    this.#devices = devices;
  }

  joined(control: Link, mesh: PeerMesh): void {
    this.#control = control;
    this.#mesh = mesh;
    control.send(encodeMessage(Tag.listening, mesh.port, mesh.proxyPorts));
  }

  received(message: CoordinatorMessage): void {
    if (this.#isRebuilding && message.tag !== Tag.goodbye) {
      this.#waiting.push(message);
      return;
    }
    switch (message.tag) {
      case Tag.grant:
        this.#granted(message.grant);
        return;
      case Tag.heartbeat:
        return;
      case Tag.configure:
        this.#guarded(() => this.#configure(message.configuration));
        return;
      case Tag.begin:
        this.#guarded(() => {
          const process = this.#running();
          this.#finishWindow(process, process.start());
        });
        return;
      case Tag.replace:
        this.#guarded(() => this.#replace(message.replacement));
        return;
      case Tag.handover:
        this.#guarded(() => this.#takeOver(message.peer, message.frames));
        return;
      case Tag.disturb: {
        const problem = this.#disturb(message.disturbance);
        this.#send(encodeMessage(Tag.disturbed, message.id, problem));
        return;
      }
      case Tag.finish:
        this.#guarded(() => {
          const summary = this.#running().summary();
          this.#send(encodeMessage(Tag.summary, summary, peakRssBytes()));
        });
        return;
      case Tag.goodbye:
        this.leaving = true;
        this.#mesh?.close();
        this.#control?.close();
        return;
      default:
        exitFailed(new Error(`worker ${this.#number} was sent a message for an agent`));
    }
  }

  /** There is a link to every peer. */
  linked(): void {
    if (this.#isLinked) return;
    this.#isLinked = true;
    this.#send(encodeTag(Tag.linked));
  }

  /** The link to a peer is gone or cannot be made: the coordinator decides what that means. */
  unreachable({ worker, incarnation }: PeerAddress, reason: string): void {
    if (this.leaving || this.#distrusted.has(worker)) return;
    this.#send(encodeMessage(Tag.unreachable, worker, incarnation, shortened(reason), ""));
  }

  /** A data frame that came by the link of a peer. */
  frameArrived(peer: number, bytes: Uint8Array): void {
    const process = this.#process;
    if (process === undefined || this.#failed || this.#distrusted.has(peer)) return;
    this.#guarded(() => process.accept(peer, bytes));
    const named = this.#pending?.frames.find((frames) => frames.peer === peer);
    if (named === undefined || process.missing(named) > 0 || this.#distrusted.has(peer)) return;
    this.#mesh?.setReading(peer, false);
    this.#awaited.delete(peer);
    this.#runWhenComplete(process);
  }

  /**
   * Takes a grant: fetches the frames that it names, and runs the window when the last of them is
   * there.
   */
  #granted(grant: Grant): void {
    const process = this.#process;
    if (process === undefined || this.#failed) return;
    this.#awaited.clear();
    this.#pending = process.withoutCarried(grant, (error) => this.#fail(error));
    for (const named of this.#pending.frames) {
      if (process.missing(named) <= 0) continue;
      this.#awaited.add(named.peer);
      this.#mesh?.setReading(named.peer, true);
    }
    const delayMs = Math.max(this.#delayMs, this.#slowness.delayMs);
    if (delayMs > 0) this.#delayed = setTimeout(() => this.#delayOver(), delayMs);
    this.#runWhenComplete(process);
  }

  #delayOver(): void {
    clearTimeout(this.#delayed);
    this.#delayed = undefined;
    this.#runWhenComplete(this.#running());
  }

  /** What a drill does to this worker; returns why not, or nothing. */
  #disturb(disturbance: Disturbance): string {
    const mesh = this.#mesh as PeerMesh;
    switch (disturbance.act) {
      case "slow":
        this.#slowness.begin(disturbance);
        return "";
      case "cut-peer":
        return cut(mesh.proxyOf(disturbance.peer));
      case "hold-peer":
        return hold(mesh.proxyOf(disturbance.peer), disturbance);
      case "calm":
        this.#slowness.end();
        mesh.heal();
        if (this.#delayed !== undefined && this.#delayMs === 0) this.#delayOver();
        return "";
      default:
        return `a worker cannot ${disturbance.act}`;
    }
  }

  /** Runs the pending window unless frames or handovers are missing for it. */
  #runWhenComplete(process: LogicalProcess): void {
    const grant = this.#pending;
    if (grant === undefined || this.#delayed !== undefined) return;
    if (this.#awaited.size + this.#replaced.size + this.#distrusted.size > 0) return;
    this.#guarded(() => {
      const report = process.run(grant);
      this.#pending = undefined;
      this.#finishWindow(process, report);
    });
  }

  /** Frames first, so that they travel while the coordinator reads the report. */
  #finishWindow(process: LogicalProcess, report: WindowReport): void {
    const mesh = this.#mesh as PeerMesh;
    for (const { peer, bytes } of process.takeFrames()) mesh.send(peer, bytes);
    this.#send(encodeReport(report));
  }

  /**
   * A peer is another process now. What the old one sent and nobody has used is dropped, whether it
   * came or not; the new one hands it over.
   */
  #replace(replacement: Replacement): void {
    const { peer, sent } = replacement;
    this.#replaced.set(peer.worker, replacement);
    this.#awaited.delete(peer.worker);
    this.#distrusted.delete(peer.worker);
    const pending = this.#pending;
    if (pending !== undefined) {
      const frames = pending.frames.filter((named) => named.peer !== peer.worker);
      this.#pending = { ...pending, frames };
    }
    const mesh = this.#mesh as PeerMesh;
    mesh.replace(peer);
    for (const bytes of this.#running().framesAgain(peer.worker, sent)) {
      mesh.send(peer.worker, bytes);
    }
  }

  #takeOver(peer: number, frames: readonly Uint8Array[]): void {
    const replacement = this.#replaced.get(peer);
    if (replacement === undefined) return;
    const { sent, received } = replacement;
    const process = this.#running();
    process.replacePeer(peer, { sent, received }, frames);
    this.#replaced.delete(peer);
    this.#runWhenComplete(process);
  }

  #configure(configuration: Configuration): void {
    const { workers, peers, delayMs, resumption } = configuration;
    const options = {
      scenario: decodeOwned(configuration.scenario) as Scenario,
      placement: placementOf(workers),
      worker: this.#number,
      devices: this.#devices,
    };
    this.#delayMs = delayMs;
    if (resumption === null) this.#process = new LogicalProcess(options);
    else {
      this.#rebuild(rebuildInSteps({ ...options, resumption }), peers);
      return;
    }
    (this.#mesh as PeerMesh).connect(peers);
  }

  /**
   * Works out again what the lost worker had done, a few milliseconds at a time: heartbeats go on.
   * What the coordinator says meanwhile waits.
   */
  #rebuild(steps: Generator<undefined, RebuiltWorker>, peers: readonly PeerAddress[]): void {
    this.#isRebuilding = true;
    const untilMs = performance.now() + REBUILD_TURN_MS;
    for (;;) {
      const step = steps.next();
      if (step.done === true) {
        this.#takePlace(step.value, peers);
        return;
      }
      if (performance.now() < untilMs) continue;
      setImmediate(() => this.#guarded(() => this.#rebuild(steps, peers)));
      return;
    }
  }

  #takePlace({ replacement, handovers }: RebuiltWorker, peers: readonly PeerAddress[]): void {
    this.#isRebuilding = false;
    this.#process = replacement;
    const framesTo = new Map(handovers.map(({ peer, frames }) => [peer, frames]));
    for (const { worker } of peers) {
      this.#send(encodeMessage(Tag.handover, worker, framesTo.get(worker) ?? []));
    }
    (this.#mesh as PeerMesh).connect(peers);
    for (const message of this.#waiting.splice(0)) this.received(message);
  }

  #guarded(step: () => void): void {
    if (this.#failed) return;
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Tells the coordinator and does nothing more; the run ends us. What a peer did wrong is told as
   * that: this process goes on when another one has taken the peer's place.
   */
  #fail(error: unknown): void {
    if (this.#failed) return;
    if (error instanceof PeerError) {
      this.#distrust(error);
      return;
    }
    this.#failed = true;
    const rule = error instanceof InvariantError ? error.rule : "";
    this.#send(encodeMessage(Tag.failed, rule, shortened(messageOf(error))));
  }

  #distrust({ peer, rule, detail }: PeerError): void {
    if (this.#distrusted.has(peer)) return;
    this.#distrusted.add(peer);
    const incarnation = (this.#mesh as PeerMesh).incarnationOf(peer);
    this.#send(encodeMessage(Tag.unreachable, peer, incarnation, shortened(detail), rule));
  }

  #send(bytes: Uint8Array): void {
    this.#control?.send(bytes);
  }

  #running(): LogicalProcess {
    if (this.#process === undefined) throw new Error(`worker ${this.#number} has no configuration`);
    return this.#process;
  }
}

/** The placement, from what crossed the wire. */
function placementOf(workers: Configuration["workers"]): Placement {
  const actors = workers.reduce((sum, worker) => sum + worker.actors.length, 0);
  const workerOf = new Int32Array(actors).fill(-1);
  for (const [number, worker] of workers.entries()) {
    for (const actor of worker.actors) workerOf[actor] = number;
  }
  return { workers, workerOf };
}
