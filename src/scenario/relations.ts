/**
 * Relations between numbers of a scenario that each are fine alone: what must divide, fit or exist.
 * They only add problems; nothing is corrected.
 */
import type { Hardware } from "../model/hardware.ts";
import type { ModelShape } from "../model/model-shape.ts";
import type { ClusterSpec, WorkloadSpec } from "../model/scenario.ts";
import { fieldNames } from "./model-file.ts";
import type { Problem } from "./problem.ts";
import { ProblemList } from "./problem-list.ts";
import type { ScenarioFields } from "./schema.ts";
import type { TextTree } from "./yaml-text.ts";

/** Largest cluster, GPUs. */
export const GPU_LIMIT = 4_096;

/**
 * Most token copies of one dispatch over all ranks and micro-batches: each is held in memory until
 * it is combined.
 */
export const COPY_LIMIT = 8_000_000;

/**
 * Bytes that one token copy in flight costs a process: a packet, its retransmission copy, the
 * ledger.
 */
const BYTES_PER_COPY = 500;

/** Width of a block that FP8 activations share a scale over; hidden sizes are multiples of it. */
const SCALE_BLOCK = 128;

/** Most choices of a token in the normal protocol: bits of a 32-bit word, without its sign. */
const NORMAL_CHOICES_MAX = 31;

/** Relations inside the model file `tree`. */
export function modelProblems(model: ModelShape, tree: TextTree): readonly Problem[] {
  const list = new ProblemList(tree);
  const complain = (field: string, message: string): void => {
    const name = fieldNames(field).find((name) => Object.hasOwn(tree.root, name)) ?? field;
    list.add("E019", [name], message);
  };
  const experts = model.n_routed_experts;
  const topK = model.num_experts_per_tok;
  const groups = model.n_group;
  if (model.hidden_size % SCALE_BLOCK !== 0) {
    complain("hidden_size", `hidden_size ${model.hidden_size} is not a multiple of ${SCALE_BLOCK}`);
  }
  if (model.first_k_dense_replace > model.num_hidden_layers) {
    const message = `first_k_dense_replace ${model.first_k_dense_replace} exceeds`;
    complain("first_k_dense_replace", `${message} ${model.num_hidden_layers} layers`);
  }
  if (topK > experts) complain("num_experts_per_tok", `top_k ${topK} exceeds ${experts} experts`);
  if (experts % groups !== 0) {
    complain("n_group", `${experts} experts do not divide over ${groups} groups`);
  } else if (model.topk_group > groups) {
    complain("topk_group", `topk_group ${model.topk_group} exceeds ${groups} groups`);
  } else if (topK <= experts && topK > (experts / groups) * model.topk_group) {
    const chosen = (experts / groups) * model.topk_group;
    complain("topk_group", `top_k ${topK} exceeds ${chosen} experts of ${model.topk_group} groups`);
  }
  return list.problems;
}

/** An EP group as far as numbers have to divide. */
export interface GroupNumbers {
  readonly model: ModelShape | undefined;
  readonly cluster: ClusterSpec;
  readonly epSize: number;
  /** Whether the file gives `epSize`; else it is all GPUs. */
  readonly isGiven: boolean;
  /** Undefined when it has a problem. */
  readonly redundant: number | undefined;
}

/** EP groups: whole nodes, or equal parts of one; physical experts divide over their ranks. */
export function addGroupProblems(numbers: GroupNumbers, problems: ProblemList): void {
  const { model, cluster, epSize, redundant } = numbers;
  const path = numbers.isGiven ? ["workload", "epSize"] : ["cluster", "nodes"];
  const gpus = cluster.nodes * cluster.gpusPerNode;
  const width = cluster.gpusPerNode;
  if (gpus % epSize !== 0) {
    problems.add("E019", path, `${gpus} GPUs do not divide into EP groups of ${epSize}`);
  } else if (epSize > width ? epSize % width !== 0 : width % epSize !== 0) {
    const message = `epSize ${epSize} is neither a multiple nor a divisor of ${width} GPUs a node`;
    problems.add("E019", path, message);
  } else if (model !== undefined && redundant !== undefined) {
    const experts = model.n_routed_experts;
    const left = (experts + redundant) % epSize;
    if (left === 0) return;
    const enough = redundant + epSize - left;
    const hint = `experts.redundant: ${enough} makes ${(experts + enough) / epSize} on each rank`;
    const sum = redundant === 0 ? `${experts}` : `${experts} + ${redundant}`;
    const where = redundant === 0 ? path : ["experts", "redundant"];
    problems.add("E019", where, `${sum} experts do not divide over ${epSize} ranks`, { hint });
  }
}

/** Work requests that one message can stand for (src/engine/request-count.ts). */
const REQUESTS_MAX = 65_535;

/** Settings of the workload that do not go together. */
export interface WorkloadChoice {
  readonly workload: ScenarioFields["workload"];
  readonly cluster: ClusterSpec;
  /** What the file gives, or what the phase makes of it. */
  readonly protocol: WorkloadSpec["protocol"];
  /** Undefined when it has problems. */
  readonly model: ModelShape | undefined;
}

/** Settings of phase, protocol and path that contradict one another, or would be ignored. */
export function addWorkloadProblems(choice: WorkloadChoice, problems: ProblemList): void {
  const { workload, cluster, protocol, model } = choice;
  const { phase, pass, microBatches, acceptedTokensPerStep } = workload;
  const complain = (key: string, message: string, hint: string): void => {
    if (problems.isSound(["workload", key], ["workload", "phase"])) {
      problems.add("E019", ["workload", key], message, { hint });
    }
  };
  if (problems.isSound(["workload", "protocol"])) {
    if (workload.intraNode === "rdma") addRdmaProblem(protocol, cluster, complain, problems);
    const topK = model?.num_experts_per_tok ?? 0;
    if (protocol === "normal" && topK > NORMAL_CHOICES_MAX) {
      const message =
        `protocol normal keeps the choices of a token as bits of a 32-bit word: ` +
        `top_k ${topK} exceeds ${NORMAL_CHOICES_MAX}`;
      complain("protocol", message, "set protocol: low-latency");
    }
  }
  if (phase === "all-to-all" && microBatches === 2) {
    const message = "phase all-to-all has one chain of exchanges, got 2 micro-batches";
    complain("microBatches", message, "leave microBatches out, or set it to 1");
  }
  const passes = pass === "overlapped" ? 2 : 1;
  if (phase === "training" && microBatches !== undefined && microBatches !== passes) {
    const message = `pass ${pass} has ${passes} of them, one a direction; got ${microBatches}`;
    complain("microBatches", message, "leave microBatches out");
  }
  const requests = workload.tokensPerGpu * (model?.num_experts_per_tok ?? 0);
  if (protocol === "low-latency" && workload.grain === "message" && requests > REQUESTS_MAX) {
    const message =
      `${requests} token copies of a rank may all be for one other; a message stands for at ` +
      `most ${REQUESTS_MAX} work requests`;
    complain("grain", message, "set grain: token, or protocol: normal");
  }
  if (phase !== "training" && pass !== "overlapped") {
    const message = `pass ${pass} is for phase training; phase ${phase} has no backward pass`;
    complain("pass", message, "leave pass out, or set phase: training");
  }
  if (phase !== "decode" && acceptedTokensPerStep !== 1) {
    const message =
      `multi-token prediction is for phase decode; in phase ${phase} ` +
      `acceptedTokensPerStep is 1, got ${acceptedTokensPerStep}`;
    complain("acceptedTokensPerStep", message, "leave it out, or set phase: decode");
  }
}

/** Copies that go by RDMA inside a node need a protocol that sends them so, and a way. */
function addRdmaProblem(
  protocol: WorkloadSpec["protocol"],
  { network, planes, nicPorts }: ClusterSpec,
  complain: (key: string, message: string, hint: string) => void,
  problems: ProblemList,
): void {
  const isSplit = network === "mpft" && planes > 1 && nicPorts === "one-port";
  if (protocol === "normal") {
    const message =
      "intraNode rdma is for protocol low-latency; protocol normal forwards over NVLink";
    complain("intraNode", message, "leave intraNode out, or set protocol: low-latency");
  } else if (isSplit && problems.isSound(["cluster"])) {
    const message =
      `intraNode rdma sends from a GPU's own NIC to every other, but network mpft has no way ` +
      `between its ${planes} planes`;
    const hint = "set network: mrft or planes: 1 in cluster, or leave intraNode out (nvlink)";
    complain("intraNode", message, hint);
  }
}

/** Nodes with more GPUs than one NVLink domain of the hardware holds. */
export function addDomainProblem(
  { gpusPerNode }: ClusterSpec,
  { name, nvlinkDomainGpus }: Hardware,
  problems: ProblemList,
): void {
  if (gpusPerNode <= nvlinkDomainGpus) return;
  const domain = `an NVLink domain of ${name} holds ${nvlinkDomainGpus}`;
  const message = `${gpusPerNode} GPUs a node, but ${domain}; allowed: 1..${nvlinkDomainGpus}`;
  problems.add("E019", ["cluster", "gpusPerNode"], message);
}

/**
 * The model with the expert groups that the routing gives instead; undefined, with problems, when
 * they contradict it. Groups that a token may choose from stay as many as the model's.
 */
export function withGroups(
  model: ModelShape,
  routing: ScenarioFields["routing"],
  problems: ProblemList,
): ModelShape | undefined {
  if (!("groups" in routing || "topkGroup" in routing)) return model;
  const groups = routing.groups ?? model.n_group;
  const kept = routing.topkGroup ?? model.topk_group;
  const { n_routed_experts: experts, num_experts_per_tok: topK } = model;
  const groupsPath = ["routing", "groups"];
  const path = routing.topkGroup === undefined ? groupsPath : ["routing", "topkGroup"];
  const chosen = (experts / groups) * kept;
  if (experts % groups !== 0) {
    const message = `${experts} experts do not divide over ${groups} groups`;
    problems.add("E019", groupsPath, message, { hint: "1 group is routing without groups" });
  } else if (kept > groups) {
    const of = routing.topkGroup === undefined ? "the model's topk_group" : "topkGroup";
    const message = `${of} ${kept} exceeds ${groups} groups; allowed: 1..${groups}`;
    const hint = `set routing.topkGroup: ${groups} for no limit`;
    problems.add("E019", path, message, { hint });
  } else if (topK > chosen) {
    const message = `top_k ${topK} exceeds the ${chosen} experts of ${kept} of ${groups} groups`;
    const least = Math.ceil(topK / (experts / groups));
    problems.add("E019", path, message, { hint: `routing.topkGroup is ${least}..${groups}` });
  } else return { ...model, n_group: groups, topk_group: kept };
  return undefined;
}

/** Clusters that are too large for the memory of one machine. Says whether it fits. */
export function addSizeProblems(cluster: ClusterSpec, problems: ProblemList): boolean {
  const gpus = cluster.nodes * cluster.gpusPerNode;
  if (gpus <= GPU_LIMIT) return true;
  const message = `${cluster.nodes} nodes of ${cluster.gpusPerNode} GPUs make ${gpus} GPUs; limit 4096`;
  problems.add("E023", ["cluster", "nodes"], message);
  return false;
}

/**
 * Dispatches that are too large for memory. `tokens` are those of all ranks in one micro-batch of a
 * step.
 */
export function addCopyProblems(
  tokens: number,
  topK: number,
  microBatches: number,
  path: readonly string[],
  problems: ProblemList,
): void {
  const copies = tokens * topK * microBatches;
  if (copies <= COPY_LIMIT) return;
  const gibibytes = Math.ceil((copies * BYTES_PER_COPY) / (1024 * 1024 * 1024));
  const batches = microBatches === 1 ? "" : ` x ${microBatches} micro-batches`;
  const message = `${tokens} tokens x top ${topK}${batches} make ${copies} token copies in flight`;
  const need = `needs about ${gibibytes} GiB`;
  problems.add("E023", path, `${need}: ${message}; limit ${COPY_LIMIT}`);
}

/**
 * Layers of `0-60` or a list, ascending and within the model; undefined with a problem when not.
 */
export function readLayers(
  given: string | readonly number[] | undefined,
  model: ModelShape,
  problems: ProblemList,
): readonly number[] | undefined {
  const path = ["workload", "layers"];
  const last = model.num_hidden_layers - 1;
  let layers: readonly number[];
  if (given === undefined || typeof given === "string") {
    const [from, until] = (given ?? `0-${last}`).split("-").map(Number);
    if (from > until) {
      problems.add("E013", path, `the range ${given} is empty; write the smaller layer first`);
      return undefined;
    }
    layers = Array.from({ length: until - from + 1 }, (_, place) => from + place);
  } else layers = given;
  for (const [place, layer] of layers.entries()) {
    if (layer > last) {
      problems.add("E013", path, `layer ${layer} does not exist; the model has layers 0..${last}`);
      return undefined;
    }
    if (place > 0 && layer <= layers[place - 1]) {
      const message = `layers must be ascending, got ${layer} after ${layers[place - 1]}`;
      problems.add("E013", path, message);
      return undefined;
    }
  }
  if (layers[layers.length - 1] < model.first_k_dense_replace) {
    const first = model.first_k_dense_replace;
    problems.add("E019", path, `none of the layers has experts; the first that has is ${first}`);
    return undefined;
  }
  return layers;
}
