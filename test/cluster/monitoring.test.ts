/**
 * What operators are given to watch a run with, held against what a run really says: every metric
 * is documented and every documented one is there, rules and dashboard ask for metrics that exist,
 * and each alert has its page.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { RunMetrics } from "../../cluster/metrics.ts";
import { METRIC_SETS } from "../../cluster/metrics-sources.ts";
import { loadScenario } from "../../scripts/commands/load-scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { program } from "../command/command.ts";
import { type ReadFamily, readPrometheusText } from "../support/prometheus-text.ts";
import { tinyScenario } from "../support/scenarios.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const MONITORING = join(ROOT, "drills/monitoring");
const text = (...names: string[]): string => readFileSync(join(ROOT, ...names), "utf8");

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: unknown;
  readonly gridPos: {
    readonly h: number;
    readonly w: number;
    readonly x: number;
    readonly y: number;
  };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

const { groups } = parse(text("drills/monitoring/faultplane.rules.yml")) as {
  groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const dashboard = JSON.parse(text("drills/monitoring/grafana-dashboard.json")) as {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string }[];
  };
};

let families: Map<string, ReadFamily>;
beforeAll(async () => {
  const scenario = tinyScenario();
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const options = { scenario, topology, version: "test", runId: "docs" };
  const metrics = new RunMetrics({ ...options, as: new Set(METRIC_SETS) });
  families = readPrometheusText(await metrics.text());
});

/** Names of our metrics, and of recorded rules, that a query asks for. */
const namesIn = (query: string): string[] => query.match(/\bfaultplane[:_][a-z0-9_:]+/g) ?? [];

/** Names of metrics that are not there. */
function missingIn(queries: readonly string[]): string[] {
  const recorded = new Set(rules.map(({ record }) => record));
  return queries
    .flatMap(namesIn)
    .filter((name) => !recorded.has(name))
    .filter((name) => !families.has(name.replace(/_(?:bucket|sum|count)$/, "")));
}

describe("docs/metrics.md", () => {
  it("has every metric, and none that is not there", () => {
    const document = text("docs/metrics.md");
    const named = new Set(
      document
        .match(/`(?:faultplane|DCGM|node_infiniband|rdma)_[A-Za-z0-9_]+`/g)
        ?.map((name) => name.slice(1, -1)),
    );
    expect([...families.keys()].filter((name) => !named.has(name))).toEqual([]);
    expect([...named].filter((name) => !families.has(name))).toEqual([]);
  });

  it("has every label of our own metrics", () => {
    const rows = text("docs/metrics.md").split("\n");
    for (const { name, samples } of families.values()) {
      if (!name.startsWith("faultplane_") || samples.length === 0) continue;
      const row = rows.find((line) => line.startsWith("|") && line.includes(`\`${name}\``));
      for (const label of Object.keys(samples[0].labels)) {
        expect(row, `${name}: ${label}`).toContain(`\`${label}\``);
      }
    }
  });
});

describe("the alert rules", () => {
  it("ask for metrics that exist", () => {
    expect(missingIn(rules.map(({ expr }) => expr))).toEqual([]);
    expect(missingIn(["faultplane_no_such_thing > 0"])).toEqual(["faultplane_no_such_thing"]);
  });

  it("each have a wait, a severity, words, and a page that exists", () => {
    const headings = text("docs/runbooks.md").match(/^## .+$/gm) ?? [];
    const pages = headings.map((heading) => heading.slice(3));
    expect(alerts.map(({ alert }) => alert).sort()).toEqual([...pages].sort());
    for (const { alert, annotations, labels, ...rule } of alerts) {
      expect(rule.for, alert).toMatch(/^\d+s$/);
      expect(labels?.severity, alert).toMatch(/^(?:warning|critical)$/);
      for (const word of ["summary", "description"]) {
        expect(annotations?.[word]?.length, alert).toBeGreaterThan(10);
      }
      expect(annotations?.runbook).toBe(`docs/runbooks.md#${alert?.toLowerCase()}`);
    }
  });

  it("are all tested", () => {
    const tests = text("drills/monitoring/faultplane.rules.test.yml");
    for (const { alert } of alerts) expect(tests).toContain(`alertname: ${alert}`);
  });

  it("look at symptoms, so they work in blind drills", () => {
    for (const { alert, expr } of alerts) expect(expr, alert).not.toContain("fault_in_force");
  });

  const isThere = spawnSync("promtool", ["--version"], { stdio: "ignore" }).error === undefined;
  const name = isThere ? "pass promtool" : "not run: promtool is not installed";
  it.skipIf(!isThere)(name, async () => {
    for (const args of [
      ["test", "rules", "faultplane.rules.test.yml"],
      ["check", "config", "prometheus.yml"],
    ]) {
      const said = await program("promtool", args, MONITORING);
      expect(said.exitCode, said.stdout + said.stderr).toBe(0);
    }
  });
});

describe("the dashboard", () => {
  it("asks for metrics that exist, by the run that is chosen", () => {
    const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(queries.length).toBeGreaterThan(20);
    expect(missingIn(queries)).toEqual([]);
    for (const query of queries) expect(query).toContain('instance=~"$instance"');
  });

  it("is in the form that Grafana imports: ids, places, data source as a variable", () => {
    const { panels, templating, schemaVersion, uid, title } = dashboard;
    expect([uid, title]).toEqual(["faultplane", "Faultplane run"]);
    expect(schemaVersion).toBeGreaterThanOrEqual(36);
    expect(templating.list.map(({ name, type }) => [name, type])).toEqual([
      ["datasource", "datasource"],
      ["instance", "query"],
    ]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = new Set<string>();
    for (const { title: name, type, datasource, gridPos, targets = [] } of panels) {
      expect(["row", "stat", "table", "timeseries"]).toContain(type);
      const { h, w, x, y } = gridPos;
      expect(x + w, name).toBeLessThanOrEqual(24);
      for (let cell = 0; cell < h * w; cell += 1) {
        const place = `${x + (cell % w)} ${y + Math.floor(cell / w)}`;
        expect(cells.has(place), `${name} covers another panel`).toBe(false);
        cells.add(place);
      }
      if (type === "row") continue;
      expect(datasource).toEqual({ type: "prometheus", uid: `${"$"}{datasource}` });
      expect(targets.length, name).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
  });
});

it("the fleet to be watched is slower than life, and its clocks are short", () => {
  const { scenario } = loadScenario(join(ROOT, "drills/watched.yaml"));
  const { run, transport, faults } = scenario;
  expect(run.speed).toBeLessThan(0.01);
  // What a rank waits for another, on the wall.
  expect(transport.waitTimeoutPs / 1e12 / Number(run.speed)).toBeLessThanOrEqual(10);
  expect(faults).toEqual([]);
});
