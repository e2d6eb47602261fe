/**
 * Small random fleets from a seed: cluster, model, workload, routing, transport and recovery, every
 * value that the model knows; no faults. Small, so that thousands can be run, and busy enough that
 * there is something to break.
 */
import type { RandomStream } from "../../src/base/random.ts";
import { streamOf } from "../../src/base/random.ts";
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import type { ModelShape } from "../../src/model/model-shape.ts";
import {
  type ClusterSpec,
  DEFAULT_NETWORK,
  DEFAULT_RECOVERY,
  type ExpertsSpec,
  type RecoverySpec,
  type RoutingSpec,
  type Scenario,
  type TransportSpec,
  type WorkloadSpec,
} from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_S, PS_PER_US } from "../../src/model/time.ts";
import { topologyProblems } from "../../src/topology/problems.ts";
import { chance, logUniformWhole, pick, shuffled } from "./draw.ts";

/** Most GPUs of a fleet. */
const GPUS_MAX = 16;
/** Assignments that all ranks together dispatch in a run, about. */
const ASSIGNMENTS = { least: 1_200, most: 6_000 };
/** Most tokens a rank. */
const TOKENS_MAX = 128;
const EXPERTS_PER_GPU = 4;
const SWITCH_PORTS_MAX = 8;

const MODEL: ModelShape = {
  name: "small",
  hidden_size: 256,
  num_hidden_layers: 4,
  first_k_dense_replace: 1,
  n_routed_experts: 16,
  n_shared_experts: 1,
  num_experts_per_tok: 2,
  n_group: 2,
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

/** The fleet of a seed. Each part has a stream of its own: a change of one leaves the others. */
export function drawFleet(seed: number): Scenario {
  const streamFor = (part: string): RandomStream => streamOf(String(seed), `swarm-${part}`);
  const cluster = drawCluster(streamFor("cluster"));
  const gpus = cluster.nodes * cluster.gpusPerNode;
  const model = drawModel(gpus, streamFor("model"));
  const workload = drawWorkload(model, cluster, streamFor("workload"));
  const experts = drawExperts(model, workload, streamFor("experts"));
  const recovery = drawRecovery(cluster, workload, experts, streamFor("recovery"));
  return {
    title: `seed ${seed}`,
    model,
    hardware: HARDWARE_PRESETS["h800-infiniband"],
    cluster: recovery.controller === "none" ? cluster : { ...cluster, controller: true },
    workload,
    routing: drawRouting(streamFor("routing")),
    experts,
    transport: drawTransport(streamFor("transport")),
    recovery,
    faults: [],
    run: {
      seed: String(seed),
      placement: "single",
      workers: 1,
      speed: "max",
      timeLimitPs: 600 * PS_PER_S,
      lagBudgetSeconds: 2,
      logPackets: false,
      trafficEveryPs: 1e8,
      onWorkerLoss: "recover",
    },
  };
}

/**
 * Two to sixteen GPUs on any network that can be built for them; half of the networks have the
 * smallest switches that do, so that leaves need spines.
 */
function drawCluster(random: RandomStream): ClusterSpec {
  for (;;) {
    const drawn: ClusterSpec = {
      ...DEFAULT_NETWORK,
      nodes: pick(random, [1, 2, 2, 2, 3, 4, 4]),
      gpusPerNode: pick(random, [1, 2, 4, 4]),
      planes: pick(random, [1, 2, 2, 4]),
      switchPorts: chance(random, 50) ? 2 : 2 + random.below(6),
      network: pick(random, ["mpft", "mpft", "mrft"]),
      switchRouting: pick(random, ["static", "ecmp", "adaptive"]),
      portBufferBytes: pick(random, [0, 0, 4_000, 20_000]),
      nicPorts: pick(random, ["one-port", "one-port", "multi-port"]),
    };
    const gpus = drawn.nodes * drawn.gpusPerNode;
    const cluster = withPorts(drawn);
    if (gpus >= 2 && gpus <= GPUS_MAX && cluster !== undefined) return cluster;
  }
}

/** The cluster with at least its ports a switch; undefined: more would not help. */
function withPorts(cluster: ClusterSpec): ClusterSpec | undefined {
  for (let { switchPorts } = cluster; switchPorts <= SWITCH_PORTS_MAX; switchPorts += 1) {
    const built = { ...cluster, switchPorts };
    if (topologyProblems(built).length === 0) return built;
  }
  return undefined;
}

function drawModel(gpus: number, random: RandomStream): ModelShape {
  return {
    ...MODEL,
    n_routed_experts: gpus * EXPERTS_PER_GPU,
    num_experts_per_tok: pick(random, [1, 2, 2, 4]),
    topk_group: 1 + random.below(2),
  };
}

/** Every protocol, grain and schedule; one EP group, or one a node. */
function drawWorkload(model: ModelShape, cluster: ClusterSpec, random: RandomStream): WorkloadSpec {
  const { network, planes, nicPorts, nodes, gpusPerNode } = cluster;
  const isJoined = network === "mrft" || planes === 1 || nicPorts === "multi-port";
  const protocol = pick(random, ["low-latency", "normal"] as const);
  const phase = pick(random, ["decode", "prefill", "training", "all-to-all"] as const);
  const layers = pick(random, [[0, 1, 2, 3], [1, 2], [3]]);
  const microBatches = phase === "all-to-all" ? 1 : 1 + random.below(2);
  const gpus = nodes * gpusPerNode;
  const hasGroups = gpusPerNode > 1 && nodes > 1 && chance(random, 15);
  const { num_experts_per_tok: topK, first_k_dense_replace: dense } = model;
  const exchanges = microBatches * layers.filter((layer) => layer >= dense).length;
  const total = logUniformWhole(random, ASSIGNMENTS.least, ASSIGNMENTS.most);
  const aTokenAndStep = exchanges * topK * gpus;
  const stepsLeast = Math.ceil(ASSIGNMENTS.least / (aTokenAndStep * TOKENS_MAX));
  // A message carries many copies: more of them take more steps.
  const grain = pick(random, ["token", "message"] as const);
  const stepsDrawn = grain === "token" ? 2 + random.below(3) : 6 + random.below(8);
  const steps = Math.max(stepsLeast, stepsDrawn);
  const tokens = Math.ceil(total / (aTokenAndStep * steps));
  return {
    phase,
    protocol,
    grain,
    intraNode: isJoined && protocol === "low-latency" ? pick(random, ["nvlink", "rdma"]) : "nvlink",
    dispatchFormat: pick(random, ["fp8", "bf16"]),
    combineFormat: pick(random, ["bf16", "logfmt-10"]),
    pass: pick(random, ["overlapped", "forward", "backward"]),
    microBatches,
    acceptedTokensPerStep: 1,
    tokensPerGpu: Math.min(tokens, TOKENS_MAX),
    steps,
    epSize: hasGroups ? gpusPerNode : gpus,
    layers,
  };
}

/** Every expert once, or as many replicas again as a group has ranks or experts, anywhere. */
function drawExperts(
  { n_routed_experts: experts }: ModelShape,
  { epSize, layers }: WorkloadSpec,
  random: RandomStream,
): ExpertsSpec {
  const none = { redundant: 0, placement: "contiguous", physicalToLogical: new Uint8Array(0) };
  const redundant = pick(random, [0, 0, epSize, experts]);
  if (redundant === 0) return none as ExpertsSpec;
  const all = Array.from({ length: experts }, (_, expert) => expert);
  const rows = layers.flatMap(() => [...all, ...shuffled(all, random).slice(0, redundant)]);
  const physicalToLogical = new Uint8Array(rows.flatMap((expert) => [expert & 0xff, expert >> 8]));
  return { redundant, placement: "eplb", physicalToLogical };
}

function drawRouting(random: RandomStream): RoutingSpec {
  const source = pick(random, ["gate", "uniform", "zipf"] as const);
  if (source === "gate") return { source, imbalance: random.below(3) / 2 };
  return source === "zipf" ? { source, exponent: 0.5 + random.below(4) / 2 } : { source };
}

/** ACK timeouts of 65 us to 16.8 ms; a wait that is shorter or longer than all retries together. */
function drawTransport(random: RandomStream): TransportSpec {
  return {
    ackTimeoutExponent: 4 + random.below(9),
    retryCount: random.below(6),
    waitTimeoutPs: logUniformWhole(random, PS_PER_MS, 100 * PS_PER_MS),
  };
}

/** What moves the experts of masked ranks has nothing to do where ranks trap. */
const TRAPPED_CONTROLLERS = ["none", "restart"] as const;
const MASKED_CONTROLLERS = ["none", "remap", "restart"] as const;

/** A third of the seeds copes as by default; the others by any policies that go together. */
function drawRecovery(
  { planes, nicPorts }: ClusterSpec,
  { protocol }: WorkloadSpec,
  { redundant }: ExpertsSpec,
  random: RandomStream,
): RecoverySpec {
  if (random.below(3) === 0) return DEFAULT_RECOVERY;
  const clockPs = (mostPs: number): number =>
    chance(random, 40) ? -1 : logUniformWhole(random, PS_PER_US, mostPs);
  const hasNeighbour = protocol === "low-latency" && planes > 1 && nicPorts === "one-port";
  const onSilence = pick(random, ["mask", "mask", "mask", "trap"] as const);
  const controllers = onSilence === "trap" ? TRAPPED_CONTROLLERS : MASKED_CONTROLLERS;
  return {
    onSilence,
    failover: hasNeighbour ? pick(random, ["none", "nvlink"]) : "none",
    takeover: redundant > 0 && chance(random, 60),
    rerouteLocalPs: clockPs(PS_PER_MS),
    rerouteManagerPs: clockPs(10 * PS_PER_MS),
    controller: pick(random, controllers),
    controllerDelayPs: logUniformWhole(random, 10 * PS_PER_US, 100 * PS_PER_MS),
    integrity: pick(random, ["none", "checksum"]),
  };
}
