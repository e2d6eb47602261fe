/**
 * A measure against its threshold, as a small picture for a cell: the range that is allowed, where
 * the run was, and where its healthy twin was.
 */
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
  const zone = html`<rect class="zone" x="${x(least) - 2}" y="4" width="${px(x(most) - x(least) + 4)}" height="14"><title>${`allowed: ${shortNumber(least)} to ${shortNumber(most)}`}</title></rect>`;
  const twin =
    healthy === undefined
      ? ""
      : html`<path class="healthy" d="M${x(healthy)} 11m0 -6l6 6l-6 6l-6 -6z"><title>${`healthy twin: ${shortNumber(healthy)}`}</title></path>`;
  const run =
    value === undefined
      ? ""
      : html`<path class="${isMet ? "met" : "missed"}" d="M${x(value)} 11${isMet ? "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z" : "m-5 -5l10 10m0 -10l-10 10"}"><title>${`this run: ${shortNumber(value)}`}</title></path>`;
  const words = [shortNumber(low), shortNumber(high)];
  const ends =
    high > low
      ? html`<text class="tick" x="${PAD}" y="29">${words[0]}</text><text class="tick" x="${WIDTH - PAD}" y="29" text-anchor="end">${words[1]}</text>`
      : "";
  const told = `allowed ${shortNumber(least)} to ${shortNumber(most)}, this run ${value === undefined ? "none" : shortNumber(value)}, healthy twin ${healthy === undefined ? "none" : shortNumber(healthy)}`;
  return html`<svg class="threshold" role="img" aria-label="${told}" viewBox="0 0 ${WIDTH} ${HEIGHT}"><path class="axis" d="M${PAD} 11H${WIDTH - PAD}"/>${zone}${twin}${run}${ends}</svg>`;
}
