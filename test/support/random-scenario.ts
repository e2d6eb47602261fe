/** Small random scenarios from a seed: cluster, routing, workload and faults. */
import type { RandomStream } from "../../src/base/random.ts";
import { streamOf } from "../../src/base/random.ts";
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import {
  type ClusterSpec,
  DEFAULT_NETWORK,
  DEFAULT_RECOVERY,
  type RecoverySpec,
  type RoutingSpec,
  type Scenario,
  type WorkloadSpec,
} from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { topologyProblems } from "../../src/topology/problems.ts";
import { randomFaults } from "./random-faults.ts";
import { TINY_MODEL, tinyScenario } from "./scenarios.ts";

/** The scenario of a seed; at most 16 GPUs, at most three faults, any of which may heal. */
export function randomScenario(seed: number): Scenario {
  const random = streamOf(String(seed), "random-scenario");
  const cluster = withRandomPorts(seed, randomCluster(random));
  const gpus = cluster.nodes * cluster.gpusPerNode;
  const base = tinyScenario({
    cluster,
    model: {
      ...TINY_MODEL,
      n_routed_experts: gpus * 4,
      n_group: 2,
      topk_group: 1 + random.below(2),
    },
    workload: {
      tokensPerGpu: 1 + random.below(5),
      steps: 1 + random.below(2),
      epSize: gpus,
      layers: random.below(2) === 0 ? [0, 1, 2, 3] : [1, 2],
    },
    transport: {
      ackTimeoutExponent: 3 + random.below(5),
      retryCount: random.below(4),
      waitTimeoutPs: (1 + random.below(10)) * PS_PER_MS,
    },
    run: { seed: String(seed), timeLimitPs: 60_000 * PS_PER_MS },
  });
  const routing = randomRouting(random);
  const faults = randomOutages(random, cluster);
  const workload = randomWorkload(base.workload, cluster, random);
  const recovery = randomRecovery(seed);
  return withAnyFaults(seed, { ...base, workload, routing, faults, recovery });
}

/** Half of the seeds cope as by default; others have any policies, from a stream of their own. */
function randomRecovery(seed: number): RecoverySpec {
  const random = streamOf(String(seed), "random-recovery");
  if (random.below(2) === 0) return DEFAULT_RECOVERY;
  const clockPs = (longest: number): number =>
    random.below(2) === 0 ? -1 : random.below(longest) * PS_PER_US;
  return {
    ...DEFAULT_RECOVERY,
    onSilence: (["mask", "mask", "trap"] as const)[random.below(3)],
    failover: (["none", "nvlink"] as const)[random.below(2)],
    rerouteLocalPs: clockPs(200),
    rerouteManagerPs: clockPs(2_000),
  };
}

/** A third of the clusters that can have multi-port NICs have them, by a stream of their own. */
function withRandomPorts(seed: number, cluster: ClusterSpec): ClusterSpec {
  const ported: ClusterSpec = { ...cluster, nicPorts: "multi-port" };
  const isDrawn = streamOf(String(seed), "random-nic-ports").below(3) === 0;
  return isDrawn && topologyProblems(ported).length === 0 ? ported : cluster;
}

function randomCluster(random: RandomStream): ClusterSpec {
  for (;;) {
    const gpusPerNode = [1, 2, 4][random.below(3)];
    const cluster = {
      nodes: 1 + random.below(4),
      gpusPerNode,
      planes: [1, 2, 4][random.below(3)],
      switchPorts: 2 + random.below(6),
      ...DEFAULT_NETWORK,
      network: (["mpft", "mrft"] as const)[random.below(2)],
      switchRouting: (["static", "ecmp", "adaptive"] as const)[random.below(3)],
      portBufferBytes: [0, 0, 4_000, 20_000][random.below(4)],
    };
    const enough = cluster.nodes * gpusPerNode >= 2;
    if (enough && topologyProblems(cluster).length === 0) return cluster;
  }
}

/** Every protocol, grain and schedule. */
function randomWorkload(
  workload: WorkloadSpec,
  cluster: ClusterSpec,
  random: RandomStream,
): WorkloadSpec {
  const { network, planes, nicPorts } = cluster;
  const isJoined = network === "mrft" || planes === 1 || nicPorts === "multi-port";
  const protocol = random.below(2) === 0 ? "low-latency" : "normal";
  const mayUseRdma = isJoined && protocol === "low-latency";
  const phase = (["decode", "prefill", "training", "all-to-all"] as const)[random.below(4)];
  return {
    ...workload,
    phase,
    protocol,
    intraNode: mayUseRdma && random.below(2) === 0 ? "rdma" : "nvlink",
    grain: random.below(2) === 0 ? "token" : "message",
    pass: (["overlapped", "forward", "backward"] as const)[random.below(3)],
    microBatches: phase === "all-to-all" ? 1 : 1 + random.below(2),
  };
}

function randomRouting(random: RandomStream): RoutingSpec {
  const kind = random.below(3);
  if (kind === 0) return { source: "gate", imbalance: random.below(3) / 2 };
  return kind === 1
    ? { source: "uniform" }
    : { source: "zipf", exponent: 0.5 + random.below(4) / 2 };
}

/** Half of the seeds have faults of any kind, from a stream of their own. */
function withAnyFaults(seed: number, scenario: Scenario): Scenario {
  const random = streamOf(String(seed), "random-faults");
  if (random.below(2) === 0) return scenario;
  const { cluster, hardware, model } = scenario;
  const topology = makeFatTree(cluster, hardware);
  return { ...scenario, faults: randomFaults(random, topology, model.n_routed_experts) };
}

function randomOutages(random: RandomStream, cluster: ClusterSpec): FaultSpec[] {
  const { actors, lanes } = makeFatTree(cluster, HARDWARE_PRESETS["h800-infiniband"]);
  const pick = (kind: string): string => {
    const ids = actors.filter((actor) => actor.kind === kind).map((actor) => actor.id);
    return ids[random.below(ids.length)];
  };
  const links = [...new Set(lanes.map((lane) => lane.link))].filter((link) =>
    link.includes("plane"),
  );
  return Array.from({ length: random.below(4) }, (_, number) => {
    const kind = (["nic-down", "link-down", "gpu-dead"] as const)[random.below(3)];
    const target =
      kind === "link-down"
        ? links[random.below(links.length)]
        : pick(kind === "nic-down" ? "nic" : "gpu");
    const atPs = 1 + random.below(60) * PS_PER_US;
    const heals = kind !== "gpu-dead" && random.below(2) === 0;
    const fault = { name: `f${number}`, kind, targets: [target], atPs };
    return heals ? { ...fault, healAtPs: atPs + (1 + random.below(400)) * 10 * PS_PER_US } : fault;
  });
}
