/**
 * What a drill does to the processes of one host, by the hand of its agent: it stops, cuts off and
 * ends workers that it started, by their numbers and incarnations, and itself. What does not kill
 * is a lease: the agent ends it by its own clock, and its keeper where the agent cannot.
 */
import type { HostAddress } from "./addresses.ts";
import { LOOPBACK } from "./addresses.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import type { Disturbance, SpawnedWorker } from "./messages.ts";
import type { LaunchedProcess } from "./process-launcher.ts";
import { cut, hold, TcpProxy } from "./tcp-proxy.ts";

/** Wall ms that the answer has to be sent before an agent stops itself. */
const ANSWER_WITHIN_MS = 20;

export interface AgentFaultsOptions {
  /** Path of dist/scripts/keeper-main.js. */
  readonly keeperMain: string;
  /** The present process of a worker of this host; undefined: it is not there. */
  processOf(worker: SpawnedWorker): LaunchedProcess | undefined;
  /** All of them. */
  processes(): readonly LaunchedProcess[];
}

/** A worker that stands still. */
interface Stopped {
  readonly process: LaunchedProcess;
  readonly lease: NodeJS.Timeout;
}

/** The faults of one host's processes. */
export class AgentFaults {
  readonly #options: AgentFaultsOptions;
  readonly #keeper: LeaseKeeper;
  /** By process id. */
  readonly #stopped = new Map<number, Stopped>();
  /** Before the workers' reports, by worker number. */
  readonly #proxies = new Map<number, TcpProxy>();

  constructor(options: AgentFaultsOptions) {
    this.#options = options;
    this.#keeper = new LeaseKeeper(options.keeperMain);
  }

  /** Where a worker joins whose link may be broken: a proxy before `target`. */
  async proxyFor(worker: number, target: HostAddress): Promise<HostAddress> {
    const proxy = this.#proxies.get(worker) ?? (await TcpProxy.open(LOOPBACK, target));
    this.#proxies.set(worker, proxy);
    return { host: LOOPBACK, port: proxy.port };
  }

  /** Carries one out; resolves with why it was not done, or an empty text. */
  async perform(disturbance: Disturbance): Promise<string> {
    switch (disturbance.act) {
      case "stop-worker":
        return await this.#stopWorker(disturbance, disturbance.forMs);
      case "cut-worker":
        return cut(this.#proxies.get(disturbance.worker));
      case "hold-worker":
        return hold(this.#proxies.get(disturbance.worker), disturbance);
      case "stop-agent":
        return await this.#stopSelf(disturbance.forMs);
      case "kill-agent":
        if (disturbance.workers) for (const one of this.#options.processes()) one.kill("SIGKILL");
        process.kill(process.pid, "SIGKILL");
        return "";
      case "calm":
        this.calm();
        return "";
      default:
        return `an agent cannot ${disturbance.act}`;
    }
  }

  /** A worker's process has ended: nobody is to go on any more. */
  ended(pid: number): void {
    const stopped = this.#stopped.get(pid);
    if (stopped === undefined) return;
    clearTimeout(stopped.lease);
    this.#stopped.delete(pid);
    this.#keeper.release(pid);
  }

  /** Every lease ends now. */
  calm(): void {
    for (const pid of [...this.#stopped.keys()]) this.#letGoOn(pid);
    for (const proxy of this.#proxies.values()) proxy.heal();
  }

  /** The agent leaves: nothing stays stopped, and the keeper ends. */
  async close(): Promise<void> {
    this.calm();
    for (const proxy of this.#proxies.values()) proxy.close();
    await this.#keeper.close();
  }

  async #stopWorker(worker: SpawnedWorker, forMs: number): Promise<string> {
    const child = this.#options.processOf(worker);
    if (child === undefined) return "its process had ended";
    const { pid } = child;
    if (!(await this.#keeper.hold(pid, forMs))) return "there is no keeper for its lease";
    // It may have ended while the keeper was started.
    if (this.#options.processOf(worker) !== child) {
      this.#keeper.release(pid);
      return "its process had ended";
    }
    clearTimeout(this.#stopped.get(pid)?.lease);
    child.kill("SIGSTOP");
    const lease = setTimeout(() => this.#letGoOn(pid), forMs);
    this.#stopped.set(pid, { process: child, lease });
    return "";
  }

  #letGoOn(pid: number): void {
    this.#stopped.get(pid)?.process.kill("SIGCONT");
    this.ended(pid);
  }

  /** Answers first: a process that is stopped says nothing. */
  async #stopSelf(forMs: number): Promise<string> {
    const { pid } = process;
    if (!(await this.#keeper.hold(pid, forMs + ANSWER_WITHIN_MS))) {
      return "there is no keeper for its lease";
    }
    setTimeout(() => process.kill(pid, "SIGSTOP"), ANSWER_WITHIN_MS);
    return "";
  }
}
