/**
 * What all pictures of a report have in common: each is drawn twice, for wide and for narrow
 * screens, since text in a drawing shrinks with it; the page shows one of them. Colours are
 * variables of the page, told apart by dashes and words, too.
 */
import { type Html, type HtmlValue, html, px } from "./html.ts";

/** The frame of one drawing, in pixels of its own. */
export interface Frame {
  readonly width: number;
  readonly isNarrow: boolean;
  /** Where plots begin and end. */
  readonly left: number;
  readonly right: number;
}

/** A drawing: its height, and what is in it. */
export interface Drawing {
  readonly height: number;
  readonly content: HtmlValue;
}

const WIDE: Frame = { width: 960, isNarrow: false, left: 74, right: 944 };
const NARROW: Frame = { width: 360, isNarrow: true, left: 52, right: 352 };

export interface FigureOptions {
  readonly title: string;
  /** What a screen reader says of it: what it shows, and what can be seen. */
  readonly label: string;
  /** Below the picture. */
  readonly caption: HtmlValue;
  readonly draw: (frame: Frame) => Drawing;
}

/** A picture with its title and caption. */
export function figure({ title, label, caption, draw }: FigureOptions): Html {
  const drawings = [WIDE, NARROW].map((frame) => {
    const { height, content } = draw(frame);
    const name = frame.isNarrow ? "narrow" : "wide";
    return html`<svg class="${name}" role="img" aria-label="${label}" viewBox="0 0 ${frame.width} ${Math.ceil(height)}">${content}</svg>`;
  });
  return html`<figure><h3>${title}</h3>${drawings}<figcaption>${caption}</figcaption></figure>
`;
}

/** An axis of values, upwards. */
export interface ValueAxis {
  readonly top: number;
  readonly bottom: number;
  readonly ticks: readonly { readonly y: number; readonly text: string }[];
}

/** The frame of a plot: its title, lines at the ticks, and their words. */
export function plotFrame({ left, right }: Frame, title: HtmlValue, axis: ValueAxis): Html {
  const { top, bottom, ticks } = axis;
  const lines = ticks.map(
    ({ y, text }) =>
      html`<path class="grid" d="M${left} ${y}H${right}"/><text class="tick" x="${left - 6}" y="${y + 4}" text-anchor="end">${text}</text>`,
  );
  return html`<text class="name" x="${left}" y="${top - 8}">${title}</text>${lines}<path class="axis" d="M${left} ${top}V${bottom}H${right}"/>`;
}

/** A line of a legend: a sample and a word, from `x` on. */
export function legendItem(x: number, y: number, style: string, text: string): Html {
  return html`<path class="${style}" d="M${x} ${y - 4}h18"/><text class="tick" x="${x + 23}" y="${y}">${text}</text>`;
}

/** A path with what it is, shown when it is pointed at. */
export function toldPath(style: string, path: string, told: string): Html {
  return html`<path class="${style}" d="${path}"><title>${told}</title></path>`;
}

/** A box with what it is. */
export function toldBox(
  style: string,
  box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  told: string,
): Html {
  const [x, y, width, height] = [box.x, box.y, box.width, box.height].map(px);
  const place = html`x="${x}" y="${y}" width="${width}" height="${height}"`;
  return html`<rect class="${style}" ${place}><title>${told}</title></rect>`;
}
