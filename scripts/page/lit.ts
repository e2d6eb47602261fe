/**
 * Templates of the page. They bind text and attributes, so a name from a scenario or from a log is
 * never taken for markup. The only file that knows lit-html.
 */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { keyed } from "lit-html/directives/keyed.js";
import { live } from "lit-html/directives/live.js";
import { escapeControls } from "../../src/base/escape.ts";

export { html, keyed, live, nothing, type TemplateResult };

/** A part of a page; `nothing`: not there. */
export type Part = TemplateResult | typeof nothing;

/** A name or a sentence from elsewhere: nothing in it turns the line around or hides. */
export const plain = escapeControls;

/** Puts a part into its place on the page, or brings up to date what is there. */
export function show(part: Part, place: HTMLElement): void {
  render(part, place);
}

/** The part if something holds. */
export function when(holds: boolean, part: () => Part): Part {
  return holds ? part() : nothing;
}
