/**
 * How the bench measures: CPU seconds, medians, rounds that alternate between the sides of a
 * comparison. The machines are shared and noisy, so nothing here trusts a single run or a wall
 * clock alone.
 */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { performance } from "node:perf_hooks";

/** Figures of one side in one round, by name. */
export type SideFigures = Readonly<Record<string, number>>;

/**
 * A condition that a figure is held to. An exact one that does not hold fails the bench; others
 * depend on the machine's mood.
 */
export interface Check {
  readonly what: string;
  readonly holds: boolean;
  readonly exact: boolean;
}

/** What one part of the bench found. */
export interface PartResult {
  readonly part: string;
  readonly workload: string;
  /** For people. */
  readonly lines: readonly string[];
  /** For programs. */
  readonly figures: SideFigures;
  readonly checks: readonly Check[];
}

/** How long something took: CPU seconds of all threads of this process, and wall seconds. */
export interface Duration {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

/** Starts to measure; the function returned says how long it has been. */
export function startTimer(): () => Duration {
  const startMs = performance.now();
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return { cpuSeconds: (user + system) / 1e6, wallSeconds: (performance.now() - startMs) / 1000 };
  };
}

/** Does `work` and says how long it took. */
export function timed(work: () => void): Duration {
  const stop = startTimer();
  work();
  return stop();
}

/** Clock ticks a second in /proc/PID/stat. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process has used, user and system; 0 when it is gone. Linux. */
export function cpuSecondsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** The middle of some values; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Runs each side once a round, in turn, and gives the median of each of its figures. */
export async function interleaved<Name extends string>(
  rounds: number,
  sides: Readonly<Record<Name, () => Promise<SideFigures>>>,
): Promise<Record<Name, SideFigures>> {
  const names = Object.keys(sides) as Name[];
  const found = new Map<Name, SideFigures[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) found.get(name)?.push(await sides[name]());
  }
  const medians = {} as Record<Name, SideFigures>;
  for (const [name, figures] of found) medians[name] = mediansOf(figures);
  return medians;
}

function mediansOf(rounds: readonly SideFigures[]): SideFigures {
  const fields = Object.keys(rounds[0]);
  return Object.fromEntries(
    fields.map((field) => [field, median(rounds.map((figures) => figures[field]))]),
  );
}

/** What this runs on, in a line. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  return `${availableParallelism()} cores, ${model}, Node ${process.versions.node}, ${process.platform}`;
}

/** A number for people: three significant digits or whole, with K and M. */
export function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)} K`;
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
