/**
 * `faultplane status`, `inject`, `heal` and the others: asks a run that is up, and prints what it
 * says. The run decides; here only words become requests.
 */
import { askRun } from "../../cluster/control-client.ts";
import type {
  ControlAnswer,
  ControlRequest,
  FaultInForce,
  LiveStatus,
} from "../../cluster/control-messages.ts";
import { escapeControls } from "../../src/base/escape.ts";
import { listed } from "../../src/base/words.ts";
import { formatTime } from "../../src/model/time.ts";
import { tokensText } from "../terminal/status-text.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { findRun, isRun } from "./find-run.ts";
import type { LiveCommandEntry, LiveOptions } from "./live-commands.ts";
import { parseSpeed, usageError } from "./option-values.ts";

/**
 * Carries one command out; returns the exit code. Throws OperatingError E040 (wrong words), E064
 * (not up), E065 (which run?).
 */
export async function liveCommand(
  entry: LiveCommandEntry,
  words: readonly string[],
  options: LiveOptions,
): Promise<number> {
  const { name } = entry;
  const help = `see faultplane ${name} --help`;
  const needed = entry.words.length;
  const wanted = entry.words.map((word) => `<${word.name}>`).join(" ");
  if (words.length < needed) throw usageError("E040", `${name} needs ${wanted}`, help);
  if (words.length === needed && needed > 0 && isRun(words[0])) {
    const message = `${name} needs ${wanted} after the run '${escapeControls(words[0])}'`;
    throw usageError("E040", message, `${help}; where the word is meant, name the run before it`);
  }
  if (words.length > needed + 1) throw usageError("E040", `too many arguments for ${name}`, help);
  const given = words.length > needed ? words[0] : undefined;
  const request = requestOf(name, words.slice(words.length - needed), options);
  const answer = await askRun(findRun(given), request);
  return await print(answer, options);
}

function requestOf(name: string, words: readonly string[], options: LiveOptions): ControlRequest {
  const { lease } = options;
  switch (name) {
    case "status":
    case "pause":
    case "resume":
    case "stop":
      return { command: name };
    case "inject": {
      const [kind, target] = words;
      const fault: Record<string, unknown> = { kind, target };
      for (const [key, value] of options.set ?? []) fault[key] = scalarOf(value);
      if (options.name !== undefined) fault.name = options.name;
      if (lease !== undefined) fault.healAfter = lease;
      return { command: name, fault };
    }
    case "heal":
      return { command: name, fault: words[0] };
    case "mask":
    case "drain":
    case "reroute":
      return { command: name, target: words[0], ...(lease === undefined ? {} : { lease }) };
    case "unmask":
    case "undrain":
      return { command: name, target: words[0] };
    case "speed":
      return { command: name, speed: parseSpeed(words[0], "speed") };
    case "diagnose":
      return { command: name, target: words[0], kind: words[1] };
    default:
      throw new Error(`no live command '${name}'`);
  }
}

/** A number where it reads as one: the run's checks tell numbers from text. */
function scalarOf(value: string): string | number {
  return /^-?\d+(\.\d+)?(e-?\d+)?$/.test(value) ? Number(value) : value;
}

async function print(answer: ControlAnswer, options: LiveOptions): Promise<number> {
  const terminal = new Terminal(options.color);
  if (options.json === true) await terminal.result(`${JSON.stringify(answer)}\n`);
  if (!answer.ok) {
    if (options.json === true) return answer.exitCode;
    for (const { code, message, hint } of answer.problems) {
      terminal.log(`error[${code}] ${escapeControls(message)}`);
      if (hint !== "") terminal.log(`  hint: ${escapeControls(hint)}`);
    }
    return answer.exitCode;
  }
  if (options.json === true) return Exit.pass;
  const { status, text, atPs } = answer;
  const lines =
    status === undefined ? [`${text} (virtual time ${formatTime(atPs)})`] : statusLines(status);
  await terminal.result(lines.map((line) => `${escapeControls(line)}\n`).join(""));
  return Exit.pass;
}

function statusLines(status: LiveStatus): string[] {
  const { runId, virtualTimePs, wallSeconds, speed, lagSeconds, isPaused, faults } = status;
  const { ranks, ranksFinished, ranksMasked, layersDone, layersTotal } = status;
  const { combined, masked, mismatches, tokensPerSecond } = status;
  const given = ranksMasked.map(({ rank, by }) => `${rank} (by ${by})`);
  const percent = layersTotal === 0 ? 0 : Math.floor((100 * layersDone) / layersTotal);
  const lines = [
    `run ${runId}${isPaused ? " (paused)" : ""}`,
    `virtual time ${formatTime(virtualTimePs)}, wall time ${wallSeconds.toFixed(1)} s, ` +
      `speed ${speed}, lag ${lagSeconds.toFixed(3)} s`,
    `layers ${layersDone}/${layersTotal} (${percent} %), ` +
      `ranks finished ${ranksFinished}/${ranks}`,
    `assignments so far: ${combined} combined, ${masked} masked, ${mismatches} results differ`,
    ...(tokensPerSecond === null
      ? []
      : [`throughput ${tokensText(tokensPerSecond)}, of the last four exchanges of each rank`]),
    `ranks masked: ${given.length === 0 ? "none" : listed(given)}`,
    `in force: ${faults.length === 0 ? "nothing" : ""}`.trimEnd(),
  ];
  for (const fault of faults) lines.push(`  ${faultLine(fault)}`);
  return lines;
}

function faultLine({ fault, kind, targets, atPs, untilPs }: FaultInForce): string {
  if (fault === "?") return "? (hidden until the drill is over)";
  const until = untilPs === null ? "the end of the run" : formatTime(untilPs);
  return `${fault}: ${kind} on ${targets.join(", ")}, since ${formatTime(atPs)}, until ${until}`;
}
