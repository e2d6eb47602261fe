/**
 * The journal: what a replay needs beside the scenario, and what it compares. The first line says
 * what the file is; then there is a line for each closed epoch, for each order from outside, now
 * and then for how far the event log is written, and one for how the run ended. Its header and what
 * hosts did are observations; no digest rests on them.
 */
import { targetKindsOf } from "../src/fault/catalogue.ts";
import { TargetIndex } from "../src/fault/target-index.ts";
import type { Scenario } from "../src/model/scenario.ts";
import type { Topology } from "../src/model/topology.ts";
import type { AssignmentTotals } from "../src/model/window.ts";
import { ExitCode, OperatingError } from "./errors.ts";
import { CHAIN_START, followedBy } from "./journal-chain.ts";
import { type HostRecord, type JournalOrder, orderProblem } from "./journal-orders.ts";
import { readRunFile } from "./read-file.ts";

/** Version of the journal's format; a reader takes only its own. */
export const JOURNAL_VERSION = 3;

const FORMAT = "faultplane-journal";
/** First line. */
export interface JournalHeader {
  readonly format: typeof FORMAT;
  readonly version: number;
  /** Version of Faultplane that wrote it. */
  readonly faultplane: string;
  readonly runId: string;
  readonly seed: string;
  readonly scenarioHash: string;
  /** Observations of the host. */
  readonly node: string;
  readonly placement: string;
  readonly speed: number | "max";
}

/** One line after the first. */
export type JournalRecord =
  | { readonly record: "epoch"; readonly epoch: number; readonly digest: string }
  | ({ readonly record: "commit" } & JournalCommit)
  | JournalOrder
  | HostRecord
  | ({ readonly record: "end" } & JournalEnd);

/** How far the event log is written. */
export interface JournalCommit {
  /** Everything before this instant of virtual time has happened and is written. */
  readonly atPs: number;
  /** Lines of the event log up to here. */
  readonly lines: number;
}

/** Last line of a run that came to an end, however it ended. */
export interface JournalEnd {
  readonly end: string;
  readonly digest: string;
  readonly virtualTimePs: number;
  readonly events: number;
  readonly assignments: AssignmentTotals;
}

/**
 * Whether a run that came to this end was over. One that was interrupted, lost a worker or was cut
 * off (undefined) was not: its record holds what it had committed.
 */
export function isOver(end: string | undefined): boolean {
  return end !== undefined && end !== "interrupted" && end !== "worker-lost";
}

/** A journal as it was read. */
export interface Journal {
  readonly header: JournalHeader;
  readonly epochs: readonly { readonly epoch: number; readonly digest: string }[];
  /** In the order in which they were given. */
  readonly orders: readonly JournalOrder[];
  /** Lines that the orders are in, from 1. */
  readonly orderLines: readonly number[];
  /** What hosts did, in the order in which it was seen. */
  readonly hostRecords: readonly HostRecord[];
  /** The last one; missing when nothing was committed. */
  readonly commit?: JournalCommit;
  /** Missing when the run was cut off. */
  readonly end?: JournalEnd;
  /** Bytes of an incomplete last line; 0 when there is none. */
  readonly tornBytes: number;
  /** Where the run would go on: behind the last whole line, but before an end. */
  readonly tail: JournalTail;
}

/** A place between two lines of a journal. */
export interface JournalTail {
  /** Bytes before it. */
  readonly bytes: number;
  /** Chain value of the line before it. */
  readonly chain: string;
}

/** Larger journals are none of ours, bytes. */
const JOURNAL_BYTES = 512 * 1024 * 1024;

/** Everything of a header but what this version always says. */
export function makeHeader(fields: Omit<JournalHeader, "format" | "version">): JournalHeader {
  return { format: FORMAT, version: JOURNAL_VERSION, ...fields };
}

/**
 * Reads the journal at `path`. Throws OperatingError E001, E050 (no journal of ours) or E051
 * (damaged).
 */
export function readJournal(path: string): Journal {
  const read = readRunFile(path, JOURNAL_BYTES);
  if (!read.ok) {
    throw new OperatingError(
      "E001",
      `cannot read run log '${path}': ${read.problem}`,
      "name a run folder, as the report of `faultplane run` prints it",
      ExitCode.noInput,
    );
  }
  return parseJournal(read.bytes);
}

/**
 * Checks that the journal's orders fit the run: every fault has a name of its own and targets of
 * this cluster, of a kind that it can hit; every heal names a fault. Throws OperatingError E051.
 */
export function checkOrders(journal: Journal, scenario: Scenario, topology: Topology): void {
  const index = new TargetIndex(topology, scenario.model.n_routed_experts);
  const names = new Set(scenario.faults.map(({ name }) => name));
  journal.orders.forEach((order, place) => {
    const line = journal.orderLines[place];
    if (order.record === "heal" && !names.has(order.fault)) {
      throw damaged(line, `heal of fault '${order.fault}', which is none`);
    }
    if (order.record !== "fault") return;
    const { name, kind, targets } = order;
    if (names.has(name)) throw damaged(line, `fault '${name}' begins twice`);
    names.add(name);
    const kinds = targetKindsOf(kind);
    for (const target of targets) {
      if (kinds.some((one) => index.ofKind(one).has(target))) continue;
      const found = index.kindOf(target);
      const what = found === undefined ? "which is none" : `which is of kind ${found}`;
      throw damaged(
        line,
        `fault '${name}' (${kind}) takes a ${kinds.join(" or ")}, not '${target}', ${what}`,
      );
    }
  });
}

/** The same from bytes, or from text. */
export function parseJournal(given: Uint8Array | string): Journal {
  const bytes = typeof given === "string" ? Buffer.from(given, "utf8") : given;
  const reading = new Reading();
  let start = 0;
  for (;;) {
    const lineEnd = bytes.indexOf(NEWLINE, start);
    if (lineEnd < 0) break;
    reading.line(bytes.subarray(start, lineEnd));
    start = lineEnd + 1;
  }
  return reading.over(bytes.subarray(start));
}

const NEWLINE = 0x0a;

/** A journal while it is read. */
class Reading {
  #lines = 0;
  #header: JournalHeader | undefined;
  readonly #epochs: { epoch: number; digest: string }[] = [];
  readonly #orders: JournalOrder[] = [];
  readonly #orderLines: number[] = [];
  readonly #hostRecords: HostRecord[] = [];
  #commit: JournalCommit | undefined;
  #end: JournalEnd | undefined;
  #tail: JournalTail = { bytes: 0, chain: CHAIN_START };

  /** Takes the next whole line, without its line end. */
  line(bytes: Uint8Array): void {
    this.#lines += 1;
    const number = this.#lines;
    const header = number === 1 ? parseHeader(bytes) : undefined;
    if (this.#end !== undefined) throw damaged(number, "a record after the end");
    const chain = followedBy(this.#tail.chain, bytes);
    if (chain === undefined) throw damaged(number, "hash chain broken");
    if (header !== undefined) this.#header = header;
    else this.#take(parseRecord(bytes, number), number);
    if (this.#end !== undefined) return;
    this.#tail = { bytes: this.#tail.bytes + bytes.length + 1, chain };
  }

  /** Takes what follows the last line end. */
  over(torn: Uint8Array): Journal {
    const header = this.#header;
    if (header === undefined) {
      parseHeader(torn);
      throw notALog("first line is incomplete");
    }
    if (this.#end !== undefined && torn.length > 0) {
      throw damaged(this.#lines + 1, "a record after the end");
    }
    return {
      header,
      epochs: this.#epochs,
      orders: this.#orders,
      orderLines: this.#orderLines,
      hostRecords: this.#hostRecords,
      tornBytes: torn.length,
      tail: this.#tail,
      ...(this.#commit === undefined ? {} : { commit: this.#commit }),
      ...(this.#end === undefined ? {} : { end: this.#end }),
    };
  }

  #take(record: JournalRecord, number: number): void {
    switch (record.record) {
      case "epoch":
        this.#epochs.push({ epoch: record.epoch, digest: record.digest });
        return;
      case "commit": {
        const { atPs, lines } = record;
        const before = this.#commit;
        if (before !== undefined && (atPs < before.atPs || lines < before.lines)) {
          throw damaged(number, "a commit before the last one");
        }
        this.#commit = { atPs, lines };
        return;
      }
      case "host":
        this.#hostRecords.push(record);
        return;
      case "end":
        this.#end = record;
        return;
      default:
        this.#orders.push(record);
        this.#orderLines.push(number);
    }
  }
}

/** Reads the first line. Throws OperatingError E050. */
export function parseHeader(line: Uint8Array): JournalHeader {
  const value = asRecord(line);
  if (value === undefined || !("format" in value)) throw notALog("first line lacks 'format'");
  if (value.format !== FORMAT) {
    throw notALog(`format is ${JSON.stringify(value.format)}, expected "${FORMAT}"`);
  }
  if (value.version !== JOURNAL_VERSION) {
    throw new OperatingError(
      "E050",
      `run log has version ${JSON.stringify(value.version)}; ` +
        `this faultplane reads version ${JOURNAL_VERSION}`,
      "replay it with the version of faultplane that wrote it",
      ExitCode.badData,
    );
  }
  for (const key of ["faultplane", "runId", "seed", "scenarioHash", "node", "placement"]) {
    if (typeof value[key] !== "string") throw notALog(`first line lacks '${key}'`);
  }
  return value as unknown as JournalHeader;
}

const ENDS = ["finished", "interrupted", "time-limit", "worker-lost", "stuck", "stopped"];

const isEnd = (value: unknown): boolean => ENDS.includes(value as string);

/** Reads a line after the first; `number` from 1. Throws OperatingError E051. */
export function parseRecord(line: Uint8Array, number: number): JournalRecord {
  const value = asRecord(line);
  if (value === undefined) throw damaged(number, "not a JSON record");
  const whole = (key: string): boolean => Number.isSafeInteger(value[key]);
  const count = (key: string): boolean => whole(key) && Number(value[key]) >= 0;
  const text = (key: string): boolean => typeof value[key] === "string";
  switch (value.record) {
    case "epoch":
      if (!whole("epoch") || !text("digest")) throw damaged(number, "epoch without its digest");
      break;
    case "commit":
      if (!count("atPs") || !count("lines")) {
        throw damaged(number, "commit without its instant or lines");
      }
      break;
    case "end":
      if (!isEnd(value.end) || !text("digest") || !whole("virtualTimePs")) {
        throw damaged(number, "end without its digest or instant");
      }
      break;
    default: {
      const problem = orderProblem(value);
      if (problem !== undefined) throw damaged(number, problem);
    }
  }
  return value as unknown as JournalRecord;
}

/** A line's members but its chain value. */
function asRecord(line: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(line).toString("utf8"));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const { chain: _, ...record } = value as Record<string, unknown>;
    return record;
  } catch {
    return undefined;
  }
}

function notALog(detail: string): OperatingError {
  return new OperatingError(
    "E050",
    `not a run log: ${detail}`,
    "name a run folder, as the report of `faultplane run` prints it",
    ExitCode.badData,
  );
}

function damaged(line: number, detail: string): OperatingError {
  const shown = line.toLocaleString("en-US");
  return new OperatingError(
    "E051",
    `line ${shown}: ${detail}; log was altered or damaged`,
    "replay needs the journal as the run wrote it",
    ExitCode.badData,
  );
}
