/**
 * The event log of a run folder as facts again, a batch at a time: it may be larger than memory,
 * and may be written to meanwhile. What follows the last line end is passed over: the line of a run
 * that was cut off, or is up. Everything else must be facts of this run's actors.
 */
import { closeSync, readSync } from "node:fs";
import type { Fact, FactRecord } from "../src/model/fact.ts";
import type { Topology } from "../src/model/topology.ts";
import { ExitCode, OperatingError } from "./errors.ts";
import { aFact } from "./fact-shapes.ts";
import { openRegular } from "./read-file.ts";

const NEWLINE = 0x0a;

/** Bytes read at once. */
const PIECE_BYTES = 1024 * 1024;

/**
 * The facts of the event log at `path`, in its order. Throws OperatingError E001 (it cannot be
 * read) and E051 (a line is no fact of this run).
 */
export function* recordedFacts(path: string, topology: Topology): Generator<FactRecord[]> {
  const opened = openRegular(path, "refused");
  if (!opened.ok) {
    throw new OperatingError(
      "E001",
      `cannot read '${path}': ${opened.problem}`,
      "name a run folder, as the report of `faultplane run` prints it",
      ExitCode.noInput,
    );
  }
  const reading = new Reading(topology);
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    let left: Uint8Array = new Uint8Array(0);
    for (;;) {
      const read = readSync(opened.descriptor, piece);
      if (read === 0) return;
      const bytes = Buffer.concat([left, piece.subarray(0, read)]);
      const end = bytes.lastIndexOf(NEWLINE);
      left = bytes.subarray(end + 1);
      if (end >= 0) yield reading.lines(bytes.toString("utf8", 0, end));
    }
  } finally {
    closeSync(opened.descriptor);
  }
}

/** A log while it is read. */
class Reading {
  readonly #indexOf: ReadonlyMap<string, number>;
  #line = 0;

  constructor(topology: Topology) {
    this.#indexOf = new Map(topology.actors.map(({ id }, index) => [id, index]));
  }

  /** Takes whole lines. */
  lines(text: string): FactRecord[] {
    return text.split("\n").map((line) => {
      this.#line += 1;
      return this.#record(line);
    });
  }

  #record(line: string): FactRecord {
    const value = fieldsOf(line);
    if (value === undefined) throw this.#damaged("no JSON object");
    const {
      level: _,
      virtualTimePs: atPs,
      virtualTime: __,
      actor: id,
      index,
      fact,
      ...rest
    } = value;
    const actor = this.#indexOf.get(String(id));
    if (actor === undefined) throw this.#damaged(`there is no actor ${JSON.stringify(id)}`);
    const isPlaced = Number.isSafeInteger(atPs) && Number.isSafeInteger(index);
    if (!isPlaced || Number(atPs) < 0) throw this.#damaged("no instant or index");
    const whole = { type: fact, ...rest };
    const problem = aFact(whole) ?? this.#strangers(rest);
    if (problem !== undefined) throw this.#damaged(`no fact of this run (${problem})`);
    return { atPs: Number(atPs), actor, index: Number(index), fact: whole as unknown as Fact };
  }

  /** The first rank that a fact names and that this run does not have. */
  #strangers({ rank, missing, members }: Readonly<Record<string, unknown>>): string | undefined {
    const names = [rank ?? [], missing ?? [], members ?? []].flat();
    const stranger = names.find((name) => !this.#indexOf.has(String(name)));
    return stranger === undefined ? undefined : `there is no ${JSON.stringify(stranger)}`;
  }

  #damaged(detail: string): OperatingError {
    const line = this.#line.toLocaleString("en-US");
    return new OperatingError(
      "E051",
      `line ${line} of events.ndjson: ${detail}; log was altered or damaged`,
      "the event log must be as the run wrote it",
      ExitCode.badData,
    );
  }
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
