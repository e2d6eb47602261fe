/**
 * `faultplane validate`: emulates the published experiments and prints what was published, what
 * comes out here, and by how much they differ. Rows that miss stay in, marked.
 */

import { Terminal } from "../terminal/terminal.ts";
import { closedFormRows } from "../validation/closed-form-rows.ts";
import {
  lowLatencyRows,
  networkRows,
  normalRows,
  type Progress,
  routingRows,
} from "../validation/exchange-rows.ts";
import { summarizeRows, type ValidationRow } from "../validation/row.ts";
import { markdownLines, passes, summaryLine, textLines } from "../validation/table.ts";
import { trainingRows } from "../validation/training-rows.ts";
import { Exit } from "./exit-codes.ts";

export interface ValidateOptions {
  readonly json?: true;
  readonly markdown?: true;
  readonly quiet?: true;
  readonly color: boolean;
}

/** Prints the rows on stdout; returns the exit code: 1 when an exact row or a bar is missed. */
export async function validateCommand(options: ValidateOptions): Promise<number> {
  const terminal = new Terminal(options.color);
  const started = performance.now();
  const progress: Progress = (what) => {
    if (options.quiet === true) return;
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    terminal.log(`[${seconds.padStart(4)} s] ${what}`);
  };
  const rows: readonly ValidationRow[] = [
    ...closedFormRows(),
    ...lowLatencyRows(progress),
    ...normalRows(progress),
    ...networkRows(progress),
    ...routingRows(progress),
    ...trainingRows(progress),
  ];
  const summary = summarizeRows(rows);
  await terminal.result(textOf(rows, options));
  return passes(summary) ? Exit.pass : Exit.fail;
}

function textOf(rows: readonly ValidationRow[], options: ValidateOptions): string {
  const summary = summarizeRows(rows);
  if (options.json === true) return `${JSON.stringify({ rows, summary })}\n`;
  const lines = options.markdown === true ? markdownLines(rows) : [...textLines(rows), ""];
  return `${[...lines, summaryLine(summary)].join("\n")}\n`;
}
