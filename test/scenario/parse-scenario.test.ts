/** What good scenario files resolve to: defaults, units, model families, targets, overrides. */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isDrillText } from "../../src/drill/parse-drill.ts";
import { valuesOf } from "../../src/hardware/parameters.ts";
import { PRESET_PARAMETERS } from "../../src/hardware/presets.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { describeScenario } from "../../src/scenario/describe-scenario.ts";
import { scenarioHash } from "../../src/scenario/scenario-hash.ts";
import { drillText, parse, printed, SMALLEST } from "./reading.ts";

/** The scenario of a text that must be good. */
function good(
  text: string,
  files: Readonly<Record<string, string>> = {},
  overrides: Parameters<typeof parse>[2] = {},
): Scenario {
  const result = parse(text, files, overrides);
  if (!result.ok) throw new Error(printed(text, files).join("\n"));
  return result.scenario;
}

const DEFAULT = drillText("default.yaml");
/** Scenario files of the folder; those with a method are drills, and tested as such. */
const drills = readdirSync(new URL("../../drills/", import.meta.url)).filter(
  (name) => name.endsWith(".yaml") && !isDrillText(drillText(name), name),
);

describe("the drills", () => {
  it.each(drills)("%s parses, opens with a comment and names itself", (name) => {
    const text = drillText(name);
    expect(text).toMatch(
      /^# yaml-language-server: \$schema=\.\.\/docs\/scenario.schema.json\n#\n# \w/,
    );
    expect(good(text).title.length).toBeGreaterThan(10);
  });

  it("default.yaml is 32 GPUs of DeepSeek-V3 with a NIC lost at 6 ms for good", () => {
    const scenario = good(DEFAULT);
    expect(scenario.workload).toEqual({
      phase: "decode",
      protocol: "low-latency",
      grain: "token",
      intraNode: "nvlink",
      dispatchFormat: "fp8",
      combineFormat: "bf16",
      pass: "overlapped",
      microBatches: 1,
      acceptedTokensPerStep: 1,
      tokensPerGpu: 8,
      steps: 1,
      epSize: 32,
      layers: Array.from({ length: 61 }, (_, layer) => layer),
    });
    expect(scenario.faults).toEqual([
      { name: "lost-nic", kind: "nic-down", targets: ["node2.nic3"], atPs: 6e9 },
    ]);
    expect(scenario.run).toEqual({
      seed: "42",
      placement: "node",
      workers: 2,
      speed: "max",
      trafficEveryPs: 1e8,
      timeLimitPs: 600e12,
      lagBudgetSeconds: 2,
      logPackets: false,
      onWorkerLoss: "recover",
    });
    expect(scenario.transport.waitTimeoutPs).toBe(100e12);
  });

  it("qwen3-routing.yaml has the file's own token counts", () => {
    const { routing, workload } = good(drillText("qwen3-routing.yaml"));
    expect(routing.source === "file" ? routing.table.tokensOfRank : []).toEqual([1, 1024, 1024, 1]);
    expect(workload.tokensPerGpu).toBe(1024);
  });

  it("link-down.yaml has spines to lose a cable to", () => {
    expect(good(drillText("link-down.yaml")).faults[0].targets).toEqual([
      "plane3.leaf0--plane3.spine0",
    ]);
  });
});

describe("a scenario", () => {
  it("is the same from JSON as from YAML", () => {
    const json = JSON.stringify(
      {
        title: "DeepSeek-V3 decode, a NIC lost halfway",
        model: "models/deepseek-v3.json",
        cluster: { nodes: 4, gpusPerNode: 8, planes: 8, switchPorts: 64 },
        faults: [{ name: "lost-nic", kind: "nic-down", target: "node2.nic3", at: "6 ms" }],
      },
      undefined,
      "\t",
    );
    expect(good(json)).toEqual(good(DEFAULT));
  });

  it("keeps a seed of 64 bits that is quoted", () => {
    expect(good(`${SMALLEST}run: {seed: "18446744073709551615"}\n`).run.seed).toBe(
      "18446744073709551615",
    );
  });

  it("takes what the command line says over what the file says", () => {
    const overrides = { seed: "7", placement: "pack", workers: 3, speed: 0.5 } as const;
    expect(good(DEFAULT, {}, overrides).run).toMatchObject(overrides);
  });

  it("converts units exactly", () => {
    const text = `${SMALLEST}hardware: {nicRate: 200 Gbit/s, nvlinkRate: 400 GB/s, hbmRate: 2 TB/s, networkLatency: 0.3 us}\ntransport: {waitTimeout: 1.5 min}\nrun: {timeLimit: 2 h}\n`;
    const { hardware, transport, run } = good(text);
    const preset = valuesOf(PRESET_PARAMETERS["h800-infiniband"]);
    const sendPs = 300_000 + preset.nicSendPs;
    expect(hardware.nicToLeaf).toMatchObject({ latencyPs: sendPs, psPerByte: 40 });
    expect(hardware.leafToSpine).toMatchObject({ latencyPs: 300_000, psPerByte: 40 });
    expect(hardware.leafToNic).toMatchObject({ latencyPs: preset.nicReceivePs, psPerByte: 40 });
    expect(hardware.gpuToNvswitch).toMatchObject({ latencyPs: preset.nvlinkPs, psPerByte: 2.5 });
    expect(hardware.compute.hbmBytesPerSecond).toBe(2e12);
    expect(transport.waitTimeoutPs).toBe(90e12);
    expect(run.timeLimitPs).toBe(7_200e12);
  });

  it("names a link by its ends in either order, and heals after a span or at a time", () => {
    const text = `${SMALLEST}faults:
  - {kind: link-down, target: plane3.leaf0--node2.nic3, at: 0.1 us, healAfter: 0.0003 us}
  - {kind: nic-down, target: [node1.nic0, node1.nic1], at: 0 ps, heal: 7 ps}
`;
    expect(good(text).faults).toEqual([
      {
        name: "f1",
        kind: "link-down",
        targets: ["node2.nic3--plane3.leaf0"],
        atPs: 100_000,
        healAtPs: 100_300,
      },
      { name: "f2", kind: "nic-down", targets: ["node1.nic0", "node1.nic1"], atPs: 0, healAtPs: 7 },
    ]);
  });

  it("is described with its defaults marked", () => {
    const result = parse(SMALLEST);
    const lines = result.ok ? describeScenario(result.scenario, result.given) : [];
    expect(lines).toContain("seed       42  (default)");
    expect(lines).toContain("layers     0-60: 61 layers, 58 with experts  (default)");
    expect(lines).toContain("cluster    4 nodes x 8 GPUs = 32 GPUs, 8 planes, 64-port switches");
  });
});

describe("a model file", () => {
  it("gives DeepSeek-V3 the published size of an attention block", () => {
    const { model } = good(SMALLEST);
    expect(model.name).toBe("deepseek-v3");
    expect(model.attentionParameters).toBe(187_105_280);
    expect(model.attentionKeyWidth).toBe(128 * 192);
    expect(model.attentionValueWidth).toBe(128 * 128);
  });

  it("is read under the names of DeepSeek's own inference code", () => {
    const inference = JSON.stringify({
      dim: 7168,
      inter_dim: 18432,
      moe_inter_dim: 2048,
      n_layers: 61,
      n_dense_layers: 3,
      n_heads: 128,
      n_routed_experts: 256,
      n_shared_experts: 1,
      n_activated_experts: 8,
      n_expert_groups: 8,
      n_limited_groups: 4,
      route_scale: 2.5,
      score_func: "sigmoid",
      q_lora_rank: 1536,
      kv_lora_rank: 512,
      qk_nope_head_dim: 128,
      qk_rope_head_dim: 64,
      v_head_dim: 128,
    });
    const files = { "models/deepseek-v3.json": inference };
    expect(good(SMALLEST, files).model).toEqual(good(SMALLEST).model);
  });

  it("gives Qwen3 no groups and no shared experts", () => {
    const { model } = good(drillText("qwen3-routing.yaml"));
    expect(model).toMatchObject({
      n_group: 1,
      n_shared_experts: 0,
      first_k_dense_replace: 0,
      scoring_func: "softmax",
      n_routed_experts: 128,
      attentionParameters: 18_874_368,
      attentionKeyWidth: 4_096,
      attentionValueWidth: 4_096,
    });
  });

  it("gives Mixtral's experts the width of its MLP", () => {
    const mixtral = JSON.stringify({
      model_type: "mixtral",
      hidden_size: 4096,
      intermediate_size: 14336,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      num_key_value_heads: 8,
      num_local_experts: 8,
      num_experts_per_tok: 2,
    });
    const text = "model: mixtral.json\ncluster: {nodes: 1}\n";
    expect(good(text, { "mixtral.json": mixtral }).model).toMatchObject({
      n_routed_experts: 8,
      moe_intermediate_size: 14336,
      norm_topk_prob: true,
      attentionParameters: 41_943_040,
    });
  });
});

describe("the hash of a scenario", () => {
  it("does not depend on how the run is carried out", () => {
    const overrides = { placement: "actor", workers: 9, speed: 0.001 } as const;
    expect(scenarioHash(good(DEFAULT, {}, overrides))).toBe(scenarioHash(good(DEFAULT)));
    expect(scenarioHash(good(DEFAULT))).toMatch(/^[0-9a-f]{16}$/);
  });

  it("changes with the seed, a fault, a link and one recorded choice", () => {
    const qwen = drillText("qwen3-routing.yaml");
    const path = "routing/qwen3-30b-a3b_prefill2050_dp4.csv";
    const other = drillText(path).replace("0,0,0,-1,0,116,23,", "0,0,0,-1,0,23,116,");
    const hashes = [
      good(DEFAULT),
      good(DEFAULT, {}, { seed: "43" }),
      good(DEFAULT.replace("at: 6 ms", "at: 7 ms")),
      good(`${SMALLEST}hardware: {nicRate: 200 Gbit/s}\n`),
      good(qwen),
      good(qwen, { [path]: other }),
    ].map(scenarioHash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
