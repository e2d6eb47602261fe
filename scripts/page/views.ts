/** The page's parts as templates: header, what is chosen, faults in force, log, keys. */
import { html, nothing, render, type TemplateResult } from "lit-html";
import { formatTime } from "../../src/model/time.ts";
import type { EventView, FaultView } from "../../src/observe/view-api.ts";
import { shortNumber } from "./charts.ts";
import type { FleetMarks } from "./marks.ts";
import { MARK_WORDS, MARKS } from "./marks.ts";
import type { PageState } from "./page-state.ts";

/** What the user can do, by the parts of the page. */
export interface Actions {
  look(atPs: number | undefined): void;
  choose(actor: number): void;
  filter(text: string): void;
  act(request: Readonly<Record<string, unknown>>): void;
  inject(form: HTMLFormElement): void;
  diagnose(form: HTMLFormElement): void;
  toggleScroll(): void;
  toggleTheme(): void;
  toggleKeys(): void;
}

/** Puts a part into its place on the page, or brings up to date what is there. */
export function show(view: TemplateResult, place: HTMLElement): void {
  render(view, place);
}

const CONNECTIONS = {
  connecting: "connecting",
  live: "live",
  reconnecting: "line is down, trying again",
  recorded: "recorded",
} as const;

export function headerView(state: PageState, actions: Actions): TemplateResult {
  const { run, status, ended, live } = state;
  const ranks = run.cluster.nodes * run.cluster.gpusPerNode;
  const share =
    live === undefined || live.layersTotal === 0 ? 0 : live.layersDone / live.layersTotal;
  const figures: readonly [string, string][] = [
    ["virtual time", formatTime(status?.virtualTimePs ?? state.endPs)],
    ...(run.isLive && ended === undefined && status !== undefined
      ? ([
          ["speed", `${status.isPaused ? "paused" : status.speed}`],
          ["lag", `${status.lagSeconds.toFixed(2)} s`],
        ] as [string, string][])
      : []),
    ["tokens/s", status?.tokensPerSecond == null ? "-" : shortNumber(status.tokensPerSecond)],
    ["layers", `${Math.floor(100 * share)} %`],
    ["finished", `${live?.ranksFinished ?? 0}/${ranks}`],
    ["masked", String(live?.masked.length ?? 0)],
  ];
  return html`
    <div class="title">
      <h1>${run.title}</h1>
      <p>
        <span class="state ${state.connection}">${CONNECTIONS[state.connection]}</span>
        <code>${run.runId}</code> seed ${run.seed},
        ${run.cluster.nodes} nodes × ${run.cluster.gpusPerNode} GPUs, ${run.cluster.planes}
        ${run.cluster.network === "mrft" ? "rails" : "planes"}, ${run.workload.phase}
      </p>
    </div>
    <dl class="figures">
      ${figures.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>
    ${
      ended === undefined
        ? nothing
        : html`<p class="verdict ${ended.verdict}" role="status">
            <strong>${ended.verdict || ended.end}</strong>
            ${ended.detail} digest <code>${ended.digest}</code>
            <a href="/report" target="_blank" rel="noopener">report</a>
          </p>`
    }
    <div class="buttons">
      ${
        state.mayAct
          ? html`<button
                @click=${() => actions.act({ command: status?.isPaused === true ? "resume" : "pause" })}
              >
                ${status?.isPaused === true ? "Go on" : "Pause"}
              </button>
              <label
                >speed
                <select
                  aria-label="speed"
                  @change=${(event: Event) => {
                    const { value } = event.target as HTMLSelectElement;
                    actions.act({
                      command: "speed",
                      speed: value === "max" ? "max" : Number(value),
                    });
                  }}
                >
                  ${[status?.speed ?? "max", 0.0001, 0.001, 0.01, 0.1, 1, "max"].map(
                    (speed, place) => html`<option value=${speed} ?selected=${place === 0}>
                      ${speed}
                    </option>`,
                  )}
                </select></label
              >
              <button
                @click=${() => {
                  if (confirm("End the run? Its verdict will be INVALID.")) {
                    actions.act({ command: "stop" });
                  }
                }}
              >
                Stop
              </button>`
          : nothing
      }
      <button @click=${actions.toggleTheme} aria-label="dark or light">
        ${state.theme === "dark" ? "Light" : "Dark"}
      </button>
      <button @click=${actions.toggleKeys} aria-label="keys">?</button>
    </div>
  `;
}

/** Slider over virtual time; the right end is now. */
export function timeView(state: PageState, actions: Actions): TemplateResult {
  const { endPs, cursorPs } = state;
  const at = cursorPs ?? endPs;
  return html`
    <label class="slider"
      >virtual time
      <input
        id="time"
        type="range"
        min="0"
        max="1000"
        step="1"
        aria-label="virtual time that is shown"
        aria-valuetext=${formatTime(at)}
        .value=${String(endPs > 0 ? Math.round((1000 * at) / endPs) : 1000)}
        @input=${(event: Event) => {
          const share = Number((event.target as HTMLInputElement).value) / 1000;
          actions.look(share >= 1 ? undefined : share * state.endPs);
        }}
      />
      <output>${formatTime(at)}</output></label
    >
    <button ?disabled=${cursorPs === undefined} @click=${() => actions.look(undefined)}>
      ${state.run.isLive && state.ended === undefined ? "Now" : "End"}
    </button>
  `;
}

export function legendView(): TemplateResult {
  return html`
    <span class="scale" aria-hidden="true"></span><span>use of links, 0 to 100 %</span>
    ${MARKS.map(
      (mark) => html`<span class="mark ${mark}" aria-hidden="true"></span><span
          >${MARK_WORDS[mark]}</span
        >`,
    )}
  `;
}

/** What is known of the actor that was chosen, and what can be done to it. */
export function chosenView(
  state: PageState,
  marks: FleetMarks,
  useOf: (lane: number) => number,
  actions: Actions,
): TemplateResult {
  const { run, chosen, shown } = state;
  if (chosen < 0 || shown === undefined) {
    return html`<p class="quiet">Choose a GPU, NIC or switch: with the pointer, or arrows in the
      picture.</p>`;
  }
  const id = run.actors.id[chosen];
  const mask = shown.masked.find(({ rank }) => rank === id);
  const faults = marks.faults.get(chosen) ?? [];
  const isGpu = run.actors.kind[chosen] === "gpu";
  const lanes = [...run.lanes.from.keys()].filter(
    (lane) => run.lanes.from[lane] === chosen || run.lanes.to[lane] === chosen,
  );
  const busiest = lanes
    .map((lane) => ({ lane, rate: (useOf(lane) / 1000) * run.lanes.bytesPerSecond[lane] * 8 }))
    .sort((left, right) => right.rate - left.rate)
    .slice(0, 4);
  return html`
    <h2>${id}</h2>
    <p>
      ${faults.length > 0 ? html`hit by ${faults.join(", ")}. ` : nothing}
      ${mask === undefined ? nothing : html`masked by ${mask.by} ranks (${mask.faults.join(", ")}). `}
      ${shown.trapped.includes(id) ? "trapped. " : nothing}
      ${shown.out.includes(id) ? "out of its group. " : nothing}
      ${faults.length === 0 && mask === undefined ? "Nothing is wrong with it. " : nothing}
    </p>
    <ul class="lanes">
      ${busiest.map(({ lane, rate }) => {
        const other = run.lanes.from[lane] === chosen ? run.lanes.to[lane] : run.lanes.from[lane];
        const arrow = run.lanes.from[lane] === chosen ? "to" : "from";
        return html`<li>${arrow} ${run.actors.id[other]}: ${(rate / 1e9).toFixed(1)} Gb/s</li>`;
      })}
    </ul>
    ${
      isGpu && state.mayAct
        ? html`<button @click=${() => actions.act({ command: mask ? "unmask" : "mask", target: id })}>
            ${mask ? "Unmask" : "Mask"} ${id}
          </button>`
        : nothing
    }
  `;
}

export function faultsView(state: PageState, actions: Actions): TemplateResult {
  const faults = state.shown?.faults ?? [];
  return html`
    <h2>In force <span class="quiet">${faults.length === 0 ? "nothing" : faults.length}</span></h2>
    <ul class="faults">
      ${faults.map((fault) => faultView(fault, state, actions))}
    </ul>
  `;
}

function faultView(
  { fault, kind, targets, atPs, untilPs, permille }: FaultView,
  state: PageState,
  actions: Actions,
): TemplateResult {
  const until = untilPs === null ? "the end of the run" : formatTime(untilPs);
  return html`<li>
    <span class="mark ${permille > 0 ? "down" : "impaired"}" aria-hidden="true"></span>
    <div>
      <strong>${fault}</strong>${kind === fault ? "" : ` ${kind}`} on ${targets.slice(0, 4).join(", ")}
      ${targets.length > 4 ? `and ${targets.length - 4} more` : nothing}
      <small>since ${formatTime(atPs)}, until ${until}${permille < 1000 ? `, at ${permille / 10} %` : ""}</small>
    </div>
    ${
      state.mayAct
        ? html`<button
            aria-label="heal ${fault}"
            @click=${() => actions.act({ command: "heal", fault })}
          >
            Heal
          </button>`
        : nothing
    }
  </li>`;
}

/** The form that breaks something, or the one that names the culprit of a blind drill. */
export function formView(state: PageState, actions: Actions): TemplateResult {
  const { run, chosen } = state;
  if (!run.isLive || state.ended !== undefined) return html``;
  if (state.token === undefined) {
    return html`<p class="quiet">Watching only: open the link that the terminal shows to act, or ask
      for another with <code>faultplane view</code>.</p>`;
  }
  const target = chosen < 0 ? "" : run.actors.id[chosen];
  const submit = (event: Event): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    if (run.isBlind) actions.diagnose(form);
    else actions.inject(form);
  };
  return html`
    <form @submit=${submit} class="inject" autocomplete="off">
      <h2>${run.isBlind ? "Diagnose" : "Inject"}</h2>
      <label
        >kind
        <select name="kind" id="kind">
          ${run.faultKinds.map(
            ({ kind, about }) => html`<option value=${kind} title=${about}>${kind}</option>`,
          )}
        </select></label
      >
      <label
        >target
        <input
          name="target"
          id="target"
          list="targets"
          required
          maxlength="200"
          placeholder="node1.nic3"
          .value=${target}
      /></label>
      ${
        run.isBlind
          ? nothing
          : html`<label
              >lease
              <input name="lease" value="5 ms" maxlength="40" size="8" title="virtual time" /></label
            >`
      }
      <button type="submit">${run.isBlind ? "This is it" : "Inject"}</button>
      <datalist id="targets">
        ${run.actors.id.slice(0, 400).map((id) => html`<option value=${id}></option>`)}
      </datalist>
    </form>
  `;
}

export function logView(state: PageState, actions: Actions): TemplateResult {
  const lines = state.shownLines;
  const about = state.cursorPs === undefined ? "" : `up to ${formatTime(state.cursorPs)}`;
  return html`
    <div class="bar">
      <h2>Log <span class="quiet">${about}</span></h2>
      <input
        id="filter"
        type="search"
        placeholder="filter: actor=node1.* kind=qp.* plane=2 level=warn"
        aria-label="filter of the log"
        aria-invalid=${state.filterProblem !== ""}
        .value=${state.filter}
        @change=${(event: Event) => actions.filter((event.target as HTMLInputElement).value)}
      />
      ${["info", "warn", "error"].map(
        (level) => html`<button
          class="chip"
          aria-pressed=${state.filter.includes(`level=${level}`)}
          @click=${() => {
            const rest = state.filter.replace(/\s*level=\w+/, "");
            const isOn = state.filter.includes(`level=${level}`);
            actions.filter(isOn ? rest.trim() : `${rest} level=${level}`.trim());
          }}
        >
          ${level}
        </button>`,
      )}
      <button class="chip" aria-pressed=${!state.isScrolling} @click=${actions.toggleScroll}>
        hold
      </button>
    </div>
    ${state.filterProblem === "" ? nothing : html`<p class="problem" role="alert">${state.filterProblem}</p>`}
    <ol id="lines" class="lines" tabindex="0" aria-label="lines of the log">
      ${
        state.skipped > 0 && state.cursorPs === undefined
          ? html`<li class="quiet">${state.skipped} more were too many to show: narrow the filter</li>`
          : nothing
      }
      ${lines.map((line) => lineView(line, state, actions))}
    </ol>
  `;
}

function lineView(line: EventView, state: PageState, actions: Actions): TemplateResult {
  const actor = state.run.actors.id.indexOf(line.actor);
  return html`<li
    class=${line.level}
    @click=${() => {
      if (actor >= 0) actions.choose(actor);
    }}
  >
    <time>${formatTime(line.virtualTimePs)}</time><span class="actor">${line.actor}</span
    ><span>${line.text}</span>
  </li>`;
}

const KEYS: readonly [string, string][] = [
  ["/", "filter the log"],
  ["arrows", "in the picture: another actor; on the slider: another instant"],
  ["space", "pause the run, or let it go on (with a token)"],
  ["drag", "in a chart: that part of virtual time; double click: all of it"],
  ["click", "in a chart: that instant"],
  ["n", "back to now"],
  ["t", "dark or light"],
  ["?", "these keys"],
];

export function keysView(state: PageState, actions: Actions): TemplateResult {
  if (!state.showsKeys) return html``;
  return html`<div class="keys" role="dialog" aria-label="keys">
    <h2>Keys</h2>
    <dl>${KEYS.map(([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`)}</dl>
    <button @click=${actions.toggleKeys}>Close</button>
  </div>`;
}

export function noticeView(state: PageState): TemplateResult {
  const { notice } = state;
  if (notice === undefined) return html``;
  return html`<p class="notice ${notice.isBad ? "bad" : ""}" role="status">
    ${notice.text}${notice.hint === "" ? nothing : html`<small>${notice.hint}</small>`}
  </p>`;
}
