/**
 * From the bytes of a scenario file to a Scenario: reads, checks fields, then relations, and
 * reports every problem it can find in one go. Pure: other files come through `readFile`, which the
 * caller provides, and nothing is guessed: a value is given, has a documented default, or is an
 * error.
 */
import { TargetFinder } from "../fault/selectors.ts";
import type { ModelShape } from "../model/model-shape.ts";
import type {
  ClusterSpec,
  PlacementName,
  RecordedLoads,
  RunSpec,
  Scenario,
} from "../model/scenario.ts";
import { PS_PER_S, PS_PER_US } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import { makeFatTree } from "../topology/fat-tree.ts";
import { placementProblem } from "../topology/placement.ts";
import { topologyProblems } from "../topology/problems.ts";
import { readExperts } from "./expert-reading.ts";
import { readFaults } from "./fault-list.ts";
import { type CheckedFields, readFields } from "./field-problems.ts";
import { stemOf } from "./file-path.ts";
import { type FileReading, readLinked } from "./linked-files.ts";
import { readModel } from "./model-file.ts";
import { isProblemCode, type Problem, type ProblemExitCode, quote } from "./problem.ts";
import { ProblemList } from "./problem-list.ts";
import { readSeed } from "./quantity.ts";
import { addRecoveryProblems, readRecovery } from "./recovery.ts";
import { addDomainProblem, addSizeProblems, modelProblems, withGroups } from "./relations.ts";
import type { ScenarioFields } from "./schema.ts";
import { readHardware, timeAt } from "./units.ts";
import { readWorkload, type WorkloadContext } from "./workload-reading.ts";
import { type DocumentPath, pathText, readTree, type TextTree } from "./yaml-text.ts";

/** Values that win over the file's, as from the command line; already checked by their giver. */
export interface ScenarioOverrides {
  /** Decimal text, 0..2^64-1. */
  readonly seed?: string | undefined;
  readonly placement?: PlacementName | undefined;
  readonly workers?: number | undefined;
  readonly speed?: number | "max" | undefined;
  readonly logPackets?: boolean | undefined;
  readonly onWorkerLoss?: RunSpec["onWorkerLoss"] | undefined;
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
      /** What the experts were placed by, where they were. */
      readonly loads: RecordedLoads | undefined;
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
  return text.ok ? parseScenarioTree(text.tree, input) : failed(text.problems);
}

/** Parses a scenario that is a document, or part of one, already. */
export function parseScenarioTree(
  tree: TextTree,
  input: Pick<ScenarioInput, "readFile" | "overrides">,
): ScenarioResult {
  const problems = new ProblemList(tree);
  const checked = readFields(tree, problems);
  if (checked === undefined) return failed(problems.problems);
  const reading = new ScenarioReading(input, tree, checked, problems);
  const scenario = reading.read();
  const found = problems.problems;
  if (found.length > 0 || scenario === undefined) return failed(found);
  const given = new Set<string>();
  addGiven(tree.root, [], given);
  for (const [key, value] of Object.entries(input.overrides ?? {})) {
    if (value !== undefined) given.add(`run.${key}`);
  }
  return { ok: true, scenario, notes: reading.notes, loads: reading.loads, given };
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
  loads: RecordedLoads | undefined;
  readonly #input: Pick<ScenarioInput, "readFile" | "overrides">;
  readonly #tree: TextTree;
  readonly #fields: ScenarioFields;
  readonly #faultPlaces: readonly number[];
  readonly #problems: ProblemList;

  constructor(
    input: Pick<ScenarioInput, "readFile" | "overrides">,
    tree: TextTree,
    checked: CheckedFields,
    problems: ProblemList,
  ) {
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
    if (problems.isSound(["cluster"], ["hardware"])) {
      addDomainProblem(fields.cluster, hardware, problems);
    }
    const hasController = fields.recovery.controller !== "none";
    const cluster: ClusterSpec = {
      ...fields.cluster,
      ...(hasController && { controller: true }),
    };
    const topology =
      isSmall && problems.isSound(["cluster"], ["hardware"])
        ? makeFatTree(cluster, hardware)
        : undefined;
    const context: WorkloadContext = {
      fields,
      model,
      tree: this.#tree,
      readFile: this.#input.readFile,
      problems,
      notes: this.notes,
    };
    const work = isSmall ? readWorkload(context) : undefined;
    const placed = work === undefined ? undefined : readExperts(context, work.workload);
    this.loads = placed?.loads;
    const recovery = readRecovery(fields.recovery, problems);
    const ground = {
      cluster: fields.cluster,
      protocol: work?.workload.protocol,
      redundant: problems.isSound(["experts"]) ? fields.experts.redundant : undefined,
    };
    addRecoveryProblems(fields.recovery, ground, problems);
    const faults = readFaults(
      fields.faults,
      this.#faultPlaces,
      {
        hardware,
        targets: topology && new TargetFinder(topology, { experts: model?.n_routed_experts ?? 0 }),
        model,
        workload: work?.workload,
        seed: run.seed,
        timeLimitPs: problems.isSound(["run", "timeLimit"]) ? run.timeLimitPs : undefined,
        timeLimitText: fields.run.timeLimit,
      },
      problems,
    );
    if (topology !== undefined) this.#checkPlacement(topology, run);
    if (model === undefined || work === undefined || placed === undefined) return undefined;
    const { ackTimeoutExponent, retryCount } = fields.transport;
    return {
      title: fields.title ?? stemOf(this.#tree.file),
      model,
      hardware,
      cluster,
      ...work,
      experts: placed.experts,
      transport: { ackTimeoutExponent, retryCount, waitTimeoutPs },
      recovery,
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
      trafficEveryPs: this.#time(["run", "trafficEvery"], run.trafficEvery, PS_PER_US),
      onWorkerLoss: overrides.onWorkerLoss ?? run.onWorkerLoss ?? "recover",
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
    if (!result.ok || wrong.length > 0) return undefined;
    return withGroups(result.model, this.#fields.routing, this.#problems);
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
}
