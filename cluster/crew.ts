/**
 * The worker processes of a run: who has which part, who is new and has to be told who the others
 * are, who is lost, and who takes the place. A loss is final: what a process says or does after it
 * was decided has no meaning. It sends messages and starts processes through the hosts; it reads
 * none.
 */
import type { Grant, Resumption } from "../src/model/window.ts";
import { hostOfWorker, type Placement } from "../src/topology/placement.ts";
import { Awaited } from "./awaited.ts";
import type { HostList } from "./host-list.ts";
import type { HostSide } from "./host-side.ts";
import { EXPLAIN_WITHIN_MS } from "./link-limits.ts";
import type { RunPhase, RunView } from "./member-rules.ts";
import {
  type Configuration,
  type MemberMessage,
  type ProxyPlan,
  type SpawnOrder,
  Tag,
} from "./messages.ts";
import { StallWatch } from "./stall-watch.ts";
import { encodeGrant, encodeMessage, encodeTag } from "./wire.ts";
import { WorkerSide } from "./worker-side.ts";

/**
 * Processes of one worker that may be lost within so many windows: one that does not get through a
 * window itself, and one that something ends again and again.
 */
const LOSSES_MAX = [
  { losses: 3, windows: 1 },
  { losses: 10, windows: 10_000 },
] as const;

/** What the windows have to say when processes are lost and replaced. */
export interface WindowsSide {
  /** Discards what a worker did in the open window; returns what its replacement begins with. */
  lose(worker: number): Resumption;
  /** What the replacement owes for the open window; undefined: nothing. */
  grantOf(worker: number): Grant | "begin" | undefined;
  /** Windows granted so far. */
  readonly windows: number;
  /** Workers that have not reported the open window. */
  readonly awaited: readonly number[];
}

/** Processes that are gone. */
export interface Loss {
  /** The host whose agent is gone; undefined: workers only. */
  readonly host: string | undefined;
  readonly workers: readonly { readonly number: number; readonly label: string }[];
  /** A sentence that names them and says how. */
  readonly detail: string;
}

/** What a worker is told of the run, and where it is started. */
export interface CrewOptions {
  /** Encoded scenario. */
  readonly scenario: Uint8Array;
  readonly scenarioHash: string;
  readonly placement: Placement;
  /** Pairs of workers that share a lane. */
  readonly pairs: readonly (readonly [number, number])[];
  /** Wall ms to wait before each window, by worker label. */
  readonly delays: ReadonlyMap<string, number>;
  readonly reportsTo: SpawnOrder["reportsTo"];
  /** Links that a drill may break. */
  readonly proxies: ProxyPlan;
  /** Seconds of silence before a member counts as lost. */
  readonly silenceLimitSeconds: number;
  /** Seconds in which a worker that is alive does what it owes. */
  readonly stallLimitSeconds: number;
  readonly windows: WindowsSide;
  /** Processes are gone for good; called before anything is done about it. */
  lost(loss: Loss): void;
  /** One that was lost has a replacement, which takes part from now on. */
  replaced(detail: string): void;
  /** All that were lost have been replaced. */
  whole(): void;
  /** Something that people want to know of, and that changes nothing. */
  told(text: string): void;
}

/** A worker's word on a peer that it cannot reach. */
export interface Complaint {
  readonly peer: number;
  /** Which of the peer's processes. */
  readonly peerIncarnation: number;
  readonly reason: string;
  /** The rule that the peer's frames break; empty: the link is gone. */
  readonly rule: string;
}

/** The workers of one run. */
export class Crew implements RunView {
  phase: RunPhase = "gathering";
  readonly #options: CrewOptions;
  readonly #hosts: HostList;
  readonly #fail: (detail: string) => void;
  readonly #peersOf: readonly ReadonlySet<number>[];
  readonly #linked = new Awaited();
  /** Workers that have said their totals: their processes may go. */
  readonly #done = new Set<number>();
  #workers: readonly WorkerSide[] = [];
  #stallWatch: StallWatch<WorkerSide> | undefined;

  /** `fail` is called with the reason when lost processes cannot be replaced. */
  constructor(options: CrewOptions, hosts: HostList, fail: (detail: string) => void) {
    this.#options = options;
    this.#hosts = hosts;
    this.#fail = fail;
    const peersOf = options.placement.workers.map(() => new Set<number>());
    for (const [low, high] of options.pairs) {
      peersOf[low].add(high);
      peersOf[high].add(low);
    }
    this.#peersOf = peersOf;
  }

  /** By number; empty until the hosts are there. */
  get workers(): readonly WorkerSide[] {
    return this.#workers;
  }

  /** Starts all workers, spread over the hosts in even blocks; resolves when all are linked. */
  async start(): Promise<void> {
    const { workers } = this.#options.placement;
    const hosts = this.#hosts.all;
    const hostOf = (number: number): HostSide =>
      hosts[hostOfWorker(number, workers.length, hosts.length)];
    this.#workers = workers.map(
      ({ label }, number) => new WorkerSide(number, label, hostOf(number)),
    );
    this.phase = "starting";
    for (const host of hosts) this.spawnOn(host);
    await this.#linked.all(workers.length);
    this.phase = "running";
    this.#stallWatch = new StallWatch<WorkerSide>({
      owed: () => this.#owed,
      stalled: (debtors) => this.#stalled(debtors),
      limitSeconds: this.#options.stallLimitSeconds,
    });
  }

  /** The run is over: what happens to processes from now on is no loss. */
  leave(): void {
    this.phase = "leaving";
    this.#stallWatch?.stop();
    for (const worker of this.#workers) worker.heartbeat?.stop();
  }

  /** Sends to everybody who has a place in the run; the others are told when they have one. */
  tellAll(bytes: Uint8Array): void {
    for (const worker of this.#workers) if (worker.stage === "linked") worker.send(bytes);
  }

  /** The worker with this number, if this process is the present one. */
  present(number: number, incarnation: number): WorkerSide | undefined {
    const worker = this.#workers[number];
    return worker?.incarnation === incarnation ? worker : undefined;
  }

  /** A process says where it listens for its peers. */
  listening(
    worker: WorkerSide,
    { port, proxies }: Pick<MemberMessage & { tag: typeof Tag.listening }, "port" | "proxies">,
  ): void {
    worker.port = port;
    worker.proxies = new Map(proxies);
    worker.stage = "listening";
    this.#introduce();
  }

  /** A process has links to its peers: it is given what it owes, and the run may go on. */
  linked(worker: WorkerSide): void {
    worker.stage = "linked";
    if (this.phase === "starting") {
      this.#linked.note(worker.number);
      return;
    }
    if (this.phase === "running") {
      const owed = this.#options.windows.grantOf(worker.number);
      if (owed === "begin") worker.send(encodeTag(Tag.begin));
      else if (owed !== undefined) worker.send(encodeGrant(owed));
    } else worker.send(encodeTag(Tag.finish));
    this.#options.replaced(`${worker.name} has taken its place on ${worker.host.label}`);
    if (this.isWhole) this.#options.whole();
  }

  /** Nobody is being replaced. */
  get isWhole(): boolean {
    return this.#workers.every(({ stage }) => stage === "linked");
  }

  /** Do two workers share a lane? */
  arePeers(worker: number, other: number): boolean {
    return this.#peersOf[worker].has(other);
  }

  /** Has a worker said its totals? */
  isDone(worker: number): boolean {
    return this.#done.has(worker);
  }

  /** A worker has said its totals: nothing is lost with its process from now on. */
  done(worker: WorkerSide): void {
    this.#done.add(worker.number);
  }

  /** A process is gone, silent or cut off. */
  workerLost(worker: WorkerSide, detail: string): void {
    this.#spawn(worker.host, this.#loseAll([worker], undefined, detail));
  }

  /**
   * A worker has found frames of a peer wrong. Either may lie. The accuser is believed first: a
   * frame that breaks a rule does so by its bytes, which only its sender made, and an innocent peer
   * loses no more than the time to rebuild it. Nobody is believed twice about the same peer: whom
   * the replacement does not suit either, which worked its frames out anew, goes itself.
   */
  accused(worker: WorkerSide, { peer, peerIncarnation, reason, rule }: Complaint): void {
    const other = this.present(peer, peerIncarnation);
    if (other === undefined) return;
    const what = `${rule} in a data frame to ${worker.label}: ${reason}`;
    if (worker.accused.has(peer)) {
      this.workerLost(worker, `${worker.name} says again that ${other.label} broke ${what}`);
      return;
    }
    worker.accused.add(peer);
    this.workerLost(other, `${other.name} broke ${what}`);
  }

  /** A worker's link to a peer is gone: if neither process is found to be lost, one of them is. */
  unreachable(worker: WorkerSide, complaint: Complaint): void {
    const { peer, peerIncarnation, reason } = complaint;
    const mine = worker.incarnation;
    setTimeout(() => {
      const other = this.present(peer, peerIncarnation);
      if (worker.incarnation !== mine || other === undefined) return;
      const [low, high] = worker.number < peer ? [worker, other] : [other, worker];
      // Whoever complains, the same one goes: the one that is farther from here.
      const culprit = high.host.isOurs && !low.host.isOurs ? low : high;
      const what = `the link between ${low.name} and ${high.name} is gone (${reason})`;
      this.workerLost(culprit, `${what}; ${culprit.label} is taken for lost`);
    }, EXPLAIN_WITHIN_MS);
  }

  /**
   * An agent is gone, silent or cut off, and all its workers with it. One of ours is started again,
   * the workers of another host move to those that are left.
   */
  hostLost(host: HostSide, detail: string): void {
    if (this.phase === "leaving") return;
    const held = this.#workers.filter((worker) => worker.host === host);
    const workers = this.#loseAll(held, host.label, detail);
    host.fence();
    // Ours is needed as long as it has workers, or is the only one.
    if (host.isOurs && workers.length > 0) {
      this.#hosts.launchAgain(host);
      return;
    }
    if (this.#hosts.all.length === 1) return;
    this.#hosts.drop(host);
    const left = this.#hosts.all;
    for (const [place, worker] of workers.entries()) worker.host = left[place % left.length];
    for (const next of left) {
      this.#spawn(
        next,
        workers.filter((worker) => worker.host === next),
      );
    }
  }

  /** Who holds the run up: nobody while processes are being replaced. */
  get #owed(): { readonly step: number; readonly debtors: readonly WorkerSide[] } {
    const { windows } = this.#options;
    const step = windows.windows;
    if (!this.isWhole) return { step, debtors: [] };
    if (this.phase === "running") {
      return { step, debtors: windows.awaited.map((number) => this.#workers[number]) };
    }
    return { step: step + 1, debtors: this.#workers.filter(({ number }) => !this.isDone(number)) };
  }

  /** One at a time: when one goes, what the others lacked may come. */
  #stalled([debtor]: readonly WorkerSide[]): void {
    const seconds = this.#options.stallLimitSeconds;
    const what = this.phase === "running" ? "not reported its window" : "not said its totals";
    this.workerLost(debtor, `${debtor.name} beats, but has ${what} for ${seconds} s`);
  }

  /** Starts the present processes of all workers of a host. */
  spawnOn(host: HostSide): void {
    this.#spawn(
      host,
      this.#workers.filter((worker) => worker.host === host),
    );
  }

  #spawn(host: HostSide, workers: readonly WorkerSide[]): void {
    if (workers.length === 0) return;
    const { reportsTo, silenceLimitSeconds, scenarioHash, proxies } = this.#options;
    const processes = workers.map(({ number: worker, incarnation }) => ({ worker, incarnation }));
    host.orderWorkers(processes, { scenarioHash, reportsTo, silenceLimitSeconds, proxies });
  }

  /**
   * Decides that processes are lost, for good; it is written down before it is acted on. Returns
   * those that are to be replaced.
   */
  #loseAll(
    workers: readonly WorkerSide[],
    host: string | undefined,
    detail: string,
  ): readonly WorkerSide[] {
    const { windows } = this.#options;
    if (this.phase === "leaving") return [];
    const named = workers.map(({ number, label }) => ({ number, label }));
    this.#options.lost({ host, workers: named, detail });
    const missed = workers.filter(({ number }) => !this.#done.has(number));
    for (const worker of workers) worker.isGone = !missed.includes(worker);
    for (const worker of missed) {
      worker.noteLoss(windows.windows);
      const over = LOSSES_MAX.find((most) => worker.lossesWithin(most.windows) > most.losses);
      if (over === undefined) continue;
      const where = over.windows === 1 ? "the same window" : `the last ${over.windows} windows`;
      this.#fail(`${detail}; ${over.losses} processes before it were lost in ${where}`);
      return [];
    }
    for (const worker of missed) {
      this.#linked.forget(worker.number);
      if (this.phase !== "starting") worker.resumption = windows.lose(worker.number);
      worker.fence();
    }
    return missed;
  }

  /** When nobody is starting any more: tells those who are new who the others are, and these. */
  #introduce(): void {
    if (this.#workers.some(({ stage }) => stage === "starting")) return;
    const fresh = this.#workers.filter(({ stage }) => stage === "listening");
    const others = this.#workers.filter(({ stage }) => stage !== "listening");
    for (const worker of fresh) {
      worker.stage = "configured";
      worker.send(encodeMessage(Tag.configure, this.#configurationOf(worker)));
    }
    for (const worker of fresh) {
      for (const other of others) {
        if (!this.#peersOf[worker.number].has(other.number)) continue;
        const frames = worker.resumption?.frames.find(({ peer }) => peer === other.number);
        // Seen from the other end.
        const counts = { sent: frames?.received ?? 0, received: frames?.sent ?? 0 };
        other.send(
          encodeMessage(Tag.replace, { peer: worker.addressFor(other.number), ...counts }),
        );
        // Nothing is under way from one that has not begun.
        if (worker.resumption === undefined) {
          other.send(encodeMessage(Tag.handover, worker.number, []));
        }
      }
    }
  }

  #configurationOf(worker: WorkerSide): Configuration {
    const { scenario, placement, delays } = this.#options;
    const peers = this.#workers
      .filter(({ number }) => this.#peersOf[worker.number].has(number))
      .map((peer) => peer.addressFor(worker.number));
    const delayMs = delays.get(worker.label) ?? 0;
    const resumption = worker.resumption ?? null;
    return { scenario, workers: placement.workers, peers, delayMs, resumption };
  }
}
