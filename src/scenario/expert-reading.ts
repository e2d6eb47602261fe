/**
 * Where the experts and their replicas are: resolves `experts` of checked fields into the list that
 * the scenario carries, by EPLB where it is asked for.
 */
import type { ModelShape } from "../model/model-shape.ts";
import type { ExpertsSpec, RecordedLoads, WorkloadSpec } from "../model/scenario.ts";
import { type BalancePolicy, policyFor, rebalanceExperts } from "../workload/eplb.ts";
import { loadsOfLayer } from "../workload/recorded-loads.ts";
import { readLoads } from "./linked-files.ts";
import type { WorkloadContext } from "./workload-reading.ts";

/** Most (layer, physical expert) pairs: 32 MiB as the scenario carries them. */
const ENTRY_LIMIT = 16 * 1024 * 1024;

/** Most comparisons of EPLB, some seconds of work. */
const COMPARISON_LIMIT = 1e9;

/** The experts, with the loads that they were placed by; undefined with problems. */
export function readExperts(
  context: WorkloadContext,
  workload: WorkloadSpec,
): { readonly experts: ExpertsSpec; readonly loads?: RecordedLoads } | undefined {
  const { fields, model, problems } = context;
  const needed = [["experts"], ["cluster"], ["workload", "epSize"]];
  if (model === undefined || !problems.isSound(...needed)) return undefined;
  const { redundant, placement } = fields.experts;
  if (placement === "contiguous") {
    if (!addUnusedProblems(context) || !fits(context, model, workload)) return undefined;
    const physicalToLogical =
      redundant === 0 ? new Uint8Array(0) : asBytes(inOrder(model, redundant, workload.layers));
    return { experts: { redundant, placement, physicalToLogical } };
  }
  const path = ["experts", "loads"];
  if (fields.experts.loads === undefined) {
    const message = "experts.loads is required by placement eplb";
    const hint = "name a CSV or JSON file of recorded loads, or use placement: contiguous";
    problems.add("E011", path, message, { atKey: true, hint });
    return undefined;
  }
  const shape = shapeOf(context, model, workload);
  const policy = resolvePolicy(context, shape);
  if (policy === undefined || !fits(context, model, workload)) return undefined;
  const { layers, epSize } = workload;
  const file = { model, layers, epSize, readFile: context.readFile, problems };
  const read = readLoads(path, fields.experts.loads, file);
  if (read === undefined) return undefined;
  context.notes.push(...read.notes);
  const rows = inOrder(model, redundant, layers);
  const loads = read.table.layers.map((layer) =>
    loadsOfLayer(read.table, layer, model.n_routed_experts),
  );
  const { physicalToLogical } = rebalanceExperts(loads, shape, policy);
  for (const [place, layer] of read.table.layers.entries()) {
    rows[layers.indexOf(layer)] = physicalToLogical[place];
  }
  const experts = { redundant, placement, physicalToLogical: asBytes(rows) };
  return { experts, loads: read.table };
}

/** What EPLB balances over: one EP group. */
function shapeOf({ fields }: WorkloadContext, model: ModelShape, { epSize }: WorkloadSpec) {
  return {
    replicas: model.n_routed_experts + fields.experts.redundant,
    groups: model.n_group,
    nodes: Math.max(1, epSize / fields.cluster.gpusPerNode),
    gpus: epSize,
  };
}

/** The policy that is used, with a note; undefined, with a problem, if it cannot be. */
function resolvePolicy(
  { fields, problems, notes }: WorkloadContext,
  shape: { readonly groups: number; readonly nodes: number },
): BalancePolicy | undefined {
  const { policy } = fields.experts;
  const { groups, nodes } = shape;
  const used = policyFor(policy, shape);
  const divides = groups % nodes === 0;
  const verb = divides ? "divide" : "do not divide";
  const isOne = groups === 1;
  const fact = isOne
    ? "the routing has no groups"
    : `${groups} expert groups ${verb} over ${nodes} nodes`;
  if (used === "hierarchical" && !divides) {
    const hint = "use policy: auto, which is global then";
    const message = `policy hierarchical keeps whole groups on a node: ${fact} of an EP group`;
    problems.add("E019", ["experts", "policy"], message, { hint });
    return undefined;
  }
  notes.push(`EPLB's policy is ${used}${policy === "auto" ? `: ${fact}` : ""}`);
  return used;
}

/** Refuses what only EPLB reads; whether there was nothing of it. */
function addUnusedProblems({ fields, problems }: WorkloadContext): boolean {
  const { loads, policy } = fields.experts;
  const hint = "add placement: eplb";
  if (loads !== undefined) {
    const message = "loads are read by placement eplb; placement is contiguous";
    problems.add("E019", ["experts", "loads"], message, { hint });
  }
  if (policy !== "auto") {
    const message = "policy is one of placement eplb; placement is contiguous";
    problems.add("E019", ["experts", "policy"], message, { hint });
  }
  return loads === undefined && policy === "auto";
}

/** Whether the lists fit into memory, and the balancing into seconds. */
function fits(
  { fields, problems }: WorkloadContext,
  model: ModelShape,
  { layers, epSize }: WorkloadSpec,
): boolean {
  const { redundant, placement } = fields.experts;
  const experts = model.n_routed_experts;
  const physical = experts + redundant;
  const entries = layers.length * physical;
  const comparisons = layers.length * (redundant * experts + physical * epSize);
  const isEplb = placement === "eplb";
  if ((redundant === 0 && !isEplb) || (entries <= ENTRY_LIMIT && comparisons <= COMPARISON_LIMIT)) {
    return true;
  }
  const what = `${layers.length} layers of ${experts} + ${redundant} experts on ${epSize} ranks`;
  const limit = `at most ${ENTRY_LIMIT} replicas and, for EPLB, ${COMPARISON_LIMIT} comparisons`;
  problems.add("E023", ["experts", "redundant"], `too many replicas: ${what}; ${limit}`);
  return false;
}

/** Physical expert i is a replica of the logical expert i mod experts, in each of the layers. */
function inOrder(model: ModelShape, redundant: number, layers: readonly number[]): Int32Array[] {
  const experts = model.n_routed_experts;
  const row = Int32Array.from({ length: experts + redundant }, (_, place) => place % experts);
  return layers.map(() => row);
}

/** Rows one after another as little-endian 16 bit. */
function asBytes(rows: readonly Int32Array[]): Uint8Array {
  const bytes = new Uint8Array(rows.reduce((sum, row) => sum + row.length, 0) * 2);
  let at = 0;
  for (const row of rows) {
    for (const expert of row) {
      bytes[at] = expert & 0xff;
      bytes[at + 1] = expert >>> 8;
      at += 2;
    }
  }
  return bytes;
}
