/**
 * Real faults in a drill file: what is hit, by the labels of the run's own processes, and for how
 * long. Never a process id, a name of a program, or a signal: a file can hit nothing that the run
 * did not start. Without the operator's consent none is read.
 */

import { didYouMean } from "../base/suggest.ts";
import {
  DIRECTIONS,
  type Direction,
  HOST_FAULT_FUNCS,
  type HostFault,
  type HostFaultFunc,
  type HostFaultTarget,
  hostTargetLabels,
} from "../model/host-fault.ts";
import type { Scenario } from "../model/scenario.ts";
import { PS_PER_MS } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import { escapeText, quote, show } from "../scenario/problem.ts";
import type { ProblemList } from "../scenario/problem-list.ts";
import { timeAt } from "../scenario/units.ts";
import type { DocumentPath } from "../scenario/yaml-text.ts";
import { crossingPeers, type Placement, placeActors } from "../topology/placement.ts";
import { listed } from "./words.ts";

/** Longest lease of a real fault: two minutes of wall time. */
export const LEASE_MAX_MS = 120_000;

/** Longest wait of a slow worker before a window, ms. */
const DELAY_MAX_MS = 10_000;

/** What each does, as a refusal says it. */
const VERBS: Readonly<Record<HostFaultFunc, string>> = {
  kill_worker: "kills a real process",
  stop_worker: "stops a real process",
  slow_worker: "slows a real process",
  kill_agent: "kills a real process",
  stop_agent: "stops a real process",
  lose_host: "kills real processes",
  cut_connection: "cuts a real connection",
  half_open: "holds a real connection",
};

/** The keys of each function's arguments. */
const KEYS: Readonly<Record<HostFaultFunc, readonly string[]>> = {
  kill_worker: ["worker"],
  stop_worker: ["worker", "for"],
  slow_worker: ["worker", "delay", "for"],
  kill_agent: ["host"],
  stop_agent: ["host", "for"],
  lose_host: ["host"],
  cut_connection: ["worker", "between"],
  half_open: ["worker", "between", "direction", "for"],
};

/** Keys by which people name processes that are not the run's. */
const STRANGERS = ["pid", "pids", "command", "process", "program", "signal"];

const CONSENT_HINT = "faultplane plan shows what it hits; gpu-dead and node-crash emulate a loss";

type Arguments = Readonly<Record<string, unknown>>;

/** Is a function a real fault? */
export function isHostFunc(func: string): func is HostFaultFunc {
  return HOST_FAULT_FUNCS.some((known) => known === func);
}

export interface HostActContext {
  readonly scenario: Scenario;
  readonly topology: Topology;
  /** Hosts of the run, ours included. */
  readonly hosts: number;
  /** The operator has agreed to real faults. */
  readonly isAllowed: boolean;
}

/** Reads real faults. */
export class HostActReader {
  readonly #context: HostActContext;
  readonly #problems: ProblemList;
  readonly #losses = new Set<string>();
  #placement: Placement | undefined;

  constructor(context: HostActContext, problems: ProblemList) {
    this.#context = context;
    this.#problems = problems;
  }

  /** The operator has agreed to real faults. */
  get isAllowed(): boolean {
    return this.#context.isAllowed;
  }

  /** Names that faults get which come of those read so far; none when losses are recovered from. */
  get faultNames(): readonly string[] {
    return this.#context.scenario.run.onWorkerLoss === "fault" ? [...this.#losses] : [];
  }

  /** A real fault; undefined with a problem. `path`: of its activity. */
  read(
    func: HostFaultFunc,
    action: string,
    given: Arguments,
    path: DocumentPath,
  ): HostFault | undefined {
    const problems = this.#problems;
    const at = [...path, "provider", "arguments"];
    const funcPath = [...path, "provider", "func"];
    const name = `'${escapeText(action)}'`;
    if (path[0] === "rollbacks") {
      const message = `${name} is a real fault, and rollbacks undo; they end by themselves`;
      problems.add("E013", funcPath, message, { hint: "move it to the method" });
      return undefined;
    }
    if (this.#isStranger(given, at)) return undefined;
    const { scenario } = this.#context;
    if (scenario.run.placement === "single") {
      const message = `${name}: placement single has no worker processes to hit`;
      problems.add("E026", funcPath, message, { hint: "--placement node, actor or pack" });
      return undefined;
    }
    const unknown = Object.keys(given).filter((key) => !KEYS[func].includes(key));
    for (const key of unknown) {
      const message = `unknown key '${escapeText(key)}'; allowed: ${KEYS[func].join(", ")}`;
      const hint = didYouMean(key, KEYS[func]);
      problems.add("E010", [...at, key], message, { atKey: true, hint });
    }
    const target = this.#target(func, given, at);
    const forMs = this.#wallMs(func, "for", LEASE_MAX_MS, given, at);
    const delayMs = this.#wallMs(func, "delay", DELAY_MAX_MS, given, at);
    const direction = this.#direction(func, given, at);
    if (target === undefined || unknown.length > 0) return undefined;
    if (forMs === "wrong" || delayMs === "wrong" || direction === "wrong") return undefined;
    if (!this.isAllowed) {
      const message = `${name} ${VERBS[func]}; rerun with --allow-real-faults`;
      problems.add("E031", funcPath, message, { hint: CONSENT_HINT });
      return undefined;
    }
    this.#noteLosses(target);
    return {
      func,
      action,
      target,
      ...(forMs === undefined ? {} : { forMs }),
      ...(delayMs === undefined ? {} : { delayMs }),
      ...(direction === undefined ? {} : { direction }),
    };
  }

  /** Whether something is named that is not the run's own; if so, with a problem. */
  #isStranger(given: Arguments, at: DocumentPath): boolean {
    const { worker, host, between } = given;
    const isNumber = (value: unknown): boolean =>
      typeof value === "number" ||
      (typeof value === "string" && /^\s*(?:pid\b.*|[-+]?\d+)\s*$/i.test(value));
    const ends = Array.isArray(between) ? between : [between];
    const named = Object.keys(given).find((key) => STRANGERS.includes(key));
    const key =
      named ??
      (isNumber(worker) ? "worker" : isNumber(host) ? "host" : undefined) ??
      (ends.some(isNumber) ? "between" : undefined);
    if (key === undefined) return false;
    const message = "real faults take process labels, not pids or commands";
    this.#problems.add("E032", [...at, key], message);
    return true;
  }

  #target(func: HostFaultFunc, given: Arguments, at: DocumentPath): HostFaultTarget | undefined {
    const keys = KEYS[func].filter((key) => ["worker", "between", "host"].includes(key));
    const named = keys.filter((key) => given[key] !== undefined);
    if (named.length !== 1) {
      const message = `${func} needs ${keys.map((key) => `'${key}'`).join(" or ")}`;
      const isBoth = named.length > 1;
      this.#problems.add("E011", at, isBoth ? `${message}, not both` : message);
      return undefined;
    }
    const [key] = named;
    const path = [...at, key];
    const value = given[key];
    if (key === "between") return this.#between(value, path);
    const labels = key === "host" ? this.#hostLabels() : this.#workerLabels();
    if (!this.#isLabel(value, labels, key, path)) return undefined;
    return key === "host" ? { host: value } : { worker: value };
  }

  #between(value: unknown, path: DocumentPath): HostFaultTarget | undefined {
    if (!Array.isArray(value) || value.length !== 2) {
      const message = `expected a list of two workers, got ${show(value)}`;
      this.#problems.add("E012", path, message);
      return undefined;
    }
    const labels = this.#workerLabels();
    const [first, second] = value as readonly unknown[];
    const isFirst = this.#isLabel(first, labels, "worker", [...path, 0]);
    const isSecond = this.#isLabel(second, labels, "worker", [...path, 1]);
    if (!isFirst || !isSecond) return undefined;
    const numbers = [labels.indexOf(first), labels.indexOf(second)];
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    const pairs = crossingPeers(this.#context.topology, this.#placed());
    if (pairs.some((pair) => pair[0] === low && pair[1] === high)) {
      return { between: [first, second] };
    }
    const message = `${first} and ${second} have no connection: no link joins their actors`;
    this.#problems.add("E026", path, message);
    return undefined;
  }

  #isLabel(
    value: unknown,
    labels: readonly string[],
    what: string,
    path: DocumentPath,
  ): value is string {
    if (typeof value !== "string") {
      this.#problems.add("E012", path, `expected the label of a ${what}, got ${show(value)}`);
      return false;
    }
    if (labels.includes(value)) return true;
    const shown = labels.length > 24 ? listed(labels) : labels.join(", ");
    const message = `there is no ${what} ${quote(value)}; this run has ${shown}`;
    this.#problems.add("E026", path, message, { hint: didYouMean(value, labels) });
    return false;
  }

  /** A wall time that `func` takes, whole ms; undefined: it takes none. */
  #wallMs(
    func: HostFaultFunc,
    key: "for" | "delay",
    mostMs: number,
    given: Arguments,
    at: DocumentPath,
  ): number | "wrong" | undefined {
    if (!KEYS[func].includes(key)) return undefined;
    const path = [...at, key];
    const value = given[key];
    const most = `${mostMs / 1000} s`;
    if (typeof value !== "string") {
      const hint = `wall time, 1 ms to ${most}, such as 1 s`;
      const isMissing = value === undefined;
      const what = key === "for" ? "a lease: it ends by itself" : "the wait before each window";
      const message = isMissing
        ? `${func} needs '${key}', ${what}`
        : `expected a time with its unit, got ${show(value)}`;
      this.#problems.add(isMissing ? "E011" : "E012", isMissing ? at : path, message, { hint });
      return "wrong";
    }
    const ps = timeAt(path, value, 1, this.#problems);
    if (ps === undefined) return "wrong";
    const ms = ps / PS_PER_MS;
    if (Number.isInteger(ms) && ms >= 1 && ms <= mostMs) return ms;
    const message = `expected whole ms of wall time, 1 ms to ${most}, got ${escapeText(value)}`;
    this.#problems.add("E013", path, message);
    return "wrong";
  }

  #direction(
    func: HostFaultFunc,
    given: Arguments,
    at: DocumentPath,
  ): Direction | "wrong" | undefined {
    if (func !== "half_open") return undefined;
    const { direction = "both" } = given;
    const found = DIRECTIONS.find((known) => known === direction);
    if (found !== undefined) return found;
    const message = `must be one of ${DIRECTIONS.join(", ")}, got ${quote(direction)}`;
    const hint = "out: what the worker (of two: the first) sends; in: what it is sent";
    this.#problems.add("E013", [...at, "direction"], message, { hint });
    return "wrong";
  }

  #noteLosses(target: HostFaultTarget): void {
    for (const label of hostTargetLabels(target)) this.#losses.add(`lost-${label}`);
  }

  #placed(): Placement {
    const { scenario, topology } = this.#context;
    const { placement, workers } = scenario.run;
    this.#placement ??= placeActors(topology, placement, workers);
    return this.#placement;
  }

  #workerLabels(): readonly string[] {
    return this.#placed().workers.map(({ label }) => label);
  }

  #hostLabels(): readonly string[] {
    return Array.from({ length: this.#context.hosts }, (_, number) => `host${number}`);
  }
}
