/**
 * Events of the Chrome trace-event format as lines of JSON: slices, instants, arrows, counters and
 * names of tracks. Perfetto and chrome://tracing read it. It knows nothing of a run.
 *
 * Both viewers hold times as whole nanoseconds, and Perfetto drops a slice that ends after the one
 * that it lies in. A start and a duration in picoseconds, each rounded by the viewer, would make
 * every fourth slice that ends with its parent overrun it by one nanosecond. So begin and end are
 * rounded here, both down, and the duration is their difference: what lay inside still does. The
 * exact picoseconds are in the arguments `fromPs`, `spanPs` and `atPs`.
 */
import { PS_PER_NS } from "../model/time.ts";

/** A row of the viewer: a process and a thread, as the format calls them. */
export interface Track {
  readonly pid: number;
  readonly tid: number;
}

/** What a viewer shows of an event that was clicked. */
export type TraceArgs = Readonly<Record<string, string | number | readonly string[]>>;

/** A slice: something that takes time. Instants in ps. */
export interface Slice {
  readonly name: string;
  /** Category, for searching. */
  readonly category: string;
  readonly fromPs: number;
  readonly toPs: number;
  readonly args?: TraceArgs;
}

/** One end of an arrow: a moment of a slice on a track. */
export interface ArrowEnd {
  readonly track: Track;
  readonly atPs: number;
}

/** Takes events, one a call, without a line end. */
export type TraceSink = (event: string) => void;

/** Writes events to a sink. */
export class TraceText {
  readonly #sink: TraceSink;
  #arrows = 0;

  constructor(sink: TraceSink) {
    this.#sink = sink;
  }

  slice({ pid, tid }: Track, { name, category, fromPs, toPs, args }: Slice): void {
    const from = nanoseconds(fromPs);
    const span = nanoseconds(toPs) - from;
    const exact = { fromPs, spanPs: toPs - fromPs, ...args };
    this.#sink(
      `{"ph":"X","pid":${pid},"tid":${tid},"ts":${microseconds(from)},` +
        `"dur":${microseconds(span)},"name":${JSON.stringify(name)},` +
        `"cat":"${category}","args":${JSON.stringify(exact)}}`,
    );
  }

  /** Something that happens at an instant; `isGlobal`: marked across all tracks. */
  instant(
    { pid, tid }: Track,
    event: Omit<Slice, "fromPs" | "toPs"> & { readonly atPs: number },
    isGlobal = false,
  ): void {
    const { name, category, atPs, args } = event;
    this.#sink(
      `{"ph":"i","s":"${isGlobal ? "g" : "t"}","pid":${pid},"tid":${tid},` +
        `"ts":${microseconds(nanoseconds(atPs))},"name":${JSON.stringify(name)},` +
        `"cat":"${category}","args":${JSON.stringify({ atPs, ...args })}}`,
    );
  }

  /** An arrow between two slices; both ends must lie inside theirs. */
  arrow(name: string, from: ArrowEnd, to: ArrowEnd): void {
    this.#arrows += 1;
    const end = ({ track, atPs }: ArrowEnd): string =>
      `"pid":${track.pid},"tid":${track.tid},"ts":${microseconds(nanoseconds(atPs))},` +
      `"name":"${name}","cat":"arrow","id":${this.#arrows}`;
    this.#sink(`{"ph":"s",${end(from)}}`);
    this.#sink(`{"ph":"f","bp":"e",${end(to)}}`);
  }

  /** The value of a counter of a process from an instant on. */
  counter(pid: number, name: string, atPs: number, value: number): void {
    this.#sink(
      `{"ph":"C","pid":${pid},"tid":${pid},"ts":${microseconds(nanoseconds(atPs))},` +
        `"name":${JSON.stringify(name)},"args":{"value":${value}}}`,
    );
  }

  nameProcess(pid: number, name: string, place: number): void {
    this.#name("process", `"pid":${pid},"tid":${pid}`, name, place);
  }

  nameTrack({ pid, tid }: Track, name: string, place: number): void {
    this.#name("thread", `"pid":${pid},"tid":${tid}`, name, place);
  }

  #name(what: "process" | "thread", where: string, name: string, place: number): void {
    const of = (key: string, args: string): string =>
      `{"ph":"M",${where},"name":"${what}_${key}","args":{${args}}}`;
    this.#sink(of("name", `"name":${JSON.stringify(name)}`));
    this.#sink(of("sort_index", `"sort_index":${place}`));
  }
}

/** The nanosecond that an instant lies in; what viewers show. */
export function nanoseconds(atPs: number): number {
  return Math.floor(atPs / PS_PER_NS);
}

/**
 * Nanoseconds as the format wants them, in microseconds. Some viewers multiply by 1,000 and cut
 * off: a number that would come out one too low is written a hundredth of a nanosecond higher.
 */
export function microseconds(ns: number): string {
  const whole = Math.floor(ns / 1e3);
  const rest = ns - whole * 1e3;
  if (rest === 0) return String(whole);
  const text = `${whole}.${String(rest).padStart(3, "0")}`;
  return Math.trunc(Number(text) * 1e3) === ns ? text : `${text}01`;
}
