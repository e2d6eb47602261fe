/**
 * Options that several commands share, as data. Light, so that `--help` loads nothing more.
 */
import { HOSTS_MAX } from "./launch-environment.ts";
import {
  parseCount,
  parseDelay,
  parseEndpoint,
  parseMetricsAs,
  parseNumber,
  parseOnWorkerLoss,
  parseOut,
  parseOutput,
  parsePercent,
  parsePlacement,
  parsePort,
  parseRank,
  parseSeed,
  parseSpeed,
  parseWorkers,
  parseXidLog,
} from "./option-values.ts";

/** One option of a command. */
export interface OptionEntry {
  /** As commander has them: `--seed <seed>`. */
  readonly flags: string;
  readonly about: string;
  /** Reads the value, given what was read before; undefined: a flag without a value. */
  readonly parse?: (value: string, before: unknown) => unknown;
  readonly initial?: unknown;
  /** Value when the option stands without one. */
  readonly preset?: unknown;
}

/** How a run goes, whatever is run. */
export const RUN_OPTIONS: readonly OptionEntry[] = [
  { flags: "--placement <name>", about: "node, actor, pack or single", parse: parsePlacement },
  { flags: "--workers <count>", about: "worker processes of placement pack", parse: parseWorkers },
  {
    flags: "--speed <speed>",
    about: "virtual seconds per wall second, or max",
    parse: (value) => parseSpeed(value),
  },
  {
    flags: "--on-worker-loss <policy>",
    about: "a lost process: fault or recover",
    parse: parseOnWorkerLoss,
  },
  {
    flags: "--silence-limit <seconds>",
    about: "a process that says nothing for so long is lost, default 10",
    parse: parseCount("--silence-limit", 3600),
  },
];

/** What a run is that has no folder yet. */
export const FOLDER_OPTIONS: readonly OptionEntry[] = [
  { flags: "--seed <seed>", about: "seed of every random stream, 0..2^64-1", parse: parseSeed },
  { flags: "--out <folder>", about: "run folder to create", parse: parseOut },
  { flags: "--force", about: "replace the run folder if it exists" },
];

export const SCENARIO_OPTIONS: readonly OptionEntry[] = [
  { flags: "--log-packets", about: "write every packet to the event log, too" },
  {
    flags: "--delay-worker <label=ms>",
    about: "slow one worker down before each window (repeatable)",
    parse: (value, before) => parseDelay(value, before as ReadonlyMap<string, number>),
    initial: new Map<string, number>(),
  },
];

/** Faults of real processes are for the operator to decide, whatever a file says. */
export const CONSENT_OPTIONS: readonly OptionEntry[] = [
  {
    flags: "--allow-real-faults",
    about: "let the drill kill, stop or cut off processes of its own run",
  },
];

export const DRILL_OPTIONS: readonly OptionEntry[] = [
  {
    flags: "--max-blast <percent>",
    about: "refuse faults that touch more of the ranks, or real ones of the processes",
    parse: parsePercent,
  },
  { flags: "--expect", about: "exit 0 when the verdict is the one that the file expects" },
  { flags: "--blind", about: "hide what the drill does: who finds it, with diagnose?" },
];

/** Signals out of a run for tools that read logs. */
export const SIGNAL_OPTIONS: readonly OptionEntry[] = [
  {
    flags: "--ui [port]",
    about: "show the run in the browser, with its metrics at /metrics; default: any free port",
    parse: parsePort("--ui"),
    preset: 0,
  },
  {
    flags: "--xid-log <where>",
    about: "kernel-style lines of dead GPUs and NIC ports: a file, or udp:HOST:PORT",
    parse: parseXidLog,
  },
  {
    flags: "--metrics-as <names>",
    about: "metrics also under the names of other exporters: dcgm, node, rdma (with commas)",
    parse: parseMetricsAs,
  },
];

/** Several hosts, and where they meet. */
export const LAUNCH_OPTIONS: readonly OptionEntry[] = [
  {
    flags: "--nnodes <count>",
    about: "hosts that take part",
    parse: parseCount("--nnodes", HOSTS_MAX),
  },
  {
    flags: "--rdzv-endpoint <host:port>",
    about: "where they meet: an address of the first host",
    parse: parseEndpoint("--rdzv-endpoint"),
  },
  { flags: "--standalone", about: "this host alone, as `run` does" },
];

/** A host among others. */
export const HOST_OPTIONS: readonly OptionEntry[] = [
  {
    flags: "--node-rank <rank>",
    about: "number of this host, 0 is the first",
    parse: parseRank(HOSTS_MAX - 1),
  },
  {
    flags: "--token-file <file>",
    about: "file with the token that all hosts share, mode 0600",
    parse: (value) => value,
  },
  {
    flags: "--tls <folder>",
    about: "certificates for links to other hosts",
    parse: (value) => value,
  },
  {
    flags: "--insecure",
    about: "links to other hosts without TLS: on a network that you trust",
  },
  {
    flags: "--join-timeout <seconds>",
    about: "how long hosts wait for each other, default 300",
    parse: parseCount("--join-timeout", 86_400),
  },
];

/** What `trace` writes. */
export const TRACE_OPTIONS: readonly OptionEntry[] = [
  {
    flags: "-o, --output <file>",
    about: "compressed unless it ends in .json; - is stdout",
    parse: parseOutput("--output"),
    initial: "trace.json.gz",
  },
  { flags: "--force", about: "replace a file that exists" },
];

/** In which form `report` tells it. */
export const REPORT_OPTIONS: readonly OptionEntry[] = [
  {
    flags: "--html <file>",
    about: "one HTML file with pictures; - is stdout",
    parse: parseOutput("--html"),
  },
  { flags: "--markdown", about: "print Markdown" },
  { flags: "--force", about: "replace a file that exists" },
];

/** What of a token is explained. */
export const EXPLAIN_OPTIONS: readonly OptionEntry[] = [
  {
    flags: "--step <number>",
    about: "step of the run, from 0 (default)",
    parse: parseNumber("--step"),
  },
  {
    flags: "--chain <name>",
    about: "chain of the schedule, such as batch1; default: the first",
    parse: (value) => value,
  },
  {
    flags: "--copy <number>",
    about: "which of its choices; default: the last to end",
    parse: parseNumber("--copy"),
  },
  { flags: "--all", about: "every copy, not only one" },
];
