/** What a scenario resolves to, for people: one line a fact, defaults marked as such. */
import { rangesOf } from "../base/ranges.ts";
import type { ModelShape } from "../model/model-shape.ts";
import type { ClusterSpec, RoutingSpec, Scenario, WorkloadSpec } from "../model/scenario.ts";
import { formatTime } from "../model/time.ts";
import { describeFault, describeRecovery } from "./describe-faults.ts";
import { COMPUTE_RATES, LANE_LATENCIES, LINK_RATES, OVERHEADS } from "./hardware-fields.ts";
import { escapeText } from "./problem.ts";
import { scenarioHash } from "./scenario-hash.ts";

/**
 * Lines without line ends. `given` holds the paths that the file gave, as parseScenario reports
 * them; a line about values of which none was given ends in `(default)`.
 */
export function describeScenario(scenario: Scenario, given?: ReadonlySet<string>): string[] {
  const { model, cluster, workload, transport, run, hardware } = scenario;
  const gpus = cluster.nodes * cluster.gpusPerNode;
  const from = (...paths: string[]): string =>
    given === undefined || paths.some((path) => given.has(path)) ? "" : "  (default)";
  const line = (name: string, text: string, origin = ""): string =>
    `${name.padEnd(10)} ${text}${origin}`;
  const experts = workload.layers.filter((layer) => layer >= model.first_k_dense_replace).length;
  const ackPs = 4_096_000 * powerOfTwo(transport.ackTimeoutExponent);
  const pace = run.speed === "max" ? "as fast as it goes" : `${run.speed} virtual seconds a second`;
  const workers = run.placement === "pack" ? ` over ${run.workers} workers` : "";
  // With recorded routing the file says how many tokens each rank has.
  const upTo = scenario.routing.source === "file" ? "up to " : "";
  return [
    line("title", escapeText(scenario.title), from("title")),
    line(
      "model",
      `${escapeText(model.name)}: ${model.num_hidden_layers} layers, ${model.n_routed_experts} experts, ` +
        `top ${model.num_experts_per_tok}, hidden size ${model.hidden_size}`,
    ),
    line("hardware", describeHardware(hardware.name, given), from("hardware")),
    line(
      "cluster",
      `${count(cluster.nodes, "node")} x ${cluster.gpusPerNode} GPUs = ${count(gpus, "GPU")}, ` +
        `${count(cluster.planes, "plane")}, ${cluster.switchPorts}-port switches`,
    ),
    line(
      "network",
      describeNetwork(cluster),
      from(
        "cluster.network",
        "cluster.switchRouting",
        "cluster.portBufferBytes",
        "cluster.nicPorts",
      ),
    ),
    line(
      "workload",
      `${workload.phase}, ${upTo}${count(workload.tokensPerGpu, "token")} a GPU` +
        `${describeBatches(workload)}, ` +
        `${count(workload.steps, "step")}, EP${workload.epSize}`,
      from("workload"),
    ),
    line(
      "protocol",
      describeProtocol(workload),
      from("workload.protocol", "workload.grain", "workload.intraNode"),
    ),
    line(
      "formats",
      `dispatch ${workload.dispatchFormat}, combine ${workload.combineFormat}`,
      from("workload.dispatchFormat", "workload.combineFormat"),
    ),
    ...(workload.phase === "training"
      ? [line("passes", PASSES[workload.pass], from("workload.pass"))]
      : []),
    ...(workload.phase === "decode"
      ? [line("accepted", describeAccepted(workload), from("workload.acceptedTokensPerStep"))]
      : []),
    line(
      "layers",
      `${rangesOf(workload.layers)}: ${count(workload.layers.length, "layer")}, ${experts} with experts`,
      from("workload.layers"),
    ),
    line("routing", describeRouting(scenario.routing, model), from("routing")),
    line("experts", describeExperts(scenario), from("experts")),
    line(
      "transport",
      `ACK timeout ${formatTime(ackPs)}, ${transport.retryCount} retries, ` +
        `wait ${formatTime(transport.waitTimeoutPs)}`,
      from("transport"),
    ),
    line("recovery", describeRecovery(scenario.recovery), from("recovery")),
    ...(scenario.faults.length === 0 ? [line("faults", "none", from("faults"))] : []),
    ...scenario.faults.map((fault) => line("fault", describeFault(fault))),
    line("seed", run.seed, from("run.seed")),
    line("placement", `${run.placement}${workers}`, from("run.placement")),
    line("speed", pace, from("run.speed")),
    line(
      "limits",
      `stops at ${formatTime(run.timeLimitPs)} of virtual time; lag up to ${run.lagBudgetSeconds} s`,
      from("run.timeLimit", "run.lagBudget"),
    ),
    line("hash", scenarioHash(scenario)),
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function powerOfTwo(exponent: number): number {
  let power = 1;
  for (let n = 0; n < exponent; n += 1) power *= 2;
  return power;
}

/** The preset, and which of its parameters the file gives instead. */
function describeHardware(name: string, given: ReadonlySet<string> | undefined): string {
  const changed = HARDWARE_KEYS.filter((key) => given?.has(`hardware.${key}`) === true);
  return changed.length === 0 ? name : `${name}: ${changed.join(", ")}`;
}

/** Every parameter under the key that a scenario has for it. */
const HARDWARE_KEYS: readonly string[] = [
  ...Object.keys(LINK_RATES),
  ...Object.keys(LANE_LATENCIES),
  ...Object.keys(OVERHEADS),
  "hbmRate",
  "packetBytes",
  "nvlinkDomainGpus",
  ...Object.keys(COMPUTE_RATES).map((key) => `computeRates.${key}`),
];

function describeNetwork(cluster: ClusterSpec): string {
  const { network, switchRouting, portBufferBytes, nicPorts } = cluster;
  const name = network === "mpft" ? "multi-plane fat tree" : "multi-rail fat tree";
  const buffers =
    portBufferBytes === 0
      ? "unlimited port buffers"
      : `port buffers of ${count(portBufferBytes, "byte")}, lossless`;
  const nics = nicPorts === "one-port" ? "" : ", multi-port NICs";
  return `${name} (${network})${nics}, ${switchRouting} routing, ${buffers}`;
}

/** Micro-batches; those of training are its passes. */
function describeBatches({ phase, microBatches }: WorkloadSpec): string {
  if (phase === "training") return " and micro-batch";
  return microBatches === 1 ? "" : ` and micro-batch, ${microBatches} micro-batches overlapped`;
}

function describeProtocol({ protocol, grain, intraNode }: WorkloadSpec): string {
  const what =
    grain === "token"
      ? "a message a token copy"
      : protocol === "normal"
        ? "a message a chunk of copies"
        : "a message all copies for a rank";
  const inside =
    protocol === "low-latency" && intraNode === "rdma"
      ? "the network inside a node, too"
      : "NVLink inside a node";
  return `${protocol}, ${what}, ${inside}`;
}

const PASSES: Readonly<Record<WorkloadSpec["pass"], string>> = {
  overlapped: "forward of one micro-batch and backward of another, overlapped (DualPipe)",
  forward: "forward alone",
  backward: "backward alone",
};

function describeAccepted({ acceptedTokensPerStep: accepted }: WorkloadSpec): string {
  if (accepted === 1) return "1 token a step, no multi-token prediction";
  return `${accepted} tokens a step on the mean, with multi-token prediction`;
}

function describeExperts({ model, workload, experts }: Scenario): string {
  const replicas = experts.redundant === 0 ? "" : ` + ${count(experts.redundant, "replica")}`;
  const perRank = (model.n_routed_experts + experts.redundant) / workload.epSize;
  const order = experts.placement === "eplb" ? "balanced by EPLB" : "in the order of ids";
  return `${model.n_routed_experts}${replicas}, ${perRank} on each rank, ${order}`;
}

function describeRouting(routing: RoutingSpec, model: ModelShape): string {
  const limited = `, ${model.topk_group} of ${model.n_group} groups`;
  const limit = model.topk_group < model.n_group ? limited : "";
  switch (routing.source) {
    case "gate":
      return `the model's gate, imbalance ${routing.imbalance}${limit}`;
    case "uniform":
      return "uniform";
    case "zipf":
      return `zipf, exponent ${routing.exponent}`;
    case "file": {
      const { tokensOfRank } = routing.table;
      const total = tokensOfRank.reduce((sum, count) => sum + count, 0);
      const counts = `${total} tokens, by rank ${tokensOfRank.join(", ")}`;
      return `recorded, ${escapeText(routing.path)}: ${counts}`;
    }
    case "loads":
      return `drawn by the loads of ${escapeText(routing.path)}${limit}`;
  }
}
