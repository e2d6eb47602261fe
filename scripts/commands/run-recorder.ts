/**
 * Observes a run: writes each committed window to the event log and the journal before the next may
 * begin, then tells the terminal. Keeps what the report needs besides.
 */
import type { BlindSession } from "../../cluster/blind.ts";
import { removeControl, writeControl } from "../../cluster/control-file.ts";
import { EventLog } from "../../cluster/event-log.ts";
import { FaultBook } from "../../cluster/fault-book.ts";
import { fleetPlanOf } from "../../cluster/fleet-plan.ts";
import {
  isOver,
  type Journal,
  type JournalCommit,
  type JournalHeader,
  type JournalRecord,
} from "../../cluster/journal.ts";
import { type HostRecord, type JournalOrder, mustSurvive } from "../../cluster/journal-orders.ts";
import { JournalWriter } from "../../cluster/journal-writer.ts";
import type { RunObserver, RunStart } from "../../cluster/prepared-run.ts";
import { ReportFacts } from "../../cluster/report-facts.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import { RunFile, type RunFolder } from "../../cluster/run-folder.ts";
import type { RunWatcher } from "../../cluster/run-watcher.ts";
import { TokenRate } from "../../cluster/token-rate.ts";
import { TrafficLog } from "../../cluster/traffic-log.ts";
import type { RunStatus } from "../../cluster/window-loop.ts";
import { counted } from "../../src/base/words.ts";
import type { ClosedEpoch } from "../../src/engine/digest-chain.ts";
import type { CommittedWindow } from "../../src/engine/window-protocol.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { formatTime } from "../../src/model/time.ts";
import { laneName, type Topology } from "../../src/model/topology.ts";
import { LiveLog } from "../../src/observe/live-log.ts";
import { formatLine } from "../terminal/live-line.ts";
import { statusText } from "../terminal/status-text.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { shellWord } from "./next-steps.ts";

/** What the terminal is told. */
export type Loudness = "quiet" | "normal" | "verbose";

/** Wall ms between two commits in the journal, and between two looks at the files. */
const COMMIT_EVERY_MS = 100;

/** The observer of `faultplane run`. */
export class RunRecorder implements RunObserver {
  /** What reports need of the facts so far. */
  readonly watch: ReportFacts;
  readonly #terminal: Terminal;
  readonly #loudness: Loudness;
  readonly #live: LiveLog;
  readonly #folder: RunFolder;
  readonly #scenario: Scenario;
  readonly #events: EventLog;
  readonly #journal: JournalWriter;
  readonly #traffic: TrafficLog;
  readonly #blind: BlindSession | undefined;
  readonly #watchers: readonly RunWatcher[];
  readonly #runId: string;
  #commits = 0;
  /** Wall ms of the run at the last look at the files. */
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  /** The last commit in the journal. */
  #commit: JournalCommit | undefined;
  #isEnded = false;
  #safeUntilPs = 0;
  /** For the status line: what is in force, and what the fleet gets done. */
  readonly #book: FaultBook;
  readonly #tokens: TokenRate;

  /**
   * Creates both log files in `folder`, or with `resume` goes on with those that are there. Throws
   * the system's error, and OperatingError E001 or E055.
   */
  constructor(options: {
    readonly folder: RunFolder;
    readonly header: JournalHeader;
    readonly scenario: Scenario;
    readonly topology: Topology;
    readonly terminal: Terminal;
    readonly loudness: Loudness;
    /** Hides what the drill does from the terminal. */
    readonly blind?: BlindSession;
    /** Told what has been written. */
    readonly watchers?: readonly RunWatcher[];
    /** The folder's journal: the run was cut off and is executed again from its beginning. */
    readonly resume?: Journal;
  }) {
    const { folder, header, scenario, topology, terminal, loudness } = options;
    this.#terminal = terminal;
    this.#loudness = loudness;
    this.#folder = folder;
    this.#scenario = scenario;
    this.#blind = options.blind;
    this.#watchers = options.watchers ?? [];
    this.#runId = header.runId;
    this.#book = new FaultBook(scenario.faults);
    this.#tokens = new TokenRate(scenario);
    this.watch = new ReportFacts(scenario, topology);
    const actorIds = topology.actors.map((actor) => actor.id);
    const plan = fleetPlanOf(scenario, topology);
    this.#live = new LiveLog(actorIds, plan, loudness === "verbose" ? "all" : "grouped");
    const journalPath = folder.file(RunFile.journal);
    const eventsPath = folder.file(RunFile.events);
    const { resume } = options;
    if (resume === undefined) {
      this.#journal = JournalWriter.create(journalPath, header);
      this.#events = new EventLog(eventsPath, actorIds);
    } else {
      this.#journal = JournalWriter.reopen(journalPath, resume);
      this.#events = EventLog.reopen(eventsPath, actorIds, resume.commit?.lines ?? 0);
      this.#commit = resume.commit;
    }
    const { trafficEveryPs } = scenario.run;
    const lanes = topology.lanes.map((lane) => laneName(topology, lane));
    const trafficPath = folder.file(RunFile.traffic);
    this.#traffic = new TrafficLog(trafficPath, trafficEveryPs, lanes);
  }

  /** Windows written. */
  get commits(): number {
    return this.#commits;
  }

  /** Whether all that a resumed run had on disk has come up again; true for any other run. */
  get isConfirmed(): boolean {
    return this.#events.isConfirmed && this.#journal.isConfirmed;
  }

  started(info: RunStart): void {
    if (info.control !== undefined) {
      const own = { runId: this.#runId, pid: process.pid, isBlind: this.#blind !== undefined };
      writeControl(this.#folder.path, { ...info.control, ...own });
    }
    if (this.#loudness === "quiet") return;
    const { placement, seed, speed } = this.#scenario.run;
    const lookahead = Number.isFinite(info.lookaheadPs)
      ? `, lookahead ${formatTime(info.lookaheadPs)}`
      : "";
    this.#terminal.log(
      `started: placement ${placement}, ${counted(info.workers.length, "worker")}, ` +
        `${info.processes === 1 ? "this process" : `${info.processes} processes`}` +
        `${lookahead}, speed ${speed}, seed ${seed}`,
    );
    if (info.control === undefined || speed === "max") return;
    const status = `faultplane status ${shellWord(this.#folder.path)}`;
    this.#terminal.log(
      `up: ${status} in another terminal; inject, heal, pause and others act on it`,
    );
  }

  committed(window: CommittedWindow, status: RunStatus): void {
    this.#events.write(window.facts, this.#safeUntilPs);
    this.#traffic.write(window.traffic, this.#safeUntilPs);
    const closed = epochRecords(window.epochsClosed);
    if (closed.length > 0) this.#journal.write(closed, this.#safeUntilPs);
    this.#commits += 1;
    this.#safeUntilPs = status.virtualTimePs;
    const wallMs = status.wallSeconds * 1e3;
    if (this.#events.lines > 0 && wallMs - this.#lookedAtMs >= COMMIT_EVERY_MS) {
      this.#lookedAtMs = wallMs;
      this.#events.check(this.#safeUntilPs);
      this.#journal.check(this.#safeUntilPs);
      this.#journal.write(this.#commitRecord(), this.#safeUntilPs);
    }
    this.#folder.settle();
    this.watch.take(window.facts);
    for (const watcher of this.#watchers) watcher.take(window, status);
    if (this.#loudness === "quiet") return;
    this.#tokens.take(window.facts);
    const told = this.#blind?.veil(window.facts) ?? window.facts;
    for (const line of this.#live.take(told, status.virtualTimePs)) {
      this.#terminal.log(this.#terminal.paint(formatLine(line), line.tone));
    }
    this.#terminal.status((columns) => this.#statusText(status, columns), status.wallSeconds * 1e3);
  }

  /** Writes orders down; they act afterwards. */
  ordered(orders: readonly JournalOrder[]): void {
    this.#book.take(orders);
    this.#write(orders, orders.some(mustSurvive));
    for (const watcher of this.#watchers) watcher.ordered?.(orders);
  }

  /** Writes down what hosts did; it survives a loss of power before anybody acts on it. */
  observed(records: readonly HostRecord[]): void {
    this.#write(records, records.some(mustSurvive));
    for (const watcher of this.#watchers) watcher.observed?.(records);
    for (const { event, detail } of records) {
      // What a blind drill does is for others to find out.
      if (this.#blind === undefined || event !== "host-fault") this.told(`${event}: ${detail}`);
    }
  }

  /** A line for whoever watches; it is not kept. */
  told(text: string): void {
    if (this.#loudness !== "quiet") this.#terminal.log(text);
  }

  /** Writes the journal's last line, and has both files survive a loss of power. */
  end(outcome: RunOutcome): void {
    const { end, digest, virtualTimePs, events, assignments } = outcome;
    // Which epochs a window closes depends on where windows fall; all together do not. What a run
    // that was cut short closed is only a part of an epoch; one that was stopped at an instant has
    // everything before it.
    const isWhole = isOver(end);
    const epochs = isWhole ? epochRecords(outcome.epochsClosed) : [];
    if (isWhole) this.#events.ended();
    const last: JournalRecord = { record: "end", end, digest, virtualTimePs, events, assignments };
    this.#events.check(this.#safeUntilPs);
    this.#journal.check(this.#safeUntilPs);
    this.#traffic.write(outcome.traffic, this.#safeUntilPs);
    this.#write([...epochs, last], true);
    this.#isEnded = true;
    for (const watcher of this.#watchers) watcher.ended?.(outcome);
  }

  /** Says what was still held back, and closes the files. */
  close(): void {
    this.#terminal.endStatus();
    if (this.#loudness !== "quiet") {
      for (const line of this.#live.flush()) {
        this.#terminal.log(this.#terminal.paint(formatLine(line), line.tone));
      }
    }
    removeControl(this.#folder.path);
    if (!this.#isEnded && this.#commits > 0) this.#commitLast();
    this.#events.close();
    this.#traffic.close();
    this.#journal.close();
  }

  /** Writes records behind a commit of everything before them. */
  #write(records: readonly JournalRecord[], survives: boolean): void {
    if (records.length === 0) return;
    const safeUntilPs = this.#safeUntilPs;
    this.#journal.write([...this.#commitRecord(), ...records], safeUntilPs);
    if (!survives) return;
    // What the journal calls written has to be there as long as the journal.
    this.#events.sync(safeUntilPs);
    this.#journal.sync(safeUntilPs);
  }

  /** The commit that is due: none when the journal has this one, or a resumed run's later one. */
  #commitRecord(): JournalRecord[] {
    const commit = { atPs: this.#safeUntilPs, lines: this.#events.lines };
    const { atPs, lines } = this.#commit ?? { atPs: 0, lines: 0 };
    if (commit.atPs < atPs || commit.lines < lines) return [];
    if (commit.lines === lines && (lines === 0 || commit.atPs === atPs)) return [];
    this.#commit = commit;
    return [{ record: "commit", ...commit }];
  }

  /** A run that failed replays as far as it came, when the journal still takes a line. */
  #commitLast(): void {
    try {
      this.#journal.write(this.#commitRecord(), this.#safeUntilPs);
    } catch {
      // The failure that ends the run says more; the journal ends in an earlier commit.
    }
  }

  #statusText(status: RunStatus, columns: number): string {
    const { virtualTimePs, wallSeconds, lagSeconds } = status;
    const { done: layersDone, total: layersTotal } = this.#live.progress;
    const inForce = this.#book.inForce(virtualTimePs).map(({ spec }) => spec.name);
    const parts = {
      ...{ virtualTimePs, wallSeconds, lagSeconds, layersDone, layersTotal },
      isPaused: false,
      tokensPerSecond: this.#tokens.at(virtualTimePs),
      faults: this.#blind?.inForce(inForce) ?? inForce,
    };
    return statusText(parts, columns);
  }
}

function epochRecords(epochs: readonly ClosedEpoch[]): JournalRecord[] {
  return epochs.map(({ epoch, digest }) => ({ record: "epoch", epoch, digest }));
}
