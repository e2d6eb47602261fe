/** `faultplane experts`: the table, the object of --json, and what stops it. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { faultplane, workFolder } from "./command.ts";

const folder = workFolder();
afterAll(() => folder.remove());

const drills = resolve(import.meta.dirname, "../../drills");
const LOADS = "routing/qwen3-30b-a3b_prefill2050_loads.csv";
mkdirSync(join(folder.path, "routing"));
for (const name of [LOADS, "models/qwen3-30b-a3b.json"]) {
  cpSync(join(drills, name), join(folder.path, name));
}
const QWEN = `model: models/qwen3-30b-a3b.json
cluster: {nodes: 4, gpusPerNode: 4, planes: 4}
workload: {tokensPerGpu: 16}
routing: {source: loads, path: ${LOADS}}
experts: {redundant: 16, placement: eplb, loads: ${LOADS}}
`;
writeFileSync(join(folder.path, "qwen.yaml"), QWEN);
writeFileSync(join(folder.path, "bad.yaml"), QWEN.replace("redundant: 16", "redundant: 17"));
const small = "model: models/deepseek-v3.json\ncluster: {nodes: 8}\n";
writeFileSync(join(folder.path, "limited.yaml"), `${small}workload: {layers: [3, 4]}\n`);
writeFileSync(
  join(folder.path, "free.yaml"),
  `${small}workload: {layers: [3, 4]}\nrouting: {source: gate, groups: 1, topkGroup: 1}\n`,
);

/** The object that --json prints. */
async function spread(name: string) {
  const said = await faultplane(folder.path, ["experts", name, "--json"]);
  expect(said.exitCode, said.stderr).toBe(0);
  expect(said.stdout.split("\n")).toHaveLength(2);
  return JSON.parse(said.stdout);
}

const mean = (numbers: readonly number[]): number =>
  numbers.reduce((left, right) => left + right) / numbers.length;

describe("faultplane experts", () => {
  it("prints load and fan-out before and after the scenario's placement", async () => {
    const said = await faultplane(folder.path, ["experts", "qwen.yaml"]);
    expect(said.exitCode, said.stderr).toBe(0);
    expect(said.stderr).toBe("note: EPLB's policy is global: the routing has no groups\n");
    const lines = said.stdout.trimEnd().split("\n");
    expect(lines.slice(0, 8)).toEqual([
      "experts                  128 + 16 on 16 ranks of 4 nodes, top 8",
      "layers                   0-47",
      "node-limited routing     no limit",
      "loads                    the recorded loads of the placement",
      "tokens drawn             256 in each layer",
      "",
      "                          contiguous, no replicas                  eplb + 16",
      "                             mean   worst   layer       mean   worst   layer",
    ]);
    // The recording's figures: expert max/mean 7.04 and 11.66, worked out apart from this code.
    expect(lines[8]).toMatch(/^max\/mean load, experts +7\.037 +11\.660 +\d+ +\d/);
    expect(lines).toHaveLength(15);
  });

  it("--json has every layer; EPLB evens the ranks out", async () => {
    const { layers, ...rest } = await spread("qwen.yaml");
    expect(rest).toEqual({
      experts: 128,
      redundant: 16,
      placement: "eplb",
      ranks: 16,
      nodes: 4,
      topK: 8,
      groups: 1,
      topkGroup: 1,
      loads: "placement",
      tokensPerLayer: 256,
    });
    expect(layers.map(({ layer }: { layer: number }) => layer)).toEqual(
      Array.from({ length: 48 }, (_, layer) => layer),
    );
    for (const { contiguous, placed } of layers) {
      expect(placed.load.rank).toBeLessThan(contiguous.load.rank);
      expect(placed.load.rank).toBeGreaterThanOrEqual(1);
    }
  });

  it("shows what node-limited routing saves, drawing tokens without a file", async () => {
    const limited = await spread("limited.yaml");
    const free = await spread("free.yaml");
    expect([limited.loads, limited.topkGroup, free.topkGroup]).toEqual(["drawn", 4, 1]);
    const copies = (side: typeof limited, key: string): number =>
      mean(side.layers.map((layer: typeof limited) => layer.placed.token[key]));
    expect(copies(limited, "copiesPerNode")).toBeLessThan(4);
    expect(copies(free, "copiesPerNode")).toBeGreaterThan(4.4);
    expect(copies(limited, "copiesPerChoice")).toBeGreaterThan(6.8);
    expect(limited.layers[0].placed).toEqual(limited.layers[0].contiguous);
    const said = await faultplane(folder.path, ["experts", "limited.yaml"]);
    expect(said.stdout).toContain("node-limited routing     4 of 8 groups\n");
    expect(said.stdout).not.toContain("eplb");
  });

  it("says what is wrong with a scenario, and with wrong usage", async () => {
    const bad = await faultplane(folder.path, ["experts", "bad.yaml"]);
    expect(bad).toEqual({
      stdout: "",
      stderr:
        "error[E019] bad.yaml:5:22 experts.redundant: 128 + 17 experts do not divide over 16 ranks\n  hint: experts.redundant: 32 makes 10 on each rank\n",
      exitCode: 78,
    });
    const none = await faultplane(folder.path, ["experts"]);
    expect(none.exitCode).toBe(2);
    expect(none.stderr).toContain("experts needs <scenario>");
    const gone = await faultplane(folder.path, ["experts", "gone.yaml"]);
    expect(gone.exitCode).toBe(66);
  });
});
