/**
 * `faultplane month`: draws the failures of a month at the published rates, plays them in the EP
 * group of a scenario beside its healthy twin, and adds up what they cost.
 */
import { join } from "node:path";
import { OperatingError } from "../../cluster/errors.ts";
import type { MeasuredRun } from "../../src/drill/comparison.ts";
import { type DrawnFailure, drawFailures, type MonthPlan } from "../../src/drill/month-draw.ts";
import {
  describeOutcome,
  type EpisodeOutcome,
  episodeFaults,
  measureEpisode,
  onsetsOf,
} from "../../src/drill/month-episode.ts";
import { playlistOf } from "../../src/drill/month-plan.ts";
import { makeMonthReport } from "../../src/drill/month-report.ts";
import { TargetIndex } from "../../src/fault/target-index.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { loadScenario, printProblems } from "./load-scenario.ts";
import { monthLines } from "./month-text.ts";
import { usageError } from "./option-values.ts";
import { packageRoot } from "./package-files.ts";
import { StopSignals } from "./signals.ts";
import { tracedRun } from "./traced-run.ts";

/** Steps of a group's scenario, at least. */
const STEPS_LEAST = 3;

/** Options of `faultplane month` after parsing. */
export interface MonthCommandOptions {
  readonly seed?: string;
  readonly days: number;
  readonly gpus: number;
  /** Most episodes of one kind that are played. */
  readonly episodes: number;
  readonly json?: true;
  readonly quiet?: true;
  readonly color: boolean;
}

/** Draws, plays and prints a month; returns the exit code. Throws OperatingError. */
export async function monthCommand(
  path: string | undefined,
  options: MonthCommandOptions,
): Promise<number> {
  const file = path ?? join(packageRoot(), "drills", "month.yaml");
  const terminal = new Terminal(options.color);
  try {
    const { seed } = options;
    const loaded = loadScenario(file, seed === undefined ? {} : { seed });
    const scenario = { ...loaded.scenario, faults: [] };
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    checkSteps(scenario);
    const plan = planOf(scenario, options);
    if (options.quiet !== true) {
      for (const note of loaded.notes) terminal.log(`note: ${note}`);
      if (loaded.scenario.faults.length > 0) {
        terminal.log("note: the scenario's own faults are left out");
      }
    }
    return await new Month(scenario, topology, plan, options, terminal).play();
  } catch (error) {
    return printProblems(error);
  }
}

/** A failure comes in the second step; what it leaves behind shows in the last one. */
function checkSteps({ workload }: Scenario): void {
  if (workload.steps >= STEPS_LEAST) return;
  throw new OperatingError(
    "E025",
    `the scenario has workload.steps: ${workload.steps}; a month needs ${STEPS_LEAST} or more`,
    "a failure comes in the second step, and the last one shows what is left",
    Exit.configuration,
  );
}

function planOf(scenario: Scenario, options: MonthCommandOptions): MonthPlan {
  const { days, gpus } = options;
  const { nodes, gpusPerNode } = scenario.cluster;
  const groupGpus = nodes * gpusPerNode;
  if (gpus % groupGpus !== 0) {
    throw usageError(
      "E042",
      `--gpus: ${gpus} are no whole number of the scenario's groups of ${groupGpus} GPUs`,
      `try --gpus ${Math.max(1, Math.round(gpus / groupGpus)) * groupGpus}`,
    );
  }
  return { seed: scenario.run.seed, days, gpus, groups: gpus / groupGpus };
}

/** One month on its way. */
class Month {
  readonly #scenario: Scenario;
  readonly #topology: Topology;
  readonly #plan: MonthPlan;
  readonly #options: MonthCommandOptions;
  readonly #terminal: Terminal;
  readonly #failures: readonly DrawnFailure[];
  #played = 0;
  #toPlay = 0;

  constructor(
    scenario: Scenario,
    topology: Topology,
    plan: MonthPlan,
    options: MonthCommandOptions,
    terminal: Terminal,
  ) {
    this.#scenario = scenario;
    this.#topology = topology;
    this.#plan = plan;
    this.#options = options;
    this.#terminal = terminal;
    const index = new TargetIndex(topology, scenario.model.n_routed_experts);
    this.#failures = drawFailures(plan, index);
  }

  async play(): Promise<number> {
    const signals = new StopSignals((text) => this.#terminal.log(text));
    this.#terminal.onClosed = () => signals.abandon(Exit.pass);
    const failures = this.#failures;
    const playlist = playlistOf(failures, this.#options.episodes);
    this.#toPlay = playlist.lone.length + playlist.joint.length;
    const { days, gpus, groups } = this.#plan;
    const drawn = `${failures.length} failures in ${days} days on ${gpus} GPUs, ${groups} groups`;
    this.#tell(`${drawn}; ${this.#toPlay} episodes to play`);
    const { signal } = signals;
    const twin = (await tracedRun(this.#scenario, this.#topology, signal, () => {})).measured;
    if (!signal.aborted && twin.end.end !== "finished") {
      throw new OperatingError(
        "E025",
        `without any failure the scenario ends by '${twin.end.end}', not by its work`,
        "fewer steps, or a later run.timeLimit",
        Exit.configuration,
      );
    }
    const lone = new Map<number, EpisodeOutcome>();
    for (const place of playlist.lone) {
      if (signal.aborted) break;
      lone.set(place, await this.#episode(twin, [failures[place]], [], signal));
    }
    const joint: EpisodeOutcome[] = [];
    for (const places of playlist.joint) {
      if (signal.aborted) break;
      const parts = places.map((place) => failures[place]);
      const settledPs = places.map((place) => lone.get(playlist.standIn[place])?.stalledPs ?? 0);
      joint.push(await this.#episode(twin, parts, settledPs, signal));
    }
    signals.close();
    this.#terminal.endStatus();
    if (signals.exitCode !== undefined) return signals.exitCode;
    const report = makeMonthReport(this.#plan, failures, playlist, { lone, joint });
    const text =
      this.#options.json === true
        ? JSON.stringify({ format: "faultplane-month", version: 1, ...report })
        : monthLines(report, this.#scenario.title).join("\n");
    await this.#terminal.result(`${text}\n`);
    return Exit.pass;
  }

  /** Plays failures of one group; `settledPs` as {@link onsetsOf} takes it. */
  async #episode(
    twin: MeasuredRun,
    failures: readonly DrawnFailure[],
    settledPs: readonly number[],
    stop: AbortSignal,
  ): Promise<EpisodeOutcome> {
    const onsetsPs = onsetsOf(twin, failures, settledPs);
    const faults = episodeFaults(this.#scenario, this.#topology, failures, onsetsPs);
    const what = failures.map(({ kind, target }) => `${kind} on ${target}`).join(" and ");
    const startedMs = performance.now();
    const { measured } = await tracedRun(
      { ...this.#scenario, faults },
      this.#topology, // A signal of its own: listeners of runs that are over go with it.
      AbortSignal.any([stop]),
      () => this.#terminal.status(() => `playing ${what}`, performance.now()),
    );
    const outcome = measureEpisode(measured, twin, onsetsPs[0]);
    this.#played += 1;
    const seconds = ((performance.now() - startedMs) / 1e3).toFixed(1);
    const count = `[${this.#played}/${this.#toPlay}]`;
    this.#tell(`${count} ${what}: ${describeOutcome(outcome)} (${seconds} s)`);
    return outcome;
  }

  #tell(text: string): void {
    if (this.#options.quiet !== true) this.#terminal.log(text);
  }
}
