/** Where every assignment ended, as one bar. */
import { type Frame, figure } from "./figure.ts";
import { type Html, html, px } from "./html.ts";

/** A part of the whole. */
export interface AccountPart {
  readonly style: "combined" | "masked" | "lost" | "open";
  readonly name: string;
  readonly count: number;
}

/** The picture; undefined when nothing was dispatched. */
export function accountFigure(
  parts: readonly AccountPart[],
  whole: (n: number) => string,
): Html | undefined {
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return undefined;
  const there = parts.filter(({ count }) => count > 0);
  const words = there.map(
    ({ name, count }) => `${name} ${whole(count)} (${((100 * count) / total).toFixed(2)} %)`,
  );
  return figure({
    title: "Where every assignment ended",
    label: `Of ${whole(total)} assignments: ${words.join(", ")}`,
    caption: words.join(" · "),
    draw: ({ left, right, isNarrow }: Frame) => {
      const start = isNarrow ? 4 : left;
      let x = start;
      const content = there.map(({ style, name, count }) => {
        const width = Math.max(2, ((right - start) * count) / total);
        const told = `${name}: ${whole(count)}`;
        const bar = html`<rect class="${style}" x="${px(x)}" y="6" width="${px(width)}" height="28"><title>${told}</title></rect>`;
        // A word where there is room for it; the caption has them all.
        const word =
          width > name.length * 8
            ? html`<text class="onbar" x="${px(x + width / 2)}" y="25" text-anchor="middle">${name}</text>`
            : "";
        x += width;
        return html`${bar}${word}`;
      });
      return { height: 42, content };
    },
  });
}
