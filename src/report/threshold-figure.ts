/**
 * A measure against its threshold, as a small picture for a cell: the range that is allowed, where
 * the run was, and where its healthy twin was.
 */
import { toldBox, toldPath } from "./figure.ts";
import { type Html, html, px } from "./html.ts";
import { shortNumber } from "./ticks.ts";

export interface Threshold {
  readonly least: number;
  readonly most: number;
  /** Missing: there was none. */
  readonly value?: number | undefined;
  readonly healthy?: number | undefined;
  readonly isMet: boolean;
}

const WIDTH = 220;
const HEIGHT = 30;
const PAD = 12;
/** Shapes around a point. */
const DIAMOND = "m0 -6l6 6l-6 6l-6 -6z";
const CIRCLE = "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z";
const CROSS = "m-5 -5l10 10m0 -10l-10 10";

/** The picture. */
export function thresholdFigure({ least, most, value, healthy, isMet }: Threshold): Html {
  const points = [least, most, value, healthy].filter((one) => one !== undefined);
  const finite = points.filter(Number.isFinite);
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const span = high > low ? high - low : Math.max(1, Math.abs(high));
  const from = high > low ? low : low - span / 2;
  const x = (at: number): number => {
    const share = Math.min(1, Math.max(0, (at - from) / span));
    return px(PAD + share * (WIDTH - 2 * PAD));
  };
  const allowed = `${shortNumber(least)} to ${shortNumber(most)}`;
  const box = { x: x(least) - 2, y: 4, width: x(most) - x(least) + 4, height: 14 };
  const parts = [toldBox("zone", box, `allowed: ${allowed}`)];
  const [found, twin] = [value, healthy].map((one) =>
    one === undefined ? "none" : shortNumber(one),
  );
  if (healthy !== undefined) {
    parts.push(toldPath("healthy", `M${x(healthy)} 11${DIAMOND}`, `healthy twin: ${twin}`));
  }
  if (value !== undefined) {
    const [style, shape] = isMet ? ["met", CIRCLE] : ["missed", CROSS];
    parts.push(toldPath(style, `M${x(value)} 11${shape}`, `this run: ${found}`));
  }
  if (high > low) {
    parts.push(html`<text class="tick" x="${PAD}" y="29">${shortNumber(low)}</text>`);
    const end = html`x="${WIDTH - PAD}" y="29" text-anchor="end"`;
    parts.push(html`<text class="tick" ${end}>${shortNumber(high)}</text>`);
  }
  const told = `allowed ${allowed}, this run ${found}, healthy twin ${twin}`;
  const view = `0 0 ${WIDTH} ${HEIGHT}`;
  const line = html`<path class="axis" d="M${PAD} 11H${WIDTH - PAD}"/>`;
  const about = html`role="img" aria-label="${told}" viewBox="${view}"`;
  return html`<svg class="threshold" ${about}>${line}${parts}</svg>`;
}
