/**
 * A run that leaves a run folder: files before the first window, event log and journal while it
 * goes on. What `faultplane run` and `faultplane drill` have in common. Nothing is created before
 * `run` is called, and nothing stays when no window was committed.
 */
import { homedir } from "node:os";
import { makeDevice } from "../../actors/catalogue.ts";
import type { BlindSession } from "../../cluster/blind.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { type Journal, makeHeader } from "../../cluster/journal.ts";
import { makeRepeatingDirector, TwoDirectors } from "../../cluster/journal-director.ts";
import type { RunMetrics } from "../../cluster/metrics.ts";
import type { HostsOptions, RealFaultsOptions, RunObserver } from "../../cluster/prepared-run.ts";
import { committedTotals } from "../../cluster/report.ts";
import { type RunOutcome, runCluster } from "../../cluster/run-cluster.ts";
import {
  formatResolved,
  planRunFolder,
  RunFile,
  RunFolder,
  type RunFolderPlan,
} from "../../cluster/run-folder.ts";
import { makeRunId } from "../../cluster/run-id.ts";
import type { Drill } from "../../src/drill/drill.ts";
import type { Director } from "../../src/model/director.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { formatTime } from "../../src/model/time.ts";
import type { Topology } from "../../src/model/topology.ts";
import { scenarioHash } from "../../src/scenario/scenario-hash.ts";
import { runContext } from "../terminal/failure.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { LivePage } from "./live-page.ts";
import { openWatchers, type WatchOptions } from "./open-watchers.ts";
import { buildFingerprint, processMains } from "./package-files.ts";
import { type Loudness, RunRecorder } from "./run-recorder.ts";

/** Name and contents of a file that is in the folder before the run begins. */
export type FirstFile = readonly [
  name: (typeof RunFile)[keyof typeof RunFile],
  contents: string | Uint8Array,
];

/** Name of a run, and where its folder will be. */
export interface RunPlace {
  readonly runId: string;
  readonly plan: RunFolderPlan;
}

/** Checks that the folder can be created, and creates nothing. Throws OperatingError E033. */
export function placeOfRun(options: { readonly out?: string; readonly force?: true }): RunPlace {
  const runId = makeRunId();
  const plan = planRunFolder({
    runId,
    ...(options.out === undefined ? {} : { out: options.out }),
    force: options.force === true,
    environment: process.env,
    home: homedir(),
  });
  return { runId, plan };
}

export interface RecordedRunOptions {
  /** Resolved: no moment is left in it. */
  readonly scenario: Scenario;
  readonly topology: Topology;
  /** Version of Faultplane. */
  readonly version: string;
  readonly place: RunPlace;
  readonly files: readonly FirstFile[];
  readonly terminal: Terminal;
  readonly loudness: Loudness;
  readonly delays?: ReadonlyMap<string, number>;
  /** Default: this host alone. */
  readonly hosts?: HostsOptions | undefined;
  /** Seconds after which a silent process is lost; undefined: the default. */
  readonly silenceLimitSeconds?: number | undefined;
  /** Of a drill: all of it but its scenario; kept for who takes the run up again. */
  readonly drill?: Omit<Drill, "scenario"> | undefined;
  /** The journal of the run that is taken up again; its folder is the place. */
  readonly resume?: Journal | undefined;
  /** Who looks on; default: nobody. */
  readonly watch?: WatchOptions | undefined;
}

/** How a recorded run is driven. */
export interface DriveOptions {
  /** Aborted when the operator asks for the end. */
  readonly stop: AbortSignal;
  readonly director?: Director | undefined;
  /** Told what the recorder is told, after it. */
  readonly also?: Pick<RunObserver, "committed" | "ordered"> | undefined;
  readonly operators?: true | undefined;
  /** Names that the director will give to faults. */
  readonly planned?: readonly string[] | undefined;
  readonly blind?: BlindSession | undefined;
  readonly realFaults?: RealFaultsOptions | undefined;
}

/** One run and its folder. */
export class RecordedRun {
  readonly runId: string;
  readonly hash: string;
  readonly #options: RecordedRunOptions;
  #folder: RunFolder | undefined;
  #recorder: RunRecorder | undefined;
  #page: LivePage | undefined;

  constructor(options: RecordedRunOptions) {
    this.#options = options;
    this.runId = options.place.runId;
    this.hash = scenarioHash(options.scenario);
    runContext.seed = options.scenario.run.seed;
  }

  /** Absolute path of the run folder. */
  get path(): string {
    return this.#options.place.plan.path;
  }

  /** What was recorded; only after `run`. */
  get recorder(): RunRecorder {
    if (this.#recorder === undefined) throw new Error("the run has not begun");
    return this.#recorder;
  }

  /** Whether a window was committed: only then is there a folder to speak of. */
  get hasBegun(): boolean {
    return (this.#recorder?.commits ?? 0) > 0;
  }

  /** Removes what was created for a run that never began. A second call does nothing. */
  undo(): void {
    if (!this.hasBegun) this.#folder?.remove();
  }

  /**
   * The run is over and its report is written: who looks at its page may go on, until `stop` is
   * aborted.
   */
  async leavePage(stop: AbortSignal): Promise<void> {
    const page = this.#page;
    if (page === undefined) return;
    if (page.isWatched && !stop.aborted) {
      this.#options.terminal.log("the page stays while somebody looks at it (Ctrl-C ends it)");
    }
    await page.leave(stop);
  }

  /** Adds a file to the folder of a run that is over. Throws the system's error. */
  write(...[name, contents]: FirstFile): void {
    this.#folder?.write(name, contents);
  }

  /**
   * Runs the scenario to its end, and closes the files. Throws OperatingError for what an operator
   * can mend; then, and when nothing was committed, no folder is left.
   */
  async run(drive: DriveOptions): Promise<RunOutcome> {
    const { scenario, topology, terminal, loudness, delays, hosts, files, version } = this.#options;
    const { stop, also, operators, planned, blind, realFaults } = drive;
    const { resume, silenceLimitSeconds, watch = {} } = this.#options;
    const { runId } = this;
    const director = withRepeated(drive.director, resume);
    const fromPs = resume?.commit?.atPs;
    const trouble = (text: string): void => terminal.log(`warning: ${text}`);
    const run = { scenario, topology, version, runId, blind, fromPs, trouble };
    const watchers = await openWatchers(watch, run);
    this.#folder = new RunFolder(this.#options.place.plan);
    let outcome: RunOutcome;
    try {
      if (resume === undefined) {
        const isBlind = blind !== undefined;
        for (const [name, contents] of files) this.#folder.write(name, contents);
        this.#folder.write(
          RunFile.resolved,
          formatResolved({
            scenario,
            scenarioHash: this.hash,
            drill: this.#options.drill,
            isBlind,
          }),
        );
      }
      const { seed, placement, speed } = scenario.run;
      const recorder = new RunRecorder({
        folder: this.#folder,
        header: makeHeader({
          faultplane: version,
          runId: this.runId,
          seed,
          scenarioHash: this.hash,
          node: process.versions.node,
          placement,
          speed,
        }),
        scenario,
        topology,
        terminal,
        loudness,
        ...(blind === undefined ? {} : { blind }),
        watchers: watchers.all,
        ...(resume === undefined ? {} : { resume }),
      });
      this.#recorder = recorder;
      if (resume !== undefined) {
        const atPs = resume.commit?.atPs ?? 0;
        const detail = `taken up by process ${process.pid}, from ${formatTime(atPs)} on`;
        recorder.observed([{ record: "host", event: "resumed", atPs, detail }]);
      }
      runContext.runDir = this.#folder.path;
      const page = await this.#openPage(blind !== undefined, watchers.metrics);
      outcome = await runCluster({
        scenario,
        runId: this.runId,
        ...processMains(),
        devices: makeDevice,
        ...(delays === undefined ? {} : { delays }),
        ...(hosts === undefined ? {} : { hosts, build: buildFingerprint() }),
        ...(silenceLimitSeconds === undefined ? {} : { silenceLimitSeconds }),
        observer: asked(also === undefined ? recorder : both(recorder, also), page),
        stop,
        ...(director === undefined ? {} : { director }),
        ...(operators === undefined ? {} : { operators }),
        ...(planned === undefined ? {} : { planned }),
        ...(blind === undefined ? {} : { blind }),
        ...(realFaults === undefined ? {} : { realFaults }),
        ...(resume === undefined ? {} : { paceFromPs: resume.commit?.atPs ?? 0 }),
      });
      if (recorder.commits > 0) recorder.end(committedTotals(outcome, recorder.watch.story));
    } catch (error) {
      this.#page?.close();
      this.undo();
      throw error;
    } finally {
      if (this.#page !== undefined) this.#page.ask = undefined;
      this.#recorder?.close();
      this.#folder.release();
      await Promise.all(watchers.all.map((watcher) => watcher.close?.()));
    }
    if (!this.hasBegun) {
      this.#page?.close();
      this.undo();
    }
    return outcome;
  }

  async #openPage(
    isBlind: boolean,
    metrics: RunMetrics | undefined,
  ): Promise<LivePage | undefined> {
    const { watch = {}, scenario, topology, version, terminal } = this.#options;
    if (watch.ui === undefined) return undefined;
    const title = this.#options.drill?.title ?? scenario.title;
    const run = { faultplane: version, runId: this.runId, title, scenario, topology, isBlind };
    this.#page = await LivePage.open(watch.ui, this.path, { ...run, metrics });
    terminal.log(`page: ${this.#page.link}`);
    return this.#page;
  }
}

/** The error of a run that never began although nobody stopped it; undefined: somebody did. */
export function startFailure(outcome: RunOutcome): OperatingError | undefined {
  if (outcome.end !== "worker-lost") return undefined;
  return new OperatingError(
    "E063",
    `the run could not start: ${outcome.detail ?? "a worker was lost"}`,
    "run it again; with --placement single it needs no other process",
    Exit.unavailable,
  );
}

/**
 * A run that is taken up again is done to what was done to it; a drill does its own part again by
 * itself.
 */
function withRepeated(
  director: Director | undefined,
  resume: Journal | undefined,
): Director | undefined {
  const orders = resume?.orders.filter(({ by }) => director === undefined || by !== "drill") ?? [];
  const repeating = makeRepeatingDirector(orders);
  if (repeating === undefined || director === undefined) return repeating ?? director;
  return new TwoDirectors(repeating, director);
}

/** Lets the page ask the run from its beginning on. */
function asked(observer: RunObserver, page: LivePage | undefined): RunObserver {
  if (page === undefined) return observer;
  const { committed, ordered, observed, told } = observer;
  return {
    started: (start) => {
      page.ask = start.ask;
      observer.started(start);
    },
    committed: committed.bind(observer),
    ...(ordered && { ordered: ordered.bind(observer) }),
    ...(observed && { observed: observed.bind(observer) }),
    ...(told && { told: told.bind(observer) }),
  };
}

/** Tells the recorder first: what others see has been written down. */
function both(
  recorder: RunRecorder,
  also: Pick<RunObserver, "committed" | "ordered">,
): RunObserver {
  return {
    started: (start) => recorder.started(start),
    committed: (window, status) => {
      recorder.committed(window, status);
      return also.committed(window, status);
    },
    ordered: (orders) => {
      recorder.ordered(orders);
      also.ordered?.(orders);
    },
    observed: (records) => recorder.observed(records),
  };
}
