/**
 * A run as those who watch it see it, read from its folder: while the run writes it, or when it is
 * over. The run knows nothing of it and waits for nobody. Nothing is read before somebody asks.
 */
import { join } from "node:path";
import type { FactRecord } from "../src/model/fact.ts";
import type { Scenario } from "../src/model/scenario.ts";
import type { Topology } from "../src/model/topology.ts";
import type { TrafficBin } from "../src/model/window.ts";
import { type EventLine, factOf } from "../src/observe/event-line.ts";
import { FleetState, isStateFact } from "../src/observe/fleet-state.ts";
import { encodeUse, usePermille } from "../src/observe/lane-use.ts";
import type { FaultView, StateView, UseView } from "../src/observe/view-api.ts";
import { ViewSeries } from "../src/observe/view-series.ts";
import { makeSchedule } from "../src/workload/schedules.ts";
import { assignmentsPerToken } from "../src/workload/token-count.ts";
import { BlindReader } from "./blind.ts";
import type { JournalEnd } from "./journal.ts";
import { RunFile } from "./run-folder.ts";
import { type LogItem, RunLog } from "./run-log.ts";
import { TokenRate } from "./token-rate.ts";
import { TrafficTail } from "./traffic-tail.ts";

/** Bins that may still be on their way to the file. */
export const QUIET_BINS = 10;

/** Bins of traffic in an interval of the series, at the beginning: a few layers of a model. */
const BINS = 5;

export interface RunWatchOptions {
  /** The run folder. */
  readonly folder: string;
  readonly scenario: Scenario;
  readonly topology: Topology;
  /** What a drill does is hidden: the run is blind, and not over. */
  readonly isVeiled: () => boolean;
}

export class RunWatch {
  readonly #options: RunWatchOptions;
  readonly #log: RunLog;
  readonly #traffic: TrafficTail;
  readonly #blind = new BlindReader();
  readonly #actorOf: ReadonlyMap<string, number>;
  readonly #actorIds: readonly string[];
  readonly #stateFacts: FactRecord[] = [];
  /** When faults end by their lease, by name, as orders and the scenario say. */
  readonly #untilPs = new Map<string, number>();
  /** Faults that were ordered and have not begun, by name. */
  readonly #awaited = new Map<string, FaultView>();
  readonly #fleet: FleetState;
  readonly #series: ViewSeries;
  readonly #rate: TokenRate;
  readonly #psPerByte: Float64Array;
  /** Bytes by lane since the last look at the use. */
  readonly #bytes: Float64Array;
  #useFromPs = 0;
  #useUntilPs = 0;
  #reachedPs = 0;
  #version = 0;

  /** Opens the files of the folder. Throws OperatingError E001. */
  constructor(options: RunWatchOptions) {
    const { folder, topology, scenario } = options;
    this.#options = options;
    this.#log = new RunLog(folder);
    this.#traffic = new TrafficTail(join(folder, RunFile.traffic));
    this.#actorIds = topology.actors.map(({ id }) => id);
    this.#actorOf = new Map(this.#actorIds.map((id, actor) => [id, actor]));
    this.#fleet = new FleetState(this.#actorIds);
    this.#series = new ViewSeries({
      topology,
      everyPs: BINS * scenario.run.trafficEveryPs,
      trafficEveryPs: scenario.run.trafficEveryPs,
      assignmentsPerToken: assignmentsPerToken(scenario),
    });
    this.#rate = new TokenRate(scenario);
    this.#psPerByte = Float64Array.from(topology.lanes, ({ lane }) => lane.psPerByte);
    this.#bytes = new Float64Array(topology.lanes.length);
    for (const { name, healAtPs } of scenario.faults) {
      if (healAtPs !== undefined) this.#untilPs.set(name, healAtPs);
    }
  }

  get series(): ViewSeries {
    return this.#series;
  }

  /** Length of the bins in which traffic is counted, ps. */
  get trafficEveryPs(): number {
    return this.#options.scenario.run.trafficEveryPs;
  }

  /** The instant up to which everything was read, ps. */
  get reachedPs(): number {
    return this.#reachedPs;
  }

  /** How the run ended, once the journal says so. */
  get end(): JournalEnd | undefined {
    return this.#log.end;
  }

  /** Changes with the state of the fleet. */
  get version(): number {
    return this.#version;
  }

  /** Tokens a virtual second up to `nowPs`; null: the run makes none. */
  tokensPerSecond(nowPs: number): number | null {
    return this.#rate.at(nowPs);
  }

  /** Reads on, a piece of the files at a time; says whether there was anything to read. */
  next(): boolean {
    const bins = this.#traffic.next();
    for (const bin of bins) this.#takeTraffic(bin);
    const items = this.#log.next();
    for (const item of items) this.#take(item);
    const more = this.#log.next();
    for (const item of more) this.#take(item);
    this.#reachedPs = Math.max(this.#reachedPs, this.#log.readPs);
    const isNews = bins.length + items.length + more.length > 0;
    // The journal may speak of what lies behind the part of the log that was read.
    const { end } = this.#log;
    if (!isNews && end !== undefined) {
      this.#reachedPs = Math.max(this.#reachedPs, end.virtualTimePs);
    }
    this.#series.reached(this.#reachedPs, !isNews && end !== undefined);
    return isNews;
  }

  /** The wall clock's part, for the series. */
  late(lagSeconds: number): void {
    this.#series.late(this.#reachedPs, lagSeconds);
  }

  /**
   * The fleet as it stands at `nowPs`, which is not before what was read, and the use of lanes
   * since the last call. Bins without traffic are in no file: where none was told for a while,
   * there was none.
   */
  present(nowPs: number): StateView {
    const everyPs = this.#options.scenario.run.trafficEveryPs;
    const quietPs = (Math.floor(nowPs / everyPs) - QUIET_BINS) * everyPs;
    this.#useUntilPs = Math.max(this.#useUntilPs, quietPs);
    const use = this.#useOf(this.#bytes, this.#useFromPs, this.#useUntilPs - this.#useFromPs);
    this.#bytes.fill(0);
    this.#useFromPs = this.#useUntilPs;
    const state = this.#stateOf(this.#fleet, nowPs, use);
    return { ...state, faults: [...state.faults, ...this.#awaited.values()] };
  }

  /** The fleet at an instant that was read, and the use of lanes in the bin before it. */
  at(atPs: number): StateView {
    const fleet = new FleetState(this.#actorIds);
    for (const record of this.#stateFacts) {
      if (record.atPs > atPs) break;
      fleet.take(record);
    }
    const everyPs = this.#options.scenario.run.trafficEveryPs;
    const spanPs = Math.max(everyPs, this.#series.everyPs);
    const last = Math.max(0, Math.ceil(atPs / everyPs) - 1);
    const first = Math.max(0, last - Math.round(spanPs / everyPs) + 1);
    const bytes = new Float64Array(this.#bytes.length);
    for (const bin of this.#traffic.between(first, last)) addTo(bytes, bin);
    const use = this.#useOf(bytes, first * everyPs, (last - first + 1) * everyPs);
    return this.#stateOf(fleet, atPs, use);
  }

  close(): void {
    this.#log.close();
    this.#traffic.close();
  }

  #take({ line: given }: LogItem): void {
    const line = this.#options.isVeiled() ? this.#blind.veil(given) : given;
    if (line === undefined) return;
    this.#reachedPs = Math.max(this.#reachedPs, line.virtualTimePs);
    if (line.fact === "order.fault") this.#ordered(line);
    if (line.fact === "order.heal") this.#awaited.delete(String(line.fault));
    const fact = factOf(line);
    const actor = this.#actorOf.get(line.actor);
    if (fact !== undefined && actor !== undefined) {
      const { virtualTimePs: atPs, index } = line;
      this.#takeFact({ atPs, actor, index, fact });
    }
  }

  /** A fault that somebody ordered, which begins when the run gets there. */
  #ordered({ fault, kind, targets, healAtPs, virtualTimePs: atPs }: EventLine): void {
    const name = String(fault);
    if (typeof healAtPs === "number") this.#untilPs.set(name, healAtPs);
    if (!Array.isArray(targets)) return;
    const untilPs = this.#untilPs.get(name) ?? null;
    const hit = targets.map(String);
    const view = { fault: name, kind: String(kind), targets: hit, atPs, untilPs, permille: 1000 };
    this.#awaited.set(name, view);
    this.#version += 1;
  }

  #takeFact(record: FactRecord): void {
    this.#series.takeFact(record);
    this.#rate.take([record]);
    if (!isStateFact(record)) return;
    this.#stateFacts.push(record);
    if (record.fact.type === "fault.began") this.#awaited.delete(record.fact.fault);
    this.#fleet.take(record);
    this.#version += 1;
    if (record.fact.type !== "rank.finished") {
      this.#series.masked(record.atPs, this.#givenUp(this.#fleet));
    }
  }

  #givenUp(fleet: FleetState): number {
    return fleet.givenUp(this.#options.scenario.workload.epSize);
  }

  #takeTraffic(bin: TrafficBin): void {
    const everyPs = this.#options.scenario.run.trafficEveryPs;
    this.#series.takeTraffic(bin);
    // One that is told late belongs to a time that was shown as quiet: the past has it.
    if (bin.bin * everyPs >= this.#useFromPs) addTo(this.#bytes, bin);
    this.#useUntilPs = Math.max(this.#useUntilPs, (bin.bin + 1) * everyPs);
    this.#version += 1;
  }

  #useOf(bytes: Float64Array, fromPs: number, spanPs: number): UseView {
    const permille = bytes.map((sizeBytes, lane) =>
      spanPs > 0 ? usePermille(sizeBytes, this.#psPerByte[lane], spanPs) : 0,
    );
    return { fromPs, spanPs, permille: encodeUse(permille) };
  }

  #stateOf(fleet: FleetState, atPs: number, use: UseView): StateView {
    const { workload, cluster } = this.#options.scenario;
    const ranks = cluster.nodes * cluster.gpusPerNode;
    const turns = workload.layers.length * workload.steps;
    const chains = makeSchedule(this.#options.scenario).chains.length;
    const { layersDone, combined, masks, mismatches } = this.#series.progressAt(atPs);
    return {
      atPs,
      faults: fleet.faults.map(
        (force): FaultView => ({ ...force, untilPs: this.#untilPs.get(force.fault) ?? null }),
      ),
      masked: fleet.masked,
      givenUp: this.#givenUp(fleet),
      out: fleet.out,
      trapped: fleet.trapped,
      ranksFinished: fleet.ranksFinished,
      layersDone,
      layersTotal: ranks * turns * chains,
      combined,
      masksTotal: masks,
      mismatches,
      use,
    };
  }
}

function addTo(bytes: Float64Array, bin: TrafficBin): void {
  for (const [place, lane] of bin.lanes.entries()) {
    if (lane < bytes.length) bytes[lane] += bin.bytes[place];
  }
}
