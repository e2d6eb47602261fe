/**
 * HTML and SVG as text. Whatever is put into a template is escaped, unless it was made by one: so a
 * name from a file is never taken for markup. Pure, and it knows nothing of reports.
 */
import { escapeControls } from "../base/escape.ts";

/** Markup that is safe to put into a page. Only {@link html} makes any. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a template takes: text and numbers are escaped, markup is not, nothing is nothing. */
export type HtmlValue = string | number | Html | undefined | readonly HtmlValue[];

/** A piece of markup: html`<td>${name}</td>`. Values may stand in text and in quoted attributes. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = parts[0];
  values.forEach((value, place) => {
    text += textOf(value) + parts[place + 1];
  });
  return new Html(text);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for a page: no markup, and nothing that turns a line around. */
export function escapeHtml(text: string): string {
  return escapeControls(text).replace(/[&<>"']/g, (found) => ENTITIES[found]);
}

/** What a template makes of a value. */
export function textOf(value: HtmlValue): string {
  if (value === undefined) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "string") return escapeHtml(value);
  if (typeof value === "number") return String(value);
  return value.map(textOf).join("");
}

/** A coordinate of a drawing: a tenth of a pixel is enough. */
export function px(value: number): number {
  return Math.round(value * 10) / 10;
}
