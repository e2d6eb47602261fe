/**
 * `faultplane trace`: a run as a file that Perfetto and chrome://tracing open. It reads the run
 * folder and nothing else, holds a piece of the event log at a time, and takes runs that were cut
 * off, or are up, as far as they go.
 */
import { join } from "node:path";
import { isOver, type Journal, readJournal } from "../../cluster/journal.ts";
import { OutputFile } from "../../cluster/output-file.ts";
import { recordedFacts } from "../../cluster/recorded-facts.ts";
import { RunFile, readResolved } from "../../cluster/run-folder.ts";
import { readTraffic } from "../../cluster/traffic-log.ts";
import { counted } from "../../src/base/words.ts";
import type { TraceNote } from "../../src/chrome-trace/fault-tracks.ts";
import { RunTrace } from "../../src/chrome-trace/run-trace.ts";
import { formatTime } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { runContext } from "../terminal/failure.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { findRecord, refuseBlind, tellFolder } from "./find-run.ts";
import { shellWord } from "./next-steps.ts";
import { StopSignals } from "./signals.ts";

/** Options of `faultplane trace` after parsing. */
export interface TraceOptions {
  /** `-`: stdout. */
  readonly output: string;
  readonly force?: true;
  readonly json?: true;
  readonly quiet?: true;
  readonly color: boolean;
}

/** What `--json` prints. */
interface TraceResult {
  readonly format: "faultplane-trace-result";
  readonly version: 1;
  readonly file: string;
  readonly facts: number;
  readonly events: number;
  /** The run came to an end, and the trace holds all of it. */
  readonly whole: boolean;
  readonly virtualTimePs: number;
}

/** Characters that are handed on together. */
const BATCH_CHARACTERS = 256 * 1024;

/**
 * Writes a trace of the run that `given` names (default: the only one that is up, else the newest);
 * returns the exit code. Throws OperatingError E001, E033, E050, E051, E065, E069.
 */
export async function traceCommand(
  given: string | undefined,
  options: TraceOptions,
): Promise<number> {
  const folder = findRecord(given);
  refuseBlind(folder);
  runContext.runDir = folder;
  const isStdout = options.output === "-";
  const isCompressed = !options.output.endsWith(".json");
  const file = isStdout
    ? undefined
    : new OutputFile({ path: options.output, force: options.force === true, isCompressed });
  const terminal = new Terminal(options.color);
  if (options.quiet !== true) tellFolder(terminal, given, folder);
  const signals = new StopSignals(() => undefined);
  terminal.onClosed = () => signals.abandon(Exit.pass);
  signals.onQuit = () => file?.discard();
  const write = (text: string): Promise<void> => file?.write(text) ?? terminal.result(text);
  let result: TraceResult | undefined;
  try {
    result = await writeTrace(folder, options.output, signals.signal, write);
    if (result !== undefined) await file?.finish();
  } catch (error) {
    file?.discard();
    throw error;
  } finally {
    signals.close();
  }
  if (result === undefined) {
    file?.discard();
    return signals.exitCode ?? Exit.interrupted;
  }
  if (isStdout) return Exit.pass;
  if (options.json === true) await terminal.result(`${JSON.stringify(result)}\n`);
  else if (options.quiet !== true) await terminal.result(wordsOf(result));
  return Exit.pass;
}

/** The whole trace, in pieces; undefined: `stop` was aborted before it was through. */
async function writeTrace(
  folder: string,
  output: string,
  stop: AbortSignal,
  write: (text: string) => Promise<void>,
): Promise<TraceResult | undefined> {
  const journal = readJournal(join(folder, RunFile.journal));
  const { scenario } = readResolved(folder);
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  let text = headOf(journal, scenario.title);
  let events = 0;
  const trace = new RunTrace({
    scenario,
    topology,
    sink: (event) => {
      text += events === 0 ? `\n${event}` : `,\n${event}`;
      events += 1;
    },
  });
  for (const note of notesOf(journal)) trace.note(note);
  let facts = 0;
  let lastPs = 0;
  for (const records of recordedFacts(join(folder, RunFile.events), topology)) {
    for (const record of records) {
      trace.take(record);
      if (text.length < BATCH_CHARACTERS) continue;
      await write(text);
      text = "";
    }
    facts += records.length;
    lastPs = records.at(-1)?.atPs ?? lastPs;
    // Signals are heard between two pieces of the log.
    await new Promise((done) => setImmediate(done));
    if (stop.aborted) return undefined;
  }
  readTraffic(join(folder, RunFile.traffic), (bin) => trace.takeTraffic(bin));
  const { end, commit } = journal;
  const virtualTimePs = Math.max(lastPs, end?.virtualTimePs ?? 0, commit?.atPs ?? 0);
  trace.finish(virtualTimePs);
  await write(`${text}\n]}\n`);
  const whole = isOver(end?.end);
  const format = "faultplane-trace-result";
  return { format, version: 1, file: output, facts, events, whole, virtualTimePs };
}

/** Everything before the first event. Viewers show `otherData` as information on the trace. */
function headOf({ header, end }: Journal, title: string): string {
  const { faultplane, runId, seed, scenarioHash } = header;
  const about = {
    ...{ title, runId, seed, scenarioHash, faultplane },
    end: end?.end ?? "cut off, or still up",
    ...(end === undefined ? {} : { digest: end.digest }),
    time: "virtual time of the emulated cluster, rounded down to ns; args have ps",
  };
  return `{"displayTimeUnit":"ns","otherData":${JSON.stringify(about)},"traceEvents":[`;
}

/** Orders and what happened to hosts, in the order of their instants. */
function notesOf({ orders, hostRecords }: Journal): TraceNote[] {
  const given = orders.map((order): TraceNote => {
    const { atPs, by, record } = order;
    switch (record) {
      case "fault":
        return { atPs, about: "orders", text: `${by}: fault ${order.name} (${order.kind})` };
      case "heal":
        return { atPs, about: "orders", text: `${by}: ends ${order.fault}` };
      case "stop":
        return { atPs, about: "orders", text: `${by}: stop: ${order.reason}` };
      default:
        return { atPs, about: "orders", text: `${by}: ${order.text}` };
    }
  });
  const seen = hostRecords.map(
    ({ atPs, event, detail }): TraceNote => ({ atPs, about: "hosts", text: `${event}: ${detail}` }),
  );
  return [...given, ...seen].sort((left, right) => left.atPs - right.atPs);
}

function wordsOf({ file, facts, events, whole, virtualTimePs }: TraceResult): string {
  const far = whole ? "" : `; the run was cut off or is up: up to ${formatTime(virtualTimePs)}`;
  return (
    `${shellWord(file)}: ${counted(events, "event")} of ${counted(facts, "fact")}${far}\n` +
    "open it in https://ui.perfetto.dev or chrome://tracing\n"
  );
}
