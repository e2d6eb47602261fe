/** The head of the page: what run it is and how it stands, and what steers all of it. */
import { formatTime } from "../../../src/model/time.ts";
import type { AttemptView } from "../../../src/observe/view-api.ts";
import type { Actions } from "../actions.ts";
import { shortNumber } from "../charts/axis-text.ts";
import { html, live, nothing, type Part, plain, when } from "../lit.ts";
import type { PageState } from "../page-state.ts";

const CONNECTIONS = {
  connecting: ["connecting", "the page asks the server"],
  live: ["live", "the run goes on, and the page follows it"],
  reconnecting: ["reconnecting", "the line to the server broke; the page tries again"],
  recorded: ["recorded", "the run is over; this is what it left"],
  behind: ["catching up", "the page has not read all of the run's log yet"],
} as const;

export function headerView(state: PageState, actions: Actions): Part {
  const { run, connection } = state;
  const isBehind = connection === "live" && state.status?.isBehind === true;
  const [word, about] = CONNECTIONS[isBehind ? "behind" : connection];
  const { cluster, workload } = run;
  const planes = `${cluster.planes} ${state.index.planeWord}${cluster.planes === 1 ? "" : "s"}`;
  return html`
    <div class="title">
      <h1 title=${plain(run.title)}>${plain(run.title)}</h1>
      <p class="quiet">
        <span class="connection ${connection}" role="status" title=${about}>${word}</span>
        <span>${run.runId}</span>
        <span class="wide">seed ${run.seed}</span>
        <span class="wide">${cluster.nodes} × ${cluster.gpusPerNode} GPUs, ${planes}</span>
        <span class="wide">${workload.phase}, ${workload.protocol}</span>
        ${when(run.isBlind, () => html`<span class="blind">blind</span>`)}
      </p>
    </div>
    ${when(state.ended !== undefined, () => verdictView(state))}
    <dl class="figures">
      ${figuresOf(state).map(
        ([name, value, tone]) => html`<div class=${tone}><dt>${name}</dt><dd>${value}</dd></div>`,
      )}
    </dl>
    <div class="controls">
      ${when(state.mayAct, () => controlsView(state, actions))}
      <button class="plain" @click=${actions.toggleTheme} title="dark or light (t)">
        ${state.theme === "dark" ? "light" : "dark"}
      </button>
      <button class="plain" @click=${actions.openKeys} aria-label="keys" title="keys (?)">?</button>
    </div>
  `;
}

type Figure = readonly [name: string, value: string, tone: string];

function figuresOf(state: PageState): readonly Figure[] {
  const { status, shown, run, isUp, cursorPs } = state;
  const ranks = run.cluster.nodes * run.cluster.gpusPerNode;
  const isKnown = shown !== undefined;
  const done = shown === undefined || shown.layersTotal === 0 ? 0 : shown.layersDone;
  const percent = Math.floor((100 * done) / Math.max(1, shown?.layersTotal ?? 1));
  const fleet: readonly Figure[] = [
    ["layers", isKnown ? `${percent} %` : "-", ""],
    ["finished", isKnown ? `${shown.ranksFinished}/${ranks}` : "-", ""],
    ["masked", isKnown ? String(shown.givenUp) : "-", ""],
    ...((shown?.mismatches ?? 0) > 0
      ? ([["results differ", String(shown?.mismatches), "alert"]] as const)
      : []),
  ];
  // What is of the present alone has no place beside figures of the past.
  if (cursorPs !== undefined) return [["looking at", formatTime(cursorPs), "time past"], ...fleet];
  const tokens = status?.tokensPerSecond;
  const pace: readonly Figure[] = isUp
    ? [
        ["speed", status === undefined ? "-" : speedOf(state), status?.isPaused ? "alert" : ""],
        ["lag", status === undefined ? "-" : `${status.lagSeconds.toFixed(2)} s`, lagTone(state)],
      ]
    : [];
  return [
    ["virtual time", state.endPs > 0 ? formatTime(state.endPs) : "-", "time"],
    ...pace,
    ["tokens/s", tokens === undefined || tokens === null ? "-" : shortNumber(tokens), ""],
    ...fleet,
  ];
}

function speedOf({ status }: PageState): string {
  if (status?.isPaused) return "paused";
  return String(status?.speed ?? "-");
}

/** Lag of more than a second of wall time is worth a look. */
function lagTone({ status }: PageState): string {
  return (status?.lagSeconds ?? 0) > 1 ? "alert" : "";
}

function verdictView({ ended }: PageState): Part {
  if (ended === undefined) return nothing;
  const { verdict, end, digest, reasons, attempts } = ended;
  const why = reasons.join("; ");
  return html`<div class="verdict ${verdict.toLowerCase()}" role="status">
    <strong>${verdict === "" ? end : verdict}</strong>
    <p>
      <span class="detail" title=${plain(why)}>${plain(why)}</span>
      ${when(
        attempts.length > 0,
        () => html`<span class="detail">${plain(attempts.map(gradeOf).join("; "))}</span>`,
      )}
      ${when(digest !== "", () => html`<span class="quiet">digest <code>${digest}</code></span>`)}
      ${when(
        verdict !== "",
        () => html`<a href="/report" target="_blank" rel="noopener">report</a>`,
      )}
    </p>
  </div>`;
}

function gradeOf({ kind, targets, grade }: AttemptView): string {
  return `${kind} on ${targets.join(", ")}: ${grade}`;
}

const SPEEDS = [0.0001, 0.001, 0.01, 0.1, 1, "max"] as const;

function controlsView(state: PageState, actions: Actions): Part {
  const isPaused = state.status?.isPaused === true;
  const speed = state.status?.speed ?? "max";
  const own = [speed, state.firstSpeed ?? speed].filter((one) => !SPEEDS.some((of) => of === one));
  const all = [...new Set([...own, ...SPEEDS])];
  return html`
    <button
      class="pause"
      title="space"
      @click=${() => actions.act({ command: isPaused ? "resume" : "pause" })}
    >
      ${isPaused ? "go on" : "pause"}
    </button>
    <select
      aria-label="speed, virtual seconds per wall second"
      title="speed, virtual seconds per wall second"
      @change=${(event: Event) => {
        const { value } = event.target as HTMLSelectElement;
        actions.act({ command: "speed", speed: value === "max" ? "max" : Number(value) });
      }}
    >
      ${all.map(
        (one) => html`<option value=${one} .selected=${live(one === speed)}>
          ${one === "max" ? "max" : `× ${one}`}
        </option>`,
      )}
    </select>
    <button class="stop" @click=${actions.askToStop}>stop…</button>
  `;
}
