/**
 * Options of `faultplane logs`: the terms of the filter of events, each as an option, and the rest.
 * Light, so that `--help` loads nothing more than the terms.
 */
import {
  EVERYTHING,
  type EventFilterSpec,
  FILTER_TERMS,
  relationProblem,
  withTerm,
} from "../../src/observe/filter-terms.ts";
import type { OptionEntry } from "./option-groups.ts";
import { refuseFlag, usageError } from "./option-values.ts";

/** Options after parsing. */
export interface LogsOptions {
  /** `--no-follow` makes it false. */
  readonly follow: boolean;
  readonly tail?: number;
  readonly each?: true;
  readonly verbose?: true;
  readonly json?: true;
  readonly color: boolean;
  /** Values of the terms of the filter that were given, in order. */
  readonly [term: string]: unknown;
}

/** Most lines that `--tail` keeps. */
const TAIL_MAX = 1_000_000;

export const LOGS_OPTIONS: readonly OptionEntry[] = [
  {
    flags: "--no-follow",
    about: "stop at the end of what is there; default: follow a run that is up",
  },
  {
    flags: "-n, --tail <count>",
    about: "only the last lines of what is there",
    parse: (value) => {
      refuseFlag("--tail", value);
      const count = /^\d{1,7}$/.test(value) ? Number(value) : Number.NaN;
      if (count <= TAIL_MAX) return count;
      const shown = JSON.stringify(value.slice(0, 80));
      throw usageError("E042", `--tail: expected 0..${TAIL_MAX}, got ${shown}`);
    },
  },
  ...FILTER_TERMS.map(({ key, about, example }) => ({
    flags: `--${key} <${valueName(key)}>`,
    about: `${about}, such as ${/[*\s]/.test(example) ? `'${example}'` : example}`,
    parse: (value: string, before: unknown): readonly string[] => {
      refuseFlag(`--${key}`, value);
      return [...(Array.isArray(before) ? before : []), value];
    },
  })),
  { flags: "--each", about: "a line for each fact, instead of one for the same from many" },
  { flags: "-v, --verbose", about: "every fact, those of layers and exchanges, too" },
  { flags: "--json", about: "print the lines of events.ndjson as they are" },
];

/** Options that may be given several times. */
export const REPEATABLE: readonly string[] = FILTER_TERMS.filter(({ isList }) => isList).map(
  ({ key }) => `--${key}`,
);

/** The filter that the options ask for. Throws OperatingError E041 or E042. */
export function filterOf(options: LogsOptions): EventFilterSpec {
  let spec = EVERYTHING;
  for (const { key } of FILTER_TERMS) {
    for (const value of (options[key] as readonly string[] | undefined) ?? []) {
      const next = withTerm(spec, key, value);
      if (!next.ok) throw usageError("E042", `--${key}: ${next.message}`, next.hint);
      spec = next.value;
    }
  }
  const problem = relationProblem(spec);
  if (problem === undefined) return spec;
  throw usageError("E040", asFlags(problem.message), asFlags(problem.hint));
}

/** Terms in a message, as options. */
function asFlags(message: string): string {
  return message.replace(/\b(since|until|before|after|around)\b/g, "--$1");
}

/** What the help calls a value. */
function valueName(key: string): string {
  switch (key) {
    case "plane":
    case "node":
    case "layer":
    case "step":
      return "numbers";
    case "around":
    case "fault":
      return "faults";
    case "level":
    case "text":
      return key;
    case "actor":
    case "kind":
      return `${key}s`;
    default:
      return "time";
  }
}
