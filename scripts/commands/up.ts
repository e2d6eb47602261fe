/**
 * `faultplane up`: the same command on every host of a run. The first one coordinates: it waits for
 * the others, runs the scenario or drill and reports; the others join it.
 */
import { hostname } from "node:os";
import { readWhole } from "../../cluster/read-file.ts";
import { isDrillText } from "../../src/drill/parse-drill.ts";
import { scenarioHash } from "../../src/scenario/scenario-hash.ts";
import { withMoments } from "../resolve-moments.ts";
import { Terminal } from "../terminal/terminal.ts";
import { type DrillCommandOptions, drillCommand } from "./drill.ts";
import { type HostCommandOptions, hostsOptions } from "./hosts.ts";
import { joinCommand, SIGNAL_GRACE_MS } from "./join.ts";
import { type LaunchOptions, launchOf } from "./launch-environment.ts";
import { loadDrill } from "./load-drill.ts";
import { loadScenario, printProblems } from "./load-scenario.ts";
import { usageError } from "./option-values.ts";
import { defaultScenario } from "./package-files.ts";
import { type RunCommandOptions, runCommand } from "./run.ts";

/** Options of `faultplane up` after parsing: those of `run` and `drill`, and about hosts. */
export type UpOptions = Omit<RunCommandOptions, "hosts"> &
  Pick<DrillCommandOptions, "maxBlast" | "expect" | "blind" | "allowRealFaults"> &
  HostCommandOptions &
  LaunchOptions;

/** Takes this host's part in a run; returns the exit code. Throws OperatingError. */
export async function upCommand(
  given: string | undefined,
  options: UpOptions,
  version: string,
): Promise<number> {
  const path = given ?? defaultScenario();
  const { rank, hosts, address, detected } = launchOf(options, process.env, hostname());
  if (options.quiet !== true && detected.length > 0) {
    new Terminal(options.color).log(`from the environment: ${detected.join(", ")}`);
  }
  const read = readWhole(path);
  const isDrill = read.ok && isDrillText(read.bytes, path);
  if (read.ok && !isDrill) refuseDrillOptions(options);
  if (rank !== undefined && rank > 0 && address !== undefined) {
    let hash: string;
    try {
      hash = hashOf(path, isDrill, hosts, options);
    } catch (error) {
      return printProblems(error);
    }
    // A scheduler that ends a job tells all hosts at once: the first one is to end the run.
    return joinCommand(
      address,
      { ...options, nodeRank: rank, nnodes: hosts },
      hash,
      SIGNAL_GRACE_MS,
    );
  }
  const others = address === undefined ? {} : { hosts: hostsOptions(hosts, address, options) };
  if (isDrill) return drillCommand(path, { ...options, ...others }, version);
  return runCommand(given, { ...options, ...others }, version);
}

/** Options of drills, which a scenario would pass over in silence. */
function refuseDrillOptions({ blind, maxBlast, allowRealFaults, expect }: UpOptions): void {
  const given = Object.entries({
    "--blind": blind,
    "--max-blast": maxBlast,
    "--allow-real-faults": allowRealFaults,
    "--expect": expect,
  }).find(([, value]) => value !== undefined);
  if (given === undefined) return;
  throw usageError("E040", `${given[0]} is for drills, and this file is a scenario`);
}

/** Fingerprint of what is to be run here: the first host must be about to run the same. */
function hashOf(path: string, isDrill: boolean, hosts: number, options: UpOptions): string {
  const { seed, placement, workers, speed, onWorkerLoss } = options;
  const { allowRealFaults, maxBlast: maxBlastPercent } = options;
  const overrides = { seed, placement, workers, speed, onWorkerLoss };
  if (isDrill) {
    const drill = { ...overrides, allowRealFaults, maxBlastPercent, hosts };
    return scenarioHash(loadDrill(path, drill).drill.scenario);
  }
  const { logPackets } = options;
  return scenarioHash(
    withMoments(loadScenario(path, { ...overrides, logPackets }).scenario).scenario,
  );
}
