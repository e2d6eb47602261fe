/**
 * Values of options, checked to the letter: nothing is guessed, trimmed or rounded. Pure; errors
 * are OperatingError with exit code 2.
 */
import { type HostAddress, parseAddress } from "../../cluster/addresses.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { type KernelLogTarget, parseKernelLogTarget } from "../../cluster/kernel-log-target.ts";
import { METRIC_SETS, type MetricSet } from "../../cluster/metrics-sources.ts";
import type { PlacementName } from "../../src/model/scenario.ts";
import { RADIX_MAX, RADIX_MIN } from "../../src/topology/network-costs.ts";
import { Exit } from "./exit-codes.ts";

const PLACEMENTS: readonly PlacementName[] = ["node", "actor", "pack", "single"];
const SEED_MAX = 2n ** 64n - 1n;
const WORKERS_MAX = 4_096;
/** Longest delay of a worker, ms. */
const DELAY_MAX_MS = 60_000;

/** A usage error. */
export function usageError(code: string, message: string, hint = ""): OperatingError {
  return new OperatingError(code, message, hint, Exit.usage);
}

/** A value in a message: control characters as JSON writes them, cut at 80 characters. */
function quoted(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value);
}

/** Throws E040 when what follows an option is another option. */
export function refuseFlag(option: string, value: string): void {
  if (value.startsWith("--")) {
    throw usageError("E040", `${option} needs a value, got option ${quoted(value)}`);
  }
}

/** A seed: 0..2^64-1 in plain decimal. */
export function parseSeed(value: string): string {
  refuseFlag("--seed", value);
  if (!/^(0|[1-9]\d{0,19})$/.test(value) || BigInt(value) > SEED_MAX) {
    throw usageError("E042", `--seed: expected 0..2^64-1 in decimal, got ${quoted(value)}`);
  }
  return value;
}

/** A placement by its name. */
export function parsePlacement(value: string): PlacementName {
  refuseFlag("--placement", value);
  const found = PLACEMENTS.find((name) => name === value);
  if (found === undefined) {
    throw usageError(
      "E042",
      `--placement: expected one of ${PLACEMENTS.join(", ")}, got ${quoted(value)}`,
    );
  }
  return found;
}

/** What the loss of a worker is to mean. */
export function parseOnWorkerLoss(value: string): "fault" | "recover" {
  refuseFlag("--on-worker-loss", value);
  if (value === "fault" || value === "recover") return value;
  throw usageError(
    "E042",
    `--on-worker-loss: expected fault or recover, got ${quoted(value)}`,
    "fault: its actors are dead from then on; recover: it is replaced",
  );
}

/** `HOST:PORT` of the option or argument `name`. */
export function parseEndpoint(name: string): (value: string) => HostAddress {
  return (value) => {
    refuseFlag(name, value);
    const address = parseAddress(value);
    if (address === undefined) {
      throw usageError(
        "E042",
        `${name}: expected HOST:PORT with a port 1..65535, got ${quoted(value)}`,
        "an IPv6 address stands in brackets: [::1]:29717",
      );
    }
    return address;
  };
}

/** Rank of this host, 0..`most`. */
export function parseRank(most: number): (value: string) => number {
  return (value) => {
    refuseFlag("--node-rank", value);
    const rank = /^(?:0|[1-9]\d{0,8})$/.test(value) ? Number(value) : Number.NaN;
    if (rank <= most) return rank;
    throw usageError("E042", `--node-rank: expected 0..${most}, got ${quoted(value)}`);
  };
}

/** Worker processes of placement pack. */
export function parseWorkers(value: string): number {
  refuseFlag("--workers", value);
  const workers = /^[1-9]\d{0,5}$/.test(value) ? Number(value) : 0;
  if (workers < 1 || workers > WORKERS_MAX) {
    throw usageError("E042", `--workers: expected 1..${WORKERS_MAX}, got ${quoted(value)}`);
  }
  return workers;
}

/** Percent of the ranks, 0..100. */
export function parsePercent(value: string): number {
  refuseFlag("--max-blast", value);
  const percent = /^\d{1,3}(?:\.\d{1,3})?$/.test(value) ? Number(value) : Number.NaN;
  if (!(percent <= 100)) {
    throw usageError("E042", `--max-blast: expected 0..100 percent, got ${quoted(value)}`);
  }
  return percent;
}

/** A whole number 1..`most` of the option `name`. */
export function parseCount(name: string, most: number): (value: string) => number {
  return (value) => {
    refuseFlag(name, value);
    const count = /^[1-9]\d{0,8}$/.test(value) ? Number(value) : 0;
    if (count < 1 || count > most) {
      throw usageError("E042", `${name}: expected 1..${most}, got ${quoted(value)}`);
    }
    return count;
  };
}

/** A TCP port of the option `name`; 0: any free one. */
export function parsePort(name: string): (value: string) => number {
  return (value) => {
    const port = /^\d{1,5}$/.test(value) ? Number(value) : -1;
    if (port >= 0 && port <= 65_535) return port;
    const message = `${name}: expected a port, 0..65535, got ${quoted(value)}`;
    throw usageError("E042", message, `without a port put ${name} behind the other words`);
  };
}

/** A whole number from 0 on of the option `name`. */
export function parseNumber(name: string): (value: string) => number {
  return (value) => {
    refuseFlag(name, value);
    if (/^(?:0|[1-9]\d{0,8})$/.test(value)) return Number(value);
    throw usageError("E042", `${name}: expected a whole number from 0 on, got ${quoted(value)}`);
  };
}

/** Ports of one switch, for the comparison of networks: fat trees need an even number. */
export function parsePorts(value: string): number {
  refuseFlag("--ports", value);
  const ports = /^[1-9]\d{0,5}$/.test(value) ? Number(value) : 0;
  if (ports < RADIX_MIN || ports > RADIX_MAX || ports % 2 !== 0) {
    const range = `${RADIX_MIN}..${RADIX_MAX}`;
    throw usageError("E042", `--ports: expected an even number ${range}, got ${quoted(value)}`);
  }
  return ports;
}

/** Virtual seconds per wall second, or max; `name` is what it is called in an error. */
export function parseSpeed(value: string, name = "--speed"): number | "max" {
  refuseFlag(name, value);
  if (value === "max") return "max";
  const speed = /^\d{1,9}(\.\d{1,12})?(e-?\d{1,2})?$/.test(value) ? Number(value) : 0;
  if (!(speed > 0)) {
    throw usageError(
      "E042",
      `${name}: expected max or virtual seconds per wall second above 0, got ${quoted(value)}`,
    );
  }
  return speed;
}

/** A folder name. One that looks like an option is refused: most likely the name was forgotten. */
export function parseOut(value: string): string {
  if (value.startsWith("-")) {
    throw usageError(
      "E040",
      `--out needs a value, got option ${quoted(value)}`,
      `for a folder of that name write ${quoted(`./${value}`)}`,
    );
  }
  if (value === "" || value.includes("\0")) {
    throw usageError("E042", `--out: expected a folder name, got ${quoted(value)}`);
  }
  return value;
}

/** A file to write, or `-` for stdout, of the option `name`. */
export function parseOutput(name: string): (value: string) => string {
  return (value) => {
    if (value === "-") return value;
    if (value.startsWith("-")) {
      throw usageError(
        "E040",
        `${name} needs a value, got option ${quoted(value)}`,
        `for a file of that name write ${quoted(`./${value}`)}; - is stdout`,
      );
    }
    if (value === "" || value.includes("\0")) {
      throw usageError("E042", `${name}: expected a file name or -, got ${quoted(value)}`);
    }
    return value;
  };
}

/** `LABEL=MS`, added to those given before. */
export function parseDelay(
  value: string,
  before: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  refuseFlag("--delay-worker", value);
  const match = /^([a-z0-9._-]{1,63})=(\d{1,5})$/.exec(value);
  if (match === null || Number(match[2]) > DELAY_MAX_MS) {
    throw usageError(
      "E042",
      `--delay-worker: expected LABEL=MS with 0..${DELAY_MAX_MS} ms, got ${quoted(value)}`,
    );
  }
  if (before.has(match[1])) {
    throw usageError("E041", `--delay-worker for '${match[1]}' given twice`);
  }
  return new Map([...before, [match[1], Number(match[2])]]);
}

/** Names of other exporters, with commas. */
export function parseMetricsAs(value: string): ReadonlySet<MetricSet> {
  refuseFlag("--metrics-as", value);
  const names = value.split(",");
  const sets = names.flatMap((name) => METRIC_SETS.find((one) => one === name) ?? []);
  if (sets.length === names.length) return new Set(sets);
  throw usageError(
    "E042",
    `--metrics-as: expected some of ${METRIC_SETS.join(", ")} with commas, got ${quoted(value)}`,
  );
}

/** Where kernel lines go. */
export function parseXidLog(value: string): KernelLogTarget {
  refuseFlag("--xid-log", value);
  const target = parseKernelLogTarget(value);
  if (target !== undefined) return target;
  throw usageError(
    "E042",
    `--xid-log: expected a file or udp:HOST:PORT, got ${quoted(value)}`,
    "syslog daemons take lines at udp:127.0.0.1:514 when they are told to listen there",
  );
}
