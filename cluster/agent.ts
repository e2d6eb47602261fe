/**
 * A host agent: starts the workers that the coordinator asks for, supervises them, passes their
 * messages on and reports how each ended. It holds no actors and takes no part in windows. Its
 * workers never outlive it.
 */
import { availableParallelism, hostname } from "node:os";
import { type HostAddress, LOOPBACK } from "./addresses.ts";
import { AgentFaults } from "./agent-faults.ts";
import { AgentRelay } from "./agent-relay.ts";
import type { RunIdentity } from "./handshake.ts";
import type { HostSecurity } from "./host-security.ts";
import type { DialOptions, Link } from "./link.ts";
import {
  exitFailed,
  exitOrphaned,
  followLauncher,
  type Invitation,
  invitationEnvironment,
  join,
  peakRssBytes,
  readInvitation,
} from "./membership.ts";
import { type CoordinatorMessage, type Farewell, type SpawnOrder, Tag } from "./messages.ts";
import { type LaunchedProcess, launch } from "./process-launcher.ts";
import { encodeMessage } from "./wire.ts";

/** Entry points of the processes that an agent starts, .js files under dist/scripts. */
export interface AgentMains {
  readonly workerMain: string;
  readonly keeperMain: string;
}

/** Runs this process, which a coordinator started, as an agent until the run is over. */
export async function runAgent({ workerMain, keeperMain }: AgentMains): Promise<void> {
  process.on("uncaughtException", exitFailed);
  process.on("unhandledRejection", exitFailed);
  const invitation = readInvitation(process.env);
  const { host, port, identity, number, incarnation, silenceLimitSeconds, security } = invitation;
  let serving: ServingAgent | undefined;
  followLauncher(() => (serving === undefined ? exitOrphaned() : serving.quit()));
  serving = await serveAsAgent({
    address: { host, port },
    identity,
    number,
    incarnation,
    silenceLimitSeconds,
    security,
    workerMain,
    keeperMain,
    joined: () => undefined,
    over: (farewell) => (farewell === undefined ? exitOrphaned() : process.exit(0)),
  });
}

export interface AgentOptions extends AgentMains {
  /** Where the coordinator listens. */
  readonly address: HostAddress;
  readonly identity: DialOptions["identity"];
  /** Number of this host; -1: the coordinator gives one. */
  readonly number: number;
  readonly incarnation: number;
  readonly silenceLimitSeconds: number;
  readonly security: HostSecurity;
  /** Called once, when the coordinator has taken it in. */
  joined(): void;
  /** How many hosts it was told that the run has; default: it was not. */
  readonly hosts?: number;
  /** Called once its workers have ended; undefined: the coordinator has not said goodbye. */
  over(farewell: Farewell | undefined): void;
}

/** An agent that is up. */
export interface ServingAgent {
  /** Ends its workers and leaves the run, which takes that as the loss of the host. */
  quit(): void;
}

/** Joins a run as an agent. Rejects like `join` when the coordinator is not reached or refuses. */
export async function serveAsAgent(options: AgentOptions): Promise<ServingAgent> {
  const { address, identity: given, number, incarnation } = options;
  const { silenceLimitSeconds, security } = options;
  const agent = new Agent(options);
  await join({
    address,
    identity: (runId) => {
      const identity = typeof given === "function" ? given(runId) : given;
      agent.identity = identity;
      return identity;
    },
    caller: { role: "agent", number, incarnation },
    silenceLimitSeconds,
    security,
    joined: (control) => agent.joined(control),
    received: (message) => agent.received(message),
    orphaned: () => agent.end(),
  });
  return { quit: () => agent.end() };
}

interface Child {
  readonly incarnation: number;
  readonly process: LaunchedProcess;
}

/** The workers of this host. */
class Agent {
  /** What it proves itself with; known once the coordinator has said which run this is. */
  identity: RunIdentity | undefined;
  readonly #options: AgentOptions;
  readonly #children = new Map<number, Child>();
  /** The coordinator has said goodbye. */
  #farewell: Farewell | undefined;
  #control: Link | undefined;
  #relay: Promise<AgentRelay> | undefined;
  #openRelay: AgentRelay | undefined;
  #allGone: (() => void) | undefined;

  readonly #faults: AgentFaults;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#faults = new AgentFaults({
      keeperMain: options.keeperMain,
      processOf: ({ worker, incarnation }) => {
        const child = this.#children.get(worker);
        return child?.incarnation === incarnation ? child.process : undefined;
      },
      processes: () => [...this.#children.values()].map((child) => child.process),
    });
  }

  joined(control: Link): void {
    this.#control = control;
    const arrival = {
      name: hostname(),
      address: control.localAddress,
      pid: process.pid,
      processors: availableParallelism(),
      hosts: this.#options.hosts ?? 0,
    };
    control.send(encodeMessage(Tag.arrived, arrival));
    this.#options.joined();
  }

  received(message: CoordinatorMessage): void {
    switch (message.tag) {
      case Tag.heartbeat:
        return;
      case Tag.relayed:
        this.#openRelay?.deliver(message.envelopes);
        return;
      case Tag.spawn:
        this.#spawnAll(message.order).catch(exitFailed);
        return;
      case Tag.end: {
        const child = this.#children.get(message.worker);
        if (child?.incarnation === message.incarnation) child.process.kill("SIGKILL");
        return;
      }
      case Tag.disturb:
        this.#faults.perform(message.disturbance).then((problem) => {
          this.#control?.send(encodeMessage(Tag.disturbed, message.id, problem));
        }, exitFailed);
        return;
      case Tag.goodbye:
        this.#farewell = message.farewell;
        this.#endWorkers(() => {
          this.#control?.send(encodeMessage(Tag.usage, peakRssBytes()));
          this.#control?.close();
        });
        return;
      default:
        exitFailed(new Error("the agent was sent a message for a worker"));
    }
  }

  /** The run is gone, or this host leaves it: ends the workers, then says so. */
  end(): void {
    this.#endWorkers(() => {
      this.#control?.terminate();
      this.#options.over(this.#farewell);
    });
  }

  /** Ends the workers that are left, then calls `done`. */
  #endWorkers(done: () => void): void {
    let isDone = false;
    const allGone = (): void => {
      if (isDone) return;
      isDone = true;
      this.#faults.close().then(done, exitFailed);
    };
    this.#allGone = allGone;
    this.#openRelay?.stopWatching();
    if (this.#children.size === 0) {
      allGone();
      return;
    }
    for (const { process: child } of this.#children.values()) child.kill("SIGKILL");
  }

  async #spawnAll(order: SpawnOrder): Promise<void> {
    const { scenarioHash } = order;
    const identity = { ...(this.identity as RunIdentity), scenarioHash };
    let meetsAt = this.#options.address;
    if (order.reportsTo === "agent") {
      this.#relay ??= AgentRelay.open({
        identity,
        control: this.#control as Link,
        silenceLimitSeconds: order.silenceLimitSeconds,
        isExpected: (worker, incarnation) =>
          this.#children.get(worker)?.incarnation === incarnation,
      });
      this.#openRelay = await this.#relay;
      meetsAt = { host: LOOPBACK, port: this.#openRelay.port };
    }
    if (this.#allGone !== undefined) return;
    const { silenceLimitSeconds, nodeFlags } = order;
    const address = (this.#control as Link).localAddress;
    const { proxies } = order;
    for (const { worker, incarnation } of order.workers) {
      const place = proxies.workers.includes(worker)
        ? await this.#faults.proxyFor(worker, meetsAt)
        : meetsAt;
      if (this.#allGone !== undefined) return;
      const proxiedPeers = proxies.pairs.flatMap(([low, high]) => (high === worker ? [low] : []));
      const viaAgent = order.reportsTo === "agent";
      const own = { number: worker, incarnation, address, proxiedPeers, viaAgent };
      const invitation = { ...place, identity, ...own };
      const { security } = this.#options;
      this.#spawn({ ...invitation, silenceLimitSeconds, security }, nodeFlags);
    }
  }

  #spawn(invitation: Invitation, nodeFlags: readonly string[]): void {
    const { number: worker, incarnation } = invitation;
    const child = launch({
      main: this.#options.workerMain,
      nodeFlags,
      environment: {
        // A worker computes on one thread; threads of the pool would only cost memory.
        UV_THREADPOOL_SIZE: "1",
        ...invitationEnvironment(invitation),
      },
      exited: (exit) => {
        this.#faults.ended(child.pid);
        if (this.#children.get(worker)?.incarnation === incarnation) {
          this.#children.delete(worker);
        }
        this.#openRelay?.workerGone(worker, incarnation);
        this.#control?.send(encodeMessage(Tag.exited, worker, incarnation, exit));
        if (this.#children.size === 0) this.#allGone?.();
      },
    });
    this.#children.set(worker, { incarnation, process: child });
    this.#control?.send(encodeMessage(Tag.spawned, worker, incarnation, child.pid));
  }
}
