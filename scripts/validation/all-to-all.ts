/**
 * The all-to-alls that DeepEP publishes figures of, emulated as its tests set them up: one layer,
 * every rank at one moment, no compute. Each is one run in this process.
 */
import { makeDevice } from "../../actors/catalogue.ts";
import { expectWhole, makeLocalRun } from "../../src/engine/local-run.ts";
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import type { Hardware } from "../../src/model/hardware.ts";
import { type ClusterSpec, DEFAULT_NETWORK, type Scenario } from "../../src/model/scenario.ts";
import { PS_PER_S } from "../../src/model/time.ts";
import { deepseekScenario, deepseekV3 } from "../deepseek-scenario.ts";

/** GPUs of a node, and tokens a GPU, in DeepEP's tests. */
const GPUS_PER_NODE = 8;
const LOW_LATENCY_TOKENS = 128;
export const NORMAL_TOKENS = 4_096;
/** Experts of the low-latency test: 256 and 32 replicas. */
const LOW_LATENCY_EXPERTS = 288;
/** Groups that a token chooses from in the normal test, `min(nodes, 4)` of `nodes`. */
const GROUPS_CHOSEN = 4;

/** What one exchange took and moved; means over the ranks. */
export interface ExchangeFigures {
  readonly dispatchPs: number;
  readonly combinePs: number;
  readonly events: number;
}

/** What may differ from the published set-up. */
export interface ExchangeVariant {
  readonly hardware?: Hardware;
  readonly network?: ClusterSpec["network"];
  readonly switchRouting?: ClusterSpec["switchRouting"];
  /** Copies go over NVLink where they can; else every one by its rank's own NIC. */
  readonly nvlink?: boolean;
  /** Ports of a switch; fewer make more leaves. */
  readonly switchPorts?: number;
  readonly grain?: "token" | "message";
  readonly tokensPerGpu?: number;
}

function clusterOf(gpus: number, variant: ExchangeVariant): ClusterSpec {
  return {
    nodes: gpus / GPUS_PER_NODE,
    gpusPerNode: GPUS_PER_NODE,
    planes: GPUS_PER_NODE,
    switchPorts: variant.switchPorts ?? 64,
    ...DEFAULT_NETWORK,
    ...(variant.network !== undefined && { network: variant.network }),
    ...(variant.switchRouting !== undefined && { switchRouting: variant.switchRouting }),
  };
}

/**
 * Low-latency kernels by RDMA alone (DeepEP, tests/test_low_latency.py): top-8 of 288 experts, 128
 * tokens. Every copy leaves by its rank's own NIC, so the rails have to be joined.
 */
export function lowLatencyScenario(epSize: number, variant: ExchangeVariant = {}): Scenario {
  return deepseekScenario({
    title: `low-latency, pure RDMA, EP${epSize}`,
    model: { ...deepseekV3(), n_routed_experts: expertsFor(epSize) },
    ...(variant.hardware !== undefined && { hardware: variant.hardware }),
    cluster: clusterOf(epSize, { network: "mrft", ...variant }),
    workload: {
      phase: "all-to-all",
      intraNode: variant.nvlink === true ? "nvlink" : "rdma",
      tokensPerGpu: variant.tokensPerGpu ?? LOW_LATENCY_TOKENS,
      epSize,
      grain: variant.grain ?? "token",
    },
    routing: { source: "uniform" },
  });
}

/** 288 where it divides over the ranks, else the next number that does. */
function expertsFor(epSize: number): number {
  return Math.ceil(LOW_LATENCY_EXPERTS / epSize) * epSize;
}

/**
 * Normal kernels (DeepEP, tests/test_internode.py and test_intranode.py): 4,096 tokens, top-8 of
 * 256 experts in min(nodes, 4) groups, a group being a node.
 */
export function normalScenario(epSize: number, variant: ExchangeVariant = {}): Scenario {
  const nodes = epSize / GPUS_PER_NODE;
  return deepseekScenario({
    title: `normal, EP${epSize}`,
    model: { ...deepseekV3(), n_group: nodes, topk_group: Math.min(nodes, GROUPS_CHOSEN) },
    ...(variant.hardware !== undefined && { hardware: variant.hardware }),
    cluster: clusterOf(epSize, variant),
    workload: {
      phase: "all-to-all",
      protocol: "normal",
      tokensPerGpu: variant.tokensPerGpu ?? NORMAL_TOKENS,
      epSize,
      grain: variant.grain ?? "message",
    },
  });
}

/** Runs a scenario of one exchange. Throws when not every token came back. */
export function runExchange(scenario: Scenario): ExchangeFigures {
  let dispatchPs = 0;
  let combinePs = 0;
  const totals = makeLocalRun(scenario, {
    devices: makeDevice,
    committed: ({ facts }) => {
      for (const { fact } of facts) {
        if (fact.type === "dispatch.completed") dispatchPs += fact.durationPs;
        else if (fact.type === "combine.completed") combinePs += fact.durationPs;
      }
      return true;
    },
  }).run();
  expectWhole(totals);
  const { epSize } = scenario.workload;
  return { dispatchPs: dispatchPs / epSize, combinePs: combinePs / epSize, events: totals.events };
}

/** The hardware that the published figures are of. */
export const PUBLISHED_HARDWARE = HARDWARE_PRESETS["h800-infiniband"];

/** Logical bandwidth, GB/s: bytes that a rank's copies add up to, over the time. */
export function gigabytesPerSecond(bytes: number, spanPs: number): number {
  return bytes / (spanPs / PS_PER_S) / 1e9;
}
