/** What stands over the page: its keys, the question before a run is stopped, and notices. */
import { FILTER_TERMS } from "../../../src/observe/filter-terms.ts";
import type { Actions } from "../actions.ts";
import { html, nothing, type Part, plain } from "../lit.ts";
import type { PageState } from "../page-state.ts";
import { problemView } from "./log-bar.ts";

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ["/", "filter the log"],
  ["space", "pause the run, or let it go on"],
  ["n", "back to the present"],
  ["← →", "on the slider: another instant; in the picture, with ↑ ↓: another device"],
  ["enter", "in the picture: its node or plane alone; in the log: that line's instant"],
  ["esc", "the whole fleet again; nothing chosen"],
  ["+ − 0", "show less time, more, all"],
  ["t", "dark or light"],
  ["?", "this"],
];

export function keysView(): Part {
  return html`
    <form method="dialog">
      <h2>Keys <button class="plain" aria-label="close">×</button></h2>
      <dl class="keys">
        ${KEYS.map(([keys, what]) => html`<dt><kbd>${keys}</kbd></dt><dd>${what}</dd>`)}
      </dl>
      <h2>Terms of the filter</h2>
      <dl class="terms">
        ${FILTER_TERMS.map(
          ({ key, about, example }) =>
            html`<dt><code>${key}=${example}</code></dt><dd>${about}</dd>`,
        )}
      </dl>
    </form>
  `;
}

export function stopView(actions: Actions): Part {
  return html`
    <form method="dialog">
      <h2>Stop the run?</h2>
      <p>It ends now, with its report. The verdict is INVALID.</p>
      <p class="buttons">
        <button autofocus>let it go on</button>
        <button class="danger" @click=${() => actions.act({ command: "stop" })}>stop it</button>
      </p>
    </form>
  `;
}

export function noticeView({ notice }: PageState, actions: Actions): Part {
  if (notice === undefined) return nothing;
  const isBad = notice.problems.length > 0;
  return html`<div class=${isBad ? "notice bad" : "notice"}>
    <p>${isBad ? notice.problems.map(problemView) : plain(notice.text)}</p>
    <button class="plain" aria-label="close" @click=${actions.dismiss}>×</button>
  </div>`;
}
