/**
 * The form that breaks something; in a blind drill the one that names the culprit. Only for who
 * opened the link that the terminal shows.
 */
import { formatTime } from "../../../src/model/time.ts";
import type { FaultKindView } from "../../../src/observe/view-api.ts";
import type { Actions, OperatorRequest } from "../actions.ts";
import { completions, kindsOfTarget } from "../fleet/describe.ts";
import { html, keyed, live, nothing, type Part, when } from "../lit.ts";
import type { PageState } from "../page-state.ts";
import { part } from "../parts.ts";

/** What a lease is when nobody says; long enough to see what comes of it. */
const LEASE = "5 ms";

export function actView(state: PageState, actions: Actions): Part {
  if (!state.isUp) return nothing;
  if (state.token === undefined) {
    return html`<p class="watching">
      Watching only: open the link that the terminal shows to act.
      <span class="quiet"><code>faultplane view</code> shows a new one.</span>
    </p>`;
  }
  return state.run.isBlind ? diagnoseView(state, actions) : injectView(state, actions);
}

function injectView(state: PageState, actions: Actions): Part {
  const { run, index, target } = state;
  const fitting = kindsOfTarget(target, index);
  const others = run.faultKinds.filter((kind) => !fitting.includes(kind));
  const [first] = [...fitting, ...others];
  const wanted = run.faultKinds.find(({ kind }) => kind === state.kind);
  const isFitting = wanted !== undefined && (fitting.length === 0 || fitting.includes(wanted));
  const chosen = isFitting ? wanted : first;
  const submit = (event: Event): void => {
    event.preventDefault();
    actions.act(injection(event.target as HTMLFormElement));
  };
  return html`
    <form class="act" autocomplete="off" @submit=${submit}>
      <h2>Break something</h2>
      ${targetField(state, actions)}
      <label>
        <span>fault</span>
        <select
          name="kind"
          @change=${(event: Event) =>
            actions.aim({ kind: (event.target as HTMLSelectElement).value })}
        >
          ${when(
            fitting.length > 0,
            () => html`<optgroup label=${`for ${target}`}>${options(fitting, chosen)}</optgroup>`,
          )}
          ${
            fitting.length > 0
              ? html`<optgroup label="for other targets" disabled>${options(others, chosen)}</optgroup>`
              : options(others, chosen)
          }
        </select>
      </label>
      <p class="quiet about">${chosen?.about ?? ""}</p>
      <div class="row">
        ${(chosen?.parameters ?? []).map(({ key, fallback }) =>
          // What was typed for one kind is not for another.
          keyed(
            `${chosen?.kind} ${key}`,
            html`<label>
            <span>${key}</span>
            <input name=${`set.${key}`} placeholder=${fallback} maxlength="40" size="8" />
          </label>`,
          ),
        )}
        <label>
          <span>lease</span>
          <input name="lease" required .value=${LEASE} maxlength="40" size="8" title="virtual time, such as 5 ms" />
        </label>
        <button type="submit" class="danger">inject</button>
      </div>
    </form>
  `;
}

function options(kinds: readonly FaultKindView[], chosen: FaultKindView | undefined): Part[] {
  return kinds.map(
    (kind) => html`<option value=${kind.kind} .selected=${live(kind === chosen)}>
      ${kind.kind}
    </option>`,
  );
}

function targetField({ index, target }: PageState, actions: Actions): Part {
  return html`<label>
      <span>target</span>
      <input
        id="target"
        name="target"
        list="targets"
        required
        maxlength="200"
        spellcheck="false"
        placeholder="click on something, or type: node1.nic3"
        .value=${live(target)}
        @keydown=${(event: KeyboardEvent) => chooseKind(event)}
        @input=${(event: Event) => actions.aim({ target: (event.target as HTMLInputElement).value })}
      />
    </label>
    <datalist id="targets">
      ${completions(target, index).map((name) => html`<option value=${name}></option>`)}
    </datalist>`;
}

/** Whoever has typed a target chooses what is to hit it next: Enter does not break anything yet. */
function chooseKind(event: KeyboardEvent): void {
  if (event.key !== "Enter") return;
  event.preventDefault();
  part("act").querySelector("select")?.focus();
}

/** The request that a filled form stands for: numbers as numbers, empty fields not at all. */
function injection(form: HTMLFormElement): OperatorRequest {
  const fault: Record<string, number | string> = {};
  for (const [name, value] of new FormData(form)) {
    const text = String(value).trim();
    if (text === "") continue;
    const key = name === "lease" ? "healAfter" : name.replace(/^set\./, "");
    fault[key] = name.startsWith("set.") && Number.isFinite(Number(text)) ? Number(text) : text;
  }
  return { command: "inject", fault };
}

function diagnoseView(state: PageState, actions: Actions): Part {
  const submit = (event: Event): void => {
    event.preventDefault();
    const given = new FormData(event.target as HTMLFormElement);
    const [target, kind] = ["target", "kind"].map((name) => String(given.get(name) ?? "").trim());
    actions.act({ command: "diagnose", target, kind });
  };
  return html`
    <form class="act" autocomplete="off" @submit=${submit}>
      <h2>Who is it?</h2>
      <p class="quiet about">
        What the drill does is hidden until it is over. Name the culprit as often as you like; the
        report grades each attempt.
      </p>
      ${targetField(state, actions)}
      <div class="row">
        <label>
          <span>fault</span>
          <select name="kind">
            ${state.run.faultKinds.map(({ kind }) => html`<option>${kind}</option>`)}
          </select>
        </label>
        <button type="submit">diagnose</button>
      </div>
      ${when(
        state.attempts.length > 0,
        () => html`<ol class="attempts" aria-label="attempts">
          ${state.attempts.map(
            ({ target, kind, atPs }) =>
              html`<li>${kind} on ${target} <small>${formatTime(atPs)}, noted</small></li>`,
          )}
        </ol>`,
      )}
    </form>
  `;
}
