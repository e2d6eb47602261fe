/** What is in force: each fault with its targets, its times, and the button that heals it. */
import { listed } from "../../../src/base/words.ts";
import { formatTime } from "../../../src/model/time.ts";
import type { FaultView } from "../../../src/observe/view-api.ts";
import type { Actions } from "../actions.ts";
import { hardness } from "../fleet/describe.ts";
import { elementsOf } from "../fleet/element.ts";
import { markOf } from "../fleet/marks.ts";
import { html, nothing, type Part, plain, when } from "../lit.ts";
import type { PageState } from "../page-state.ts";

/** Faults that are listed at most. */
const LISTED_MAX = 60;

export function faultsView(state: PageState, actions: Actions): Part {
  const faults = state.shown?.faults ?? [];
  const count = faults.length === 0 ? nothing : html`<span class="count">${faults.length}</span>`;
  return html`
    <h2>In force ${count}</h2>
    ${faults.length === 0 ? html`<p class="quiet">${emptyWords(state)}</p>` : nothing}
    <ul class="faults">
      ${faults.slice(0, LISTED_MAX).map((fault) => faultView(fault, state, actions))}
      ${when(faults.length > LISTED_MAX, () => html`<li class="quiet">and ${faults.length - LISTED_MAX} more</li>`)}
    </ul>
  `;
}

/** In a blind drill what it does is hidden; what operators did is not. */
function emptyWords({ run, ended, cursorPs }: PageState): string {
  if (run.isBlind && ended === undefined) return "? (hidden until the drill is over)";
  return cursorPs === undefined ? "No fault is in force." : "No fault was in force.";
}

function faultView(fault: FaultView, state: PageState, actions: Actions): Part {
  const { fault: name, kind, targets, atPs, untilPs, permille } = fault;
  const until = untilPs === null ? "no end is known" : `until ${formatTime(untilPs)}`;
  const isAhead = state.shown !== undefined && atPs > state.shown.atPs;
  const since = isAhead ? `from ${formatTime(atPs)}` : `since ${formatTime(atPs)}`;
  const [element] = targets.slice(0, 1).flatMap((target) => elementsOf(target, state.index));
  return html`<li>
    <canvas class="sign" data-mark=${kind === "masked" ? "masked" : markOf(fault)} aria-hidden="true"></canvas>
    <div>
      <strong>${plain(name)}</strong>${kind === name ? nothing : html` <span>${kind}</span>`}
      <button
        class="link"
        ?disabled=${element === undefined}
        @click=${() => actions.choose(element)}
      >
        ${plain(listed(targets))}
      </button>
      <small>${since}, ${until}${permille === 0 ? ", pauses now" : hardness(permille)}</small>
    </div>
    ${when(
      state.mayAct,
      () => html`<button
        aria-label=${`heal ${name}`}
        @click=${() => actions.act({ command: "heal", fault: name })}
      >
        heal
      </button>`,
    )}
  </li>`;
}
