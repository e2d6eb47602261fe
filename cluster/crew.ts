/**
 * The worker processes of a run: who has which part, who is new and has to be told who the others
 * are, who is lost, and who takes the place. A loss is final: what a process says or does after it
 * was decided has no meaning. It sends messages and starts processes through the hosts; it reads
 * none.
 */
import { hostOfWorker } from "../src/topology/placement.ts";
import { Awaited } from "./awaited.ts";
import type { Complaint, CrewOptions } from "./crew-options.ts";
import { type Debts, whatIsOwed, whoHoldsUp } from "./debts.ts";
import type { HostList } from "./host-list.ts";
import type { HostSide } from "./host-side.ts";
import { EXPLAIN_WITHIN_MS } from "./link-limits.ts";
import type { RunPhase, RunView } from "./member-rules.ts";
import { type Configuration, type MemberMessage, Tag } from "./messages.ts";
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
  /** Steps that processes have made on their way into the run; what stands still makes none. */
  #steps = 0;
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

  /**
   * No window comes any more: asks for the totals. Nobody needs links for those, so whoever is
   * being replaced waits for none.
   */
  collect(): void {
    this.phase = "collecting";
    for (const worker of this.#workers) {
      if (worker.stage === "configured" || worker.stage === "linked") {
        worker.send(encodeTag(Tag.finish));
      }
    }
    this.#introduce();
  }

  /** The run is over: what happens to processes from now on is no loss. */
  leave(): void {
    this.phase = "leaving";
    this.#stallWatch?.stop();
    for (const worker of this.#workers) worker.heartbeat?.stop();
  }

  /** Sends to everybody who has a place in the run; the others are told when they have one. */
  tellAll(bytes: Uint8Array): void {
    for (const worker of this.#workers) {
      if (worker.stage === "linked" || this.isDone(worker.number)) worker.send(bytes);
    }
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
    this.#steps += 1;
    this.#introduce();
  }

  /** A process has links to its peers: it is given what it owes, and the run may go on. */
  linked(worker: WorkerSide): void {
    worker.stage = "linked";
    this.#steps += 1;
    if (this.phase === "starting") {
      this.#linked.note(worker.number);
      return;
    }
    if (this.phase === "running") {
      const owed = this.#options.windows.grantOf(worker.number);
      if (owed === "begin") worker.send(encodeTag(Tag.begin));
      else if (owed !== undefined) worker.send(encodeGrant(owed));
    }
    this.#options.replaced(`${worker.name} has taken its place on ${worker.host.label}`);
    this.#tellIfWhole();
  }

  #tellIfWhole(): void {
    if (this.isWhole) this.#options.whole();
  }

  /** A replacement hands over to a peer what is under way: it has been rebuilt. */
  handedOver(worker: WorkerSide, peer: number): void {
    worker.handedOver.add(peer);
    this.#steps += 1;
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
    this.#steps += 1;
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
      // Totals need no links, and whoever has said its own may be gone.
      if (this.phase === "collecting") return;
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
    if (this.#hosts.all.length === 1) {
      if (workers.length > 0) this.#fail(`${detail}; no host is left`);
      return;
    }
    this.#hosts.drop(host);
    const left = this.#hosts.all;
    for (const [place, worker] of workers.entries()) worker.host = left[place % left.length];
    for (const next of left) {
      this.#spawn(
        next,
        workers.filter((worker) => worker.host === next),
      );
    }
    // Nobody has to be replaced for a host that held nobody.
    this.#tellIfWhole();
  }

  /** Those that owe the open window, or their totals. */
  get owing(): readonly WorkerSide[] {
    if (this.phase === "collecting") {
      return this.#workers.filter(({ number }) => !this.isDone(number));
    }
    return this.#options.windows.awaited.map((number) => this.#workers[number]);
  }

  /** Who holds the run up, as far as can be told. */
  get #owed(): Debts {
    const isRunning = this.phase === "running";
    if (isRunning && this.isWhole) {
      return { step: this.#options.windows.windows, debtors: this.owing };
    }
    const missing = isRunning
      ? this.#workers.filter(({ stage }) => stage !== "linked")
      : this.owing;
    // Numbers of windows are not negative.
    const step = -2 - this.#steps;
    return { step, debtors: whoHoldsUp(missing, ({ number }) => this.#peersOf[number].size) };
  }

  /** One at a time: when one goes, what the others lacked may come. */
  #stalled([debtor]: readonly WorkerSide[]): void {
    const seconds = this.#options.stallLimitSeconds;
    const what = `${debtor.name} beats, but has ${whatIsOwed(debtor, this.phase)}`;
    const detail = `${what} for ${seconds} s`;
    // Which end of a link that nobody complains of is at fault, nobody can tell.
    if (this.phase === "running" && debtor.stage === "configured") this.#fail(detail);
    else this.workerLost(debtor, detail);
  }

  /** Starts the present processes of all workers of a host. */
  spawnOn(host: HostSide): void {
    this.#spawn(
      host,
      this.#workers.filter((worker) => worker.host === host && !worker.isGone),
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
    // Whoever had said its totals and is gone is not lost again.
    const fresh = workers.filter(({ isGone }) => !isGone);
    if (fresh.length === 0 && host === undefined) return [];
    const named = fresh.map(({ number, label }) => ({ number, label }));
    this.#options.lost({ host, workers: named, detail });
    const missed = fresh.filter(({ number }) => !this.#done.has(number));
    for (const worker of fresh) worker.isGone = !missed.includes(worker);
    this.#steps += 1;
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

  /**
   * When nobody is starting any more: tells those who are new who the others are, and these. For
   * the totals each is told at once, and of nobody: others may have said theirs, and be gone.
   */
  #introduce(): void {
    const isCollecting = this.phase === "collecting";
    const isWaiting = this.#workers.some(({ stage }) => stage === "starting");
    if (isWaiting && !isCollecting) return;
    const fresh = this.#workers.filter(({ stage }) => stage === "listening");
    const others = this.#workers.filter(({ stage }) => stage !== "listening");
    for (const worker of fresh) {
      worker.stage = "configured";
      this.#steps += 1;
      worker.send(encodeMessage(Tag.configure, this.#configurationOf(worker)));
      if (isCollecting) worker.send(encodeTag(Tag.finish));
    }
    if (isCollecting) return;
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
    const isLinking = this.phase !== "collecting";
    const peers = this.#workers
      .filter(({ number }) => isLinking && this.#peersOf[worker.number].has(number))
      .map((peer) => peer.addressFor(worker.number));
    const delayMs = delays.get(worker.label) ?? 0;
    const resumption = worker.resumption ?? null;
    return { scenario, workers: placement.workers, peers, delayMs, resumption };
  }
}
