/**
 * The journal: what a replay needs beside the scenario, and what it compares. The first line says
 * what the file is, then one line a closed epoch and one an order from outside, then how the run
 * ended. Its header names the host's choices (placement, Node) as observations; no digest
 * rests on them.
 */
import { targetKindsOf } from "../src/fault/catalogue.ts";
import { TargetIndex } from "../src/fault/target-index.ts";
import type { Scenario } from "../src/model/scenario.ts";
import type { Topology } from "../src/model/topology.ts";
import type { AssignmentTotals } from "../src/model/window.ts";
import { AppendFile } from "./append-file.ts";
import { OperatingError } from "./errors.ts";
import { type JournalOrder, orderProblem } from "./journal-orders.ts";
import { readWhole } from "./read-file.ts";

/** Version of the journal's format; a reader takes only its own. */
export const JOURNAL_VERSION = 2;

const FORMAT = "faultplane-journal";
const EXIT_BAD_DATA = 65;
const EXIT_NO_INPUT = 66;

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
  | JournalOrder
  | ({ readonly record: "end" } & JournalEnd);

/** Last line of a run that came to an end, however it ended. */
export interface JournalEnd {
  readonly end: string;
  readonly digest: string;
  readonly virtualTimePs: number;
  readonly events: number;
  readonly assignments: AssignmentTotals;
}

/** A journal as it was read. */
export interface Journal {
  readonly header: JournalHeader;
  readonly epochs: readonly { readonly epoch: number; readonly digest: string }[];
  /** In the order in which they were given. */
  readonly orders: readonly JournalOrder[];
  /** Lines that the orders are in, from 1. */
  readonly orderLines: readonly number[];
  /** Missing when the run was cut off. */
  readonly end?: JournalEnd;
  /** Bytes of an incomplete last line; 0 when there is none. */
  readonly tornBytes: number;
}

/** Everything of a header but what this version always says. */
export function makeHeader(fields: Omit<JournalHeader, "format" | "version">): JournalHeader {
  return { format: FORMAT, version: JOURNAL_VERSION, ...fields };
}

/** Appends to a journal; each call is on disk (out of this process) when it returns. */
export class JournalWriter {
  readonly #file: AppendFile;

  /** Creates the file and writes its first line. */
  constructor(path: string, header: JournalHeader) {
    this.#file = new AppendFile(path);
    this.#file.append(`${JSON.stringify(header)}\n`, 0);
  }

  /** Records in one write; throws OperatingError E060 when the disk will not take them. */
  write(records: readonly JournalRecord[], safeUntilPs: number): void {
    this.#file.append(records.map((record) => `${JSON.stringify(record)}\n`).join(""), safeUntilPs);
  }

  close(): void {
    this.#file.close();
  }
}

/**
 * Reads the journal at `path`. Throws OperatingError E001, E050 (no journal of ours) or E051
 * (damaged).
 */
export function readJournal(path: string): Journal {
  const read = readWhole(path);
  if (!read.ok) {
    throw new OperatingError(
      "E001",
      `cannot read run log '${path}': ${read.problem}`,
      "name a run folder, as the report of `faultplane run` prints it",
      EXIT_NO_INPUT,
    );
  }
  return parseJournal(Buffer.from(read.bytes).toString("utf8"));
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

/** The same from text. */
export function parseJournal(text: string): Journal {
  const lines = text.split("\n");
  const torn = lines.pop() ?? "";
  const header = parseHeader(lines.length === 0 ? torn : lines[0]);
  if (lines.length === 0) throw notALog("first line is incomplete");
  const epochs: { epoch: number; digest: string }[] = [];
  const orders: JournalOrder[] = [];
  const orderLines: number[] = [];
  let end: JournalEnd | undefined;
  for (let place = 1; place < lines.length; place += 1) {
    const record = parseRecord(lines[place], place + 1);
    if (end !== undefined) throw damaged(place + 1, "a record after the end");
    if (record.record === "epoch") epochs.push({ epoch: record.epoch, digest: record.digest });
    else if (record.record === "end") end = record;
    else {
      orders.push(record);
      orderLines.push(place + 1);
    }
  }
  const tornBytes = Buffer.byteLength(torn, "utf8");
  return { header, epochs, orders, orderLines, tornBytes, ...(end === undefined ? {} : { end }) };
}

function parseHeader(line: string): JournalHeader {
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
      EXIT_BAD_DATA,
    );
  }
  for (const key of ["faultplane", "runId", "seed", "scenarioHash", "node", "placement"]) {
    if (typeof value[key] !== "string") throw notALog(`first line lacks '${key}'`);
  }
  return value as unknown as JournalHeader;
}

const ENDS = ["finished", "interrupted", "time-limit", "worker-lost", "stuck", "stopped"];

const isEnd = (value: unknown): boolean => ENDS.includes(value as string);

function parseRecord(line: string, number: number): JournalRecord {
  const value = asRecord(line);
  if (value === undefined) throw damaged(number, "not a JSON record");
  const whole = (key: string): boolean => Number.isSafeInteger(value[key]);
  const text = (key: string): boolean => typeof value[key] === "string";
  switch (value.record) {
    case "epoch":
      if (!whole("epoch") || !text("digest")) throw damaged(number, "epoch without its digest");
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

function asRecord(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return value as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function notALog(detail: string): OperatingError {
  return new OperatingError(
    "E050",
    `not a run log: ${detail}`,
    "name a run folder, as the report of `faultplane run` prints it",
    EXIT_BAD_DATA,
  );
}

function damaged(line: number, detail: string): OperatingError {
  return new OperatingError(
    "E051",
    `line ${line}: ${detail}; log was altered or damaged`,
    "replay needs the journal as the run wrote it",
    EXIT_BAD_DATA,
  );
}
