/**
 * A worker process: holds some of the actors, runs the windows that the coordinator grants, and
 * exchanges data frames with its peers. It knows sockets and no devices; the devices are handed to
 * it. Imports as little as it can: a run may have a hundred of these.
 */
import { InvariantError } from "../src/base/assert.ts";
import { LogicalProcess } from "../src/engine/logical-process.ts";
import type { DeviceFactory } from "../src/model/device.ts";
import type { Scenario } from "../src/model/scenario.ts";
import type { Grant, WindowReport } from "../src/model/window.ts";
import type { Placement } from "../src/topology/placement.ts";
import { decodeOwned } from "./codec.ts";
import { messageOf } from "./errors.ts";
import type { Link } from "./link.ts";
import { exitFailed, exitOrphaned, join, peakRssBytes, readInvitation } from "./membership.ts";
import {
  type Configuration,
  type CoordinatorMessage,
  encodeMessage,
  encodeReport,
  encodeTag,
  Tag,
} from "./wire.ts";
import { PeerMesh } from "./worker-link.ts";

/** Runs this process as a worker until the run is over. `devices` makes the actors. */
export async function runWorker(devices: DeviceFactory): Promise<void> {
  process.on("uncaughtException", exitFailed);
  process.on("unhandledRejection", exitFailed);
  const invitation = readInvitation(process.env, "worker");
  const worker = new Worker(invitation.worker, devices);
  const mesh = await PeerMesh.open(invitation, (peer, bytes) => worker.frameArrived(peer, bytes));
  await join({
    invitation,
    role: "worker",
    joined: (control) => worker.joined(control, mesh),
    received: (message) => worker.received(message),
    orphaned: () => (worker.leaving ? process.exit(0) : exitOrphaned()),
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
  #awaited = 0;
  #delayMs = 0;
  #failed = false;

  constructor(number: number, devices: DeviceFactory) {
    this.#number = number;
    this.#devices = devices;
  }

  joined(control: Link, mesh: PeerMesh): void {
    this.#control = control;
    this.#mesh = mesh;
    control.send(encodeMessage(Tag.listening, mesh.port));
  }

  received(message: CoordinatorMessage): void {
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
      case Tag.finish:
        this.#guarded(() => {
          const summary = this.#running().summary();
          this.#send(encodeMessage(Tag.summary, summary, peakRssBytes()));
        });
        return;
      case Tag.goodbye:
        this.leaving = true;
        this.#control?.close();
        return;
      default:
        exitFailed(new Error(`worker ${this.#number} was sent a message for an agent`));
    }
  }

  /** A data frame that came by the link of a peer. */
  frameArrived(peer: number, bytes: Uint8Array): void {
    const process = this.#process;
    if (process === undefined || this.#failed) return;
    try {
      process.accept(peer, bytes);
    } catch (error) {
      this.#fail(error);
      return;
    }
    for (const named of this.#pending?.frames ?? []) {
      // Exactly: a frame of a later window may come right behind, and must not count again.
      if (named.peer !== peer || process.received(peer) + named.carried.length !== named.count) {
        continue;
      }
      this.#mesh?.setReading(peer, false);
      this.#awaited -= 1;
      if (this.#awaited === 0) this.#runPending(process);
      return;
    }
  }

  /**
   * Takes a grant: fetches the frames that it names, and runs the window when the last of them is
   * there.
   */
  #granted(grant: Grant): void {
    const process = this.#process;
    if (process === undefined || this.#failed) return;
    this.#pending = grant;
    this.#awaited = 0;
    for (const { peer, count, carried } of grant.frames) {
      if (process.received(peer) + carried.length >= count) continue;
      this.#awaited += 1;
      this.#mesh?.setReading(peer, true);
    }
    if (this.#awaited === 0) this.#runPending(process);
  }

  #runPending(process: LogicalProcess): void {
    const grant = this.#pending as Grant;
    this.#pending = undefined;
    if (this.#delayMs > 0) setTimeout(() => this.#run(process, grant), this.#delayMs);
    else this.#run(process, grant);
  }

  #run(process: LogicalProcess, grant: Grant): void {
    try {
      this.#finishWindow(process, process.run(grant));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Frames first, so that they travel while the coordinator reads the report. */
  #finishWindow(process: LogicalProcess, report: WindowReport): void {
    const mesh = this.#mesh as PeerMesh;
    for (const { peer, bytes } of process.takeFrames()) mesh.send(peer, bytes);
    this.#send(encodeReport(report));
  }

  #configure(configuration: Configuration): void {
    const { workers, peers, delayMs } = configuration;
    const scenario = decodeOwned(configuration.scenario) as Scenario;
    this.#delayMs = delayMs;
    this.#process = new LogicalProcess({
      scenario,
      placement: placementOf(workers),
      worker: this.#number,
      devices: this.#devices,
    });
    const mesh = this.#mesh as PeerMesh;
    mesh.connect(peers).then(
      () => this.#send(encodeTag(Tag.linked)),
      (error) => this.#fail(error),
    );
  }

  #guarded(step: () => void): void {
    if (this.#failed) return;
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Tells the coordinator and does nothing more; the run ends us. */
  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const rule = error instanceof InvariantError ? error.rule : "";
    this.#send(encodeMessage(Tag.failed, rule, messageOf(error)));
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
