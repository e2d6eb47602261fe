/**
 * The traffic of a run as a file, `traffic.ndjson`: a line that says what is counted, then one for
 * each bin in which something arrived. Nothing of the host is in it: the same run writes the same
 * bytes on every placement. It is worked out again by a run that is taken up, so nothing of it has
 * to survive.
 */
import { existsSync, rmSync } from "node:fs";
import type { TrafficBin } from "../src/model/window.ts";
import { AppendFile } from "./append-file.ts";
import { LineTail } from "./line-tail.ts";

const FORMAT = "faultplane-traffic";
const VERSION = 1;

export class TrafficLog {
  readonly #file: AppendFile;
  readonly #binPs: number;

  /** Begins the file anew. `lanes`: their names, by number. Throws the system's error, or E060. */
  constructor(path: string, binPs: number, lanes: readonly string[]) {
    if (existsSync(path)) rmSync(path);
    this.#binPs = binPs;
    this.#file = new AppendFile(path);
    const header = { format: FORMAT, version: VERSION, binPs, lanes };
    this.#file.append(`${JSON.stringify(header)}\n`, 0);
  }

  /** Throws OperatingError E060 when the disk will not take them. */
  write(bins: readonly TrafficBin[], safeUntilPs: number): void {
    if (bins.length === 0) return;
    const lines = bins.map(({ bin, lanes, bytes }) =>
      JSON.stringify({ atPs: bin * this.#binPs, bin, lanes, bytes }),
    );
    this.#file.append(`${lines.join("\n")}\n`, safeUntilPs);
  }

  close(): void {
    this.#file.close();
  }
}

/** What a traffic file says of itself. */
export interface TrafficHeader {
  /** Length of a bin, ps. */
  readonly binPs: number;
  /** Names of the lanes, by number. */
  readonly lanes: readonly string[];
}

/**
 * Reads a traffic file, a bin at a time; undefined when there is none of ours. A line that is cut
 * off ends it: what is missing was lost with the run's last moments.
 */
export function readTraffic(
  path: string,
  each: (bin: TrafficBin) => void,
): TrafficHeader | undefined {
  if (!existsSync(path)) return undefined;
  const tail = new LineTail(path);
  let header: TrafficHeader | undefined;
  try {
    for (let lines = tail.read(); lines.length > 0; lines = tail.read()) {
      for (const { text } of lines) {
        const record = parsed(text);
        if (record === undefined) return header;
        if (header !== undefined && !isBin(record)) return header;
        if (header === undefined) {
          if (record.format !== FORMAT || record.version !== VERSION) return undefined;
          header = record as unknown as TrafficHeader;
        } else each(record as unknown as TrafficBin);
      }
    }
    return header;
  } finally {
    tail.close();
  }
}

/** Is it a bin as a run writes it: whole numbers, and as many lanes as counts? */
export function isBin(value: Readonly<Record<string, unknown>>): boolean {
  const { bin, lanes, bytes } = value;
  if (!Array.isArray(lanes) || !Array.isArray(bytes) || lanes.length !== bytes.length) return false;
  return [bin, ...lanes, ...bytes].every((one) => Number.isSafeInteger(one) && one >= 0);
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isFields = typeof value === "object" && value !== null;
    return isFields ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
