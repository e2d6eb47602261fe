/** Faults as lanes above a timeline: a bar while one was in force, and marks of what came of it. */
import { formatTime } from "../model/time.ts";
import type { FaultSpan } from "./fault-spans.ts";
import type { Drawing, Frame } from "./figure.ts";
import { type Html, type HtmlValue, html, px } from "./html.ts";
import type { TimeAxis } from "./time-axis.ts";

/** An instant that is marked on a lane, and what it is. */
export interface LaneMark {
  readonly atPs: number;
  readonly what: "noticed" | "gave-up" | "served" | "act";
  readonly text: string;
}

/** One lane. */
export interface FaultLane {
  readonly title: string;
  /** Missing: a lane of marks alone. */
  readonly span?: FaultSpan;
  readonly marks: readonly LaneMark[];
}

const LANE_PX = 34;
/** Lanes that are drawn; the tables have all. */
const LANES_MAX = 8;

/** Shapes of marks around a point, by what they mean. */
const SHAPES = {
  noticed: "m0 -5l5 9h-10z",
  "gave-up": "m0 -6l5 6l-5 6l-5 -6z",
  served: "m-4 -4h8v8h-8z",
  act: "m0 -6v12",
} as const;

/** The lanes, from 0 downwards. */
export function faultLanes(frame: Frame, axis: TimeAxis, lanes: readonly FaultLane[]): Drawing {
  const shown = lanes.slice(0, LANES_MAX);
  const hidden = lanes.length - shown.length;
  const content: HtmlValue[] = shown.map((lane, place) => drawLane(frame, axis, lane, place));
  let height = shown.length * LANE_PX;
  if (hidden > 0) {
    content.push(
      html`<text class="tick" x="${frame.left}" y="${height + 12}">and ${hidden} more faults, in the table</text>`,
    );
    height += 16;
  }
  return { height, content };
}

function drawLane(
  frame: Frame,
  axis: TimeAxis,
  { title, span, marks }: FaultLane,
  place: number,
): Html {
  const y = place * LANE_PX + 24;
  const points = marks.map(({ atPs, what, text }) => {
    const told = `${text}: ${formatTime(atPs)}`;
    return html`<path class="mark ${what}" d="M${axis.x(atPs)} ${y}${SHAPES[what]}"><title>${told}</title></path>`;
  });
  const rail = html`<path class="grid" d="M${frame.left} ${y}H${frame.right}"/>`;
  // About 6.2 pixels a letter.
  const room = Math.floor((frame.right - frame.left) / 6.2);
  const shown = title.length > room ? `${title.slice(0, room - 3)}...` : title;
  const name = html`<text class="tick" x="${frame.left}" y="${y - 10}"><title>${title}</title>${shown}</text>`;
  const bars = span === undefined ? "" : spanBars(frame, axis, span, y);
  return html`${rail}${bars}${points}${name}`;
}

/** The fault's bar, fainter where it hits less hard. */
function spanBars({ right }: Frame, axis: TimeAxis, span: FaultSpan, y: number): Html {
  const { fromPs, toPs, levels, kind, targets } = span;
  const endX = toPs === undefined ? right : axis.x(toPs);
  const until = toPs === undefined ? "to the end" : `until ${formatTime(toPs)}`;
  const [first, ...others] = targets;
  const where = others.length === 0 ? first : `${first} and ${others.length} more`;
  const told = `${kind} on ${where}, from ${formatTime(fromPs)} ${until}`;
  const turns = [{ atPs: fromPs, permille: 1000 }, ...levels];
  const bars = turns.map(({ atPs, permille }, place) => {
    const x = axis.x(atPs);
    const to = place + 1 < turns.length ? axis.x(turns[place + 1].atPs) : endX;
    const opacity = px((0.25 + 0.75 * (permille / 1000)) * (permille === 0 ? 0.4 : 1));
    return html`<rect class="fault" x="${x}" y="${y - 5}" width="${px(Math.max(1.5, to - x))}" height="10" fill-opacity="${opacity}"/>`;
  });
  return html`<g><title>${told}</title>${bars}</g>`;
}
