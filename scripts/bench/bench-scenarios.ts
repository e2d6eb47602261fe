/**
 * The scenarios that the bench runs, on DeepSeek-V3's figures and the published cluster's hardware.
 * Built here and not read from files, so that a figure means the same on every machine.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import type { ModelShape } from "../../src/model/model-shape.ts";
import {
  type ClusterSpec,
  DEFAULT_NETWORK,
  type RunSpec,
  type Scenario,
  type WorkloadSpec,
} from "../../src/model/scenario.ts";
import { PS_PER_S } from "../../src/model/time.ts";
import { readModel } from "../../src/scenario/model-file.ts";
import { packageRoot } from "../commands/package-files.ts";

/** The first layer of DeepSeek-V3 that has experts. */
const MOE_LAYER = 3;

interface Parts {
  readonly title: string;
  readonly model: ModelShape;
  readonly cluster: ClusterSpec;
  readonly workload: Partial<WorkloadSpec>;
  readonly routing?: Scenario["routing"];
  readonly run?: Partial<RunSpec>;
}

/**
 * Low-latency dispatch and combine of EP128 with 128 tokens a GPU: 131,072 copies out and as many
 * back, a step.
 */
export function layerScenario(steps: number): Scenario {
  return scenarioOf({
    title: "one MoE layer, EP128 x 128 tokens",
    model: deepseekV3(),
    cluster: { nodes: 16, gpusPerNode: 8, planes: 8, switchPorts: 64, ...DEFAULT_NETWORK },
    workload: { tokensPerGpu: 128, epSize: 128, steps },
    // As in DeepEP's low-latency test: random experts, no group limit.
    routing: { source: "uniform" },
  });
}

/** 2,048 GPUs in EP groups of 64, 8 tokens a GPU: 131,072 copies out and as many back. */
export function fleetScenario(): Scenario {
  return scenarioOf({
    title: "one MoE layer, 2,048 GPUs",
    model: deepseekV3(),
    cluster: { nodes: 256, gpusPerNode: 8, planes: 8, switchPorts: 64, ...DEFAULT_NETWORK },
    workload: { tokensPerGpu: 8, epSize: 64 },
  });
}

/**
 * Nodes of one GPU around one leaf, a worker for each and one for the leaf, and traffic that never
 * pauses for long but is thin: token copies so large that a NIC sends one or two a window. Nearly
 * every worker has something to do in nearly every window, and little: what is left is the cost of
 * windows.
 */
export function windowScenario(workers: number): Scenario {
  const isPair = workers === 2;
  const nodes = isPair ? 2 : workers - 1;
  return scenarioOf({
    title: `windows of ${workers} workers`,
    model: {
      ...deepseekV3(),
      hidden_size: 14_336,
      n_routed_experts: nodes,
      num_experts_per_tok: 2,
    },
    cluster: { nodes, gpusPerNode: 1, planes: 1, switchPorts: 64, ...DEFAULT_NETWORK },
    workload: { tokensPerGpu: 256, epSize: nodes, steps: 10_000 },
    routing: { source: "uniform" },
    run: { placement: isPair ? "pack" : "node", workers },
  });
}

function scenarioOf(parts: Parts): Scenario {
  return {
    title: parts.title,
    model: parts.model,
    hardware: HARDWARE_PRESETS["h800-infiniband"],
    cluster: parts.cluster,
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
      tokensPerGpu: 8,
      steps: 1,
      epSize: 8,
      layers: [MOE_LAYER],
      ...parts.workload,
    },
    routing: parts.routing ?? { source: "gate", imbalance: 0 },
    experts: { redundant: 0, placement: "contiguous", physicalToLogical: new Uint8Array(0) },
    transport: { ackTimeoutExponent: 14, retryCount: 7, waitTimeoutPs: 100 * PS_PER_S },
    faults: [],
    run: {
      seed: "1",
      placement: "single",
      workers: 1,
      speed: "max",
      timeLimitPs: 600 * PS_PER_S,
      lagBudgetSeconds: 2,
      logPackets: false,
      ...parts.run,
    },
  };
}

function deepseekV3(): ModelShape {
  const file = join(packageRoot(), "drills", "models", "deepseek-v3.json");
  const result = readModel(readFileSync(file), file, "deepseek-v3");
  if (!result.ok) throw new Error(`${file} cannot be read`);
  return result.model;
}
