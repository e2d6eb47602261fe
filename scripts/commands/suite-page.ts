/**
 * What a pack of drills came to, as one HTML file in the folder of its run folders, with a link to
 * the report of each. Pure; where it goes is the command's matter.
 */
import { formatTime } from "../../src/model/time.ts";
import { cards, htmlDocument, list, section, table } from "../../src/report/document.ts";
import { type Html, type HtmlValue, html } from "../../src/report/html.ts";
import { mainNumber, type SuiteRow, stemOf } from "./suite-result.ts";

export interface SuitePage {
  readonly folder: string;
  readonly rows: readonly SuiteRow[];
  /** Drills of the folder; rows may be fewer, when it was stopped. */
  readonly drills: number;
  readonly version: string;
}

/** The page; ends in a newline. */
export function suitePage({ folder, rows, drills, version }: SuitePage): string {
  const met = rows.filter(({ report }) => report?.asExpected === true).length;
  const isGood = met === drills;
  const verdict = isGood ? "PASS" : "FAIL";
  const words = `${met} of ${drills} drills ended as their files expect`;
  const unfinished = drills - rows.length;
  const remarks = [words, ...(unfinished > 0 ? [`${unfinished} were not run: stopped`] : [])];
  const title = `Drills of ${folder}`;
  const seconds = rows.reduce((sum, row) => sum + row.seconds, 0);
  const body = html`<header>
<h1>${title}</h1>
<p class="about">faultplane ${version}</p>
</header>
<div class="verdict ${verdict}" role="status"><strong>${met} / ${drills}</strong><div>${list(remarks)}</div></div>
${cards(countsOf(rows, seconds))}${section("Drills", tableOf(rows))}${section("Not as expected", troubles(rows))}`;
  return htmlDocument(`${met}/${drills}: ${title}`, body);
}

function countsOf(rows: readonly SuiteRow[], seconds: number) {
  const count = (verdict: string): string =>
    String(rows.filter(({ report }) => report?.verdict === verdict).length);
  const errors = rows.filter(({ report }) => report === undefined).length;
  return [
    ...["PASS", "FAIL", "INVALID"].map((verdict) => ({ name: verdict, value: count(verdict) })),
    { name: "could not be run", value: String(errors) },
    { name: "wall time", value: `${seconds.toFixed(1)} s` },
  ];
}

function tableOf(rows: readonly SuiteRow[]): Html {
  const cells = rows.map(({ file, report, seconds }): HtmlValue[] => {
    const stem = stemOf(file);
    const wall = `${seconds.toFixed(1)} s`;
    if (report === undefined) {
      return [stem, "", html`<span class="bad">error</span>`, "", "", "", wall];
    }
    const { verdict, expected, asExpected, record, identity, title } = report;
    const tone = asExpected ? "good" : "bad";
    return [
      html`<a href="${encodeURIComponent(stem)}/report.html">${stem}</a><br><span class="about">${title}</span>`,
      expected,
      html`<span class="${tone}">${verdict}</span>`,
      mainNumber(report),
      html`<code>${identity.digest}</code>`,
      formatTime(record.endPs),
      wall,
    ];
  });
  const heads = ["drill", "expected", "verdict", "main number", "digest", "virtual time", "wall"];
  return table(heads, cells, [5, 6]);
}

function troubles(rows: readonly SuiteRow[]): Html[] {
  return rows
    .filter(({ report }) => report?.asExpected !== true)
    .map(({ file, report, errors }) => {
      const found =
        report === undefined
          ? "could not be run"
          : `${report.verdict}, expected ${report.expected}`;
      return html`<h3>${stemOf(file)}: ${found}</h3>${list(report?.reasons ?? errors)}`;
    });
}
