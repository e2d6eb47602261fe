/** Scenarios for tests: small, complete, and changed by what a test says. */
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import type { ModelShape } from "../../src/model/model-shape.ts";
import {
  DEFAULT_NETWORK,
  DEFAULT_RECOVERY,
  type ExpertsSpec,
  type Scenario,
} from "../../src/model/scenario.ts";
import { PS_PER_S } from "../../src/model/time.ts";

/**
 * A mixture-of-experts model that is quick to run: 16 experts, top-2, one dense and three MoE
 * layers.
 */
export const TINY_MODEL: ModelShape = {
  name: "tiny",
  hidden_size: 256,
  num_hidden_layers: 4,
  first_k_dense_replace: 1,
  n_routed_experts: 16,
  n_shared_experts: 1,
  num_experts_per_tok: 2,
  n_group: 4,
  topk_group: 2,
  scoring_func: "sigmoid",
  norm_topk_prob: true,
  routed_scaling_factor: 2.5,
  moe_intermediate_size: 128,
  intermediate_size: 512,
  attentionParameters: 200_000,
  attentionKeyWidth: 256,
  attentionValueWidth: 256,
};

/** Every expert once, in the order of ids. */
export const NO_REPLICAS: ExpertsSpec = {
  redundant: 0,
  placement: "contiguous",
  physicalToLogical: new Uint8Array(0),
};

type Changes = { [Key in keyof Scenario]?: Partial<Scenario[Key]> };

/** The scenario with a controller in its cluster exactly if its recovery has one. */
export function withController(scenario: Scenario): Scenario {
  const { controller: _, ...cluster } = scenario.cluster;
  if (scenario.recovery.controller === "none") return { ...scenario, cluster };
  return { ...scenario, cluster: { ...cluster, controller: true } };
}

/**
 * 2 nodes of 4 GPUs on 4 planes; `changes` replace fields part by part, arrays and strings whole.
 */
export function tinyScenario(changes: Changes = {}): Scenario {
  const base: Scenario = {
    title: "tiny",
    model: TINY_MODEL,
    hardware: HARDWARE_PRESETS["h800-infiniband"],
    cluster: { nodes: 2, gpusPerNode: 4, planes: 4, switchPorts: 8, ...DEFAULT_NETWORK },
    workload: {
      phase: "decode",
      protocol: "low-latency",
      grain: "token",
      intraNode: "nvlink",
      dispatchFormat: "fp8",
      combineFormat: "bf16",
      pass: "overlapped",
      microBatches: 1,
      acceptedTokensPerStep: 1,
      tokensPerGpu: 4,
      steps: 1,
      epSize: 8,
      layers: [0, 1, 2, 3],
    },
    routing: { source: "gate", imbalance: 0 },
    experts: NO_REPLICAS,
    transport: { ackTimeoutExponent: 10, retryCount: 3, waitTimeoutPs: PS_PER_S },
    recovery: DEFAULT_RECOVERY,
    faults: [],
    run: {
      seed: "1",
      placement: "single",
      workers: 2,
      speed: "max",
      timeLimitPs: 600 * PS_PER_S,
      lagBudgetSeconds: 2,
      logPackets: false,
      trafficEveryPs: 1e8,
      onWorkerLoss: "recover",
    },
  };
  const merged: Record<string, unknown> = { ...base };
  for (const [key, change] of Object.entries(changes)) {
    const old = merged[key];
    const whole = Array.isArray(change) || typeof change !== "object";
    merged[key] = whole ? change : { ...(old as object), ...change };
  }
  return withController(merged as unknown as Scenario);
}
