/**
 * The coordinator's side of the processes: listens, brings hosts and workers in, hands out the
 * configuration, passes grants and reports on, replaces processes that are lost, and sees everybody
 * out. What a window is it does not know; that is the window loop's matter.
 */
import { InvariantError } from "../src/base/assert.ts";
import type { Grant, WindowReport, WorkerSummary } from "../src/model/window.ts";
import type { HostAddress } from "./addresses.ts";
import { Awaited } from "./awaited.ts";
import { Crew } from "./crew.ts";
import type { CrewOptions } from "./crew-options.ts";
import { namesOf } from "./debts.ts";
import { ExitCode, messageOf, OperatingError } from "./errors.ts";
import type { Caller, Refusal, RunIdentity } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { HostFaults, type HostFaultsOptions } from "./host-faults.ts";
import { HostList } from "./host-list.ts";
import { type HostSecurity, securityFor } from "./host-security.ts";
import type { HostSide } from "./host-side.ts";
import type { Link, Listener } from "./link.ts";
import { AUTH_WITHIN_MS, EXPLAIN_WITHIN_MS } from "./link-limits.ts";
import { checkAgentsWord, checkWorkerMessage } from "./member-rules.ts";
import { CONTROL_MESSAGE_BYTES } from "./membership.ts";
import {
  type AgentNews,
  type Envelope,
  type ExitNotice,
  type Farewell,
  type MemberMessage,
  Tag,
} from "./messages.ts";
import type { HostStart } from "./prepared-run.ts";
import { describeExit } from "./process-launcher.ts";
import { listen } from "./websocket-transport.ts";
import { decodeMemberMessage, encodeGrant, encodeMessage, encodeTag } from "./wire.ts";
import type { WorkerSide } from "./worker-side.ts";

/** Connections beyond those of the run's members. */
const SPARE_CONNECTIONS = 32;

/** Wall ms in which all workers must have joined, once their hosts have. */
const START_WITHIN_MS = 120_000;

/** Wall ms that members have to leave; after that they are ended. */
const LEAVE_WITHIN_MS = 5000;

/** Seconds of silence, at a beat a second, after which a worker is no longer merely busy. */
const QUIET_SECONDS = 3;

export interface CoordinatorOptions extends CrewOptions {
  readonly identity: RunIdentity;
  /** Where to listen; port 0: any free one. */
  readonly address: HostAddress;
  /** Hosts of the run, ours included. */
  readonly hosts: number;
  /** Wall ms that the other hosts have to join. */
  readonly joinWithinMs: number;
  readonly agentMain: string;
  readonly security: HostSecurity;
  /** Undefined: nobody does anything to the processes on purpose. */
  readonly realFaults: Pick<HostFaultsOptions, "keeperMain" | "isDead"> | undefined;
  /** Takes a report. Throws the InvariantError of the rule that it breaks, and then has not. */
  report(worker: number, report: WindowReport): void;
  /** Throws the InvariantError of the rule that a worker's totals break. */
  judge(worker: number, summary: WorkerSummary): void;
  /** Called once: the run cannot go on. */
  failed(failure: Failure): void;
}

/** Why a run cannot go on. */
export type Failure =
  /** A process is gone. `detail` names it and says how. */
  | { readonly kind: "lost"; readonly detail: string }
  | { readonly kind: "error"; readonly error: Error };

/** Members of one run. */
export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #hosts: HostList;
  readonly #crew: Crew;
  readonly #hostFaults: HostFaults | undefined;
  readonly #collected = new Awaited();
  readonly #summaries: (WorkerSummary | undefined)[] = [];
  #listener: Listener | undefined;
  #workersPeakRssBytes = 0;
  #failure: Failure | undefined;
  /** Called when a worker has ended, while somebody waits for it. */
  #workerGone: (() => void) | undefined;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    const { hosts, joinWithinMs, silenceLimitSeconds, agentMain, identity, security } = options;
    this.#hosts = new HostList({
      hosts,
      joinWithinMs,
      silenceLimitSeconds,
      agentMain,
      identity,
      security,
      told: (text) => options.told(text),
      back: (host) => this.#crew.spawnOn(host),
      judge: (host, about) => checkAgentsWord(this.#crew, host, about),
      said: (host, message) => this.#guarded(() => this.#fromAgent(host, message)),
      passedOn: (envelope) => this.#passedOn(envelope),
      lost: (host, detail) => {
        if (this.#crew.phase === "gathering") this.#fail({ kind: "lost", detail });
        else this.#crew.hostLost(host, detail);
      },
    });
    const crewOptions: CrewOptions = {
      ...options,
      lost: (loss) => {
        options.lost(loss);
        this.#hostFaults?.lost(loss);
      },
    };
    this.#crew = new Crew(crewOptions, this.#hosts, (detail) => {
      this.#fail({ kind: "lost", detail });
    });
    const { realFaults } = options;
    if (realFaults !== undefined) {
      this.#hostFaults = new HostFaults({ ...realFaults, crew: this.#crew, hosts: this.#hosts });
    }
  }

  /** Process ids of the workers, once they have started. */
  get workerPids(): number[] {
    return this.#crew.workers.map((worker) => worker.pid);
  }

  /** The hosts, with the labels of the workers that they have. */
  get hosts(): HostStart[] {
    return this.#hosts.all.map((host) => ({
      label: host.label,
      name: host.arrival?.name ?? "",
      pid: host.pid,
      workers: this.#crew.workers.filter((one) => one.host === host).map(({ label }) => label),
    }));
  }

  /** Nobody is being replaced. */
  get isWhole(): boolean {
    return this.#crew.isWhole;
  }

  /**
   * Highest resident memory of agents and workers, each one's peak added up, bytes; complete after
   * `leave`.
   */
  get peakRssBytes(): number {
    return this.#hosts.peakRssBytes + this.#workersPeakRssBytes;
  }

  /**
   * Who owes the open window or its totals, for people; `the run` when that is nobody. When some of
   * them are silent, only these: others may wait for their frames.
   */
  get owing(): string {
    const { owing } = this.#crew;
    const silent = owing.filter(({ heartbeat }) => (heartbeat?.quietSeconds ?? 0) >= QUIET_SECONDS);
    return namesOf(silent.length > 0 ? silent : owing);
  }

  /**
   * Brings up hosts and workers until all are linked. Failures go to `failed`; then this never
   * resolves. Rejects with OperatingError E043 when it cannot listen, E047 when hosts are missing.
   */
  async start(): Promise<void> {
    const { placement, address, identity, hosts, security } = this.#options;
    this.#listener = await listen({
      ...address,
      ...securityFor(security),
      identity,
      maxMessageBytes: CONTROL_MESSAGE_BYTES,
      maxConnections: placement.workers.length + hosts + SPARE_CONNECTIONS,
      authWithinMs: AUTH_WITHIN_MS,
      admit: (caller) => this.#admit(caller),
      accepted: (link) => this.#accepted(link),
      turnedAway: ({ why, address, unsaid }) => {
        const more = unsaid > 0 ? `, and ${unsaid} more` : "";
        if (hosts > 1) this.#options.told(`turned away ${address || "somebody"}${more}: ${why}`);
      },
    });
    await this.#hosts.gather({ ...address, port: this.#listener.port });
    const deadline = setTimeout(() => this.#startedTooLate(), START_WITHIN_MS);
    await this.#crew.start();
    clearTimeout(deadline);
  }

  /** Lets the actors take their first step: window 0. */
  begin(): void {
    this.#crew.tellAll(encodeTag(Tag.begin));
  }

  grant(worker: number, grant: Grant): void {
    const one = this.#crew.workers[worker];
    // A replacement that is still being made gets its grant when it is ready.
    if (one.stage === "linked") one.send(encodeGrant(grant));
  }

  /** What a drill may do to the processes; undefined: nothing. */
  get hostFaults(): HostFaults | undefined {
    return this.#hostFaults;
  }

  /** Asks every worker for its totals. Never resolves when the run fails meanwhile. */
  async collect(): Promise<WorkerSummary[]> {
    this.#crew.collect();
    await this.#collected.all(this.#crew.workers.length);
    return this.#summaries as WorkerSummary[];
  }

  /**
   * Sees everybody out and closes the port. Resolves when all have ended. `inPeace`: workers are
   * idle and may go by themselves; otherwise their agents end them. Nobody gets more than a few
   * seconds. `farewell` is what the hosts are told of it.
   */
  async leave(inPeace: boolean, farewell: Farewell): Promise<void> {
    this.#crew.leave();
    this.#hostFaults?.calm();
    this.#hosts.stopWatching();
    this.#crew.tellAll(encodeMessage(Tag.goodbye, farewell));
    if (inPeace) await this.#workersGone();
    await this.#hosts.leave(LEAVE_WITHIN_MS, farewell);
    this.#listener?.close();
    await this.#hostFaults?.close();
  }

  #admit(caller: Caller): Refusal | undefined {
    const { role, number, incarnation } = caller;
    const refusal: Refusal = { code: "not-expected", message: "this process is not expected" };
    if (this.#crew.phase === "leaving") return { ...refusal, message: "the run is over" };
    if (role === "agent") return this.#hosts.admit(caller);
    const worker = this.#crew.workers[number];
    if (role !== "worker" || worker === undefined) return refusal;
    if (incarnation !== worker.incarnation) {
      return { code: "stale-incarnation", message: "this worker was replaced" };
    }
    return worker.link === undefined ? undefined : refusal;
  }

  #accepted(link: Link): void {
    if (link.caller.role === "agent") {
      this.#hosts.join(link);
      return;
    }
    const { number, incarnation } = link.caller;
    const worker = this.#crew.workers[number];
    const beat = encodeTag(Tag.heartbeat);
    const lost = (how: string): void => {
      const present = this.#crew.present(number, incarnation);
      if (present !== undefined) this.#crew.workerLost(present, `${present.name} ${how}`);
    };
    const heartbeat = new Heartbeat({
      beat: () => link.send(beat),
      silent: () => lost("has gone silent"),
      limitSeconds: this.#options.silenceLimitSeconds,
    });
    worker.link = link;
    worker.heartbeat = heartbeat;
    link.onClosed((reason) => {
      heartbeat.stop();
      // Its agent usually knows why, a moment later.
      setTimeout(() => lost(`is gone: ${reason}`), EXPLAIN_WITHIN_MS);
    });
    link.onMessage((bytes) => {
      heartbeat.heard();
      this.#passedOn({ worker: number, incarnation, bytes });
    });
  }

  #passedOn({ worker: number, incarnation, bytes }: Envelope): void {
    const worker = this.#crew.present(number, incarnation);
    // What a process says after its loss was decided has no meaning.
    if (worker === undefined || this.#failure !== undefined) return;
    this.#guarded(() => {
      const message = this.#judged(worker, bytes);
      if (message !== undefined) this.#fromWorker(worker, message);
    });
  }

  /**
   * What a worker says, if it may say that now; a report has been taken then. One that breaks a
   * rule is lost as if it had died: its message changes nothing, and a replacement says what is
   * true. Undefined: it broke one.
   */
  #judged(worker: WorkerSide, bytes: Uint8Array): MemberMessage | undefined {
    try {
      const message = decodeMemberMessage(bytes);
      checkWorkerMessage(this.#crew, worker, message);
      if (message.tag === Tag.report) this.#options.report(worker.number, message.report);
      else if (message.tag === Tag.summary) this.#options.judge(worker.number, message.summary);
      return message;
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error;
      this.#crew.workerLost(worker, `${worker.name} broke ${error.rule}: ${error.detail}`);
      return undefined;
    }
  }

  #guarded(step: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      step();
    } catch (error) {
      const trouble = error instanceof Error ? error : new Error(messageOf(error));
      this.#fail({ kind: "error", error: trouble });
    }
  }

  #fromAgent(host: HostSide, message: AgentNews): void {
    if (message.tag === Tag.disturbed) {
      this.#hostFaults?.answered(host, message.id, message.problem);
      return;
    }
    const worker = this.#crew.present(message.worker, message.incarnation);
    if (worker === undefined) return;
    if (message.tag === Tag.spawned) worker.pid = message.pid;
    else if (message.tag === Tag.exited) this.#workerExited(worker, message.exit);
    else this.#crew.workerLost(worker, `${worker.name} has gone silent`);
  }

  #fromWorker(worker: WorkerSide, message: MemberMessage): void {
    switch (message.tag) {
      case Tag.listening:
        this.#crew.listening(worker, message);
        return;
      case Tag.linked:
        this.#crew.linked(worker);
        return;
      case Tag.handover: {
        this.#crew.handedOver(worker, message.peer);
        const handover = encodeMessage(Tag.handover, worker.number, message.frames);
        this.#crew.workers[message.peer].send(handover);
        return;
      }
      case Tag.unreachable:
        if (message.rule === "") this.#crew.unreachable(worker, message);
        else this.#crew.accused(worker, message);
        return;
      case Tag.summary:
        this.#summaries[worker.number] = message.summary;
        this.#workersPeakRssBytes += message.peakRssBytes;
        this.#crew.done(worker);
        this.#collected.note(worker.number);
        return;
      case Tag.disturbed:
        this.#hostFaults?.answered(worker, message.id, message.problem);
        return;
      case Tag.failed: {
        const text = `${worker.name}: ${message.message}`;
        const error = new InvariantError(message.rule === "" ? "worker-runs" : message.rule, text);
        this.#fail({ kind: "error", error });
        return;
      }
    }
  }

  #workerExited(worker: WorkerSide, exit: ExitNotice): void {
    if (this.#crew.phase === "leaving") {
      worker.isGone = true;
      this.#workerGone?.();
    } else this.#crew.workerLost(worker, `${worker.name} ${describeExit(exit)}`);
  }

  #startedTooLate(): void {
    const late = this.#crew.workers.filter(({ port }) => port === 0).map(({ label }) => label);
    const names = late.length > 0 ? late.join(", ") : "the links between workers";
    const message = `cannot reach ${names} (timed out after ${START_WITHIN_MS / 1000} s)`;
    const error = new OperatingError("E047", message, "", ExitCode.unavailable);
    this.#fail({ kind: "error", error });
  }

  #fail(failure: Failure): void {
    if (this.#crew.phase === "leaving" || this.#failure !== undefined) return;
    this.#failure = failure;
    this.#options.failed(failure);
  }

  /** Resolves when all workers have ended, or when the time to leave is over. */
  #workersGone(): Promise<void> {
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, LEAVE_WITHIN_MS);
      this.#workerGone = () => {
        if (this.#crew.workers.some(({ isGone }) => !isGone)) return;
        clearTimeout(deadline);
        resolve();
      };
      this.#workerGone();
    });
  }
}
