/**
 * `faultplane replay`: runs a recorded run again in this process and compares every fact and
 * digest. It needs the run folder and nothing else, and writes nothing.
 */
import { RunFile } from "../../cluster/run-folder.ts";
import { counted } from "../../src/base/words.ts";
import { formatTime } from "../../src/model/time.ts";
import { runContext } from "../terminal/failure.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { committedTime, readFolder, replayFolder, type Unverified } from "./replay-folder.ts";
import { StopSignals } from "./signals.ts";

/** Replays the run in `given`; returns the exit code. Throws OperatingError E001, E050..E054. */
export async function replayCommand(
  given: string,
  options: { readonly json?: true; readonly quiet?: true; readonly color: boolean },
): Promise<number> {
  const recorded = readFolder(given);
  const { scenario, journal, isWhole } = recorded;
  const terminal = new Terminal(options.color);
  runContext.seed = scenario.run.seed;
  runContext.runDir = given;
  for (const note of recorded.notes) terminal.log(`note: ${note}`);
  const signals = new StopSignals((text) => terminal.log(text));
  const result = await replayFolder(recorded, signals.signal, (status, facts) => {
    if (options.quiet === true) return;
    terminal.status(
      () => `replaying: ${formatTime(status.virtualTimePs)}, ${facts} facts equal`,
      status.wallSeconds * 1e3,
    );
  });
  recorded.events.close();
  terminal.endStatus();
  signals.close();
  if (result === undefined) return signals.exitCode ?? Exit.internal;
  if (options.json === true) {
    await terminal.result(`${JSON.stringify(result)}\n`);
    return Exit.pass;
  }
  const { digest, facts, epochs, unverified } = result;
  const digestText = digest === null ? "no epoch closed" : `digest ${digest}`;
  const upTo = isWhole ? "" : `, up to ${committedTime(journal)}`;
  await terminal.result(
    `replay equal: ${digestText} (${facts} facts, ${epochs} epochs${upTo})` +
      `${unverifiedText(unverified)}\n`,
  );
  return Exit.pass;
}

function unverifiedText({ lines, bytes }: Unverified): string {
  if (lines === 0 && bytes === 0) return "";
  const parts = [
    ...(lines > 0 ? [counted(lines, "line")] : []),
    ...(bytes > 0 ? [`${counted(bytes, "byte")} of an incomplete one`] : []),
  ];
  return `; not verified, behind the last commit: ${parts.join(" and ")} of ${RunFile.events}`;
}
