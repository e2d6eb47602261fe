/**
 * The commands for a run that is up, as data: names, words and options. Light, so that `--help`
 * loads nothing more; what they do is in live.ts.
 */
import { PROTOTYPE_KEYS } from "../../cluster/frame-scan.ts";
import { refuseFlag, usageError } from "./option-values.ts";

/** Options of all of them together. */
export interface LiveOptions {
  readonly name?: string;
  readonly lease?: string;
  readonly set?: ReadonlyMap<string, string>;
  readonly json?: true;
  readonly color: boolean;
}

/** One word of a command. */
export interface LiveWord {
  readonly name: string;
  readonly about: string;
}

/** One command. */
export interface LiveCommandEntry {
  readonly name: string;
  readonly about: string;
  /** What it needs besides the run, in order. */
  readonly words: readonly LiveWord[];
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

/** The word before all others, which may be left out. */
export const RUN_WORD: LiveWord = {
  name: "run",
  about: "run folder or id; default: the only run that is up",
};

/** The same of commands whose run may be over. */
export const RECORD_WORD: LiveWord = {
  name: "run",
  about: "run folder or id; default: the only run that is up, else the newest",
};

/** The words of `explain`. */
export const EXPLAIN_WORDS: readonly LiveWord[] = [
  RECORD_WORD,
  {
    name: "token@layer",
    about: "node1.gpu3:17@12, token 17 of a rank in layer 12; node1.gpu3:slowest@12; slowest@12",
  },
];

const gpu = { name: "target", about: "GPUs, such as node1.gpu3 or node1.gpu*" };
const gpuOrNode = { name: "target", about: "GPUs or nodes, such as node1.gpu3 or node1" };
const kind = { name: "kind", about: "kind of fault; `faultplane faults` lists them" };

/** Lets a run that was paused go on; the command of that name also takes up a run that died. */
export const RESUME: LiveCommandEntry = {
  name: "resume",
  about: "let virtual time go on",
  words: [],
};

export const LIVE_COMMANDS: readonly LiveCommandEntry[] = [
  { name: "status", about: "tell how a run that is up stands", words: [] },
  {
    name: "inject",
    about: "break something in a run that is up; `faultplane faults` lists the kinds",
    words: [kind, { name: "target", about: "what breaks, as in a scenario: node1.nic3, plane2" }],
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
    words: [{ name: "fault|all", about: "name of the fault as `status` shows it; or all" }],
  },
  {
    name: "mask",
    about: "have every rank give a rank up",
    words: [gpu],
    options: [lease],
  },
  { name: "unmask", about: "take a masked rank back", words: [gpu] },
  {
    name: "drain",
    about: "have every rank give a rank up at its next step",
    words: [gpuOrNode],
    options: [lease],
  },
  { name: "undrain", about: "take a drained rank back", words: [gpuOrNode] },
  {
    name: "reroute",
    about: "have switches avoid a link or a spine; `heal` undoes it",
    words: [
      { name: "link|spine", about: "plane0.leaf0--plane0.spine1, or a spine: plane0.spine1" },
    ],
    options: [lease],
  },
  { name: "pause", about: "let virtual time stand still", words: [] },
  {
    name: "speed",
    about: "change the pace: virtual seconds per wall second, or max",
    words: [
      { name: "value", about: "above 0; 0.01: ten ms of virtual time take a second; or max" },
    ],
  },
  { name: "stop", about: "end a run, with its report", words: [] },
  {
    name: "diagnose",
    about: "name the culprit of a blind drill; several attempts are allowed",
    words: [{ name: "target", about: "what is broken, such as node1.nic3 or plane2" }, kind],
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
  const isKey = /^[A-Za-z]{1,40}$/.test(key) && !PROTOTYPE_KEYS.includes(key);
  if (!isKey || at + 1 === value.length) {
    const shown = JSON.stringify(value.slice(0, 80));
    throw usageError("E042", `--set: expected KEY=VALUE, got ${shown}`, "such as slowdown=2");
  }
  const settings = new Map<string, string>(before instanceof Map ? before : []);
  if (settings.has(key)) throw usageError("E041", `--set ${key} given twice`);
  return settings.set(key, value.slice(at + 1));
}
