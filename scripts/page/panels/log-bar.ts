/** Above the log: its filter, severities, and whether it follows the run. */
import { formatTime } from "../../../src/model/time.ts";
import type { Actions } from "../actions.ts";
import { html, nothing, type Part, plain, when } from "../lit.ts";
import { LEVELS, type Level, levelOf, withLevel } from "../log/filter-text.ts";
import type { PageState, Problem } from "../page-state.ts";
import { part } from "../parts.ts";

const LEVEL_WORDS: Readonly<Record<Level, string>> = { "": "all", warn: "warn", error: "error" };

export function logBarView(state: PageState, actions: Actions): Part {
  const { filter, filterProblems, cursorPs } = state;
  const level = levelOf(filter);
  const isWrong = filterProblems.length > 0;
  return html`
    <h2>Log</h2>
    <span class="quiet lines">${countOf(state)}</span>
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
        placeholder="filter: plane=2 kind=qp.*  ( / )"
        aria-label="filter of the log"
        aria-invalid=${isWrong}
        aria-describedby="filter-problem"
        .value=${filter}
        @change=${(event: Event) => actions.filter((event.target as HTMLInputElement).value)}
      />
    </form>
    <div class="chips" role="group" aria-label="severity">
      ${LEVELS.map(
        (one) => html`<button
          class="chip"
          aria-pressed=${level === one}
          title=${one === "" ? "every severity" : `${one} and worse`}
          @click=${() => actions.filter(withLevel(typed(), one))}
        >
          ${LEVEL_WORDS[one]}
        </button>`,
      )}
    </div>
    <button
      class="chip each"
      aria-pressed=${state.isEach}
      title="a line for each fact, instead of one for the same from many"
      @click=${() => actions.tellEach(!state.isEach)}
    >
      each
    </button>
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

/** What stands in the box, asked for or not yet. */
function typed(): string {
  return (part("filter") as HTMLInputElement).value;
}

/** How many lines are shown, and of how many that pass the filter. */
function countOf({ cursorPs, log, pastSkipped, shownLines }: PageState): string {
  const skipped = cursorPs === undefined ? log.skipped : pastSkipped;
  const { length } = shownLines;
  if (skipped > 0) return `last ${length} of ${length + skipped}`;
  return length === 1 ? "1 line" : `${length} lines`;
}

/** Something that was refused, in the words of whoever refused it. */
export function problemView({ code, message, hint }: Problem): Part {
  return html`<span
    >${when(code !== "", () => html`<code>${code}</code> `)}${plain(message)}${when(
      hint !== "",
      () => html` <small>${plain(hint)}</small>`,
    )}</span
  >`;
}
