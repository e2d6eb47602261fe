/**
 * `faultplane report`: the report of a run again, from its folder: for the terminal, as Markdown,
 * as JSON, or as one HTML file. Of runs that were cut off, or are up, as far as they go.
 */
import { OutputFile } from "../../cluster/output-file.ts";
import { reportMarkdown, reportText, sectionsMarkdown } from "../../cluster/report-text.ts";
import { escapeControls } from "../../src/base/escape.ts";
import { drillMarkdown, drillText } from "../../src/drill/drill-text.ts";
import { formatTime } from "../../src/model/time.ts";
import { runContext } from "../terminal/failure.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { findRecord, refuseBlind, tellFolder } from "./find-run.ts";
import { usageError } from "./option-values.ts";
import { paintVerdict } from "./perform-run.ts";
import { type RecordedReport, readReport } from "./recorded-report.ts";

/** Options of `faultplane report` after parsing. */
export interface ReportOptions {
  /** `-`: stdout. */
  readonly html?: string;
  readonly markdown?: true;
  readonly json?: true;
  readonly force?: true;
  readonly quiet?: true;
  readonly color: boolean;
}

/**
 * Prints or writes the report of the run that `given` names (default: the only one that is up, else
 * the newest); returns the exit code, which does not depend on the verdict. Throws OperatingError
 * E001, E033, E040, E050, E051, E065, E069.
 */
export async function reportCommand(
  given: string | undefined,
  options: ReportOptions,
): Promise<number> {
  const forms = [options.html, options.markdown, options.json].filter((one) => one !== undefined);
  if (forms.length > 1) {
    throw usageError("E040", "--html, --markdown and --json cannot be used together");
  }
  const folder = findRecord(given);
  refuseBlind(folder);
  runContext.runDir = folder;
  const terminal = new Terminal(options.color);
  if (options.quiet !== true) tellFolder(terminal, given, folder);
  const recorded = readReport(folder);
  const { report } = recorded;
  if (report.isCut === true && options.quiet !== true) {
    const until = formatTime(report.virtualTimeNs * 1e3);
    terminal.log(`note: ${escapeControls(report.reasons.join("; "))}; up to ${until}`);
  }
  if (options.html !== undefined && options.html !== "-") {
    await writePage(options.html, options.force === true, recorded.page());
    return Exit.pass;
  }
  await terminal.result(textOf(recorded, options, terminal));
  return Exit.pass;
}

/** What goes to stdout. */
function textOf(recorded: RecordedReport, options: ReportOptions, terminal: Terminal): string {
  const { report, drill } = recorded;
  if (options.html !== undefined) return recorded.page();
  if (options.json === true) return `${JSON.stringify(drill ?? report)}\n`;
  if (options.markdown === true) {
    const markdown =
      drill === undefined
        ? reportMarkdown(report)
        : `${drillMarkdown(drill.faultplane)}${sectionsMarkdown(report)}`;
    return markdown.split("\n").map(escapeControls).join("\n");
  }
  const plain = drill === undefined ? reportText(report, []) : drillText(drill.faultplane);
  const text = plain.split("\n").map(escapeControls).join("\n");
  return paintVerdict(text, report.verdict, terminal.resultPalette);
}

async function writePage(path: string, force: boolean, page: string): Promise<void> {
  const file = new OutputFile({ path, force, isCompressed: false });
  try {
    await file.write(page);
    await file.finish();
  } catch (error) {
    file.discard();
    throw error;
  }
}
