/**
 * From the bytes of a drill file to a Drill: its scenario, its probes and its actions, with every
 * problem that can be found in one go. Pure: other files come through `readFile`.
 */
import type { RecordedLoads } from "../model/scenario.ts";
import type { ReadFile } from "../scenario/linked-files.ts";
import type { ScenarioOverrides } from "../scenario/parse-scenario.ts";
import type { Problem, ProblemExitCode } from "../scenario/problem.ts";
import { ProblemList } from "../scenario/problem-list.ts";
import { readTree, type TextTree } from "../scenario/yaml-text.ts";
import { makeFatTree } from "../topology/fat-tree.ts";
import { blastProblems } from "./blast-cap.ts";
import type { Drill } from "./drill.ts";
import { IGNORED_KEYS } from "./drill-fields.ts";
import { readDrillFields } from "./drill-problems.ts";
import { DrillReading } from "./drill-reading.ts";
import { readScenarioPart } from "./scenario-part.ts";

/** Values that win over the file's, as from the command line. */
export interface DrillOverrides extends ScenarioOverrides {
  /** Largest share of all ranks that one fault may hit, percent; undefined: no cap. */
  readonly maxBlastPercent?: number | undefined;
  /** The operator agrees to faults of real processes; a plan, which does nothing, does, too. */
  readonly allowRealFaults?: boolean | undefined;
  /** Nothing is done: what a cap would refuse is a note. */
  readonly isPlan?: true | undefined;
  /** Hosts of the run; default 1. */
  readonly hosts?: number | undefined;
}

/** What is parsed. */
export interface DrillInput {
  /** The drill: YAML or JSON. */
  readonly text: string | Uint8Array;
  /** Its name, as messages show it. */
  readonly file: string;
  /** Reads a file by its path relative to the drill's folder; the path has been checked. */
  readonly readFile: ReadFile;
  readonly overrides?: DrillOverrides | undefined;
}

/** The drill with notes for people, or everything that is wrong. */
export type DrillResult =
  | {
      readonly ok: true;
      readonly drill: Drill;
      readonly notes: readonly string[];
      /** As parseScenario gives them, of the drill's scenario. */
      readonly given: ReadonlySet<string>;
      readonly loads: RecordedLoads | undefined;
    }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** That of the first problem. */
      readonly exitCode: ProblemExitCode;
    };

/** Parses a drill. Never throws for what a file holds. */
export function parseDrill(input: DrillInput): DrillResult {
  const bytes = typeof input.text === "string" ? new TextEncoder().encode(input.text) : input.text;
  const text = readTree(bytes, input.file);
  if (!text.ok) return failed(text.problems);
  const { tree } = text;
  const problems = new ProblemList(tree);
  const { maxBlastPercent, allowRealFaults, isPlan, hosts = 1, ...rest } = input.overrides ?? {};
  const beyondCap = isPlan === true ? new ProblemList(tree) : problems;
  const checked = readDrillFields(tree, problems);
  const part = readScenarioPart(tree, input.readFile, rest, problems);
  if (checked === undefined) return failed(problems.problems);
  const place = part && {
    part,
    topology: makeFatTree(part.scenario.cluster, part.scenario.hardware),
    hosts,
    isAllowed: allowRealFaults === true,
  };
  const drill = new DrillReading(checked, place, problems).read();
  const isSound = drill !== undefined && problems.problems.length === 0;
  if (place !== undefined && isSound) {
    blastProblems(drill, { topology: place.topology, hosts }, maxBlastPercent, beyondCap);
  }
  const found = problems.problems;
  if (part === undefined || drill === undefined || found.length > 0) return failed(found);
  const refusals = isPlan === true ? beyondCap.problems : [];
  const capNotes = refusals.map(({ message }) => `would be refused: ${message}`);
  const notes = [...part.notes, ...ignoredNotes(tree), ...capNotes];
  return { ok: true, drill, notes, given: part.given, loads: part.loads };
}

/** Whether a text is a drill rather than a scenario, by its keys; false for what is neither. */
export function isDrillText(text: string | Uint8Array, file: string): boolean {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const result = readTree(bytes, file);
  if (!result.ok) return false;
  const { root } = result.tree;
  return ["scenario", "method", "steady-state-hypothesis"].some((key) => Object.hasOwn(root, key));
}

/** Whether a text is a scenario rather than a drill: it has a model and a cluster of its own. */
export function isScenarioText(bytes: Uint8Array, file: string): boolean {
  const result = readTree(bytes, file);
  if (!result.ok || isDrillText(bytes, file)) return false;
  return ["model", "cluster"].every((key) => Object.hasOwn(result.tree.root, key));
}

function failed(problems: readonly Problem[]): DrillResult {
  return { ok: false, problems, exitCode: problems[0]?.exitCode ?? 78 };
}

function ignoredNotes(tree: TextTree): readonly string[] {
  const keys = IGNORED_KEYS.filter((key) => Object.hasOwn(tree.root, key));
  if (keys.length === 0) return [];
  return [`keys of Chaos Toolkit that mean nothing here: ${keys.join(", ")}`];
}
