/** Drill files that are right: what they come to. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isDrillText } from "../../src/drill/parse-drill.ts";
import { PS_PER_MS, PS_PER_S } from "../../src/model/time.ts";
import { drillOf, parse, SMALL } from "./reading.ts";

describe("a drill file", () => {
  it("keeps its method, and faults count from when their action is due", () => {
    const drill = drillOf(SMALL);
    expect(drill.method).toEqual([
      {
        type: "action",
        name: "take it down",
        act: {
          func: "inject",
          since: "due",
          fault: {
            name: "flap",
            kind: "nic-down",
            targets: ["node2.nic3"],
            atPs: 0,
            healAtPs: 30 * PS_PER_MS,
          },
        },
        pauseBeforePs: 6 * PS_PER_MS,
        pauseAfterPs: 0,
      },
    ]);
    expect(drill.stop).toEqual({ afterPs: 2 * PS_PER_S, when: [] });
    expect(drill.leastTraffic).toBe(1_000);
  });

  it("may be JSON", () => {
    const tree = {
      title: "json",
      scenario: { model: "models/deepseek-v3.json", cluster: { nodes: 2 } },
      stop: { after: "1 s" },
    };
    expect(drillOf(JSON.stringify(tree, undefined, 2)).title).toBe("json");
  });

  it("may name a scenario's file, whose own files are found beside it", () => {
    const text = SMALL.replace(/scenario:\n(?: {2}.*\n)+/, "scenario: deep/s.yaml\n");
    const scenario = "model: m.json\ncluster: {nodes: 4}\n";
    const model = JSON.stringify({ ...MODEL });
    const drill = drillOf(text, { "deep/s.yaml": scenario, "deep/m.json": model });
    expect(drill.scenarioFile).toBe("deep/s.yaml");
    expect(drill.scenario.model.n_routed_experts).toBe(64);
  });

  it("lets `at` be an instant of the run, or a phase of a layer", () => {
    const at = (text: string) =>
      drillOf(SMALL.replace("healAfter: 30 ms", `healAfter: 30 ms, at: ${text}`)).method[0];
    expect(at("8 ms")).toMatchObject({ act: { since: "run", fault: { atPs: 8 * PS_PER_MS } } });
    expect(at("{step: 0, layer: 12, phase: dispatch}")).toMatchObject({
      act: { since: "run", fault: { moment: { layer: 12, phase: "dispatch" } } },
    });
  });

  it("reads every kind of tolerance", () => {
    const tolerance = (text: string) =>
      drillOf(SMALL.replace("tolerance: 0", `tolerance: ${text}`)).hypothesis?.probes[0].tolerance;
    expect(tolerance("3")).toEqual({ type: "exactly", value: 3 });
    expect(tolerance("false")).toEqual({ type: "exactly", value: false });
    expect(tolerance("[1, 2.5]")).toEqual({ type: "range", least: 1, most: 2.5 });
    const range = { type: "range", least: 1, most: 2.5 };
    expect(tolerance("{type: range, range: [1, 2.5]}")).toEqual(range);
  });

  it("puts a measure's own defaults in, and times in ps", () => {
    const probe = (text: string) =>
      drillOf(SMALL.replace("func: ranks_masked", text)).hypothesis?.probes[0];
    expect(probe("func: layer_ms")?.arguments).toEqual({ percentile: 99 });
    const stalled = probe("func: ranks_stalled, arguments: {for: 2 s, over: before}");
    expect(stalled?.arguments).toEqual({ for: 2 * PS_PER_S });
    expect(stalled?.over).toBe("before");
  });

  it("has operators' acts as faults with names, which can be ended by name or target", () => {
    const method = [
      { type: "action", name: "Mask it!", func: "mask", arguments: { target: "node1.gpu2" } },
      { type: "action", name: "back", func: "unmask", arguments: { target: "node1.gpu2" } },
      { type: "action", name: "drain", func: "drain", arguments: { target: "node3" } },
      { type: "action", name: "un", func: "undrain", arguments: { fault: "drain" } },
    ].map(({ type, name, ...provider }) => ({
      type,
      name,
      provider: { type: "faultplane", ...provider },
    }));
    const tree = {
      title: "t",
      scenario: { model: "models/deepseek-v3.json", cluster: { nodes: 4 } },
      method,
      stop: { after: "1 s" },
    };
    const acts = drillOf(JSON.stringify(tree)).method.map((one) => "act" in one && one.act);
    expect(acts).toMatchObject([
      { func: "mask", fault: { name: "mask-it", kind: "masked", targets: ["node1.gpu2"] } },
      { func: "unmask", fault: "mask-it" },
      { func: "drain", fault: { name: "drain", kind: "drained", targets: ["node3"] } },
      { func: "undrain", fault: "drain" },
    ]);
  });

  it("accepts Chaos Toolkit's other keys and says that they mean nothing", () => {
    const result = parse(`${SMALL}version: 1.0.0\nconfiguration: {a: 1}\nextensions: []\n`);
    expect(result.ok && result.notes).toEqual([
      "keys of Chaos Toolkit that mean nothing here: version, configuration, extensions",
    ]);
  });

  it("takes overrides of its scenario", () => {
    const result = parse(SMALL, {}, { seed: "7" });
    expect(result.ok && result.drill.scenario.run.seed).toBe("7");
  });

  it("is right as docs/drills.md shows it", () => {
    const text = readFileSync(new URL("../../docs/drills.md", import.meta.url), "utf8");
    const shown = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
    expect(drillOf(shown).method).toHaveLength(1);
  });

  it("is told from a scenario by its keys", () => {
    expect(isDrillText(SMALL, "d.yaml")).toBe(true);
    expect(isDrillText("model: m.json\ncluster: {nodes: 4}\n", "s.yaml")).toBe(false);
    expect(isDrillText("{", "x.json")).toBe(false);
  });
});

const MODEL = {
  hidden_size: 256,
  num_hidden_layers: 3,
  first_k_dense_replace: 1,
  n_routed_experts: 64,
  n_shared_experts: 1,
  num_experts_per_tok: 2,
  n_group: 4,
  topk_group: 2,
  scoring_func: "sigmoid",
  norm_topk_prob: true,
  routed_scaling_factor: 2.5,
  moe_intermediate_size: 128,
  intermediate_size: 512,
  num_attention_heads: 4,
  q_lora_rank: 64,
  kv_lora_rank: 64,
  qk_rope_head_dim: 16,
  qk_nope_head_dim: 16,
  v_head_dim: 16,
};
