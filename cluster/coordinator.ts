/**
 * The coordinator's side of the processes: listens, starts the agent, brings the workers in, hands
 * out the configuration, passes grants and reports on, and sees everybody out. What a window is it
 * does not know; that is the window loop's matter.
 */
import { randomBytes } from "node:crypto";
import { InvariantError } from "../src/base/assert.ts";
import type { Grant, WindowReport, WorkerSummary } from "../src/model/window.ts";
import type { Placement } from "../src/topology/placement.ts";
import { AgentSide } from "./agent-side.ts";
import { ExitCode, messageOf, OperatingError } from "./errors.ts";
import { type Caller, identityOf, type Refusal, type RunIdentity } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Link, Listener } from "./link.ts";
import { LOOPBACK } from "./membership.ts";
import { describeExit } from "./process-launcher.ts";
import { listen } from "./websocket-transport.ts";
import {
  type Configuration,
  decodeMemberMessage,
  Env,
  type ExitNotice,
  encodeGrant,
  encodeMessage,
  encodeTag,
  type MemberMessage,
  Tag,
} from "./wire.ts";

/** Largest message that the coordinator takes: a window's report with its facts. */
const CONTROL_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Connections beyond those of the run's members. */
const SPARE_CONNECTIONS = 32;

const AUTH_WITHIN_MS = 2000;

/** Wall ms in which all workers must have joined. */
const JOIN_WITHIN_MS = 120_000;

/** Wall ms that members have to leave; after that they are ended. */
const LEAVE_WITHIN_MS = 5000;

/** Wall ms to wait for the agent's word on why a worker's connection closed. */
const EXPLAIN_WITHIN_MS = 1500;

export interface CoordinatorOptions {
  readonly runId: string;
  /** Encoded scenario. */
  readonly scenario: Uint8Array;
  readonly scenarioHash: string;
  readonly placement: Placement;
  /** Pairs of workers that share a lane. */
  readonly pairs: readonly (readonly [number, number])[];
  /** Wall ms to wait before each window, by worker label. */
  readonly delays: ReadonlyMap<string, number>;
  readonly agentMain: string;
  readonly workerMain: string;
  /** 0: any free port. */
  readonly port: number;
  /** Seconds of silence before a member counts as lost. */
  readonly silenceLimitSeconds?: number;
  report(worker: number, report: WindowReport): void;
  /**
   * Called once: a process of the run is gone, or one of them broke a rule. The run cannot go on.
   */
  failed(failure: Failure): void;
}

/** Why a run cannot go on. */
export type Failure =
  /** A process is gone. `detail` names it and says how. */
  | { readonly kind: "lost"; readonly detail: string }
  | { readonly kind: "error"; readonly error: Error };

interface WorkerState {
  readonly label: string;
  pid: number;
  link: Link | undefined;
  heartbeat: Heartbeat | undefined;
  port: number;
  exit: ExitNotice | undefined;
}

/** Members of one run. */
export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #identity: RunIdentity;
  readonly #workers: WorkerState[];
  #listener: Listener | undefined;
  readonly #agent = new AgentSide();
  readonly #summaries: (WorkerSummary | undefined)[] = [];
  #workersPeakRssBytes = 0;
  /** How many messages of the current phase are still to come. */
  #waits: { count: number; readonly done: () => void } | undefined;
  #leaving = false;
  #failure: Failure | undefined;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#identity = identityOf(randomBytes(32), options.runId, options.scenarioHash);
    this.#workers = options.placement.workers.map(({ label }) => ({
      label,
      pid: 0,
      link: undefined,
      heartbeat: undefined,
      port: 0,
      exit: undefined,
    }));
  }

  /** Process ids of the workers, once they have started. */
  get workerPids(): number[] {
    return this.#workers.map((worker) => worker.pid);
  }

  /**
   * Highest resident memory of agent and workers, each one's peak added up, bytes; complete after
   * `leave`.
   */
  get peakRssBytes(): number {
    return this.#agent.peakRssBytes + this.#workersPeakRssBytes;
  }

  /** The worker that has been silent for longest, by its name. */
  get quietest(): string {
    const quiet = this.#workers.map(({ heartbeat }) => heartbeat?.quietSeconds ?? 0);
    return this.#nameOf(quiet.indexOf(Math.max(...quiet)));
  }

  /**
   * Brings up agent and workers until all are linked. Failures go to `failed`; then this never
   * resolves.
   */
  async start(): Promise<void> {
    this.#listener = await listen({
      host: LOOPBACK,
      port: this.#options.port,
      identity: this.#identity,
      maxMessageBytes: CONTROL_MESSAGE_BYTES,
      maxConnections: this.#workers.length + 1 + SPARE_CONNECTIONS,
      authWithinMs: AUTH_WITHIN_MS,
      admit: (caller) => this.#admit(caller),
      accepted: (link) => this.#accepted(link),
    });
    const listening = this.#waitFor(this.#workers.length);
    const deadline = setTimeout(() => this.#joinedTooLate(), JOIN_WITHIN_MS);
    this.#launchAgent(this.#listener.port);
    await listening;
    const linked = this.#waitFor(this.#workers.length);
    for (let worker = 0; worker < this.#workers.length; worker += 1) {
      this.#sendTo(worker, encodeMessage(Tag.configure, this.#configurationOf(worker)));
    }
    await linked;
    clearTimeout(deadline);
  }

  /** Lets the actors take their first step: window 0. */
  begin(): void {
    const begin = encodeTag(Tag.begin);
    for (let worker = 0; worker < this.#workers.length; worker += 1) this.#sendTo(worker, begin);
  }

  grant(worker: number, grant: Grant): void {
    this.#workers[worker].link?.send(encodeGrant(grant));
  }

  /** Asks every worker for its totals. Never resolves when the run fails meanwhile. */
  async collect(): Promise<WorkerSummary[]> {
    const collected = this.#waitFor(this.#workers.length);
    const finish = encodeTag(Tag.finish);
    for (let worker = 0; worker < this.#workers.length; worker += 1) this.#sendTo(worker, finish);
    await collected;
    return this.#summaries as WorkerSummary[];
  }

  /**
   * Sees everybody out and closes the port. Resolves when all have ended. `inPeace`: workers are
   * idle and may go by themselves; otherwise the agent ends them. Nobody gets more than a few
   * seconds.
   */
  async leave(inPeace: boolean): Promise<void> {
    this.#leaving = true;
    for (const worker of this.#workers) worker.heartbeat?.stop();
    this.#agent.stopWatching();
    const goodbye = encodeTag(Tag.goodbye);
    for (const worker of this.#workers) worker.link?.send(goodbye);
    if (inPeace) {
      await this.#workersGone();
    }
    await this.#agent.leave(LEAVE_WITHIN_MS);
    this.#listener?.close();
  }

  #launchAgent(port: number): void {
    const { runId, scenarioHash, agentMain } = this.#options;
    this.#agent.launch({
      main: agentMain,
      environment: {
        [Env.coordinator]: `${LOOPBACK}:${port}`,
        [Env.token]: Buffer.from(this.#identity.token).toString("hex"),
        [Env.runId]: runId,
        [Env.scenarioHash]: scenarioHash,
      },
      exited: (exit) => {
        this.#fail({ kind: "lost", detail: `the host agent ${describeExit(exit)}` });
      },
    });
  }

  #admit(caller: Caller): Refusal | undefined {
    const refusal: Refusal = { code: "not-expected", message: "this process is not expected" };
    if (this.#leaving) return refusal;
    switch (caller.role) {
      case "agent":
        return this.#agent.isLinked ? refusal : undefined;
      case "worker": {
        const worker = this.#workers[caller.worker];
        return worker !== undefined && worker.link === undefined ? undefined : refusal;
      }
      default:
        return refusal;
    }
  }

  #accepted(link: Link): void {
    const { role, worker } = link.caller;
    const beat = encodeTag(Tag.heartbeat);
    const name = role === "agent" ? "the host agent" : this.#nameOf(worker);
    const { silenceLimitSeconds } = this.#options;
    const heartbeat = new Heartbeat({
      beat: () => link.send(beat),
      silent: () => this.#fail({ kind: "lost", detail: `${name} has gone silent` }),
      ...(silenceLimitSeconds === undefined ? {} : { limitSeconds: silenceLimitSeconds }),
    });
    if (role === "agent") {
      this.#agent.join(link, heartbeat);
    } else {
      this.#workers[worker].link = link;
      this.#workers[worker].heartbeat = heartbeat;
    }
    link.onClosed((reason) => {
      heartbeat.stop();
      this.#linkClosed(role === "agent" ? undefined : worker, reason);
    });
    link.onMessage((bytes) => {
      heartbeat.heard();
      try {
        const message = decodeMemberMessage(bytes);
        if (role === "agent") this.#fromAgent(message);
        else this.#fromWorker(worker, message);
      } catch (error) {
        const trouble = new InvariantError("messages-are-known", `${name}: ${messageOf(error)}`);
        this.#fail({ kind: "error", error: trouble });
      }
    });
    if (role === "agent") {
      this.#agent.orderWorkers(this.#options.workerMain, this.#workers.length);
    }
  }

  #fromAgent(message: MemberMessage): void {
    switch (message.tag) {
      case Tag.heartbeat:
        return;
      case Tag.spawned:
        this.#workers[message.worker].pid = message.pid;
        return;
      case Tag.exited: {
        const worker = this.#workers[message.worker];
        worker.exit = message.exit;
        const detail = `${this.#nameOf(message.worker)} ${describeExit(message.exit)}`;
        this.#fail({ kind: "lost", detail });
        this.#workerGone?.();
        return;
      }
      case Tag.usage:
        this.#agent.peakRssBytes = message.peakRssBytes;
        return;
      default:
        throw new Error(`message ${message.tag} is not an agent's`);
    }
  }

  #fromWorker(worker: number, message: MemberMessage): void {
    switch (message.tag) {
      case Tag.report:
        this.#options.report(worker, message.report);
        return;
      case Tag.heartbeat:
        return;
      case Tag.listening:
        this.#workers[worker].port = message.port;
        this.#arrived();
        return;
      case Tag.linked:
        this.#arrived();
        return;
      case Tag.summary:
        this.#summaries[worker] = message.summary;
        this.#workersPeakRssBytes += message.peakRssBytes;
        this.#arrived();
        return;
      case Tag.failed: {
        const text = `${this.#nameOf(worker)}: ${message.message}`;
        const error = new InvariantError(message.rule === "" ? "worker-runs" : message.rule, text);
        this.#fail({ kind: "error", error });
        return;
      }
      default:
        throw new Error(`message ${message.tag} is not a worker's`);
    }
  }

  /**
   * A closed connection is final; the agent usually knows why, a moment later. `worker` undefined:
   * the agent's.
   */
  #linkClosed(worker: number | undefined, reason: string): void {
    if (this.#leaving || this.#failure !== undefined) return;
    setTimeout(() => {
      const name = worker === undefined ? "the host agent" : this.#nameOf(worker);
      this.#fail({ kind: "lost", detail: `${name} is gone: ${reason}` });
    }, EXPLAIN_WITHIN_MS);
  }

  #joinedTooLate(): void {
    const late = this.#workers.filter((worker) => worker.port === 0).map((worker) => worker.label);
    const names = late.length > 0 ? late.join(", ") : "the links between workers";
    const message = `cannot reach ${names} (timed out after ${JOIN_WITHIN_MS / 1000} s)`;
    const error = new OperatingError("E047", message, "", ExitCode.unavailable);
    this.#fail({ kind: "error", error });
  }

  #configurationOf(worker: number): Configuration {
    const { scenario, placement, pairs, delays } = this.#options;
    const peers: { worker: number; port: number }[] = [];
    for (const [low, high] of pairs) {
      if (low === worker) peers.push({ worker: high, port: this.#workers[high].port });
      else if (high === worker) peers.push({ worker: low, port: this.#workers[low].port });
    }
    const delayMs = delays.get(this.#workers[worker].label) ?? 0;
    return { scenario, workers: placement.workers, peers, delayMs };
  }

  #sendTo(worker: number, bytes: Uint8Array): void {
    this.#workers[worker].link?.send(bytes);
  }

  #nameOf(worker: number): string {
    const { label, pid } = this.#workers[worker];
    return `worker ${label} (pid ${pid})`;
  }

  /** Resolves when `count` messages of the kind that this phase waits for have come. */
  #waitFor(count: number): Promise<void> {
    return new Promise((done) => {
      this.#waits = { count, done };
    });
  }

  #arrived(): void {
    const waits = this.#waits;
    if (waits === undefined) return;
    waits.count -= 1;
    if (waits.count === 0) waits.done();
  }

  #fail(failure: Failure): void {
    if (this.#leaving || this.#failure !== undefined) return;
    this.#failure = failure;
    this.#options.failed(failure);
  }

  /** Called when a worker has ended, while somebody waits for it. */
  #workerGone: (() => void) | undefined;

  /** Resolves when all workers have ended, or when the time to leave is over. */
  #workersGone(): Promise<void> {
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, LEAVE_WITHIN_MS);
      this.#workerGone = () => {
        if (this.#workers.some((worker) => worker.exit === undefined)) return;
        clearTimeout(deadline);
        resolve();
      };
      this.#workerGone();
    });
  }
}
