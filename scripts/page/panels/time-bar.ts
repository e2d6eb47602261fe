/**
 * The bar of virtual time: a slider over what the charts show, with the times in which faults were
 * in force, and the way back to now.
 */
import { formatTime } from "../../../src/model/time.ts";
import type { Actions } from "../actions.ts";
import { endsOf, WHOLE_RUN, zoomed } from "../charts/time-window.ts";
import type { Palette } from "../colours.ts";
import { html, live, type Part } from "../lit.ts";
import type { PageState } from "../page-state.ts";

/** Places of the slider. */
const PLACES = 1000;

export function timeBarView(state: PageState, actions: Actions): Part {
  const { cursorPs, endPs, window } = state;
  const [fromPs, untilPs] = endsOf(window, endPs);
  const atPs = cursorPs ?? endPs;
  const share = Math.min(1, Math.max(0, (atPs - fromPs) / (untilPs - fromPs)));
  const nowWord = state.isUp ? "live" : "end";
  const isWhole = window === WHOLE_RUN;
  const zoom = (factor: number): void =>
    actions.show(zoomed(window, { factor, aroundPs: atPs, endPs }));
  return html`
    <button
      class="now"
      aria-pressed=${cursorPs === undefined}
      title="back to the present (n)"
      @click=${() => actions.look(undefined)}
    >
      ${nowWord}
    </button>
    <output class=${cursorPs === undefined ? "" : "past"} for="time">${formatTime(atPs)}</output>
    <span class="edge">${fromPs === 0 ? "0" : formatTime(fromPs)}</span>
    <div class="track">
      <canvas id="track" aria-hidden="true"></canvas>
      <input
        id="time"
        type="range"
        min="0"
        max=${PLACES}
        step="1"
        aria-label="virtual time that is shown"
        aria-valuetext=${`${formatTime(atPs)}${cursorPs === undefined ? `, ${nowWord}` : ""}`}
        .value=${live(String(Math.round(share * PLACES)))}
        @input=${(event: Event) => {
          const place = Number((event.target as HTMLInputElement).value);
          actions.look(Math.round(fromPs + (place / PLACES) * (untilPs - fromPs)));
        }}
      />
    </div>
    <span class="edge">${formatTime(untilPs)}</span>
    <div class="zoom" role="group" aria-label="time that is shown">
      <button class="plain" title="show less time (+)" aria-label="zoom in" @click=${() => zoom(0.5)}>
        +
      </button>
      <button
        class="plain"
        title="show more time (-)"
        aria-label="zoom out"
        ?disabled=${isWhole}
        @click=${() => zoom(2)}
      >
        −
      </button>
      <button
        class="plain"
        title="show the whole run (0)"
        ?disabled=${isWhole}
        @click=${() => actions.show(WHOLE_RUN)}
      >
        all
      </button>
    </div>
  `;
}

/** Paints the slider's track: what was, the part with faults, and the cursor's place. */
export function paintTrack(canvas: HTMLCanvasElement, state: PageState, palette: Palette): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = devicePixelRatio;
  if (canvas.width !== width * ratio) canvas.width = width * ratio;
  if (canvas.height !== height * ratio) canvas.height = height * ratio;
  const context = canvas.getContext("2d");
  if (context === null) return;
  const [fromPs, untilPs] = endsOf(state.window, state.endPs);
  const x = (ps: number): number =>
    Math.round(width * Math.min(1, Math.max(0, (ps - fromPs) / (untilPs - fromPs))));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.fillStyle = palette.scale[8];
  context.fillRect(0, height / 2 - 2, x(state.endPs), 4);
  context.fillStyle = palette.onset;
  for (const { fromPs: from, untilPs: until } of state.spans.union) {
    const [left, right] = [x(from), x(until ?? untilPs)];
    if (right <= 0 || left >= width) continue;
    context.fillRect(left, height / 2 + 4, Math.max(2, right - left), 3);
  }
  for (const { fromPs: from } of state.spans.all) {
    if (from >= fromPs && from <= untilPs) context.fillRect(x(from), height / 2 - 4, 2, 11);
  }
}
