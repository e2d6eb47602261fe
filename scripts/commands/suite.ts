/**
 * `faultplane suite`: performs every drill of a folder, one after another, and prints one table.
 * A file that is no drill is passed over; one that is broken counts as an error, and the others
 * run all the same.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OperatingError, systemCodeOf } from "../../cluster/errors.ts";
import { readWhole } from "../../cluster/read-file.ts";
import { RunFile } from "../../cluster/run-folder.ts";
import { escapeControls } from "../../src/base/escape.ts";
import { isDrillText } from "../../src/drill/parse-drill.ts";
import type { PlacementName } from "../../src/model/scenario.ts";
import { GENERATOR } from "../../src/report/document.ts";
import { formatProblems } from "../../src/scenario/problem.ts";
import { readTree } from "../../src/scenario/yaml-text.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { compareNatural } from "../../src/topology/natural-order.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { loadDrill } from "./load-drill.ts";
import { READ_LIMIT_BYTES, ScenarioProblems } from "./load-scenario.ts";
import { type PerformOptions, performDrill } from "./perform-drill.ts";
import { placeOfRun } from "./recorded-run.ts";
import { StopSignals } from "./signals.ts";
import { suitePage } from "./suite-page.ts";
import { jsonOf, junitOf, type SuiteRow, stemOf, tableText, wordsOf } from "./suite-result.ts";

/** Options of `faultplane suite` after parsing. */
export interface SuiteCommandOptions {
  readonly seed?: string;
  readonly placement?: PlacementName;
  readonly filter?: string;
  /** Folder in which each drill gets its run folder. */
  readonly out?: string;
  readonly force?: true;
  readonly junit?: string;
  readonly json?: true;
  readonly quiet?: true;
  readonly color: boolean;
}

/** Performs a pack; returns the exit code. Throws OperatingError. */
export async function suiteCommand(
  folder: string,
  options: SuiteCommandOptions,
  version: string,
): Promise<number> {
  const { drills, others } = filesOf(folder, options.filter);
  const terminal = new Terminal(options.color);
  // Before minutes of drills, and before their folders: can the result be written?
  if (options.junit !== undefined) appendNothing(options.junit);
  if (options.out !== undefined) makeFolder(options.out);
  const page = options.out === undefined ? undefined : join(options.out, RunFile.reportHtml);
  if (page !== undefined) checkPage(page);
  const isTold = options.quiet !== true;
  const note = (text: string): void => {
    if (isTold) terminal.log(`note: ${text}`);
  };
  if (others > 0) note(`${others} files of ${folder} are no drills (no method): passed over`);
  if (options.placement === undefined) {
    note("placement single: the digest does not depend on it; --placement takes another");
  }
  const signals = new StopSignals((text) => terminal.log(text));
  terminal.onClosed = () => signals.abandon(Exit.pass);
  const rows: SuiteRow[] = [];
  for (const [place, file] of drills.entries()) {
    if (signals.signal.aborted) break;
    const row = await performFile(folder, file, options, { terminal, signals, version });
    if (row === undefined) break;
    rows.push(row);
    if (isTold) terminal.log(`[${place + 1}/${drills.length}] ${wordsOf(row)}`);
  }
  signals.close();
  const unfinished = drills.length - rows.length;
  if (options.junit !== undefined) {
    writeFile(options.junit, junitOf(folder, rows, drills.slice(rows.length)));
  }
  if (page !== undefined) {
    writePage(page, suitePage({ folder, rows, drills: drills.length, version }));
  }
  const met = rows.filter(({ report }) => report?.asExpected === true).length;
  if (options.json === true) {
    const result = { format: "faultplane-suite", version: 1, folder, met, unfinished, others };
    await terminal.result(`${JSON.stringify({ ...result, drills: rows.map(jsonOf) })}\n`);
  } else {
    const text = tableText(rows, met, drills.length, unfinished);
    await terminal.result(text.split("\n").map(escapeControls).join("\n"));
  }
  if (signals.exitCode !== undefined) return signals.exitCode;
  return met === drills.length ? Exit.pass : Exit.fail;
}

/** One drill of the pack; undefined: it was stopped by a signal. */
async function performFile(
  folder: string,
  file: string,
  options: SuiteCommandOptions,
  host: Pick<PerformOptions, "terminal" | "signals" | "version">,
): Promise<SuiteRow | undefined> {
  const startedMs = performance.now();
  const row = (rest: Pick<SuiteRow, "report" | "errors">): SuiteRow => ({
    file,
    seconds: (performance.now() - startedMs) / 1e3,
    ...rest,
  });
  try {
    const { seed, placement = "single" } = options;
    const loaded = loadDrill(join(folder, file), { seed, placement, speed: "max" });
    const { cluster, hardware } = loaded.drill.scenario;
    const out = options.out === undefined ? {} : { out: join(options.out, stemOf(file)) };
    const force = options.force === undefined ? {} : { force: options.force };
    const performed = await performDrill({
      ...host,
      loaded,
      topology: makeFatTree(cluster, hardware),
      place: placeOfRun({ ...out, ...force }),
      loudness: "quiet",
    });
    if (performed === undefined || performed.outcome.end === "interrupted") return undefined;
    return row({ report: performed.journal.faultplane, errors: [] });
  } catch (error) {
    if (error instanceof ScenarioProblems) {
      return row({ errors: formatProblems(error.problems).split("\n") });
    }
    if (!(error instanceof OperatingError)) throw error;
    const hint = error.hint === "" ? [] : [`  hint: ${error.hint}`];
    return row({ errors: [`error[${error.code}] ${error.message}`, ...hint] });
  }
}

/** The drills of a folder in natural order, and how many other files it has. */
function filesOf(
  folder: string,
  filter: string | undefined,
): { readonly drills: readonly string[]; readonly others: number } {
  let names: string[];
  try {
    names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && /\.(?:ya?ml|json)$/i.test(entry.name))
      .map(({ name }) => name)
      .sort(compareNatural);
  } catch (error) {
    const code = systemCodeOf(error);
    const reason = code === "ENOENT" ? "no such folder" : code === "ENOTDIR" ? "a file" : code;
    throw new OperatingError(
      "E001",
      `cannot read folder '${folder}': ${reason}`,
      "name a folder with drill files; `faultplane drill FILE` runs a single one",
      Exit.noInput,
    );
  }
  const drills = names.filter((name) => {
    const read = readWhole(join(folder, name), READ_LIMIT_BYTES);
    // What cannot be read at all may be a drill: better an error than a drill that is not missed.
    return !read.ok || !readTree(read.bytes, name).ok || isDrillText(read.bytes, name);
  });
  const chosen = drills.filter((name) => filter === undefined || name.includes(filter));
  if (chosen.length === 0) {
    const which = filter === undefined || drills.length === 0 ? "" : ` whose name has '${filter}'`;
    throw new OperatingError(
      "E001",
      `no drill in '${folder}'${which}`,
      "a drill is a YAML or JSON file with a `method` at its top",
      Exit.noInput,
    );
  }
  return { drills: chosen, others: names.length - drills.length };
}

/** Throws OperatingError E033 when something is there that is no page of ours. */
function checkPage(path: string): void {
  if (!existsSync(path)) return;
  const read = readWhole(path, READ_LIMIT_BYTES);
  if (read.ok && Buffer.from(read.bytes).includes(GENERATOR)) return;
  throw new OperatingError(
    "E033",
    `'${path}' exists and is no report of faultplane`,
    "choose another place with --out",
    Exit.cannotCreate,
  );
}

/** Replaces the page with the new one, whole. */
function writePage(path: string, text: string): void {
  writeFile(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new OperatingError(
      "E033",
      `cannot create '${path}': ${systemCodeOf(error)}`,
      "choose another place with --out",
      Exit.cannotCreate,
    );
  }
}

/** Makes the file if there is none, and leaves what is in it. */
function appendNothing(path: string): void {
  writeFile(path, "", "a");
}

function writeFile(path: string, text: string, flag: "a" | "w" = "w"): void {
  try {
    writeFileSync(path, text, { flag });
  } catch (error) {
    throw new OperatingError(
      "E033",
      `cannot write '${path}': ${systemCodeOf(error)}`,
      "choose another name with --junit",
      Exit.cannotCreate,
    );
  }
}
