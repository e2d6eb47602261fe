/**
 * The commands for a run that is up, as data: names, words and options. Light, so that `--help`
 * loads nothing more; what they do is in live.ts.
 */
import { refuseFlag, usageError } from "./option-values.ts";

/** Options of all of them together. */
export interface LiveOptions {
  readonly name?: string;
  readonly lease?: string;
  readonly set?: ReadonlyMap<string, string>;
  readonly json?: true;
  readonly color: boolean;
}

/** One command. */
export interface LiveCommandEntry {
  readonly name: string;
  readonly about: string;
  /** What it needs besides the run. */
  readonly words: readonly string[];
  readonly options?: readonly {
    readonly flags: string;
    readonly about: string;
    readonly parse: (value: string, before: unknown) => unknown;
  }[];
}

const lease = {
  flags: "--lease <time>",
  about: "virtual time after which it ends by itself; default 60 s",
  parse: (value: string) => plain("--lease", value),
};

export const LIVE_COMMANDS: readonly LiveCommandEntry[] = [
  { name: "status", about: "tell how a run that is up stands", words: [] },
  {
    name: "inject",
    about: "break something in a run that is up; `faultplane faults` lists the kinds",
    words: ["kind", "target"],
    options: [
      {
        flags: "--name <name>",
        about: "name of the fault; default: its kind",
        parse: (value: string) => plain("--name", value),
      },
      lease,
      {
        flags: "--set <key=value>",
        about: "how hard it hits, such as slowdown=2 (repeatable)",
        parse: parseSetting,
      },
    ],
  },
  {
    name: "heal",
    about: "end a fault before its lease does, or all faults in force",
    words: ["fault|all"],
  },
  {
    name: "mask",
    about: "have every rank give a rank up",
    words: ["target"],
    options: [lease],
  },
  { name: "unmask", about: "take a masked rank back", words: ["target"] },
  {
    name: "drain",
    about: "have every rank give a rank up at its next step",
    words: ["target"],
    options: [lease],
  },
  { name: "undrain", about: "take a drained rank back", words: ["target"] },
  {
    name: "reroute",
    about: "have switches avoid a link or a spine; `heal` undoes it",
    words: ["link|spine"],
    options: [lease],
  },
  { name: "pause", about: "let virtual time stand still", words: [] },
  { name: "resume", about: "let virtual time go on", words: [] },
  {
    name: "speed",
    about: "change the pace: virtual seconds per wall second, or max",
    words: ["value"],
  },
  { name: "stop", about: "end a run, with its report", words: [] },
  {
    name: "diagnose",
    about: "name the culprit of a blind drill; several attempts are allowed",
    words: ["target", "kind"],
  },
];

function plain(option: string, value: string): string {
  refuseFlag(option, value);
  return value;
}

/** `KEY=VALUE`, added to those given before. */
function parseSetting(value: string, before: unknown): ReadonlyMap<string, string> {
  refuseFlag("--set", value);
  const at = value.indexOf("=");
  const key = value.slice(0, Math.max(0, at));
  if (!/^[A-Za-z]{1,40}$/.test(key) || at + 1 === value.length) {
    const shown = JSON.stringify(value.slice(0, 80));
    throw usageError("E042", `--set: expected KEY=VALUE, got ${shown}`, "such as slowdown=2");
  }
  const settings = new Map<string, string>(before instanceof Map ? before : []);
  if (settings.has(key)) throw usageError("E041", `--set ${key} given twice`);
  return settings.set(key, value.slice(at + 1));
}
