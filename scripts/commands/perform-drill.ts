/**
 * Performs a drill: the healthy twin, the run itself with its director, the runs between them that
 * tell several faults apart, the verdict and the report, and the files of the run folder.
 */
import { BlindSession } from "../../cluster/blind.ts";
import { drillPage } from "../../cluster/drill-page.ts";
import type { Journal } from "../../cluster/journal.ts";
import { faultsOf, healsOf, type JournalOrder } from "../../cluster/journal-orders.ts";
import type { HostsOptions } from "../../cluster/prepared-run.ts";
import { makeReport } from "../../cluster/report.ts";
import { sectionsMarkdown } from "../../cluster/report-text.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import { RunFile } from "../../cluster/run-folder.ts";
import {
  type Attribution,
  attribute,
  faultsInForce,
  linksOf,
} from "../../src/drill/attribution.ts";
import { type ChaosJournal, chaosJournal } from "../../src/drill/chaos-journal.ts";
import type { MeasuredRun } from "../../src/drill/comparison.ts";
import { type Diagnosis, scoreDiagnosis } from "../../src/drill/diagnosis.ts";
import type { Drill } from "../../src/drill/drill.ts";
import { DrillDirector } from "../../src/drill/drill-director.ts";
import { makeDrillReport, type ScoredDiagnosis } from "../../src/drill/drill-report.ts";
import { drillMarkdown } from "../../src/drill/drill-text.ts";
import { Timeline } from "../../src/drill/timeline.ts";
import type { RunTrace } from "../../src/drill/trace.ts";
import { type Judgement, judgeDrill } from "../../src/drill/verdict.ts";
import { TargetIndex } from "../../src/fault/target-index.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { formatTime } from "../../src/model/time.ts";
import type { Topology } from "../../src/model/topology.ts";
import { formatLine } from "../terminal/live-line.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { LoadedDrill } from "./load-drill.ts";
import type { WatchOptions } from "./open-watchers.ts";
import { pageCommands } from "./page-commands.ts";
import { realFaultsOf } from "./real-faults.ts";
import { RecordedRun, type RunPlace, startFailure } from "./recorded-run.ts";
import type { Loudness } from "./run-recorder.ts";
import type { StopSignals } from "./signals.ts";
import { RunListener, tracedRun } from "./traced-run.ts";

export interface PerformOptions {
  readonly loaded: LoadedDrill;
  readonly topology: Topology;
  readonly place: RunPlace;
  readonly version: string;
  readonly terminal: Terminal;
  readonly loudness: Loudness;
  readonly signals: StopSignals;
  /** Opens a port for operators. */
  readonly operators?: true | undefined;
  /** Hides from operators what the drill does. */
  readonly blind?: true | undefined;
  /** The operator agrees to faults of real processes. */
  readonly allowRealFaults?: true | undefined;
  /** Default: this host alone. */
  readonly hosts?: HostsOptions | undefined;
  /** Seconds after which a silent process is lost; undefined: the default. */
  readonly silenceLimitSeconds?: number | undefined;
  /** The journal of the run that is taken up again. */
  readonly resume?: Journal | undefined;
  /** Who looks on; default: nobody. */
  readonly watch?: WatchOptions | undefined;
}

/** A drill that was performed; undefined: it was stopped before its first window. */
export interface Performed {
  readonly journal: ChaosJournal;
  readonly outcome: RunOutcome;
  readonly recorded: RecordedRun;
}

/** Performs a drill. Throws OperatingError for what an operator can mend. */
export async function performDrill(options: PerformOptions): Promise<Performed | undefined> {
  return await new Performance(options).perform();
}

/** One drill on its way. */
class Performance {
  readonly #options: PerformOptions;
  readonly #startedAt = new Date();
  readonly #orders: JournalOrder[] = [];
  readonly #timeline = new Timeline();
  readonly #blind: BlindSession | undefined;
  #told = 0;

  constructor(options: PerformOptions) {
    this.#options = options;
    this.#blind = options.blind === true ? new BlindSession() : undefined;
  }

  async perform(): Promise<Performed | undefined> {
    const { loaded, topology, signals } = this.#options;
    const { drill } = loaded;
    const twin = await this.#twin([], "healthy twin");
    if (signals.signal.aborted) return undefined;
    const healthy = twin.measured.series;
    const director = new DrillDirector({ drill, topology, healthy });
    const { recorded, outcome, run } = await this.#drill(director);
    if (!recorded.hasBegun) {
      const failure = startFailure(outcome);
      if (failure !== undefined) throw failure;
      return undefined;
    }
    const record = director.finish(outcome);
    const faults = this.#faults(outcome);
    const chainStartedMs = performance.now();
    const attribution = await this.#attribution(faults, twin.measured, run, outcome);
    const chainSeconds = (performance.now() - chainStartedMs) / 1e3;
    const judged = judgeDrill(drill, record, outcome);
    // Nobody was left to ask for totals when a worker was lost.
    const accounts = outcome.end === "worker-lost" ? [] : attribution.problems;
    const { verdict, reasons } = withAccounts(judged, accounts);
    const { seed, placement, speed } = drill.scenario.run;
    const endedAt = new Date();
    const report = makeDrillReport({
      drill,
      verdict,
      reasons,
      end: outcome.end,
      ...(outcome.detail === undefined ? {} : { endDetail: outcome.detail }),
      identity: {
        faultplane: this.#options.version,
        runId: recorded.runId,
        digest: outcome.digest,
        twinDigest: twin.outcome.digest,
        scenarioHash: recorded.hash,
        seed,
        placement,
        speed,
        runDir: recorded.path,
      },
      record,
      faults,
      run,
      twin: twin.measured,
      attribution,
      hostFaults: outcome.hostFaults,
      timeline: this.#timeline.lines(record.timeline, outcome.hostFaults),
      ...this.#diagnoses(faults),
      host: {
        node: process.versions.node,
        platform: `${process.platform}-${process.arch}`,
        startedAt: this.#startedAt.toISOString(),
        endedAt: endedAt.toISOString(),
        wallSeconds: (endedAt.getTime() - this.#startedAt.getTime()) / 1e3,
        twinSeconds: twin.outcome.wallSeconds,
        chainSeconds,
        lagSeconds: outcome.maxLagSeconds,
        events: outcome.events,
        windows: outcome.windows,
        processes: outcome.processes,
        peakRssBytes: outcome.peakRssBytes,
      },
    });
    const journal = chaosJournal(report, loaded.document);
    const runReport = {
      ...makeReport({
        scenario: { ...drill.scenario, faults },
        outcome,
        faultplane: this.#options.version,
        runId: recorded.runId,
        scenarioHash: recorded.hash,
        runDir: recorded.path,
        ...recorded.recorder.watch.figures(),
      }),
      title: drill.title,
      verdict,
      reasons,
    };
    const text = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
    recorded.write(RunFile.drillJournal, text(journal));
    recorded.write(RunFile.reportJson, text(runReport));
    recorded.write(
      RunFile.reportMarkdown,
      `${drillMarkdown(report)}${sectionsMarkdown(runReport)}`,
    );
    const page = { report: runReport, ...recorded.recorder.watch.forPage() };
    const commands = pageCommands(recorded.path);
    recorded.write(RunFile.reportHtml, drillPage(report, { ...page, commands }));
    return { journal, outcome, recorded };
  }

  /** The run that counts. */
  async #drill(director: DrillDirector): Promise<{
    readonly recorded: RecordedRun;
    readonly outcome: RunOutcome;
    readonly run: MeasuredRun;
  }> {
    const { loaded, topology, place, version, terminal, loudness, signals } = this.#options;
    const { hosts, silenceLimitSeconds, resume, allowRealFaults, watch } = this.#options;
    const { scenario, ...drill } = loaded.drill;
    const recorded = new RecordedRun({
      scenario,
      topology,
      version,
      place,
      files: [[RunFile.drill, loaded.bytes]],
      terminal,
      loudness,
      hosts,
      silenceLimitSeconds,
      drill,
      resume,
      watch,
    });
    signals.onQuit = () => recorded.undo();
    const listener = new RunListener(scenario, topology);
    const outcome = await recorded.run({
      stop: ownSignal(signals),
      director,
      also: {
        committed: ({ facts }) => {
          listener.take(facts);
          this.#timeline.take(facts);
          this.#tell(director);
        },
        ordered: (orders) => {
          this.#orders.push(...orders);
        },
      },
      operators: this.#options.operators,
      planned: plannedNames(loaded.drill),
      blind: this.#blind,
      realFaults: realFaultsOf(loaded.drill, allowRealFaults === true, resume),
    });
    return { recorded, outcome, run: listener.measured(outcome) };
  }

  /** What the drill has done since, for the live log; a blind one says nothing. */
  #tell(director: DrillDirector): void {
    const { terminal, loudness } = this.#options;
    if (loudness === "quiet" || this.#blind !== undefined) return;
    const news = director.timeline.slice(this.#told);
    this.#told = director.timeline.length;
    for (const { atPs, what, name, text } of news) {
      const words = `${what} ${name}${text === "" ? "" : `: ${text}`}`;
      terminal.log(formatLine({ atPs, actor: "drill", text: words }));
    }
  }

  /** A run of the same scenario with these faults only. */
  #twin(faults: readonly FaultSpec[], what: string): ReturnType<typeof tracedRun> {
    const { loaded, topology, terminal, signals, loudness } = this.#options;
    const scenario = { ...loaded.drill.scenario, faults };
    return tracedRun(scenario, topology, ownSignal(signals), (atPs, wallSeconds) => {
      if (loudness !== "quiet") {
        terminal.status(() => `${what}: ${formatTime(atPs)}`, wallSeconds * 1e3);
      }
    }).finally(() => terminal.endStatus());
  }

  /** What responders of a blind drill named, scored. */
  #diagnoses(faults: readonly FaultSpec[]): { readonly diagnoses?: readonly ScoredDiagnosis[] } {
    if (this.#blind === undefined) return {};
    const { loaded, topology } = this.#options;
    const hidden = faults.filter(({ name }) => this.#blind?.isOpen(name) === false);
    const index = new TargetIndex(topology, loaded.drill.scenario.model.n_routed_experts);
    const score = (one: Diagnosis): ScoredDiagnosis => ({
      ...one,
      ...scoreDiagnosis(one, hidden, index),
    });
    return { diagnoses: this.#blind.attempts.map(score) };
  }

  /** Everything that was in force: of the scenario, of the drill, and of operators. */
  #faults(outcome: RunOutcome): FaultSpec[] {
    const all = [...this.#options.loaded.drill.scenario.faults, ...faultsOf(this.#orders)];
    const endPs = outcome.stoppedAtPs ?? outcome.virtualTimePs + 1;
    return faultsInForce(all, healsOf(this.#orders), endPs);
  }

  /** Attributes, with a run for each fault but the last; without them when time is up. */
  async #attribution(
    faults: readonly FaultSpec[],
    twin: MeasuredRun,
    run: MeasuredRun,
    outcome: RunOutcome,
  ): Promise<Attribution> {
    const { signals } = this.#options;
    let links = linksOf(faults);
    let between: RunTrace[] = [];
    for (let link = 1; link < links.length && !signals.signal.aborted; link += 1) {
      const upTo = links.slice(0, link).flat();
      const next = await this.#twin(upTo, `run with ${link} of ${links.length} faults`);
      between.push(next.measured.trace);
    }
    if (signals.signal.aborted && links.length > 1) {
      links = [links.flat()];
      between = [];
    }
    return attribute({
      links,
      chain: [twin.trace, ...between, run.trace],
      assignments: outcome.assignments,
      twinAssignments: twin.end.assignments,
      byFault: outcome.byFault,
    });
  }
}

/** Names of the faults that a drill's parts will begin. */
function plannedNames({ method, rollbacks }: Drill): string[] {
  return [...method, ...rollbacks].flatMap((activity) => {
    if (activity.type !== "action" || !("fault" in activity.act)) return [];
    const { fault } = activity.act;
    return typeof fault === "string" ? [] : [fault.name];
  });
}

/** A signal for one run: listeners of many runs would pile up on the one of the whole pack. */
function ownSignal(signals: StopSignals): AbortSignal {
  return AbortSignal.any([signals.signal]);
}

/** A drill whose accounts do not add up cannot pass. */
function withAccounts(judged: Judgement, problems: readonly string[]): Judgement {
  if (problems.length === 0) return judged;
  const verdict = judged.verdict === "FAIL" ? "FAIL" : "INVALID";
  return { verdict, reasons: [...judged.reasons, ...problems] };
}
