/**
 * From the bytes of a scenario file to a Scenario: reads, checks fields, then relations, and
 * reports every problem it can find in one go. Pure: other files come through `readFile`, which the
 * caller provides, and nothing is guessed: a value is given, has a documented default, or is an
 * error.
 */
import type { ModelShape } from "../model/model-shape.ts";
import type {
  PlacementName,
  RoutingSpec,
  RunSpec,
  Scenario,
  WorkloadSpec,
} from "../model/scenario.ts";
import { PS_PER_S } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import { makeFatTree } from "../topology/fat-tree.ts";
import { placementProblem } from "../topology/placement.ts";
import { topologyProblems } from "../topology/problems.ts";
import { readFaults } from "./fault-list.ts";
import { type CheckedFields, readFields } from "./field-problems.ts";
import { stemOf } from "./file-path.ts";
import { type FileReading, readLinked, readRecordedRouting } from "./linked-files.ts";
import { readModel } from "./model-file.ts";
import { isProblemCode, type Problem, type ProblemExitCode, quote } from "./problem.ts";
import { ProblemList } from "./problem-list.ts";
import { readSeed } from "./quantity.ts";
import {
  addCopyProblems,
  addGroupProblems,
  addSizeProblems,
  modelProblems,
  readLayers,
} from "./relations.ts";
import type { ScenarioFields } from "./schema.ts";
import { readHardware, timeAt } from "./units.ts";
import { type DocumentPath, pathText, readTree, type TextTree } from "./yaml-text.ts";

/** Values that win over the file's, as from the command line; already checked by their giver. */
export interface ScenarioOverrides {
  /** Decimal text, 0..2^64-1. */
  readonly seed?: string | undefined;
  readonly placement?: PlacementName | undefined;
  readonly workers?: number | undefined;
  readonly speed?: number | "max" | undefined;
  readonly logPackets?: boolean | undefined;
}

/** What is parsed. */
export interface ScenarioInput {
  /** The scenario: YAML or JSON. */
  readonly text: string | Uint8Array;
  /** Its name, as messages show it. */
  readonly file: string;
  /** Reads a file by its path relative to the scenario's folder; the path has been checked. */
  readonly readFile: (relativePath: string) => FileReading;
  readonly overrides?: ScenarioOverrides | undefined;
}

/** The scenario with notes for people, or everything that is wrong. */
export type ScenarioResult =
  | {
      readonly ok: true;
      readonly scenario: Scenario;
      readonly notes: readonly string[];
      /** Paths that the file or an override gave a value for; the others have their defaults. */
      readonly given: ReadonlySet<string>;
    }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** That of the first problem. */
      readonly exitCode: ProblemExitCode;
    };

/** Parses a scenario. Never throws for what a file holds. */
export function parseScenario(input: ScenarioInput): ScenarioResult {
  const bytes = typeof input.text === "string" ? new TextEncoder().encode(input.text) : input.text;
  const text = readTree(bytes, input.file);
  if (!text.ok) return failed(text.problems);
  const problems = new ProblemList(text.tree);
  const checked = readFields(text.tree, problems);
  if (checked === undefined) return failed(problems.problems);
  const reading = new ScenarioReading(input, text.tree, checked, problems);
  const scenario = reading.read();
  const found = problems.problems;
  if (found.length > 0 || scenario === undefined) return failed(found);
  const given = new Set<string>();
  addGiven(text.tree.root, [], given);
  for (const [key, value] of Object.entries(input.overrides ?? {})) {
    if (value !== undefined) given.add(`run.${key}`);
  }
  return { ok: true, scenario, notes: reading.notes, given };
}

function failed(problems: readonly Problem[]): ScenarioResult {
  return { ok: false, problems, exitCode: problems[0]?.exitCode ?? 78 };
}

/** Paths of all values below `value`. */
function addGiven(value: unknown, path: DocumentPath, given: Set<string>): void {
  if (path.length > 0) given.add(pathText(path));
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    addGiven(inner, [...path, Array.isArray(value) ? Number(key) : key], given);
  }
}

/** One reading of checked fields. */
class ScenarioReading {
  readonly notes: string[] = [];
  readonly #input: ScenarioInput;
  readonly #tree: TextTree;
  readonly #fields: ScenarioFields;
  readonly #faultPlaces: readonly number[];
  readonly #problems: ProblemList;

  constructor(input: ScenarioInput, tree: TextTree, checked: CheckedFields, problems: ProblemList) {
    this.#input = input;
    this.#tree = tree;
    this.#fields = checked.fields;
    this.#faultPlaces = checked.faultPlaces;
    this.#problems = problems;
  }

  /** The scenario; with problems its values are not to be used. */
  read(): Scenario | undefined {
    const fields = this.#fields;
    const problems = this.#problems;
    const hardware = readHardware(fields.hardware, problems);
    const run = this.#run();
    const waitTimeoutPs = this.#time(["transport", "waitTimeout"], fields.transport.waitTimeout, 1);
    const model = this.#model();
    const isSmall = problems.isSound(["cluster"]) && addSizeProblems(fields.cluster, problems);
    if (isSmall) this.#checkTopology();
    const topology =
      isSmall && problems.isSound(["cluster"], ["hardware"])
        ? makeFatTree(fields.cluster, hardware)
        : undefined;
    const work = isSmall ? this.#workload(model) : undefined;
    const faults = readFaults(
      fields.faults,
      this.#faultPlaces,
      {
        cluster: fields.cluster,
        topology,
        tree: this.#tree,
        timeLimitPs: problems.isSound(["run", "timeLimit"]) ? run.timeLimitPs : undefined,
        timeLimitText: fields.run.timeLimit,
      },
      problems,
    );
    if (topology !== undefined) this.#checkPlacement(topology, run);
    if (model === undefined || work === undefined) return undefined;
    const { ackTimeoutExponent, retryCount } = fields.transport;
    return {
      title: fields.title ?? stemOf(this.#tree.file),
      model,
      hardware,
      cluster: fields.cluster,
      ...work,
      experts: { ...fields.experts, physicalToLogical: new Uint8Array(0) },
      transport: { ackTimeoutExponent, retryCount, waitTimeoutPs },
      faults,
      run,
    };
  }

  #time(path: DocumentPath, text: string, least: number): number {
    return timeAt(path, text, least, this.#problems) ?? 0;
  }

  #run(): RunSpec {
    const { run } = this.#fields;
    const overrides = this.#input.overrides ?? {};
    const given = overrides.seed ?? String(run.seed);
    const seed = readSeed(given);
    if (seed === undefined) {
      const message = `expected 0..2^64-1 in decimal, got ${quote(given)}`;
      this.#problems.add("E013", ["run", "seed"], message);
    }
    return {
      seed: seed ?? "0",
      placement: overrides.placement ?? run.placement,
      workers: overrides.workers ?? run.workers,
      speed: overrides.speed ?? run.speed,
      timeLimitPs: this.#time(["run", "timeLimit"], run.timeLimit, 1),
      lagBudgetSeconds: this.#time(["run", "lagBudget"], run.lagBudget, 0) / PS_PER_S,
      logPackets: overrides.logPackets ?? run.logPackets,
    };
  }

  #model(): ModelShape | undefined {
    const path = ["model"];
    if (!this.#problems.isSound(path)) return undefined;
    const { readFile } = this.#input;
    const reading = readLinked(path, this.#fields.model, "model", readFile, this.#problems);
    if (reading === undefined) return undefined;
    const result = readModel(reading.bytes, reading.file, stemOf(this.#fields.model));
    const wrong = result.ok ? modelProblems(result.model, result.tree) : result.problems;
    if (wrong.length > 0) this.#problems.addAll(path, wrong);
    return result.ok && wrong.length === 0 ? result.model : undefined;
  }

  #checkTopology(): void {
    for (const { path, code, message } of topologyProblems(this.#fields.cluster)) {
      this.#problems.add(isProblemCode(code) ? code : "E020", path.split("."), message);
    }
  }

  #checkPlacement(topology: Topology, run: RunSpec): void {
    if (!this.#problems.isSound(["run", "placement"], ["run", "workers"])) return;
    const wrong = placementProblem(topology, run.placement, run.workers);
    if (wrong !== undefined) this.#problems.add("E024", ["run", "workers"], wrong);
  }

  /** Workload and routing, which depend on model and cluster. */
  #workload(
    model: ModelShape | undefined,
  ): { workload: WorkloadSpec; routing: RoutingSpec } | undefined {
    const { cluster, workload, routing: given } = this.#fields;
    const problems = this.#problems;
    const gpus = cluster.nodes * cluster.gpusPerNode;
    const epSize = workload.epSize ?? gpus;
    const isSound = (...keys: string[]): boolean =>
      keys.every((key) => problems.isSound(["workload", key]));
    if (isSound("epSize")) {
      addGroupProblems(model, cluster, epSize, workload.epSize !== undefined, problems);
    }
    if (model === undefined || !isSound("layers")) return undefined;
    const layers = readLayers(workload.layers, model, problems);
    if (layers === undefined || !isSound("tokensPerGpu", "epSize", "steps")) return undefined;
    const { phase, grain, intraNode, dispatchFormat, combineFormat, steps } = workload;
    const { acceptedTokensPerStep } = workload;
    const isDecode = phase === "decode";
    const protocol = workload.protocol ?? (isDecode ? "low-latency" : "normal");
    const microBatches = workload.microBatches ?? (isDecode ? 1 : 2);
    let { tokensPerGpu } = workload;
    let routing: RoutingSpec;
    if (given.source === "file") {
      if (!problems.isSound(["routing"], ["cluster"])) return undefined;
      const context = { model, layers, epSize, readFile: this.#input.readFile, problems };
      const recorded = readRecordedRouting(given, context);
      if (recorded === undefined) return undefined;
      this.notes.push(...recorded.notes);
      routing = recorded.routing;
      const tokens = recorded.routing.table.tokensOfRank;
      tokensPerGpu = tokens.reduce((most, count) => Math.max(most, count), 0);
      if (this.#tree.valueMark(["workload", "tokensPerGpu"]).plain !== undefined) {
        this.notes.push(
          "workload.tokensPerGpu is ignored: the routing file says who owns how many",
        );
      }
      const total = tokens.reduce((sum, count) => sum + count, 0) * (gpus / epSize);
      addCopyProblems(total, model.num_experts_per_tok, ["routing", "path"], problems);
    } else {
      routing = given.source === "gate" ? { source: "gate", imbalance: given.imbalance } : given;
      const path = ["workload", "tokensPerGpu"];
      addCopyProblems(tokensPerGpu * gpus, model.num_experts_per_tok, path, problems);
    }
    return {
      workload: {
        phase,
        protocol,
        grain,
        intraNode,
        dispatchFormat,
        combineFormat,
        microBatches,
        acceptedTokensPerStep,
        tokensPerGpu,
        steps,
        epSize,
        layers,
      },
      routing,
    };
  }
}
