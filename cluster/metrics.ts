/**
 * The metrics of one run, for Prometheus: counts what is committed, and makes the text when
 * somebody asks. It looks on and changes nothing: digest and log are the same with and without it.
 * Import it when metrics are wanted: it loads prom-client.
 */
import type { CommittedWindow } from "../src/engine/window-protocol.ts";
import { FactCounts } from "./fact-counts.ts";
import { HardwareSignals } from "./hardware-signals.ts";
import { faultsOf, type HostRecord, type JournalOrder } from "./journal-orders.ts";
import { LinkBytes } from "./link-bytes.ts";
import { dcgmMetrics } from "./metrics-dcgm.ts";
import { infinibandMetrics, rdmaMetrics } from "./metrics-infiniband.ts";
import { DURATION_BUCKETS, fabricMetrics } from "./metrics-own.ts";
import { type MetricEntry, MetricsRegistry } from "./metrics-registry.ts";
import { paceMetrics } from "./metrics-run.ts";
import type { MetricSources, RunMetricsOptions } from "./metrics-sources.ts";
import type { RunOutcome } from "./run-cluster.ts";
import type { RunWatcher } from "./run-watcher.ts";
import type { RunStatus } from "./window-loop.ts";

/** Watches a run; `text` is what `GET /metrics` answers. */
export class RunMetrics implements RunWatcher {
  readonly #registry = new MetricsRegistry();
  readonly #sources: MetricSources;

  constructor(options: RunMetricsOptions) {
    const { scenario, topology, as } = options;
    const dispatch = this.#histogram(
      "dispatch",
      "a rank began to dispatch until all copies for it",
    );
    const combine = this.#histogram("combine", "a rank began to send results until all of its own");
    this.#sources = {
      options,
      counts: new FactCounts(scenario, topology, { dispatch, combine }),
      hardware: new HardwareSignals(topology, scenario.faults),
      links: new LinkBytes(topology, scenario.run.trafficEveryPs),
      pace: {
        ...{ virtualTimePs: 0, windows: 0, events: 0, lagSeconds: 0, speed: 0 },
        target: scenario.run.speed,
        isPaused: false,
        lastWindowSeconds: 0,
        hostEvents: new Map(),
        totals: undefined,
      },
    };
    this.#add(paceMetrics(this.#sources));
    this.#add(fabricMetrics(this.#sources));
    if (as?.has("dcgm") === true) this.#add(dcgmMetrics(this.#sources));
    if (as?.has("node") === true) this.#add(infinibandMetrics(this.#sources));
    if (as?.has("rdma") === true) this.#add(rdmaMetrics(this.#sources));
  }

  /** Value of the header Content-Type of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything, as of the last committed window, in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.text();
  }

  take(window: CommittedWindow, status: RunStatus): void {
    const { counts, hardware, links, pace } = this.#sources;
    for (const record of window.facts) {
      counts.take(record);
      if (record.fact.type.startsWith("fault.")) hardware.take(record);
    }
    links.take(window.traffic);
    pace.virtualTimePs = status.virtualTimePs;
    // The start, before the first window, has number 0.
    pace.windows = window.window;
    pace.events = status.events;
    pace.lagSeconds = status.lagSeconds;
    pace.speed = status.speed;
    pace.lastWindowSeconds = Date.now() / 1e3;
  }

  ordered(orders: readonly JournalOrder[]): void {
    const { hardware, pace } = this.#sources;
    hardware.know(faultsOf(orders));
    for (const order of orders) {
      if (order.record !== "note") continue;
      // The words of run-control.ts.
      const speed = /^speed (\S+)$/.exec(order.text)?.[1];
      if (order.text === "paused") pace.isPaused = true;
      else if (order.text === "resumed") pace.isPaused = false;
      else if (speed !== undefined) pace.target = speed === "max" ? "max" : Number(speed);
    }
  }

  observed(records: readonly HostRecord[]): void {
    const { options, pace } = this.#sources;
    for (const { event } of records) {
      // What a blind drill is about to do to processes is for others to find out.
      if (event === "host-fault" && options.blind !== undefined) continue;
      pace.hostEvents.set(event, (pace.hostEvents.get(event) ?? 0) + 1);
    }
  }

  ended({ assignments, traffic }: Pick<RunOutcome, "assignments" | "traffic">): void {
    const { links, pace } = this.#sources;
    links.take(traffic);
    pace.totals = assignments;
  }

  #add(entries: Iterable<MetricEntry>): void {
    for (const entry of entries) this.#registry.add(entry);
  }

  #histogram(what: string, span: string): (seconds: number) => void {
    return this.#registry.addHistogram({
      name: `faultplane_${what}_duration_seconds`,
      help: `Emulated, virtual seconds: from when ${span} were there, a rank and layer.`,
      buckets: DURATION_BUCKETS,
    });
  }
}
