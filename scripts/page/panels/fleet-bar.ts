/** Around the picture of the fleet: what part of it is shown, and what its colours mean. */

import { formatTime } from "../../../src/model/time.ts";
import type { Actions } from "../actions.ts";
import { type Palette, paletteOf, stepOf, type Theme } from "../colours.ts";
import { MARK_WORDS, MARKS } from "../fleet/marks.ts";
import { paintMark, paintMasked } from "../fleet/paint-marks.ts";
import { html, nothing, type Part, when } from "../lit.ts";
import type { PageState } from "../page-state.ts";

export function fleetBarView(state: PageState, actions: Actions): Part {
  const { focus, index, cursorPs } = state;
  const isWhole = focus.node === undefined && focus.plane === undefined;
  const part =
    focus.node !== undefined ? `node ${focus.node}` : `${index.planeWord} ${focus.plane}`;
  const { fromPs, spanPs } = state.use.span;
  return html`
    <h2>
      ${
        isWhole
          ? "Fleet"
          : html`<button class="link" title="back to the whole fleet (Escape)"
              @click=${() => actions.focus({})}>Fleet</button> › ${part}`
      }
    </h2>
    <span class="quiet">
      ${
        spanPs > 0
          ? html`use over ${formatTime(spanPs)} from ${formatTime(fromPs)} on`
          : "use: nothing was counted yet"
      }
    </span>
    ${when(cursorPs !== undefined, () => html`<span class="past">at ${formatTime(cursorPs ?? 0)}</span>`)}
    ${isWhole ? nothing : html`<button class="plain" @click=${() => actions.focus({})}>whole fleet</button>`}
  `;
}

/** Percents at which the scale has a number. */
const TICKS = [0, 10, 25, 50, 100];
const SCALE = { width: 110, height: 10 };

/** The legend: its pictures are painted by {@link paintLegend}. */
export function legendView(): Part {
  return html`
    <span class="scale">
      <canvas id="scale" width=${SCALE.width} height=${SCALE.height} aria-hidden="true"></canvas>
      <small>use: ${TICKS.join(", ")} %</small>
    </span>
    ${[...MARKS, "masked" as const].map(
      (mark) => html`<span class="mark"
        ><canvas class="sign" data-mark=${mark} aria-hidden="true"></canvas>${MARK_WORDS[mark]}</span
      >`,
    )}
  `;
}

/** Paints the scale and the forms of marks in all canvases of a part of the page that show them. */
export function paintLegend(part: ParentNode, theme: Theme): void {
  const palette = paletteOf(theme);
  const scale = part.querySelector<HTMLCanvasElement>("#scale");
  const context = scale === null ? null : sized(scale, SCALE.width, SCALE.height);
  if (context !== null) {
    for (let x = 0; x < SCALE.width; x += 1) {
      context.fillStyle = palette.scale[stepOf((1000 * (x + 0.5)) / SCALE.width)];
      context.fillRect(x, 0, 1, SCALE.height);
    }
    context.fillStyle = palette.text;
    for (const percent of TICKS) {
      const x = Math.min(SCALE.width - 1, (percent / 100) * SCALE.width);
      context.fillRect(x, SCALE.height - 3, 1, 3);
    }
  }
  for (const sign of part.querySelectorAll<HTMLCanvasElement>("canvas.sign")) {
    // Signs stand in lists that are brought up to date often, and seldom change.
    const painted = `${sign.dataset.mark} ${theme} ${devicePixelRatio}`;
    if (sign.dataset.painted === painted) continue;
    sign.dataset.painted = painted;
    paintSign(sign, palette);
  }
}

function paintSign(sign: HTMLCanvasElement, palette: Palette): void {
  const context = sized(sign, 16, 14);
  if (context === null) return;
  const box = { x: 0, y: 0, width: 16, height: 14 };
  const mark = sign.dataset.mark;
  context.fillStyle = palette.scale[6];
  context.fillRect(0, 0, 16, 14);
  if (mark === "masked") paintMasked(context, palette, box, 0.6);
  else {
    const known = MARKS.find((one) => one === mark);
    if (known !== undefined) paintMark(context, palette, known, box);
  }
}

function sized(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context?.scale(devicePixelRatio, devicePixelRatio);
  return context;
}
