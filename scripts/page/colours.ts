/**
 * Colours of the picture and the charts, for a light and a dark page. States have the colours of
 * Okabe and Ito, which colour-blind people tell apart; use is one hue from pale to strong.
 */
import type { Mark } from "./marks.ts";

export interface Palette {
  readonly ground: string;
  readonly panel: string;
  readonly line: string;
  readonly text: string;
  readonly quiet: string;
  readonly idle: string;
  readonly marks: Readonly<Record<Mark, string>>;
  /** Of lines in charts. */
  readonly lines: readonly string[];
  readonly band: string;
  /** Use in thousandths as a colour. */
  use(permille: number): string;
}

const LINES = [
  "#0072B2",
  "#E69F00",
  "#009E73",
  "#CC79A7",
  "#56B4E9",
  "#D55E00",
  "#999999",
  "#B8A000",
];

const LIGHT: Palette = {
  ground: "#f6f7f9",
  panel: "#ffffff",
  line: "#c9ced6",
  text: "#1b2430",
  quiet: "#5d6877",
  idle: "#e7eaef",
  marks: { down: "#D55E00", impaired: "#E69F00", masked: "#CC79A7", out: "#6b7480" },
  lines: LINES,
  band: "rgba(213, 94, 0, 0.10)",
  use: (permille) => mixed([231, 234, 239], [0, 84, 147], permille / 1000),
};

const DARK: Palette = {
  ground: "#12161c",
  panel: "#1a2029",
  line: "#39424f",
  text: "#e4e8ee",
  quiet: "#98a3b3",
  idle: "#2a323d",
  marks: { down: "#FF7A2F", impaired: "#F2B134", masked: "#E39AC0", out: "#8a94a3" },
  lines: ["#56A8E0", "#F2B134", "#2FC29A", "#E39AC0", "#8CD0F5", "#FF7A2F", "#B0B8C4", "#D9C94A"],
  band: "rgba(255, 122, 47, 0.16)",
  use: (permille) => mixed([42, 50, 61], [102, 190, 255], permille / 1000),
};

export function paletteOf(theme: "light" | "dark"): Palette {
  return theme === "dark" ? DARK : LIGHT;
}

/** Between two colours; small shares are seen, too. */
function mixed(from: readonly number[], to: readonly number[], share: number): string {
  const seen = share <= 0 ? 0 : 0.12 + 0.88 * Math.sqrt(Math.min(1, share));
  const parts = from.map((part, place) => Math.round(part + (to[place] - part) * seen));
  return `rgb(${parts.join(",")})`;
}
