/**
 * The scenarios that the bench runs, on DeepSeek-V3's figures and the published cluster's hardware.
 * Built here and not read from files, so that a figure means the same on every machine.
 */
import { DEFAULT_NETWORK, type Scenario } from "../../src/model/scenario.ts";
import { deepseekScenario, deepseekV3 } from "../deepseek-scenario.ts";

/**
 * Low-latency dispatch and combine of EP128 with 128 tokens a GPU: 131,072 copies out and as many
 * back, a step.
 */
export function layerScenario(steps: number): Scenario {
  return deepseekScenario({
    title: "one MoE layer, EP128 x 128 tokens",
    cluster: { nodes: 16, gpusPerNode: 8, planes: 8, switchPorts: 64, ...DEFAULT_NETWORK },
    workload: { tokensPerGpu: 128, epSize: 128, steps },
    // As in DeepEP's low-latency test: random experts, no group limit.
    routing: { source: "uniform" },
  });
}

/** 2,048 GPUs in EP groups of 64, 8 tokens a GPU: 131,072 copies out and as many back. */
export function fleetScenario(): Scenario {
  return deepseekScenario({
    title: "one MoE layer, 2,048 GPUs",
    cluster: { nodes: 256, gpusPerNode: 8, planes: 8, switchPorts: 64, ...DEFAULT_NETWORK },
    workload: { tokensPerGpu: 8, epSize: 64 },
  });
}

/** Physical experts of the decode service: 256 and 32 replicas (DeepSeek-V3 report, 3.4.2). */
const ROUTED = 256;
const REDUNDANT = 32;

/**
 * A whole decode step of DeepSeek-V3 on its published decode unit: EP144 on 18 nodes, 32 redundant
 * experts, 61 layers, two micro-batches of 32 tokens a GPU, low-latency protocol at token grain.
 */
export function decodeScenario(): Scenario {
  const { num_hidden_layers: count } = deepseekV3();
  const physical = ROUTED + REDUNDANT;
  const physicalToLogical = new Uint8Array(count * physical * 2);
  // Experts have at most 256 ids: the high byte of each stays 0.
  for (let entry = 0; entry < count * physical; entry += 1) {
    physicalToLogical[2 * entry] = (entry % physical) % ROUTED;
  }
  return deepseekScenario({
    title: "a decode step of EP144",
    cluster: { nodes: 18, gpusPerNode: 8, planes: 8, switchPorts: 64, ...DEFAULT_NETWORK },
    workload: {
      tokensPerGpu: 32,
      microBatches: 2,
      epSize: 144,
      layers: Array.from({ length: count }, (_, layer) => layer),
    },
    experts: { redundant: REDUNDANT, placement: "contiguous", physicalToLogical },
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
  return deepseekScenario({
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
