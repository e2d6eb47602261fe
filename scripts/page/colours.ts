/**
 * Colours of what is drawn on canvases, for a light and a dark page; text and forms have theirs in
 * style/base.css. States have the colours of Okabe and Ito, which colour-blind people tell apart;
 * use is one hue, from pale to strong. Pure.
 */
import type { Mark } from "./fleet/marks.ts";

export type Theme = "light" | "dark";

export interface Palette {
  readonly panel: string;
  /** Behind a node's column. */
  readonly ground: string;
  readonly line: string;
  readonly text: string;
  readonly quiet: string;
  readonly accent: string;
  readonly marks: Readonly<Record<Mark | "masked", string>>;
  /** Of strokes on a mark. */
  readonly onMark: string;
  /** Of lines in charts. */
  readonly lines: readonly [throughput: string, dispatch: string, combine: string, lag: string];
  /** Behind charts while a fault is in force, and at its onset and end. */
  readonly band: string;
  readonly onset: string;
  /** Use as colours, from nothing to everything. */
  readonly scale: readonly string[];
  /** Text on the scale: from this place on it is {@link onStrong}. */
  readonly strongFrom: number;
  readonly onWeak: string;
  readonly onStrong: string;
}

/** Steps of the scale of use. */
const STEPS = 64;

type Rgb = readonly [red: number, green: number, blue: number];

function scaleOf(stops: readonly Rgb[]): string[] {
  return Array.from({ length: STEPS + 1 }, (_, step) => {
    const at = (step / STEPS) * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(at));
    const mixed = stops[low].map((part, place) =>
      Math.round(part + (stops[low + 1][place] - part) * (at - low)),
    );
    return `rgb(${mixed.join(",")})`;
  });
}

const LIGHT: Palette = {
  ...{ panel: "#ffffff", ground: "#f3f5f8", line: "#ccd3dc", text: "#18212c", quiet: "#566270" },
  accent: "#005a9c",
  marks: {
    ...{ dead: "#d55e00", flapping: "#e69f00", impaired: "#e69f00", steered: "#009e73" },
    ...{ out: "#6b7480", masked: "#b0528c" },
  },
  onMark: "#ffffff",
  lines: ["#0072b2", "#0072b2", "#b85c00", "#a3447f"],
  ...{ band: "rgba(213, 94, 0, 0.07)", onset: "rgba(190, 80, 0, 0.75)" },
  scale: scaleOf([
    [228, 233, 239],
    [178, 208, 232],
    [107, 170, 215],
    [40, 118, 183],
    [8, 58, 117],
  ]),
  ...{ strongFrom: 47, onWeak: "#000000", onStrong: "#ffffff" },
};

const DARK: Palette = {
  ...{ panel: "#171c23", ground: "#1d232c", line: "#3a4452", text: "#e6eaf0", quiet: "#9aa6b5" },
  accent: "#6fbcff",
  marks: {
    ...{ dead: "#ff7a2f", flapping: "#f2b134", impaired: "#f2b134", steered: "#2fc29a" },
    ...{ out: "#8a94a3", masked: "#e08cba" },
  },
  onMark: "#14181e",
  lines: ["#5fb4f0", "#5fb4f0", "#f0a04b", "#e08cba"],
  ...{ band: "rgba(255, 122, 47, 0.10)", onset: "rgba(255, 140, 70, 0.8)" },
  scale: scaleOf([
    [41, 49, 60],
    [35, 75, 112],
    [41, 116, 177],
    [93, 172, 236],
    [214, 239, 255],
  ]),
  ...{ strongFrom: 34, onWeak: "#ffffff", onStrong: "#000000" },
};

export function paletteOf(theme: Theme): Palette {
  return theme === "dark" ? DARK : LIGHT;
}

/** Place of a use, thousandths, in the scale: small shares are told apart, too. */
export function stepOf(permille: number): number {
  if (permille <= 0) return 0;
  const share = Math.min(1, permille / 1000);
  return Math.round(STEPS * (0.1 + 0.9 * Math.sqrt(share)));
}
