/**
 * Recorded routing of a real model: what each rank receives is what the file says, copy for copy.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseScenario } from "../../src/scenario/parse-scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { expectHealthy } from "../support/expect-healthy.ts";
import { runInMemory } from "../support/in-memory-run.ts";

const FILE = "drills/qwen3-routing.yaml";
const ROUTING = "drills/routing/qwen3-30b-a3b_prefill2050_dp4.csv";
const EXPERTS = 128;
const RANKS = 4;

/** Copies by layer and receiving rank, counted from the file in the plainest way. */
function countsOfFile(layers: ReadonlySet<number>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of readFileSync(ROUTING, "utf8").trim().split("\n").slice(1)) {
    const [, layer, , , , ...experts] = line.split(",").map(Number);
    if (!layers.has(layer)) continue;
    for (const expert of experts) {
      const key = `layer ${layer} rank ${Math.floor(expert / (EXPERTS / RANKS))}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

describe("recorded routing", () => {
  it("of Qwen3-30B-A3B reaches every rank with the file's own counts", () => {
    const parsed = parseScenario({
      text: readFileSync(FILE),
      file: FILE,
      readFile: (path) => ({ ok: true, bytes: readFileSync(`drills/${path}`), file: path }),
    });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const { scenario } = parsed;
    const result = runInMemory(scenario, { placement: "node" });
    expectHealthy(result);
    const { actors } = makeFatTree(scenario.cluster, scenario.hardware);
    const received = new Map<string, number>();
    for (const { actor, fact } of result.facts) {
      if (fact.type !== "dispatch.completed") continue;
      const { node, ordinal } = actors[actor];
      const rank = node * scenario.cluster.gpusPerNode + ordinal;
      received.set(`layer ${fact.layer} rank ${rank}`, fact.received);
    }
    const expected = countsOfFile(new Set(scenario.workload.layers));
    expect(expected.size).toBe(scenario.workload.layers.length * RANKS);
    expect(received).toEqual(expected);
  });
});
