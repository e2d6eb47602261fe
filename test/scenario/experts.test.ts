/** Experts, their replicas and loads in scenario files: what resolves, and what is refused. */
import { describe, expect, it } from "vitest";
import type { Scenario } from "../../src/model/scenario.ts";
import { describeScenario } from "../../src/scenario/describe-scenario.ts";
import { rebalanceExperts } from "../../src/workload/eplb.ts";
import { makeExpertMap } from "../../src/workload/expert-map.ts";
import { loadsOfLayer } from "../../src/workload/recorded-loads.ts";
import { parse, printed, SMALLEST } from "./reading.ts";

const LOADS = "routing/qwen3-30b-a3b_prefill2050_loads.csv";
const QWEN = "model: models/qwen3-30b-a3b.json\ncluster: {nodes: 4}\n";
const DECODE = SMALLEST.replace("nodes: 4", "nodes: 18");

/** Loads of DeepSeek-V3's shape: 58 layers of 256, uneven in a way of its own in each. */
const DEEPSEEK_LOADS = [
  `layer,${Array.from({ length: 256 }, (_, expert) => `e${expert}`).join(",")}`,
  ...Array.from({ length: 58 }, (_, layer) =>
    [layer + 3, ...Array.from({ length: 256 }, (_, e) => ((e * 37 + layer * 11) % 101) + 1)].join(),
  ),
].join("\n");
const FILES = { "loads.csv": DEEPSEEK_LOADS };

function good(text: string, files: Readonly<Record<string, string>> = FILES) {
  const result = parse(text, files);
  if (!result.ok) throw new Error(printed(text, files).join("\n"));
  return result;
}

/** Logical experts of the physical ones, by place in the layers. */
function lists({ experts, model, workload }: Scenario): number[][] {
  const physical = model.n_routed_experts + experts.redundant;
  const bytes = experts.physicalToLogical;
  return workload.layers.map((_, place) =>
    Array.from({ length: physical }, (_, at) => {
      const byte = 2 * (place * physical + at);
      return bytes[byte] | (bytes[byte + 1] << 8);
    }),
  );
}

describe("experts", () => {
  it("are blocks in the order of ids when nothing is said", () => {
    expect(good(SMALLEST).scenario.experts).toEqual({
      redundant: 0,
      placement: "contiguous",
      physicalToLogical: new Uint8Array(0),
    });
  });

  it("that are redundant without EPLB are the first ones again", () => {
    const { scenario } = good(`${DECODE}experts: {redundant: 32}\n`);
    const [first] = lists(scenario);
    expect(first.slice(254)).toEqual([254, 255, ...Array.from({ length: 32 }, (_, e) => e)]);
    expect(makeExpertMap(scenario).perRank).toBe(2);
  });

  it("have ids of two bytes", () => {
    const model = `{"model_type": "mixtral", "hidden_size": 128, "num_hidden_layers": 1,
      "num_local_experts": 600, "num_experts_per_tok": 2, "intermediate_size": 128,
      "num_attention_heads": 1}`;
    const text = "model: m.json\ncluster: {nodes: 1}\nexperts: {redundant: 8}\n";
    const [row] = lists(good(text, { "m.json": model }).scenario);
    expect(row.slice(598)).toEqual([598, 599, 0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("are balanced by EPLB in each layer that has them, dense layers left in order", () => {
    const text = `${DECODE}workload: {layers: [2, 3, 60]}\nexperts: {redundant: 32, placement: eplb, loads: loads.csv}\n`;
    const { scenario, loads, notes } = good(text);
    expect(notes).toContain("EPLB's policy is global: 8 expert groups do not divide over 18 nodes");
    expect(loads?.layers).toEqual([3, 60]);
    if (loads === undefined) return;
    const weights = [3, 60].map((layer) => loadsOfLayer(loads, layer, 256));
    expect([...weights[1].slice(0, 3)]).toEqual([((57 * 11) % 101) + 1, 23 + 37 - 1, 96]);
    const shape = { replicas: 288, groups: 8, nodes: 18, gpus: 144 };
    const { physicalToLogical } = rebalanceExperts(weights, shape);
    const [dense, third, last] = lists(scenario);
    expect(dense).toEqual(Array.from({ length: 288 }, (_, at) => at % 256));
    expect([third, last]).toEqual(physicalToLogical.map((row) => [...row]));
    const line = "experts    256 + 32 replicas, 2 on each rank, balanced by EPLB";
    expect(describeScenario(scenario)).toContain(line);
  });

  it("keep groups on nodes where they divide, unless the policy is global", () => {
    const text = (policy: string): string =>
      `${SMALLEST}workload: {layers: [3]}\nexperts: {redundant: 32, placement: eplb, loads: loads.csv${policy}}\n`;
    const auto = good(text(""));
    expect(auto.notes).toContain(
      "EPLB's policy is hierarchical: 8 expert groups divide over 4 nodes",
    );
    const same = good(text(", policy: hierarchical")).scenario;
    expect(same.experts).toEqual(auto.scenario.experts);
    const global = good(text(", policy: global")).scenario;
    expect(global.experts).not.toEqual(auto.scenario.experts);
    const [row] = lists(auto.scenario);
    for (let node = 0; node < 4; node += 1) {
      const groups = row.slice(72 * node, 72 * (node + 1)).map((expert) => expert >> 5);
      expect(new Set(groups).size).toBe(2);
    }
  });

  it("are balanced by the shipped loads of Qwen3", () => {
    const text = `${QWEN}routing: {source: loads, path: ${LOADS}}\nexperts: {redundant: 32, placement: eplb, loads: ${LOADS}}\n`;
    const { scenario } = good(text);
    expect(scenario.experts.physicalToLogical).toHaveLength(48 * 160 * 2);
    expect(scenario.routing).toMatchObject({ source: "loads", path: LOADS });
    const { routing } = scenario;
    expect(routing.source === "loads" ? routing.table.counts : []).toHaveLength(48 * 128 * 8);
  });
});

describe("wrong experts", () => {
  const says = (text: string, files = FILES): string[] => printed(text, files);

  it("must divide over the ranks; what makes them is said", () => {
    expect(says(DECODE)).toEqual([
      "error[E019] s.yaml:2:18 cluster.nodes: 256 experts do not divide over 144 ranks\n  hint: experts.redundant: 32 makes 2 on each rank",
    ]);
    expect(says(`${DECODE}experts: {redundant: 33}\n`)).toEqual([
      "error[E019] s.yaml:3:22 experts.redundant: 256 + 33 experts do not divide over 144 ranks\n  hint: experts.redundant: 176 makes 3 on each rank",
    ]);
    expect(says(`${DECODE}experts: {redundant: 32}\n`)).toEqual([]);
  });

  it("need loads for EPLB, and only for EPLB", () => {
    expect(says(`${SMALLEST}experts: {placement: eplb}\n`)).toEqual([
      "error[E011] s.yaml:3:1 experts.loads: experts.loads is required by placement eplb\n  hint: name a CSV or JSON file of recorded loads, or use placement: contiguous",
    ]);
    expect(says(`${SMALLEST}experts: {loads: loads.csv, policy: global}\n`)).toEqual([
      "error[E019] s.yaml:3:18 experts.loads: loads are read by placement eplb; placement is contiguous\n  hint: add placement: eplb",
      "error[E019] s.yaml:3:37 experts.policy: policy is one of placement eplb; placement is contiguous\n  hint: add placement: eplb",
    ]);
  });

  it("are not hierarchical where groups do not divide over nodes", () => {
    const experts =
      "experts: {redundant: 32, placement: eplb, loads: loads.csv, policy: hierarchical}";
    expect(says(`${DECODE}${experts}\n`)).toEqual([
      "error[E019] s.yaml:3:69 experts.policy: policy hierarchical keeps whole groups on a node: 8 expert groups do not divide over 18 nodes of an EP group\n  hint: use policy: auto, which is global then",
    ]);
  });

  it("are refused when the list of replicas would fill the memory", () => {
    const model = `{"model_type": "mixtral", "hidden_size": 128, "num_hidden_layers": 60000, "num_local_experts": 8,
      "num_experts_per_tok": 2, "intermediate_size": 128, "num_attention_heads": 1}`;
    const text = "model: m.json\ncluster: {nodes: 1}\nexperts: {redundant: 800}\n";
    expect(says(text, { "m.json": model } as never)).toEqual([
      "error[E023] s.yaml:3:22 experts.redundant: too many replicas: 60000 layers of 8 + 800 experts on 8 ranks; at most 16777216 replicas and, for EPLB, 1000000000 comparisons",
    ]);
  });

  it("are told with the loads file's own name and line", () => {
    const experts = "experts: {placement: eplb, loads: loads.csv}";
    const bad = DEEPSEEK_LOADS.replace("\n4,12,49", "\n4,12,-49");
    expect(says(`${SMALLEST}${experts}\n`, { "loads.csv": bad })).toEqual([
      'error[E037] loads.csv:3:6: e1 is "-49"; a load is a number from 0 to below 2^53',
    ]);
    const routing = "routing: {source: loads, path: loads.csv}";
    const zero = `${DEEPSEEK_LOADS.slice(0, DEEPSEEK_LOADS.indexOf("\n60,"))}\n60${",0".repeat(256)}`;
    expect(says(`${SMALLEST}${routing}\n`, { "loads.csv": zero })).toEqual([
      "error[E037] loads.csv:59:1: every load of layer 60 is 0; at least one must be above\n  hint: record more, or leave the layer out of workload.layers",
    ]);
    expect(says(`${SMALLEST}${routing.replace("loads.csv", "gone.csv")}\n`)).toEqual([
      "error[E001] s.yaml:3:32 routing.path: cannot read loads file 'gone.csv': there is no such file\n  hint: the path is relative to this file",
    ]);
    expect(says(`${SMALLEST}${routing.replace("loads.csv", "/loads.csv")}\n`)).toEqual([
      expect.stringContaining("error[E034] s.yaml:3:32 routing.path"),
    ]);
  });
});

describe("node-limited routing", () => {
  it("is what the scenario says instead of the model", () => {
    expect(good(SMALLEST).scenario.model).toMatchObject({ n_group: 8, topk_group: 4 });
    const none = good(`${SMALLEST}routing: {source: gate, groups: 1, topkGroup: 1}\n`).scenario;
    expect(none.model).toMatchObject({ n_group: 1, topk_group: 1 });
    expect(describeScenario(none)).toContain("routing    the model's gate, imbalance 0");
    const two = good(`${SMALLEST}routing: {source: gate, topkGroup: 2}\n`).scenario;
    expect(two.model).toMatchObject({ n_group: 8, topk_group: 2 });
    expect(describeScenario(two)).toContain(
      "routing    the model's gate, imbalance 0, 2 of 8 groups",
    );
    const loads = "{source: loads, path: loads.csv, groups: 16, topkGroup: 16}";
    const drawn = good(`${SMALLEST}routing: ${loads}\n`).scenario;
    expect(drawn.model).toMatchObject({ n_group: 16, topk_group: 16 });
  });

  it.each([
    [
      "groups: 7",
      "3:33 routing.groups: 256 experts do not divide over 7 groups\n  hint: 1 group is routing without groups",
    ],
    [
      "groups: 2",
      "3:33 routing.groups: the model's topk_group 4 exceeds 2 groups; allowed: 1..2\n  hint: set routing.topkGroup: 2 for no limit",
    ],
    [
      "topkGroup: 9",
      "3:36 routing.topkGroup: topkGroup 9 exceeds 8 groups; allowed: 1..8\n  hint: set routing.topkGroup: 8 for no limit",
    ],
    [
      "groups: 64, topkGroup: 1",
      "3:48 routing.topkGroup: top_k 8 exceeds the 4 experts of 1 of 64 groups\n  hint: routing.topkGroup is 2..64",
    ],
  ])("is refused when it contradicts the model: %s", (fields, says) => {
    expect(printed(`${SMALLEST}routing: {source: gate, ${fields}}\n`)).toEqual([
      `error[E019] s.yaml:${says}`,
    ]);
  });
});

describe("protocols and sizes", () => {
  it("normal goes over NVLink inside a node", () => {
    const text = (workload: string): string => `${SMALLEST}workload: {${workload}}\n`;
    const message =
      "workload.intraNode: intraNode rdma is for protocol low-latency; protocol normal forwards over NVLink\n  hint: leave intraNode out, or set protocol: low-latency";
    expect(printed(text("protocol: normal, intraNode: rdma"))).toEqual([
      `error[E019] s.yaml:3:41 ${message}`,
    ]);
    expect(printed(text("phase: training, intraNode: rdma"))).toEqual([
      `error[E019] s.yaml:3:40 ${message}`,
    ]);
    const rails = (workload: string): string =>
      text(workload).replace("nodes: 4", "nodes: 4, network: mrft");
    expect(printed(rails("phase: training, protocol: low-latency, intraNode: rdma"))).toEqual([]);
    expect(printed(rails("phase: decode, intraNode: rdma"))).toEqual([]);
  });

  it("a node has as many GPUs as its NVLink domain holds", () => {
    const text = SMALLEST.replace("nodes: 4", "nodes: 2, gpusPerNode: 16, planes: 16");
    expect(printed(text)).toEqual([
      "error[E019] s.yaml:2:34 cluster.gpusPerNode: 16 GPUs a node, but an NVLink domain of h800-infiniband holds 8; allowed: 1..8",
    ]);
  });

  it("a training layer of 64 ranks with 4,096 tokens fits, in two micro-batches", () => {
    const text = `${SMALLEST.replace("nodes: 4", "nodes: 8")}workload: {phase: training, tokensPerGpu: 4096, layers: [3]}\n`;
    expect(printed(text)).toEqual([]);
    expect(printed(text.replace("4096", "8192"))).toEqual([
      "error[E023] s.yaml:3:43 workload.tokensPerGpu: needs about 4 GiB: 524288 tokens x top 8 x 2 micro-batches make 8388608 token copies in flight; limit 8000000",
    ]);
    const one = text.replace("4096", "8192").replace("phase:", "pass: forward, phase:");
    expect(printed(one)).toEqual([]);
  });
});
