/**
 * The metrics of real runs, as Prometheus reads them: right in form, equal to what the run itself
 * says, silent about what must not be known, and without any effect on the run.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { BlindSession } from "../../cluster/blind.ts";
import { RunMetrics } from "../../cluster/metrics.ts";
import { METRIC_SETS, type RunMetricsOptions } from "../../cluster/metrics-sources.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import {
  type ReadFamily,
  readPrometheusText,
  samplesOf,
  sumOf,
  valueIn,
} from "../support/prometheus-text.ts";
import { directorOf, recordRun } from "../support/run-folders.ts";
import { tinyScenario } from "../support/scenarios.ts";

const folder = mkdtempSync(join(tmpdir(), "faultplane-metrics-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let runs = 0;

type Read = Map<string, ReadFamily>;

interface Watched {
  readonly outcome: RunOutcome;
  readonly metrics: RunMetrics;
  readonly text: string;
  readonly read: Read;
  /** The metrics after some of the windows, in order. */
  readonly reads: readonly Read[];
  /** Facts of the event log. */
  readonly log: readonly Record<string, unknown>[];
}

/** Runs a scenario with its metrics on, and looks at them after every `every` windows. */
async function watch(
  scenario: Scenario,
  options: Partial<RunMetricsOptions> = {},
  every = 50,
): Promise<Watched> {
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const all = { scenario, topology, version: "test", runId: "recorded" };
  const metrics = new RunMetrics({ ...all, as: new Set(METRIC_SETS), ...options });
  runs += 1;
  const path = join(folder, `${runs}`);
  const texts: Promise<string>[] = [];
  const outcome = await recordRun(scenario, path, {
    watchers: [metrics],
    written: (windows) => {
      if (windows % every === 0) texts.push(metrics.text());
    },
  });
  const text = await metrics.text();
  const reads = (await Promise.all(texts)).map(readPrometheusText);
  const lines = readFileSync(join(path, "events.ndjson"), "utf8").trimEnd().split("\n");
  const log = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { outcome, metrics, text, read: readPrometheusText(text), reads, log };
}

const flap: FaultSpec = {
  name: "flap",
  kind: "nic-down",
  targets: ["node1.nic1"],
  atPs: 20 * PS_PER_US,
  healAtPs: 2 * PS_PER_MS,
};
const dead: FaultSpec = {
  name: "dead",
  kind: "gpu-dead",
  targets: ["node0.gpu2"],
  atPs: 5 * PS_PER_MS + 1,
};
const broken = tinyScenario({
  workload: { steps: 60 },
  transport: { waitTimeoutPs: PS_PER_MS },
  faults: [flap, dead],
});

/** One run of it for all who only look. */
let shared: Promise<Watched> | undefined;
function watchBroken(): Promise<Watched> {
  shared ??= watch(broken, {}, 5);
  return shared;
}

describe("the metrics of a run", () => {
  it("say exactly what its report and its log say", async () => {
    const { outcome, read, log } = await watchBroken();
    const { assignments, fabric } = outcome;
    const count = (type: string): number => log.filter(({ fact }) => fact === type).length;
    const sum = (type: string, field: string): number =>
      log.reduce((all, line) => all + (line.fact === type ? Number(line[field]) : 0), 0);
    expect(outcome.end).toBe("finished");
    // Something has to have happened, or equal says nothing.
    const { masked, lost } = assignments;
    for (const [what, number] of Object.entries({ masked, lost, dropped: fabric.droppedBytes })) {
      expect(number, what).toBeGreaterThan(0);
    }
    const counted = (name: string): number => sumOf(read, `faultplane_${name}`);
    for (const end of ["combined", "masked", "lost"] as const) {
      expect(valueIn(read, "faultplane_assignments_total", { end }), end).toBe(assignments[end]);
    }
    expect(counted("events_total")).toBe(outcome.events);
    expect(counted("windows_total")).toBe(outcome.windows);
    expect(counted("virtual_time_seconds_total")).toBe(outcome.virtualTimePs / 1e12);
    expect(counted("qp_timeouts_total")).toBe(count("qp.timed-out"));
    expect(counted("qp_retransmitted_packets_total")).toBe(sum("qp.retransmitted", "packets"));
    expect(counted("qp_failures_total")).toBe(count("qp.failed"));
    expect(counted("rank_wait_timeouts_total")).toBe(count("rank.wait-timed-out"));
    expect(counted("layers_completed_total")).toBe(count("layer.completed"));
    expect(counted("steps_completed_total")).toBe(count("step.completed"));
    expect(counted("ranks_finished")).toBe(count("rank.finished"));
    expect(counted("masks")).toBe(count("rank.masked"));
    expect(counted("ranks_masked")).toBe(1);
    for (const what of ["dispatch", "combine"]) {
      const type = `${what}.completed`;
      expect(counted(`${what}_duration_seconds_count`)).toBe(count(type));
      const seconds = sum(type, "durationPs") / 1e12;
      expect(counted(`${what}_duration_seconds_sum`)).toBeCloseTo(seconds, 12);
    }
    // With DCGM's names all lanes are shown: together they are what the fabric delivered.
    expect(counted("link_bytes_total")).toBe(fabric.deliveredBytes);
    expect(valueIn(read, "rdma_local_ack_timeout_err", { node: "node0" })).toBeGreaterThanOrEqual(
      0,
    );
    expect(sumOf(read, "rdma_local_ack_timeout_err")).toBe(count("qp.timed-out"));
    expect(sumOf(read, "node_infiniband_req_cqes_errors_total")).toBe(count("qp.failed"));
  });

  it("count the bytes of each plane, where nothing is lost as the report does", async () => {
    const { outcome, read } = await watch(tinyScenario(), { as: undefined });
    for (const plane of [0, 1, 2, 3]) {
      const sent = samplesOf(read, "faultplane_link_bytes_total").filter(
        ({ labels }) => labels.plane === `${plane}` && labels.from.startsWith("node"),
      );
      expect(sent.length).toBe(2);
      const bytes = sent.reduce((sum, { value }) => sum + value, 0);
      expect(bytes).toBe(outcome.fabric[`networkBytes.plane${plane}`]);
    }
    // Only the network: no NVLink and no PCIe unless they are asked for.
    const ends = samplesOf(read, "faultplane_link_bytes_total").map(({ labels }) => labels.link);
    expect(ends.every((link) => /nic\d--plane\d\.leaf0$/.test(link))).toBe(true);
    expect([...read.keys()].every((name) => name.startsWith("faultplane_"))).toBe(true);
  });

  it("only rise where they are counters, and have a sentence and a unit", async () => {
    const { reads, read } = await watchBroken();
    expect(reads.length).toBeGreaterThan(20);
    const before = new Map<string, number>();
    for (const each of [...reads, read]) {
      for (const { name, type, samples } of each.values()) {
        if (type === "gauge") continue;
        for (const { name: line, labels, value } of samples) {
          const key = JSON.stringify([line, labels]);
          expect(value, key).toBeGreaterThanOrEqual(before.get(key) ?? 0);
          before.set(key, value);
        }
        if (name.startsWith("faultplane_") && type === "counter") expect(name).toMatch(/_total$/);
      }
    }
    for (const { name, help } of read.values()) {
      expect(help, name).toMatch(/^.{15,}\.$/);
      if (!name.startsWith("faultplane_")) expect(help, name).toMatch(/^Emulated: /);
      expect(name).not.toMatch(/_(?:ms|us|ns|ps|millis|percent|kb|mb)(?:_|$)/);
    }
  });

  it("leave the digest as it is", async () => {
    const bare = await recordRun(broken, join(folder, "bare"));
    const { outcome } = await watchBroken();
    expect(outcome.digest).toBe(bare.digest);
  });

  it("escape what names have", async () => {
    const title = 'a "quoted" \\ back\nslash, {braces} é';
    const { read, text } = await watch(tinyScenario({ title }));
    expect(samplesOf(read, "faultplane_run_info")[0].labels).toMatchObject({
      scenario: title,
      run_id: "recorded",
      seed: "1",
    });
    expect(text).toContain('scenario="a \\"quoted\\" \\\\ back\\nslash, {braces} é"');
  });

  it("are refused by the reader when they are not in form", () => {
    const head = "# HELP a A thing.\n# TYPE a gauge\n";
    expect(readPrometheusText(`${head}a{b="c"} 1\n`).get("a")?.samples).toHaveLength(1);
    for (const [body, why] of [
      ['a{b="c"} 1\na{b="c"} 2\n', /the same labels twice/],
      ['a{b="c",b="d"} 1\n', /a label twice/],
      ['a{b="c\\x"} 1\n', /a label that is none/],
      ["a Nan\n", /no value/],
      ["b 1\n", /another metric/],
      ["# TYPE a gauge\n# HELP a Again.\n", /a metric twice/],
      ["a 1", /does not end/],
    ] as const) {
      expect(() => readPrometheusText(head + body), body).toThrow(why);
    }
    const counter = "# HELP a A thing.\n# TYPE a counter\na -1\n";
    expect(() => readPrometheusText(counter)).toThrow(/below 0/);
  });
});

describe("what is in force", () => {
  it("is shown while it holds, with its layer", async () => {
    const { reads, read } = await watchBroken();
    const shown = reads.map((each) =>
      samplesOf(each, "faultplane_fault_in_force").map(({ labels }) => labels.fault),
    );
    expect(shown).toContainEqual(["flap"]);
    expect(samplesOf(read, "faultplane_fault_in_force")).toEqual([
      {
        name: "faultplane_fault_in_force",
        labels: { fault: "dead", kind: "gpu-dead", target: "node0.gpu2", layer: "emulated" },
        value: 1,
      },
    ]);
    expect(valueIn(read, "faultplane_gpu_xid_error", { gpu: "node0.gpu2" })).toBe(79);
    expect(sumOf(read, "faultplane_gpu_xid_error")).toBe(79);
    const port = { nic: "node1.nic1", plane: "1" };
    expect(valueIn(read, "faultplane_nic_port_downs_total", port)).toBe(1);
    expect(reads.map((each) => valueIn(each, "faultplane_nic_port_up", port))).toContain(0);
    expect(valueIn(read, "faultplane_nic_port_up", port)).toBe(1);
    // As DCGM and node_exporter would: the dead GPU has its Xid and no other value any more.
    const gpu = { Hostname: "node0", gpu: "2" };
    expect(valueIn(read, "DCGM_FI_DEV_XID_ERRORS", { ...gpu, err_code: "79" })).toBe(79);
    expect(() => valueIn(read, "DCGM_FI_PROF_NVLINK_TX_BYTES", gpu)).toThrow(/no DCGM/);
    expect(samplesOf(read, "DCGM_FI_PROF_NVLINK_TX_BYTES")).toHaveLength(7);
    const device = { node: "node1", device: "mlx5_1", port: "1" };
    expect(valueIn(read, "node_infiniband_link_downed_total", device)).toBe(1);
    expect(valueIn(read, "node_infiniband_state_id", device)).toBe(4);
  });

  it("is not shown in a blind drill, but what it does to the fleet is", async () => {
    const blind = new BlindSession();
    blind.ordered([{ record: "fault", by: "operator", ...flap }]);
    const { read, text } = await watch(broken, { blind });
    expect(samplesOf(read, "faultplane_fault_in_force")).toEqual([]);
    expect(text).not.toMatch(/fault="dead"|kind="gpu-dead"|scenario="tiny"/);
    expect(samplesOf(read, "faultplane_run_info")[0].labels.scenario).toBe("?");
    expect(valueIn(read, "faultplane_gpu_xid_error", { gpu: "node0.gpu2" })).toBe(79);
    expect(valueIn(read, "faultplane_nic_port_downs_total", { nic: "node1.nic1" })).toBe(1);
  });

  it("shows an operator's own fault in a blind drill", async () => {
    const blind = new BlindSession();
    blind.ordered([{ record: "fault", by: "operator", ...dead }]);
    const { read } = await watch(broken, { blind });
    const shown = samplesOf(read, "faultplane_fault_in_force").map(({ labels }) => labels.fault);
    expect(shown).toEqual(["dead"]);
  });

  it("keeps masks when an operator's mask ends, and calls it what it is", async () => {
    const scenario = tinyScenario({ workload: { steps: 40 } });
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    const metrics = new RunMetrics({ scenario, topology, version: "test", runId: "masked" });
    const reads: Promise<string>[] = [];
    const mask = {
      name: "m",
      kind: "masked",
      targets: ["node0.gpu1"],
      atPs: 20 * PS_PER_US,
    } as const;
    const healAtPs = 200 * PS_PER_US;
    await recordRun(scenario, join(folder, "masked"), {
      watchers: [metrics],
      director: directorOf([[10 * PS_PER_US, { faults: [{ ...mask, healAtPs }], heals: [] }]]),
      written: () => {
        reads.push(metrics.text());
      },
    });
    const all = (await Promise.all(reads)).map(readPrometheusText);
    const masked = all.map((read) => sumOf(read, "faultplane_ranks_masked"));
    expect(Math.max(...masked)).toBe(1);
    // Nobody takes the rank in again: there is no controller.
    expect(masked.at(-1)).toBe(1);
    const layers = all.flatMap((read) =>
      samplesOf(read, "faultplane_fault_in_force").map(({ labels }) => labels.layer),
    );
    expect(new Set(layers)).toEqual(new Set(["operator"]));
    const by = all.flatMap((read) => samplesOf(read, "faultplane_rank_masked_by"));
    // It gives up all others itself, too: each of them is masked by one.
    for (const { labels, value } of by) {
      expect(value).toBeLessThanOrEqual(labels.rank === "node0.gpu1" ? 7 : 1);
    }
    expect(Math.max(...by.map(({ value }) => value))).toBe(7);
  });
});

describe("the pace", () => {
  it("follows what operators do to it, and hosts", async () => {
    const { metrics } = await watch(tinyScenario({ run: { speed: 1e6 } }));
    const read = async (): Promise<Read> => readPrometheusText(await metrics.text());
    const now = async (name: string): Promise<number> => sumOf(await read(), `faultplane_${name}`);
    const note = (text: string): void =>
      metrics.ordered([{ record: "note", by: "operator", atPs: 0, text }]);
    expect(await now("speed_target_ratio")).toBe(1e6);
    note("speed max");
    expect(await now("speed_target_ratio")).toBe(Number.POSITIVE_INFINITY);
    note("speed 0.002");
    expect(await now("speed_target_ratio")).toBe(0.002);
    note("paused");
    expect(await now("paused")).toBe(1);
    note("resumed");
    expect(await now("paused")).toBe(0);
    expect(await now("last_window_timestamp_seconds")).toBeGreaterThan(1.7e9);
    const host = { record: "host", atPs: 0, detail: "" } as const;
    metrics.observed([
      { ...host, event: "worker-lost" },
      { ...host, event: "host-fault" },
    ]);
    const events = (await read()).get("faultplane_host_events_total")?.samples ?? [];
    expect(events.filter(({ value }) => value > 0).map(({ labels }) => labels.event)).toEqual([
      "worker-lost",
      "host-fault",
    ]);
  });

  it("does not say that a blind drill is about to break a process", async () => {
    const { metrics } = await watch(tinyScenario(), { blind: new BlindSession() });
    const host = { record: "host", atPs: 0, detail: "" } as const;
    metrics.observed([
      { ...host, event: "host-fault" },
      { ...host, event: "worker-lost" },
    ]);
    const read = readPrometheusText(await metrics.text());
    expect(valueIn(read, "faultplane_host_events_total", { event: "host-fault" })).toBe(0);
    expect(valueIn(read, "faultplane_host_events_total", { event: "worker-lost" })).toBe(1);
  });
});
