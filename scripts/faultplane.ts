#!/usr/bin/env node
/**
 * The `faultplane` command: options, help and exit codes. Each command's work is imported when it
 * is called, so that `--help` loads nothing but commander (which no other file imports).
 */
import { readFileSync } from "node:fs";
import { Argument, Command, CommanderError, Option } from "commander";
import type { HostAddress } from "../cluster/addresses.ts";
import type { CertificatesOptions } from "./commands/certificates.ts";
import type { DrillCommandOptions } from "./commands/drill.ts";
import { EXIT_CODE_HELP, Exit } from "./commands/exit-codes.ts";
import type { ExplainOptions } from "./commands/explain.ts";
import type { JoinOptions } from "./commands/join.ts";
import { HOSTS_MAX } from "./commands/launch-environment.ts";
import {
  EXPLAIN_WORDS,
  LIVE_COMMANDS,
  type LiveCommandEntry,
  type LiveOptions,
  RECORD_WORD,
  RUN_WORD,
} from "./commands/live-commands.ts";
import { LOGS_OPTIONS, type LogsOptions, REPEATABLE } from "./commands/log-options.ts";
import type { MonthCommandOptions } from "./commands/month.ts";
import {
  CONSENT_OPTIONS,
  DRILL_OPTIONS,
  EXPLAIN_OPTIONS,
  FOLDER_OPTIONS,
  HOST_OPTIONS,
  LAUNCH_OPTIONS,
  type OptionEntry,
  REPORT_OPTIONS,
  RUN_OPTIONS,
  SCENARIO_OPTIONS,
  SIGNAL_OPTIONS,
  TRACE_OPTIONS,
} from "./commands/option-groups.ts";
import {
  parseCount,
  parseEndpoint,
  parseOnWorkerLoss,
  parseOut,
  parsePercent,
  parsePlacement,
  parsePort,
  parsePorts,
  parseSeed,
  parseWorkers,
  usageError,
} from "./commands/option-values.ts";
import { packageRoot } from "./commands/package-files.ts";
import type { PlanCommandOptions } from "./commands/plan.ts";
import type { ReportOptions } from "./commands/report.ts";
import type { ResumeOptions } from "./commands/resume.ts";
import type { RunCommandOptions } from "./commands/run.ts";
import type { SuiteCommandOptions } from "./commands/suite.ts";
import type { TopologyOptions } from "./commands/topology-compare.ts";
import type { TraceOptions } from "./commands/trace.ts";
import type { UpOptions } from "./commands/up.ts";
import type { ValidateOptions } from "./commands/validate.ts";
import type { ViewOptions } from "./commands/view.ts";
import { reportFailure, runContext } from "./terminal/failure.ts";

/** Oldest Node that works; package.json says the same. */
const NODE_MIN = [20, 19] as const;

/** The exit code of the command that ran. */
let exitCode: number = Exit.pass;

function makeProgram(): Command {
  const { version } = JSON.parse(readFileSync(`${packageRoot()}/package.json`, "utf8")) as {
    version: string;
  };
  const program = new Command("faultplane")
    .description(
      "A flight simulator for expert-parallel GPU fleets: emulates the cluster without GPUs, " +
        "breaks it on purpose, and replays it bit for bit.",
    )
    .version(version)
    .addHelpText("after", EXIT_CODE_HELP);

  const run = program
    .command("run")
    .description("run a scenario; without one, the drill that comes with the package")
    .argument("[scenario]", "scenario file, YAML or JSON")
    .action(async (scenario: string | undefined, options: RunCommandOptions) => {
      const { runCommand } = await import("./commands/run.ts");
      exitCode = await runCommand(scenario, options, version);
    });
  const up = program
    .command("up")
    .description("run a scenario or drill over several hosts: the same command on each of them")
    .argument("[file]", "scenario or drill file; default: the drill that comes with the package")
    .action(async (file: string | undefined, options: UpOptions) => {
      const { upCommand } = await import("./commands/up.ts");
      exitCode = await upCommand(file, options, version);
    });
  const join = program
    .command("join")
    .description("put this host at the disposal of a run that another host coordinates")
    .argument("<host:port>", "where its `faultplane up` listens", parseEndpoint("<host:port>"))
    .action(async (address: HostAddress, options: JoinOptions) => {
      const { joinCommand } = await import("./commands/join.ts");
      exitCode = await joinCommand(address, options);
    });
  const resume = program
    .command("resume")
    .description("let a paused run go on; take up one that was killed or interrupted")
    .argument("[run]", "run folder or id; default: the only run that is up")
    .action(async (folder: string | undefined, options: ResumeOptions) => {
      const { resumeCommand } = await import("./commands/resume.ts");
      exitCode = await resumeCommand(folder, options, version);
    });
  const replay = program
    .command("replay")
    .description("run a run again from its folder, in one process, and compare")
    .argument("<run>", "run folder")
    .action(async (folder: string, options: { json?: true; quiet?: true; color: boolean }) => {
      const { replayCommand } = await import("./commands/replay.ts");
      exitCode = await replayCommand(folder, options);
    });
  const trace = program
    .command("trace")
    .description("write a run as a trace for Perfetto or chrome://tracing")
    .argument("[run]", RECORD_WORD.about)
    .action(async (folder: string | undefined, options: TraceOptions) => {
      const { traceCommand } = await import("./commands/trace.ts");
      exitCode = await traceCommand(folder, options);
    });
  const report = program
    .command("report")
    .description("make a run's report again from its folder; of runs that were cut off, too")
    .argument("[run]", RECORD_WORD.about)
    .action(async (folder: string | undefined, options: ReportOptions) => {
      const { reportCommand } = await import("./commands/report.ts");
      exitCode = await reportCommand(folder, options);
    });
  const explain = program
    .command("explain")
    .description("say why a token of a run took as long as it did, hop by hop")
    .usage("[options] [run] <token@layer>")
    .argument("[words...]")
    .configureHelp({ visibleArguments: () => EXPLAIN_WORDS.map(asArgument) })
    .action(async (words: string[], options: ExplainOptions) => {
      const { explainCommand } = await import("./commands/explain.ts");
      exitCode = await explainCommand(words, options);
    });
  const check = program
    .command("check")
    .description("read a scenario and print what it resolves to")
    .argument("<scenario>", "scenario file, YAML or JSON")
    .action(async (scenario: string, options: { json?: true; color: boolean }) => {
      const { checkCommand } = await import("./commands/check.ts");
      exitCode = await checkCommand(scenario, options);
    });
  const topology = program
    .command("topology")
    .description("count what a scenario's cluster consists of, or compare networks")
    .argument("[scenario]", "scenario file, YAML or JSON")
    .option("--compare", "what five kinds of network hold and cost; takes no scenario")
    .option("--ports <count>", "with --compare: ports of one switch, even", parsePorts)
    .action(async (scenario: string | undefined, options: TopologyOptions) => {
      const compare = await import("./commands/topology-compare.ts");
      compare.checkTopologyUsage(scenario, options);
      if (scenario === undefined) {
        exitCode = await compare.topologyCompareCommand(options);
        return;
      }
      const { topologyCommand } = await import("./commands/topology.ts");
      exitCode = await topologyCommand(scenario, options);
    });
  const experts = program
    .command("experts")
    .description("measure how evenly a scenario's experts are loaded, and how far tokens go")
    .argument("<scenario>", "scenario file, YAML or JSON")
    .action(async (scenario: string, options: { json?: true; color: boolean }) => {
      const { expertsCommand } = await import("./commands/experts.ts");
      exitCode = await expertsCommand(scenario, options);
    });

  const faults = program
    .command("faults")
    .description("list the kinds of fault, or tell everything of one")
    .argument("[kind]", "kind of fault, such as nic-flap")
    .action(async (kind: string | undefined, options: { json?: true; color: boolean }) => {
      const { faultsCommand } = await import("./commands/faults.ts");
      exitCode = await faultsCommand(kind, options);
    });

  const validate = program
    .command("validate")
    .description("emulate the published experiments and compare; takes two to four minutes")
    .option("--markdown", "print Markdown tables")
    .action(async (options: ValidateOptions) => {
      const { validateCommand } = await import("./commands/validate.ts");
      exitCode = await validateCommand(options);
    });

  const drill = program
    .command("drill")
    .description("perform a drill beside its healthy twin, and grade it")
    .argument("<drill>", "drill file, YAML or JSON")
    .action(async (path: string, options: DrillCommandOptions) => {
      const { drillCommand } = await import("./commands/drill.ts");
      exitCode = await drillCommand(path, options, version);
    });
  const plan = program
    .command("plan")
    .description("show what a drill would do, without doing it")
    .argument("<drill>", "drill file, YAML or JSON")
    .option("--seed <seed>", "seed of every random stream, 0..2^64-1", parseSeed)
    .option("--placement <name>", "node, actor or pack: whose processes", parsePlacement)
    .option("--workers <count>", "worker processes of placement pack", parseWorkers)
    .option("--on-worker-loss <policy>", "a lost process: fault or recover", parseOnWorkerLoss)
    .option("--nnodes <count>", "hosts that take part", parseCount("--nnodes", HOSTS_MAX))
    .option("--max-blast <percent>", "say which faults touch more of the ranks", parsePercent)
    .action(async (path: string, options: PlanCommandOptions) => {
      const { planCommand } = await import("./commands/plan.ts");
      exitCode = await planCommand(path, options);
    });
  const suite = program
    .command("suite")
    .description("perform every drill of a folder, and print one table")
    .argument("<folder>", "folder with drill files")
    .option("--seed <seed>", "seed of every random stream, 0..2^64-1", parseSeed)
    .option("--placement <name>", "node, actor, pack or single (default)", parsePlacement)
    .option("--filter <text>", "only files whose name has it")
    .option("--out <folder>", "folder for the drills' run folders", parseOut)
    .option("--force", "replace run folders that exist")
    .option("--junit <file>", "write JUnit XML, a test case a drill")
    .action(async (folder: string, options: SuiteCommandOptions) => {
      const { suiteCommand } = await import("./commands/suite.ts");
      exitCode = await suiteCommand(folder, options, version);
    });
  const month = program
    .command("month")
    .description("draw a month of failures at the published rates, play them, and add up")
    .argument("[scenario]", "one EP group of the fleet; default: drills/month.yaml")
    .option("--seed <seed>", "seed of every random stream, 0..2^64-1", parseSeed)
    .option("--days <count>", "days", parseCount("--days", 366), 30)
    .option("--gpus <count>", "GPUs of the fleet", parseCount("--gpus", 131_072), 2_048)
    .option("--episodes <count>", "most to play of a kind", parseCount("--episodes", 100), 3)
    .action(async (scenario: string | undefined, options: MonthCommandOptions) => {
      const { monthCommand } = await import("./commands/month.ts");
      exitCode = await monthCommand(scenario, options);
    });
  const certificates = program
    .command("certificates")
    .description("make an authority and a certificate for runs over several hosts")
    .argument("<folder>", "folder to put them in")
    .option("--days <count>", "how long the members' is good (365)", parseCount("--days", 3650))
    .option("--renew", "another one for the members, by the authority that is there")
    .option("--force", "start anew, whatever is there")
    .action(async (folder: string, options: CertificatesOptions) => {
      const { certificatesCommand } = await import("./commands/certificates.ts");
      exitCode = await certificatesCommand(folder, options);
    });
  const view = program
    .command("view")
    .description("show a run in the browser: one that is over, or up in another terminal")
    .argument("[run]", RECORD_WORD.about)
    .option("--port <port>", "port on this machine; default: any free one", parsePort("--port"), 0)
    .action(async (run: string | undefined, options: ViewOptions) => {
      const { viewCommand } = await import("./commands/view.ts");
      exitCode = await viewCommand(run, options, version);
    });
  const logs = program
    .command("logs")
    .description("tell what happened in a run, up or over; follows one that is up")
    .argument("[run]", RECORD_WORD.about)
    .action(async (folder: string | undefined, options: LogsOptions) => {
      const { logsCommand } = await import("./commands/logs.ts");
      exitCode = await logsCommand(folder, options);
    });
  addOptions(logs, LOGS_OPTIONS);
  const live = LIVE_COMMANDS.map((entry) => addLiveCommand(program, entry));

  for (const command of [run, drill, up, resume]) addOptions(command, RUN_OPTIONS);
  for (const command of [run, drill, up]) addOptions(command, FOLDER_OPTIONS);
  for (const command of [run, up]) addOptions(command, SCENARIO_OPTIONS);
  for (const command of [drill, up]) addOptions(command, DRILL_OPTIONS);
  for (const command of [run, drill, up, resume]) addOptions(command, SIGNAL_OPTIONS);
  for (const command of [drill, up, resume]) addOptions(command, CONSENT_OPTIONS);
  for (const command of [up, resume]) addOptions(command, LAUNCH_OPTIONS);
  for (const command of [up, resume, join]) addOptions(command, HOST_OPTIONS);
  addOptions(explain, EXPLAIN_OPTIONS);
  addOptions(trace, TRACE_OPTIONS);
  addOptions(report, REPORT_OPTIONS);
  const drills = [drill, plan, suite, month];
  const shown = [replay, check, topology, experts, faults, validate, certificates];
  const others = [...shown, logs, explain, trace, report, view, ...live];
  const told = [replay, explain, trace, report, validate];
  const watched = [run, up, join, resume, drill, suite, month, ...told];
  for (const command of [run, up, join, resume, ...drills, ...others]) {
    if (command !== join && command !== logs)
      command.option("--json", "print one JSON object on stdout");
    if (watched.includes(command)) {
      command.option("-q, --quiet", "no live log and no status line");
    }
    if ([run, up, resume, drill].includes(command))
      command.option("-v, --verbose", "log every fact of every actor");
    command.option("--no-color", "no colours");
    command.option("--debug", "show stack traces");
    command.hook("preAction", () => {
      runContext.debug = command.opts().debug === true;
    });
  }
  for (const command of [program, ...program.commands]) beStrict(command);
  return program;
}

/** Adds options that are data; see commands/option-groups.ts. */
function addOptions(command: Command, group: readonly OptionEntry[]): void {
  for (const { flags, about, parse, initial, preset } of group) {
    if (parse === undefined) command.option(flags, about);
    else if (preset !== undefined) {
      const read = parse as (value: string, before: unknown) => unknown;
      command.addOption(new Option(flags, about).argParser(read).preset(String(preset)));
    }
    // Commander hands a parser what it returned before, or what it began with.
    else
      command.option(flags, about, parse as (value: string, before: unknown) => unknown, initial);
  }
}

/** A command for a run that is up; the run itself may be left out. */
function addLiveCommand(program: Command, entry: LiveCommandEntry): Command {
  const words = entry.words.map(({ name }) => `<${name}>`).join(" ");
  const command = program
    .command(entry.name)
    .description(entry.about)
    .usage(`[options] [run] ${words}`.trimEnd())
    .argument("[words...]")
    .configureHelp({
      // The run goes first and may be left out, which commander has no way to say.
      visibleArguments: () => [RUN_WORD, ...entry.words].map(asArgument),
    })
    .action(async (given: string[], options: LiveOptions) => {
      const { liveCommand } = await import("./commands/live.ts");
      exitCode = await liveCommand(entry, given, options);
    });
  addOptions(command, entry.options ?? []);
  return command;
}

function asArgument({ name, about }: { readonly name: string; readonly about: string }): Argument {
  return new Argument(name, about);
}

/** No option twice; every error in our own words (see {@link usageFailure}). */
function beStrict(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => {} });
  for (const option of command.options) {
    if (["--delay-worker", "--set", ...REPEATABLE].includes(option.long ?? "")) continue;
    let given = 0;
    command.on(`option:${option.name()}`, () => {
      given += 1;
      if (given > 1) throw usageError("E041", `${option.long} given twice`);
    });
  }
}

async function main(): Promise<number> {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])) {
    process.stderr.write(
      `error[E062] needs Node >= ${NODE_MIN.join(".")}, found ${process.versions.node}\n`,
    );
    return Exit.unavailable;
  }
  const program = makeProgram();
  try {
    await program.parseAsync(process.argv);
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error);
    // Without a command there is help, too, but nobody asked for it.
    const isAsked = process.argv[2] === "help";
    if (error.code === "commander.help") return isAsked ? Exit.pass : Exit.usage;
    if (error.exitCode === 0) return Exit.pass;
    const { usageFailure } = await import("./commands/usage-failure.ts");
    return reportFailure(usageFailure(error, program));
  }
}

const quit = (error: unknown): void => {
  process.exit(reportFailure(error));
};
process.on("uncaughtException", quit);
process.on("unhandledRejection", quit);
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

process.exit(await main());
