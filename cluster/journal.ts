/**
 * The journal: what a replay needs beside the scenario, and what it compares. The first line says
 * what the file is, then one line a closed epoch and one an outside input, then how the run ended.
 * Its header names the host's choices (placement, Node) as observations; no digest rests on them.
 */
import type { FaultSpec } from "../src/model/fault.ts";
import type { Topology } from "../src/model/topology.ts";
import type { AssignmentTotals } from "../src/model/window.ts";
import { AppendFile } from "./append-file.ts";
import { OperatingError } from "./errors.ts";
import { readWhole } from "./read-file.ts";

/** Version of the journal's format; a reader takes only its own. */
export const JOURNAL_VERSION = 1;

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
  | ({ readonly record: "fault" } & FaultSpec)
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
  readonly faults: readonly FaultSpec[];
  /** Lines that the faults are in, from 1. */
  readonly faultLines: readonly number[];
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
 * Checks that the journal's faults are of this cluster: every target exists and is of the kind that
 * the fault is for. Throws OperatingError E051.
 */
export function checkFaults({ faults, faultLines }: Journal, topology: Topology): void {
  const links = new Set(topology.lanes.map(({ link }) => link));
  faults.forEach(({ name, kind, targets }, place) => {
    for (const target of targets) {
      if (kind === "link-down") {
        if (links.has(target)) continue;
        throw damaged(faultLines[place], `fault '${name}' is on link '${target}', which is none`);
      }
      const actor = topology.actors.find(({ id }) => id === target);
      if (actor === undefined) {
        throw damaged(faultLines[place], `fault '${name}' is on actor '${target}', which is none`);
      }
      const wanted = kind === "nic-down" ? "nic" : kind === "gpu-dead" ? "gpu" : actor.kind;
      if (actor.kind === wanted) continue;
      const found = `'${target}' is a ${actor.kind}`;
      throw damaged(faultLines[place], `fault '${name}' takes a ${wanted}, ${found}`);
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
  const faults: FaultSpec[] = [];
  const faultLines: number[] = [];
  let end: JournalEnd | undefined;
  for (let place = 1; place < lines.length; place += 1) {
    const record = parseRecord(lines[place], place + 1);
    if (end !== undefined) throw damaged(place + 1, "a record after the end");
    if (record.record === "epoch") epochs.push({ epoch: record.epoch, digest: record.digest });
    else if (record.record === "fault") {
      const { record: _, ...fault } = record;
      faults.push(fault);
      faultLines.push(place + 1);
    } else end = record;
  }
  const tornBytes = Buffer.byteLength(torn, "utf8");
  return { header, epochs, faults, faultLines, tornBytes, ...(end === undefined ? {} : { end }) };
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

const ENDS = ["finished", "interrupted", "time-limit", "worker-lost", "stuck"];
const FAULT_KINDS = ["nic-down", "link-down", "gpu-dead", "actors-lost"];

const isEnd = (value: unknown): boolean => ENDS.includes(value as string);
const isFaultKind = (value: unknown): boolean => FAULT_KINDS.includes(value as string);

function isNames(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === "string")
  );
}

/** Whether a fault may begin and heal at these instants, ps; without the second it never heals. */
function isSpan(atPs: unknown, healAtPs: unknown): boolean {
  if (!(Number(atPs) >= 0)) return false;
  return (
    healAtPs === undefined || (Number.isSafeInteger(healAtPs) && Number(healAtPs) > Number(atPs))
  );
}

function parseRecord(line: string, number: number): JournalRecord {
  const value = asRecord(line);
  if (value === undefined) throw damaged(number, "not a JSON record");
  const whole = (key: string): boolean => Number.isSafeInteger(value[key]);
  const text = (key: string): boolean => typeof value[key] === "string";
  switch (value.record) {
    case "epoch":
      if (!whole("epoch") || !text("digest")) throw damaged(number, "epoch without its digest");
      break;
    case "fault":
      if (!text("name") || !isFaultKind(value.kind) || !whole("atPs") || !isNames(value.targets)) {
        throw damaged(number, "fault without its name, kind, targets or instant");
      }
      if (!isSpan(value.atPs, value.healAtPs)) {
        throw damaged(number, "fault that begins before the run, or heals before it begins");
      }
      break;
    case "end":
      if (!isEnd(value.end) || !text("digest") || !whole("virtualTimePs")) {
        throw damaged(number, "end without its digest or instant");
      }
      break;
    default:
      throw damaged(number, `unknown record ${JSON.stringify(value.record)}`);
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
