/**
 * `faultplane check`: reads a scenario and says what it resolves to, or everything that is wrong.
 */
import { describeScenario } from "../../src/scenario/describe-scenario.ts";
import { scenarioHash } from "../../src/scenario/scenario-hash.ts";
import { settledText, withMoments } from "../resolve-moments.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { loadScenario, printProblems } from "./load-scenario.ts";

/** Prints the resolved scenario on stdout; returns the exit code. */
export async function checkCommand(
  path: string,
  options: { readonly json?: true; readonly color: boolean },
): Promise<number> {
  const terminal = new Terminal(options.color);
  try {
    const loaded = loadScenario(path);
    const { given } = loaded;
    const { scenario, moments } = withMoments(loaded.scenario);
    const notes = [...loaded.notes, ...moments.map(settledText)];
    if (options.json === true) {
      const hash = scenarioHash(scenario);
      await terminal.result(
        `${JSON.stringify({ scenarioHash: hash, scenario, notes }, withoutTables)}\n`,
      );
      return Exit.pass;
    }
    for (const note of notes) terminal.log(`note: ${note}`);
    await terminal.result(`${describeScenario(scenario, given).join("\n")}\n`);
    return Exit.pass;
  } catch (error) {
    return printProblems(error);
  }
}

/** Recorded routing can be megabytes: its length is told instead. */
function withoutTables(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { bytes: value.length } : value;
}
