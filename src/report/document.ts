/**
 * A report as one HTML file: it loads nothing, runs nothing, and says so to the browser. Light and
 * dark as the reader's system is; colours are those of Okabe and Ito, which people who see fewer
 * colours tell apart.
 */
import { Html, type HtmlValue, html, textOf } from "./html.ts";
import { STYLES } from "./styles.ts";

/** What may be loaded: nothing but what is in the file. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** What tells a page of ours. */
export const GENERATOR = '<meta name="generator" content="faultplane">';

/** The whole page; ends in a newline. */
export function htmlDocument(title: string, body: HtmlValue): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${new Html(GENERATOR)}
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${STYLES}</style>
</head>
<body>
<svg class="patterns" aria-hidden="true"><defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V6"/></pattern><pattern id="cross" width="6" height="6" patternUnits="userSpaceOnUse"><path class="crossed" d="M0 0L6 6M6 0L0 6"/></pattern></defs></svg>
<main>
${body}</main>
</body>
</html>
`;
  return page.text;
}

/** A part of the page with its heading; without content there is none. */
export function section(title: string, ...content: readonly HtmlValue[]): Html {
  const isEmpty = content.every((one) => textOf(one) === "");
  return isEmpty
    ? html``
    : html`<section>
<h2>${title}</h2>
${content}</section>
`;
}

/** Rows of a table that are shown; report.md has all of them. */
const ROWS_MAX = 200;

/** A table: heads, rows; columns named in `right` stand to the right. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly HtmlValue[])[],
  right: readonly number[] = [],
): Html {
  const side = (column: number): HtmlValue =>
    right.includes(column) ? html` class="number"` : undefined;
  const names = heads.map((text, column) => html`<th scope="col"${side(column)}>${text}</th>`);
  const isNamed = heads.some((text) => text !== "");
  const head = isNamed ? html`<thead><tr>${names}</tr></thead>` : "";
  const body = rows.slice(0, ROWS_MAX).map(
    (row) => html`<tr>${row.map((cell, column) => html`<td${side(column)}>${cell}</td>`)}</tr>
`,
  );
  const hidden = rows.length - ROWS_MAX;
  const more = hidden > 0 ? html`<p>and ${hidden} more rows, in report.md</p>` : "";
  return html`<div class="scroll"><table>${head}<tbody>
${body}</tbody></table></div>${more}
`;
}

/** A list of sentences; of none there is none. */
export function list(items: readonly HtmlValue[]): Html {
  if (items.length === 0) return html``;
  return html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>
`;
}

/** Figures that are seen first. */
export function cards(
  all: readonly { readonly name: string; readonly value: string; readonly note?: string }[],
): Html {
  const boxes = all.map(({ name, value, note }) => {
    const about = note === undefined ? "" : html`<dd class="note">${note}</dd>`;
    return html`<div><dt>${name}</dt><dd>${value}</dd>${about}</div>`;
  });
  return html`<dl class="cards">${boxes}</dl>
`;
}

/** Commands, to be copied. */
export function commands(lines: readonly string[]): Html {
  return html`<pre><code>${lines.join("\n")}</code></pre>
`;
}
