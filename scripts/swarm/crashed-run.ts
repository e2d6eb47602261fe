/**
 * A whole run in this process whose workers are lost on the way: the real protocol, logical
 * processes, data frames and codec; links and processes are lists in here. Everything that may come
 * in any order does so, drawn from a stream: reports, frames, replacements, and the losses.
 */
import { decodeOwned, encodeChecked } from "../../cluster/codec.ts";
import type { RandomStream } from "../../src/base/random.ts";
import type { ClosedEpoch } from "../../src/engine/digest-chain.ts";
import { nextStep } from "../../src/engine/local-run.ts";
import { LogicalProcess } from "../../src/engine/logical-process.ts";
import { rebuildWorker } from "../../src/engine/rebuild.ts";
import { WindowProtocol } from "../../src/engine/window-protocol.ts";
import { actorsLost } from "../../src/fault/actors-lost.ts";
import type { DeviceFactory } from "../../src/model/device.ts";
import type { Director } from "../../src/model/director.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { PlacementName, Scenario } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import type { Grant, Resumption, TrafficBin, WindowReport } from "../../src/model/window.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { lookaheadOf, type Placement, placeActors } from "../../src/topology/placement.ts";
import { EndlessRun, grantByWire, type RunByWire, reportByWire } from "./by-wire.ts";
import { chance, pick } from "./draw.ts";

/** What becomes of a lost worker's actors: nothing, or they are dead hardware. */
export type LossPolicy = "recover" | "fault";

/** When workers are lost. */
export interface LossMoments {
  /** In the first windows that end after these instants, ascending; window 0 ends at -1, ps. */
  readonly instants: readonly number[];
  /** When the run is over, and its totals are still to come. */
  readonly atEnd: boolean;
}

export interface CrashedRunOptions {
  readonly devices: DeviceFactory;
  readonly placement: PlacementName;
  readonly workers: number;
  readonly carriedBytesMax: number;
  /** Bytes that may wait at an idle worker; see WindowProtocolOptions. */
  readonly creditBytes: number;
  readonly policy: LossPolicy;
  readonly losses: LossMoments;
  readonly random: RandomStream;
  readonly eventsMax: number;
  readonly director?: Director;
  /** Told of each order that a loss comes to, when it happens: before anybody acts on it. */
  readonly ordered: (fault: FaultSpec) => void;
}

/** How a run went, and what was lost in it. */
export interface CrashedRun extends RunByWire {
  /** What happened around losses, each in the words of {@link SEEN_OF_LOSSES}. */
  readonly seen: ReadonlySet<string>;
}

/** What should happen around losses, somewhere among many runs. */
export const SEEN_OF_LOSSES = [
  "a worker is lost",
  "a worker is lost in window 0",
  "a worker is lost between windows",
  "a worker is lost when the run is over",
  "a worker is lost that has no part in the window",
  "a worker is lost whose report had come",
  "a worker is lost after others have run the window",
  "a worker is lost that somebody waits for",
  "two workers are lost at once",
  "a worker is lost again before its replacement is there",
  "a worker is lost again in a later window",
  "packets are handed over",
  "frames are sent again",
  "a replacement learns of orders",
] as const;

/** Chance that one loss is followed by another in the same window, percent. */
const ANOTHER = 30;

interface Member {
  running: LogicalProcess;
  /** What it is to do: its first step, or a grant. */
  task: "start" | Grant | undefined;
  /** It has run the open window. */
  hasRun: boolean;
}

/** Runs a scenario to its end. Throws EndlessRun when it has had `eventsMax` events before. */
export function runWithLosses(scenario: Scenario, options: CrashedRunOptions): CrashedRun {
  return new CrashingRun(scenario, options).run();
}

class CrashingRun {
  readonly #scenario: Scenario;
  readonly #options: CrashedRunOptions;
  readonly #random: RandomStream;
  readonly #topology: Topology;
  readonly #placement: Placement;
  readonly #protocol: WindowProtocol;
  readonly #members: readonly Member[];
  /** By sender and receiver: straight frames on their way. */
  readonly #links: readonly (readonly Uint8Array[][])[];
  #reports: { worker: number; report: WindowReport }[] = [];
  readonly #lost = new Map<number, Resumption>();
  readonly #everLost = new Set<number>();
  /** Names of the orders that losses came to, and those of them that have not gone out. */
  readonly #names = new Set<string>();
  #pending: FaultSpec[] = [];
  /** Nothing more is granted: losses come to no orders. */
  #isOver = false;
  readonly #seen = new Set<string>();

  constructor(scenario: Scenario, options: CrashedRunOptions) {
    const { devices, carriedBytesMax, placement: name, workers: count } = options;
    this.#scenario = scenario;
    this.#options = options;
    this.#random = options.random;
    this.#topology = makeFatTree(scenario.cluster, scenario.hardware);
    const placement = placeActors(this.#topology, name, count);
    const { workers } = placement;
    this.#placement = placement;
    this.#members = workers.map((_, worker) => ({
      running: new LogicalProcess({ scenario, placement, worker, devices, carriedBytesMax }),
      task: "start",
      hasRun: false,
    }));
    this.#links = workers.map(() => workers.map(() => []));
    this.#protocol = new WindowProtocol({
      workers: workers.length,
      workerOf: placement.workerOf,
      lookaheadPs: lookaheadOf(this.#topology, placement),
      gpus: this.#topology.actors.filter((actor) => actor.kind === "gpu").length,
      trafficEveryPs: scenario.run.trafficEveryPs,
      timeLimitPs: scenario.run.timeLimitPs,
      creditBytes: options.creditBytes,
    });
  }

  run(): CrashedRun {
    const { director, losses, eventsMax } = this.#options;
    const protocol = this.#protocol;
    const facts: FactRecord[] = [];
    const epochs: ClosedEpoch[] = [];
    const traffic: TrafficBin[] = [];
    const instants = [...losses.instants];
    let endPs = 0;
    for (;;) {
      const isDue = instants.length > 0 && instants[0] < endPs;
      if (isDue) instants.shift();
      const isBetween = isDue && chance(this.#random, 20);
      this.#runWindow(isDue && !isBetween);
      const window = protocol.commit();
      facts.push(...window.facts);
      epochs.push(...window.epochsClosed);
      traffic.push(...window.traffic);
      director?.take(window.facts);
      if (isBetween) {
        this.#see("a worker is lost between windows");
        this.#runWindow(true);
      }
      if (window.events >= eventsMax) throw new EndlessRun(`${window.events} events and no end`);
      const learnt = { faults: this.#pending, heals: [] };
      const isNews = this.#pending.length > 0;
      const step = isNews ? nextStep(protocol, director, learnt) : nextStep(protocol, director);
      this.#pending = [];
      if (step.type === "grants") {
        endPs = step.endPs;
        for (const { worker, grant } of step.grants) {
          this.#members[worker].task = grantByWire(grant);
        }
        continue;
      }
      this.#isOver = true;
      if (losses.atEnd) {
        this.#see("a worker is lost when the run is over");
        this.#runWindow(true);
      }
      const totals = protocol.finish(this.#members.map(({ running }) => running.summary()));
      epochs.push(...totals.epochsClosed);
      traffic.push(...totals.traffic);
      return {
        ...{ ...totals, end: step.type, facts, epochs, traffic, workers: this.#members.length },
        ...(step.type === "stopped" ? { stopReason: step.reason } : {}),
        seen: this.#seen,
      };
    }
  }

  #see(what: (typeof SEEN_OF_LOSSES)[number]): void {
    this.#seen.add(what);
  }

  /** Does what is left to do of the open window, if one is open, and loses workers on the way. */
  #runWindow(withLoss: boolean): void {
    const random = this.#random;
    const awaited = this.#members.filter(({ task }) => task !== undefined).length;
    for (const member of this.#members) member.hasRun = false;
    let lossIn = withLoss ? random.below(2 * awaited + 2) : Number.POSITIVE_INFINITY;
    for (;;) {
      const actions = this.#actions();
      if (lossIn <= 0 || (withLoss && actions.length === 0 && lossIn < Number.POSITIVE_INFINITY)) {
        this.#lose(pick(random, [...this.#members.keys()]));
        const isOver = !chance(random, ANOTHER);
        lossIn = isOver ? Number.POSITIVE_INFINITY : random.below(4);
        continue;
      }
      if (actions.length === 0) break;
      pick(random, actions)();
      lossIn -= 1;
    }
    if (!this.#protocol.complete) throw new Error("the window cannot go on");
  }

  /** Everything that may happen next. */
  #actions(): (() => void)[] {
    const actions: (() => void)[] = [];
    for (const worker of this.#lost.keys()) actions.push(() => this.#replace(worker));
    for (const [worker, { task }] of this.#members.entries()) {
      if (task === undefined || !this.#canRun(worker, task)) continue;
      actions.push(() => this.#runTask(worker, task));
    }
    for (const one of this.#reports) {
      actions.push(() => {
        this.#reports = this.#reports.filter((other) => other !== one);
        this.#protocol.accept(one.worker, one.report);
      });
    }
    // Frames may also stay on their way until they are waited for.
    if (actions.length > 0) {
      for (const [from, row] of this.#links.entries()) {
        for (const [to, link] of row.entries()) {
          if (link.length > 0) actions.push(() => this.#deliver(from, to));
        }
      }
    }
    return actions;
  }

  /** Has everything come that it needs, or will it? Not from a worker that is gone. */
  #canRun(worker: number, task: "start" | Grant): boolean {
    if (task === "start") return true;
    const { running } = this.#members[worker];
    return task.frames.every((named) => {
      const isThere = running.missing(named) <= this.#links[named.peer][worker].length;
      if (isThere) return true;
      if (!this.#lost.has(named.peer)) throw new Error("a frame that a grant names never comes");
      this.#see("a worker is lost that somebody waits for");
      return false;
    });
  }

  #deliver(from: number, to: number): void {
    this.#members[to].running.accept(from, this.#links[from][to].shift() as Uint8Array);
  }

  #runTask(worker: number, task: "start" | Grant): void {
    const member = this.#members[worker];
    const { running } = member;
    if (task !== "start") {
      for (const named of task.frames) {
        while (running.missing(named) > 0) this.#deliver(named.peer, worker);
      }
    }
    const report = task === "start" ? running.start() : running.run(task);
    member.task = undefined;
    member.hasRun = true;
    for (const { peer, bytes } of running.takeFrames()) {
      if (!this.#lost.has(peer)) this.#links[worker][peer].push(bytes);
    }
    this.#reports.push({ worker, report: reportByWire(report) });
  }

  /** A process is gone with its links and all that it has not told. */
  #lose(worker: number): void {
    const protocol = this.#protocol;
    const member = this.#members[worker];
    this.#noteLoss(worker);
    member.task = undefined;
    this.#reports = this.#reports.filter((one) => one.worker !== worker);
    for (const [other] of this.#members.entries()) {
      this.#links[worker][other].length = 0;
      this.#links[other][worker].length = 0;
    }
    if (this.#options.policy === "fault" && !this.#isOver) this.#order(worker);
    const resumption = protocol.lose(worker);
    this.#lost.set(worker, decodeOwned(encodeChecked(resumption)) as Resumption);
    this.#everLost.add(worker);
  }

  #noteLoss(worker: number): void {
    const { task, hasRun } = this.#members[worker];
    const isReported = hasRun && !this.#reports.some((one) => one.worker === worker);
    const isIdle = !hasRun && task === undefined && !this.#lost.has(worker);
    this.#see("a worker is lost");
    if (this.#protocol.windows === 0) this.#see("a worker is lost in window 0");
    if (isReported) this.#see("a worker is lost whose report had come");
    if (isIdle && !this.#protocol.complete) {
      this.#see("a worker is lost that has no part in the window");
    }
    if (this.#members.some((other, place) => place !== worker && other.hasRun)) {
      this.#see("a worker is lost after others have run the window");
    }
    if (this.#lost.has(worker)) {
      this.#see("a worker is lost again before its replacement is there");
    } else if (this.#everLost.has(worker)) this.#see("a worker is lost again in a later window");
    if (this.#lost.size > 0 && !this.#lost.has(worker)) this.#see("two workers are lost at once");
  }

  /** Its actors are dead from the end of the open window on; nobody knows before the commit. */
  #order(worker: number): void {
    const { label, actors } = this.#placement.workers[worker];
    const { targets } = actorsLost({ label, actors, atPs: 0 }, this.#topology, () => false);
    if (this.#pending.some((fault) => fault.targets[0] === targets[0])) return;
    const lost = { label, actors, atPs: this.#protocol.floorPs };
    const fault = actorsLost(lost, this.#topology, (name) => this.#names.has(name));
    this.#names.add(fault.name);
    this.#pending.push(fault);
    this.#options.ordered(fault);
  }

  /** A replacement is there, and everybody takes over what it hands over. */
  #replace(worker: number): void {
    const { devices, carriedBytesMax } = this.#options;
    const resumption = this.#lost.get(worker) as Resumption;
    const { replacement, handovers } = rebuildWorker({
      ...{ scenario: this.#scenario, placement: this.#placement, worker, devices },
      ...{ carriedBytesMax, resumption },
    });
    const member = this.#members[worker];
    this.#lost.delete(worker);
    member.running = replacement;
    member.hasRun = false;
    if (resumption.faults.length + resumption.heals.length > 0) {
      this.#see("a replacement learns of orders");
    }
    for (const { peer, sent, received } of resumption.frames) {
      if (this.#lost.has(peer)) continue;
      const other = this.#members[peer].running;
      const frames = handovers.find((one) => one.peer === peer)?.frames ?? [];
      other.replacePeer(worker, { sent: received, received: sent }, frames);
      const again = other.framesAgain(worker, received);
      this.#links[peer][worker].push(...again);
      if (frames.length > 0) this.#see("packets are handed over");
      if (again.length > 0) this.#see("frames are sent again");
    }
    const grant = this.#protocol.grantOf(worker);
    if (resumption.window < 0) member.task = "start";
    else if (grant !== undefined) member.task = grantByWire(grant);
  }
}
