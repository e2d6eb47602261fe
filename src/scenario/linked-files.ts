/**
 * Files that a scenario names: read through the caller's function, below the scenario's folder
 * only. What is wrong with their content is reported with their own name and line.
 */
import type { ModelShape } from "../model/model-shape.ts";
import type { RecordedLoads, RoutingSpec } from "../model/scenario.ts";
import { parseLoads } from "../workload/recorded-loads.ts";
import { parseRoutingCsv } from "../workload/recorded-routing.ts";
import { pathProblem } from "./file-path.ts";
import { escapeText, exitCodeOf, type Problem, quote } from "./problem.ts";
import type { ProblemList } from "./problem-list.ts";
import { textOf } from "./utf8.ts";
import type { DocumentPath } from "./yaml-text.ts";

/** Largest file of recorded routing or loads, bytes. */
export const RECORDING_LIMIT_BYTES = 64 * 1024 * 1024;

/** Bytes of a file, with its name as messages show it; or why it cannot be read. */
export type FileReading =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly file: string }
  | { readonly ok: false; readonly problem: string };

/** Reads a file by its path relative to the scenario's folder. */
export type ReadFile = (relativePath: string) => FileReading;

/**
 * Bytes of the file `name`, which stands at `path`; undefined, with a problem, when it has none.
 */
export function readLinked(
  path: DocumentPath,
  name: string,
  what: string,
  readFile: ReadFile,
  problems: ProblemList,
): (FileReading & { readonly ok: true }) | undefined {
  const wrong = pathProblem(name);
  if (wrong !== undefined) {
    problems.add("E034", path, `${wrong}, got ${quote(name)}`);
    return undefined;
  }
  const reading = readFile(name);
  if (reading.ok) return reading;
  const hint = "the path is relative to this file";
  const message = `cannot read ${what} file '${escapeText(name)}': ${escapeText(reading.problem)}`;
  problems.add("E001", path, message, { hint });
  return undefined;
}

/** What a recording has to fit. */
export interface RecordingContext {
  readonly model: ModelShape;
  /** Layers that run. */
  readonly layers: readonly number[];
  readonly epSize: number;
  readonly readFile: ReadFile;
  readonly problems: ProblemList;
}

/** A routing that carries a table. */
export type RecordedRoutingSpec = RoutingSpec & { readonly source: "file" };

/** Reads and parses the recorded routing that the scenario names; undefined with problems. */
export function readRecordedRouting(
  given: { readonly path: string; readonly step: number },
  context: RecordingContext,
): { readonly routing: RecordedRoutingSpec; readonly notes: readonly string[] } | undefined {
  const { model, epSize, problems } = context;
  const path = ["routing", "path"];
  const recording = readText(path, given.path, "routing", context);
  if (recording === undefined) return undefined;
  const result = parseRoutingCsv(recording.text, {
    layers: layersWithExperts(context),
    step: given.step,
    epSize,
    experts: model.n_routed_experts,
    topK: model.num_experts_per_tok,
  });
  if (result.ok) {
    const routing = { source: "file", path: given.path, table: result.table } as const;
    return { routing, notes: result.notes };
  }
  const wrong = result.problems.map(({ line, column, message }): Problem => {
    const place = { file: recording.file, line, column: column ?? 1, path: "" };
    return { code: "E036", ...place, message: escapeLong(message), exitCode: exitCodeOf("E036") };
  });
  problems.addAll(path, wrong);
  return undefined;
}

/**
 * Reads and parses the loads file `name`, which stands at `path`; undefined with problems. `topK`
 * is given when tokens are drawn from the loads.
 */
export function readLoads(
  path: DocumentPath,
  name: string,
  context: RecordingContext & { readonly topK?: number },
): { readonly table: RecordedLoads; readonly notes: readonly string[] } | undefined {
  const { model, problems, topK } = context;
  const recording = readText(path, name, "loads", context);
  if (recording === undefined) return undefined;
  const result = parseLoads(recording.text, {
    layers: layersWithExperts(context),
    experts: model.n_routed_experts,
    modelLayers: model.num_hidden_layers,
    denseLayers: model.first_k_dense_replace,
    ...(topK === undefined ? {} : { topK }),
  });
  if (result.ok) {
    return {
      table: result.table,
      notes: result.notes.map((note) => `${escapeText(name)}: ${note}`),
    };
  }
  const wrong = result.problems.map(({ line, column, message, hint }): Problem => {
    const place = { file: recording.file, line, column, path: "" };
    const advice = hint === undefined ? {} : { hint };
    const text = escapeLong(message);
    return { code: "E037", ...place, message: text, ...advice, exitCode: exitCodeOf("E037") };
  });
  problems.addAll(path, wrong);
  return undefined;
}

function layersWithExperts({ model, layers }: RecordingContext): readonly number[] {
  return layers.filter((layer) => layer >= model.first_k_dense_replace);
}

/** Text of a recording; undefined with problems. */
function readText(
  path: DocumentPath,
  name: string,
  what: string,
  { readFile, problems }: RecordingContext,
): { readonly text: string; readonly file: string } | undefined {
  const reading = readLinked(path, name, what, readFile, problems);
  if (reading === undefined) return undefined;
  const decoded = textOf(reading.bytes, RECORDING_LIMIT_BYTES);
  if (decoded.ok) return { text: decoded.text, file: reading.file };
  const { code, message, hint } = decoded;
  const place = { file: reading.file, line: 1, column: 1, path: "" };
  problems.addAll(path, [{ code, ...place, message, hint, exitCode: exitCodeOf(code) }]);
  return undefined;
}

/** Escapes a message that may hold text of the file and is longer than what is shown of a value. */
function escapeLong(message: string): string {
  const parts = message.match(/[\s\S]{1,60}/gu) ?? [];
  return parts.map(escapeText).join("");
}
