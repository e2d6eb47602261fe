/** Above the log: its filter, severities, and whether it follows the run. */
import { formatTime } from "../../../src/model/time.ts";
import type { Actions } from "../actions.ts";
import { html, live, nothing, type Part, when } from "../lit.ts";
import { type Level, LEVELS, levelOf, withLevel } from "../log/filter-text.ts";
import type { PageState, Problem } from "../page-state.ts";

const LEVEL_WORDS: Readonly<Record<Level, string>> = { "": "all", warn: "warn", error: "error" };

export function logBarView(state: PageState, actions: Actions): Part {
  const { filter, filterProblems, cursorPs } = state;
  const level = levelOf(filter);
  const isWrong = filterProblems.length > 0;
  return html`
    <h2>Log</h2>
    <form
      role="search"
      @submit=${(event: Event) => {
        event.preventDefault();
        actions.filter(String(new FormData(event.target as HTMLFormElement).get("filter") ?? ""));
      }}
    >
      <input
        id="filter"
        name="filter"
        type="search"
        spellcheck="false"
        autocomplete="off"
        maxlength="1000"
        placeholder="filter: actor=node1.* kind=qp.* plane=2 since=5ms  ( / )"
        aria-label="filter of the log"
        aria-invalid=${isWrong}
        aria-describedby="filter-problem"
        .value=${live(filter)}
        @change=${(event: Event) => actions.filter((event.target as HTMLInputElement).value)}
      />
    </form>
    <div class="chips" role="group" aria-label="severity">
      ${LEVELS.map(
        (one) => html`<button
          class="chip"
          aria-pressed=${level === one}
          title=${one === "" ? "every severity" : `${one} and worse`}
          @click=${() => actions.filter(withLevel(filter, one))}
        >
          ${LEVEL_WORDS[one]}
        </button>`,
      )}
    </div>
    <button
      class="chip follow"
      aria-pressed=${state.isFollowing}
      title="stay at the end; scroll up to stand still"
      @click=${() => actions.follow(!state.isFollowing)}
    >
      ${state.isFollowing || state.waiting === 0 ? "follow" : `${state.waiting} new`}
    </button>
    ${when(cursorPs !== undefined, () => html`<span class="past">to ${formatTime(cursorPs ?? 0)}</span>`)}
    <p id="filter-problem" class="problem" role="alert">${isWrong ? filterProblems.map(problemView) : nothing}</p>
  `;
}

/** Something that was refused, in the words of whoever refused it. */
export function problemView({ code, message, hint }: Problem): Part {
  return html`<span
    >${when(code !== "", () => html`<code>${code}</code> `)}${message}${when(
      hint !== "",
      () => html` <small>${hint}</small>`,
    )}</span
  >`;
}

/** Under the log: that there is more than is shown. */
export function logFootView(state: PageState): Part {
  const skipped = state.cursorPs === undefined ? state.log.skipped : state.pastSkipped;
  const { length } = state.shownLines;
  if (length === 0) {
    const words = state.filter === "" ? "Nothing was said yet." : "No line passes the filter.";
    return html`<p class="quiet">${words}</p>`;
  }
  if (skipped === 0) return nothing;
  return html`<p class="quiet">
    the last ${length} lines; ${skipped} before them are not shown: narrow the filter, or go back in
    time
  </p>`;
}
