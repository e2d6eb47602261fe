/**
 * The workload and the routing of checked fields: defaults that follow from the phase, the layers
 * that run, files of recorded routing and loads. They depend on the model and the cluster.
 */
import type { ModelShape } from "../model/model-shape.ts";
import type { RoutingSpec, WorkloadSpec } from "../model/scenario.ts";
import { type ReadFile, readLoads, readRecordedRouting } from "./linked-files.ts";
import type { ProblemList } from "./problem-list.ts";
import { addCopyProblems, addGroupProblems, addWorkloadProblems, readLayers } from "./relations.ts";
import type { ScenarioFields } from "./schema.ts";
import type { TextTree } from "./yaml-text.ts";

/** What the reading of a part of the scenario needs of the rest. */
export interface WorkloadContext {
  readonly fields: ScenarioFields;
  /** Undefined when it has problems. */
  readonly model: ModelShape | undefined;
  readonly tree: TextTree;
  readonly readFile: ReadFile;
  readonly problems: ProblemList;
  /** What people should know of how the scenario was read; added to. */
  readonly notes: string[];
}

/** Workload and routing; undefined with problems. */
export function readWorkload(
  context: WorkloadContext,
): { readonly workload: WorkloadSpec; readonly routing: RoutingSpec } | undefined {
  const { model, problems } = context;
  const { cluster, workload, experts } = context.fields;
  const gpus = cluster.nodes * cluster.gpusPerNode;
  const epSize = workload.epSize ?? gpus;
  const isSound = (...keys: string[]): boolean =>
    keys.every((key) => problems.isSound(["workload", key]));
  if (isSound("epSize")) {
    const redundant = problems.isSound(["experts"]) ? experts.redundant : undefined;
    const isGiven = workload.epSize !== undefined;
    addGroupProblems({ model, cluster, epSize, isGiven, redundant }, problems);
  }
  const isDecode = workload.phase === "decode" || workload.phase === "all-to-all";
  const protocol = workload.protocol ?? (isDecode ? "low-latency" : "normal");
  addWorkloadProblems({ workload, cluster, protocol, model }, problems);
  if (model === undefined || !isSound("layers")) return undefined;
  const layers = readLayers(workload.layers, model, problems);
  if (layers === undefined || !isSound("tokensPerGpu", "epSize", "steps")) return undefined;
  const isOneWay = workload.phase === "training" && workload.pass !== "overlapped";
  const microBatches = workload.microBatches ?? (isDecode || isOneWay ? 1 : 2);
  const read = readRouting(context, model, layers, epSize);
  if (read === undefined) return undefined;
  const { routing, tokensPerGpu, tokens } = read;
  const path = routing.source === "file" ? ["routing", "path"] : ["workload", "tokensPerGpu"];
  addCopyProblems(tokens, model.num_experts_per_tok, microBatches, path, problems);
  return {
    workload: { ...workload, protocol, microBatches, tokensPerGpu, epSize, layers },
    routing,
  };
}

interface RoutingReading {
  readonly routing: RoutingSpec;
  /** Tokens of a rank in a step: all the same, or the most of any. */
  readonly tokensPerGpu: number;
  /** Tokens of all ranks in a step. */
  readonly tokens: number;
}

/** The routing with the file that it names. */
function readRouting(
  context: WorkloadContext,
  model: ModelShape,
  layers: readonly number[],
  epSize: number,
): RoutingReading | undefined {
  const { problems, readFile } = context;
  const { routing: given, workload, cluster } = context.fields;
  const gpus = cluster.nodes * cluster.gpusPerNode;
  const { tokensPerGpu } = workload;
  const drawn = { tokensPerGpu, tokens: tokensPerGpu * gpus };
  const file = { model, layers, epSize, readFile, problems };
  switch (given.source) {
    case "gate":
      return { routing: { source: "gate", imbalance: given.imbalance }, ...drawn };
    case "loads": {
      if (!problems.isSound(["routing"])) return undefined;
      const topK = model.num_experts_per_tok;
      const loads = readLoads(["routing", "path"], given.path, { ...file, topK });
      if (loads === undefined) return undefined;
      context.notes.push(...loads.notes);
      return { routing: { source: "loads", path: given.path, table: loads.table }, ...drawn };
    }
    case "file": {
      if (!problems.isSound(["routing"], ["cluster"])) return undefined;
      const recorded = readRecordedRouting(given, file);
      if (recorded === undefined) return undefined;
      context.notes.push(...recorded.notes);
      if (context.tree.valueMark(["workload", "tokensPerGpu"]).plain !== undefined) {
        const why = "the routing file says who owns how many";
        context.notes.push(`workload.tokensPerGpu is ignored: ${why}`);
      }
      const owned = recorded.routing.table.tokensOfRank;
      return {
        routing: recorded.routing,
        tokensPerGpu: owned.reduce((most, count) => Math.max(most, count), 0),
        tokens: owned.reduce((sum, count) => sum + count, 0) * (gpus / epSize),
      };
    }
    default:
      return { routing: given, ...drawn };
  }
}
