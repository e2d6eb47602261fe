/**
 * Carries a drill's real faults out, from the coordinator's side: finds the process by its label
 * among those of the run, has its agent or the process itself do it, and waits until it is done. A
 * fault that takes a process away is done when its loss has been decided, so that it acts at the
 * drill's instant. It never signals a process by a number that came from a file.
 */
import { type HostFault, type HostFaultTarget, hostFaultText } from "../src/model/host-fault.ts";
import type { Crew } from "./crew.ts";
import type { Loss } from "./crew-options.ts";
import type { HostList } from "./host-list.ts";
import type { HostSide } from "./host-side.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { type Disturbance, type ProxyPlan, Tag } from "./messages.ts";
import { encodeMessage } from "./wire.ts";
import type { WorkerSide } from "./worker-side.ts";

/** Wall ms in which a real fault must have come about. */
const DONE_WITHIN_MS = 10_000;

/** Wall ms by which the coordinator's own lease on an agent outlasts the agent's. */
const SPARE_LEASE_MS = 500;

/** Members of a run that can be hit. */
export interface HostFaultsOptions {
  readonly crew: Crew;
  readonly hosts: HostList;
  /** Path of dist/scripts/keeper-main.js. */
  readonly keeperMain: string;
  /** Whether the actors of a worker are dead already, since its process was lost before. */
  isDead(worker: number): boolean;
}

/** A worker, or a host for its agent. */
type Member = WorkerSide | HostSide;

/** Somebody waits for an answer or for a loss. */
interface Waiting {
  /** Who is asked, and may answer. */
  readonly from: Member;
  readonly deadline: NodeJS.Timeout;
  /** It is done when somebody is lost, not when it was carried out. */
  readonly isLoss: boolean;
  /** Whether a loss ends the waiting, and with which problem; undefined: it is another one's. */
  ends(loss: Loss): string | undefined;
  resolve(problem: string): void;
}

/** The real faults of one run. */
export class HostFaults {
  readonly #options: HostFaultsOptions;
  readonly #keeper: LeaseKeeper;
  /** By id. */
  readonly #waiting = new Map<number, Waiting>();
  /** Hosts whose agent stands still, with the end of that. */
  readonly #stopped = new Map<HostSide, NodeJS.Timeout>();
  #lastId = 0;

  constructor(options: HostFaultsOptions) {
    this.#options = options;
    this.#keeper = new LeaseKeeper(options.keeperMain);
  }

  /** Carries one out; resolves with an empty text when it is done, otherwise with why it is not. */
  async perform(fault: HostFault): Promise<string> {
    const { target } = fault;
    if ("host" in target) return await this.#onHost(fault, target.host);
    const labels = "worker" in target ? [target.worker] : target.between;
    const workers: WorkerSide[] = [];
    for (const label of labels) {
      const found = this.#workerOf(label);
      if (typeof found === "string") return found;
      workers.push(found);
    }
    if (workers.length === 1) return await this.#onWorker(fault, workers[0]);
    const [low, high] = [...workers].sort((left, right) => left.number - right.number);
    return await this.#between(fault, low, high, workers[0] === low);
  }

  /** Somebody has done what it was asked, or says why not. */
  answered(from: Member, id: number, problem: string): void {
    if (this.#waiting.get(id)?.from !== from) return;
    if (problem !== "" || this.#waiting.get(id)?.isLoss === false) this.#settle(id, problem);
  }

  /** Processes are gone for good. */
  lost(loss: Loss): void {
    for (const [id, one] of [...this.#waiting]) {
      const problem = one.ends(loss);
      if (problem !== undefined) this.#settle(id, problem);
    }
    for (const host of [...this.#stopped.keys()]) {
      if (host.label === loss.host) this.#letGoOn(host);
    }
  }

  /** Every lease ends now: what is stopped goes on, what is held flows. */
  calm(): void {
    for (const host of [...this.#stopped.keys()]) this.#letGoOn(host);
    const calm: Disturbance = { act: "calm" };
    for (const host of this.#options.hosts.all) host.disturb(0, calm);
    this.#options.crew.tellAll(encodeMessage(Tag.disturb, 0, calm));
  }

  /** Nobody waits any longer, and nothing is stopped; resolves when the keeper has ended. */
  async close(): Promise<void> {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, "the run was over");
    for (const host of [...this.#stopped.keys()]) this.#letGoOn(host);
    await this.#keeper.close();
  }

  async #onWorker(fault: HostFault, worker: WorkerSide): Promise<string> {
    const { number, incarnation } = worker;
    const process = { worker: number, incarnation };
    const { forMs = 0, delayMs = 0, direction = "both" } = fault;
    switch (fault.func) {
      case "kill_worker":
        return await this.#untilLost(worker.host, [number], () => worker.host.endWorker(process));
      case "stop_worker":
        return await this.#ask(worker.host, worker, (id) =>
          worker.host.disturb(id, { act: "stop-worker", ...process, forMs }),
        );
      case "slow_worker":
        return await this.#ask(worker, worker, (id) =>
          worker.send(encodeMessage(Tag.disturb, id, { act: "slow", delayMs, forMs })),
        );
      case "cut_connection":
        return await this.#untilLost(worker.host, [number], (id) =>
          worker.host.disturb(id, { act: "cut-worker", ...process }),
        );
      case "half_open":
        return await this.#ask(worker.host, worker, (id) =>
          worker.host.disturb(id, { act: "hold-worker", ...process, direction, forMs }),
        );
      default:
        return `${hostFaultText(fault)} is nothing that can be done to a worker`;
    }
  }

  /** The higher number listens, and its proxy sees the lower one dial. */
  async #between(
    { func, direction = "both", forMs = 0 }: HostFault,
    low: WorkerSide,
    high: WorkerSide,
    isLowFirst: boolean,
  ): Promise<string> {
    const order = (disturbance: Disturbance) => (id: number) =>
      high.send(encodeMessage(Tag.disturb, id, disturbance));
    const peer = low.number;
    if (func === "cut_connection") {
      return await this.#untilLost(high, [peer, high.number], order({ act: "cut-peer", peer }));
    }
    const turned = ({ out: "in", in: "out", both: "both" } as const)[direction];
    const seen = isLowFirst ? direction : turned;
    return await this.#ask(high, high, order({ act: "hold-peer", peer, direction: seen, forMs }));
  }

  async #onHost(fault: HostFault, label: string): Promise<string> {
    const host = this.#options.hosts.all.find((one) => one.label === label);
    if (host === undefined || !host.isLinked) return `${label} has no part in the run any more`;
    const workers = this.#options.crew.workers.filter((one) => one.host === host);
    if (workers.length > 0 && workers.every(({ number }) => this.#options.isDead(number))) {
      return `all that ${label} held was lost before`;
    }
    if (this.#stopped.has(host)) return `the agent of ${label} is stopped`;
    if (fault.func !== "stop_agent") {
      const isWhole = fault.func === "lose_host";
      return await this.#until(
        host,
        (loss) => (loss.host === label ? "" : undefined),
        (id) => host.disturb(id, { act: "kill-agent", workers: isWhole }),
      );
    }
    const { forMs = 0 } = fault;
    // A stopped agent does not notice that we are gone; whoever keeps the lease does.
    const leaseMs = forMs + SPARE_LEASE_MS;
    if (host.isOurs && !(await this.#keeper.hold(host.pid, leaseMs))) {
      return "there is no keeper for its lease";
    }
    const lease = setTimeout(() => this.#letGoOn(host), leaseMs);
    this.#stopped.set(host, lease);
    const problem = await this.#until(
      host,
      (loss) => (loss.host === label ? "it was lost" : undefined),
      (id) => host.disturb(id, { act: "stop-agent", forMs }),
    );
    if (problem !== "") this.#letGoOn(host);
    return problem;
  }

  #letGoOn(host: HostSide): void {
    clearTimeout(this.#stopped.get(host));
    this.#stopped.delete(host);
    host.letGoOn();
    if (host.isOurs) this.#keeper.release(host.pid);
  }

  /** The worker with this label, if its process is there and its actors are alive. */
  #workerOf(label: string): WorkerSide | string {
    const worker = this.#options.crew.workers.find((one) => one.label === label);
    if (worker === undefined) return `this run has no worker ${label}`;
    if (this.#options.isDead(worker.number)) return `worker ${label} was lost before`;
    if (worker.stage !== "linked") return `worker ${label} is being replaced`;
    if (this.#stopped.has(worker.host)) return `the agent of ${worker.host.label} is stopped`;
    return worker;
  }

  /** Waits for the answer of a worker, or of its agent for it. */
  #ask(from: Member, worker: WorkerSide, send: (id: number) => void): Promise<string> {
    const isOurs = (loss: Loss): boolean =>
      loss.workers.some(({ number }) => number === worker.number);
    return this.#until(from, (loss) => (isOurs(loss) ? "it was lost" : undefined), send);
  }

  /** Waits until one of these workers is lost. */
  #untilLost(
    from: Member,
    numbers: readonly number[],
    send: (id: number) => void,
  ): Promise<string> {
    return this.#until(
      from,
      ({ workers }) => (workers.some(({ number }) => numbers.includes(number)) ? "" : undefined),
      send,
      true,
    );
  }

  /** `isLoss`: that it was done is no news, only what comes of it is. */
  #until(
    from: Member,
    ends: Waiting["ends"],
    send: (id: number) => void,
    isLoss = false,
  ): Promise<string> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const late = `it did not come about within ${DONE_WITHIN_MS / 1000} s`;
      const deadline = setTimeout(() => this.#settle(id, late), DONE_WITHIN_MS);
      this.#waiting.set(id, { from, deadline, ends, isLoss, resolve });
      send(id);
    });
  }

  #settle(id: number, problem: string): void {
    const one = this.#waiting.get(id);
    if (one === undefined) return;
    clearTimeout(one.deadline);
    this.#waiting.delete(id);
    one.resolve(problem);
  }
}

/** The links that these faults may break, by worker numbers. */
export function proxiesFor(faults: readonly HostFault[], labels: readonly string[]): ProxyPlan {
  const broken = faults.filter(({ func }) => func === "cut_connection" || func === "half_open");
  const numbers = (target: HostFaultTarget): number[] => {
    if ("host" in target) return [];
    const named = "worker" in target ? [target.worker] : target.between;
    const found = named.map((label) => labels.indexOf(label));
    return found.includes(-1) ? [] : found.sort((left, right) => left - right);
  };
  const links = broken.map(({ target }) => numbers(target));
  return {
    workers: links.flatMap((link) => (link.length === 1 ? link : [])),
    pairs: links.flatMap((link) => (link.length === 2 ? [[link[0], link[1]] as const] : [])),
  };
}
