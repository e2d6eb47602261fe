/**
 * `faultplane explain`: why a token of a recorded run took as long as it did. Needs the run folder
 * and nothing else, and writes nothing.
 */
import { formatTime } from "../../src/model/time.ts";
import { explanationLines } from "../terminal/explanation-text.ts";
import { runContext } from "../terminal/failure.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { explainToken } from "./explain-run.ts";
import { type ExplainChoice, parseTokenWord } from "./explain-target.ts";
import { findRecord, refuseBlind, tellFolder } from "./find-run.ts";
import { shellWord } from "./next-steps.ts";
import { usageError } from "./option-values.ts";
import { readFolder } from "./replay-folder.ts";
import { StopSignals } from "./signals.ts";

/** Options of `faultplane explain` after parsing. */
export interface ExplainOptions extends ExplainChoice {
  readonly json?: true;
  readonly quiet?: true;
  readonly color: boolean;
}

/**
 * Explains a token of a run; `words` are the run, which may be left out, and the token. Returns the
 * exit code. Throws OperatingError E001, E040, E042, E065, E067 to E069, and what a replay throws.
 */
export async function explainCommand(
  words: readonly string[],
  options: ExplainOptions,
): Promise<number> {
  if (words.length === 0 || words.length > 2) {
    const what = words.length === 0 ? "explain needs <token@layer>" : "too many arguments";
    throw usageError("E040", what, "see faultplane explain --help");
  }
  const word = parseTokenWord(words[words.length - 1]);
  if (word.token === undefined && options.copy !== undefined) {
    throw usageError("E040", "--copy is for a token by its number", "the slowest is one copy");
  }
  const given = words.length === 2 ? words[0] : undefined;
  const folder = findRecord(given);
  refuseBlind(folder);
  const recorded = readFolder(folder);
  const terminal = new Terminal(options.color);
  if (options.quiet !== true) tellFolder(terminal, given, folder);
  const signals = new StopSignals((text) => terminal.log(text));
  runContext.seed = recorded.scenario.run.seed;
  runContext.runDir = recorded.given;
  for (const note of recorded.notes) terminal.log(`note: ${note}`);
  try {
    const report = await explainToken(recorded, word, options, {
      stop: signals.signal,
      progress: (atPs, wallMs) => {
        if (options.quiet === true) return;
        terminal.status(() => `looking on: ${formatTime(atPs)}`, wallMs);
      },
    });
    terminal.endStatus();
    if (report === undefined) return signals.exitCode ?? Exit.internal;
    const command = `faultplane explain ${shellWord(recorded.given)}`;
    const palette = terminal.resultPalette;
    const text =
      options.json === true
        ? JSON.stringify({ run: recorded.journal.header.runId, ...report })
        : explanationLines(report, { palette, command }).join("\n");
    await terminal.result(`${text}\n`);
    return Exit.pass;
  } finally {
    terminal.endStatus();
    recorded.events.close();
    signals.close();
  }
}
