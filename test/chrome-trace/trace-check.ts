/**
 * Reads a trace as a viewer does, and says what is wrong with it: keys that are missing, slices
 * that overlap without lying in each other, arrows that end outside of slices. Times are whole
 * nanoseconds; some viewers round to them, others cut off.
 */
import { RunTrace } from "../../src/chrome-trace/run-trace.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";

/** An event of the file. */
export interface TraceEvent {
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly cat?: string;
  readonly id?: number;
  readonly s?: string;
  readonly bp?: string;
  readonly args: Readonly<Record<string, number | string | readonly string[]>>;
}

/** Keys that each kind of event must have. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  M: ["pid", "tid", "name", "args"],
  X: ["pid", "tid", "ts", "dur", "name", "cat", "args"],
  i: ["pid", "tid", "ts", "name", "s"],
  C: ["pid", "tid", "ts", "name", "args"],
  s: ["pid", "tid", "ts", "name", "cat", "id"],
  f: ["pid", "tid", "ts", "name", "cat", "id", "bp"],
};

/** The trace of a run's facts, up to `endPs`. */
export function traceOf(
  scenario: Scenario,
  facts: readonly FactRecord[],
  endPs?: number,
): TraceEvent[] {
  const lines: string[] = [];
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const trace = new RunTrace({ scenario, topology, sink: (event) => lines.push(event) });
  for (const record of facts) trace.take(record);
  trace.finish(endPs);
  return JSON.parse(`[${lines.join(",")}]`);
}

/** Everything that is wrong with a trace, in words. */
export function problemsOf(events: readonly TraceEvent[]): string[] {
  return [
    ...events.flatMap((event) => {
      const missing = (KEYS[event.ph] ?? ["no such kind"]).filter((key) => !(key in event));
      return missing.length === 0 ? [] : [`${JSON.stringify(event)} lacks ${missing.join(", ")}`];
    }),
    ...nameProblems(events),
    ...[Math.round, Math.trunc].flatMap((whole) => [
      ...nestingProblems(events, whole),
      ...arrowProblems(events, whole),
    ]),
    ...counterProblems(events),
  ];
}

/** Every row that has something is named, once. */
function nameProblems(events: readonly TraceEvent[]): string[] {
  const named = (name: string): number[] =>
    events.filter((event) => event.name === name).map(({ tid }) => tid);
  const [threads, processes] = [named("thread_name"), named("process_name")];
  const rows = new Set(events.filter(({ ph }) => "Xisf".includes(ph)).map(({ tid }) => tid));
  const pids = new Set(events.map(({ pid }) => pid));
  return [
    ...[...rows].filter((tid) => !threads.includes(tid)).map((tid) => `row ${tid} has no name`),
    ...[...pids].filter((pid) => !processes.includes(pid)).map((pid) => `process ${pid} has none`),
    ...(new Set(threads).size === threads.length ? [] : ["a row is named twice"]),
    ...(new Set(processes).size === processes.length ? [] : ["a process is named twice"]),
  ];
}

type Whole = (value: number) => number;

function slicesByRow(events: readonly TraceEvent[], whole: Whole) {
  const rows = new Map<number, { from: number; to: number; name: string }[]>();
  for (const { ph, tid, ts, dur, name } of events) {
    if (ph !== "X") continue;
    const from = whole(ts * 1000);
    const row = rows.get(tid) ?? [];
    rows.set(tid, row);
    row.push({ from, to: from + whole(dur * 1000), name });
  }
  for (const row of rows.values()) {
    row.sort((left, right) => left.from - right.from || right.to - left.to);
  }
  return rows;
}

/** On a row, slices lie beside or inside each other. */
function nestingProblems(events: readonly TraceEvent[], whole: Whole): string[] {
  const problems: string[] = [];
  for (const [tid, row] of slicesByRow(events, whole)) {
    const open: { to: number; name: string }[] = [];
    for (const slice of row) {
      if (slice.to < slice.from) problems.push(`${tid} ${slice.name}: ends before it begins`);
      while (open.length > 0 && (open.at(-1)?.to ?? 0) <= slice.from) open.pop();
      const parent = open.at(-1);
      if (parent !== undefined && parent.to < slice.to) {
        problems.push(`${tid} ${slice.name} at ${slice.from} overruns ${parent.name}`);
      }
      open.push(slice);
    }
  }
  return problems;
}

/** Every arrow has two ends, forward in time, each inside a slice of its row. */
function arrowProblems(events: readonly TraceEvent[], whole: Whole): string[] {
  const rows = slicesByRow(events, whole);
  const starts = new Map<number | undefined, TraceEvent>();
  const problems: string[] = [];
  for (const event of events) {
    if (event.ph !== "s" && event.ph !== "f") continue;
    const at = whole(event.ts * 1000);
    const isBound = rows.get(event.tid)?.some(({ from, to }) => from <= at && at < to) === true;
    if (!isBound) problems.push(`arrow ${event.id} (${event.name}): ${event.ph} is in no slice`);
    if (event.ph === "s") {
      if (starts.has(event.id)) problems.push(`arrow ${event.id} begins twice`);
      starts.set(event.id, event);
      continue;
    }
    const start = starts.get(event.id);
    if (start === undefined) problems.push(`arrow ${event.id} has no beginning, or two ends`);
    else if (start.ts > event.ts) problems.push(`arrow ${event.id} leads back in time`);
    if (start?.name !== event.name) problems.push(`arrow ${event.id} changes its name`);
    starts.delete(event.id);
  }
  for (const id of starts.keys()) problems.push(`arrow ${id} has no end`);
  return problems;
}

/** A counter's values come in the order of time. */
function counterProblems(events: readonly TraceEvent[]): string[] {
  const last = new Map<string, number>();
  return events.flatMap(({ ph, pid, name, ts }) => {
    if (ph !== "C") return [];
    const key = `${pid} ${name}`;
    const before = last.get(key) ?? Number.NEGATIVE_INFINITY;
    last.set(key, ts);
    return ts >= before ? [] : [`counter ${key} goes back from ${before} to ${ts}`];
  });
}
