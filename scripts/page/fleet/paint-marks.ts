/**
 * The forms of the marks: a cross for what is dead, bars for what flaps, stripes for what is slow
 * or lossy, a frame for what is routed round, a hollow for what is out; and a bar at the foot as
 * long as the share of ranks that mask it. The legend has the same, so it is painted here, too.
 */
import type { Palette } from "../colours.ts";
import type { Box } from "./layout.ts";
import type { Mark } from "./marks.ts";

/** Least size at which a form has details. */
const FINE = 7;

/** Size of the badge that a small thing gets, so that it is seen among thousands. */
export const BADGE = 11;

/** Paints a mark over what is there; on what is small, a badge that is larger than it. */
export function paintMark(
  context: CanvasRenderingContext2D,
  palette: Palette,
  mark: Mark,
  box: Box,
): void {
  if (Math.min(box.width, box.height) >= BADGE) {
    paintForm(context, palette, mark, box);
    return;
  }
  context.fillStyle = palette.marks[mark];
  context.fillRect(box.x, box.y, box.width, box.height);
  paintBadge(context, palette, mark, box);
}

/** The form of a mark in the middle of a box, as large as it must be to be seen. */
export function paintBadge(
  context: CanvasRenderingContext2D,
  palette: Palette,
  mark: Mark,
  box: Box,
): void {
  const badge = {
    x: Math.round(box.x + (box.width - BADGE) / 2),
    y: Math.round(box.y + (box.height - BADGE) / 2),
    width: BADGE,
    height: BADGE,
  };
  context.fillStyle = palette.panel;
  context.fillRect(badge.x - 1, badge.y - 1, BADGE + 2, BADGE + 2);
  paintForm(context, palette, mark, badge);
}

function paintForm(
  context: CanvasRenderingContext2D,
  palette: Palette,
  mark: Mark,
  box: Box,
): void {
  const { x, y, width, height } = box;
  const colour = palette.marks[mark];
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.lineCap = "butt";
  if (mark === "dead") {
    context.fillStyle = colour;
    context.fillRect(x, y, width, height);
    paintCross(context, palette, box);
  } else if (mark === "flapping") {
    paintBars(context, colour, box);
  } else if (mark === "impaired") {
    paintStripes(context, colour, box);
  } else if (mark === "steered") {
    context.strokeStyle = colour;
    context.lineWidth = Math.min(width, height) < FINE ? 2 : 4;
    context.strokeRect(x, y, width, height);
  } else {
    context.fillStyle = palette.panel;
    context.fillRect(x, y, width, height);
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.setLineDash(Math.min(width, height) < FINE ? [] : [3, 2]);
    context.strokeRect(x, y, width, height);
  }
  context.restore();
}

/** A bar at the foot: how much of the fleet has given it up, 0 to 1. */
export function paintMasked(
  context: CanvasRenderingContext2D,
  palette: Palette,
  { x, y, width, height }: Box,
  share: number,
): void {
  const thick = height >= 14 ? 4 : height >= FINE ? 3 : 2;
  const length = Math.max(Math.min(width, 3), Math.round(width * Math.min(1, share)));
  context.fillStyle = palette.panel;
  context.fillRect(x, y + height - thick - 1, length, 1);
  context.fillStyle = palette.marks.masked;
  context.fillRect(x, y + height - thick, length, thick);
}

function paintCross(
  context: CanvasRenderingContext2D,
  palette: Palette,
  { x, y, width, height }: Box,
): void {
  const size = Math.min(width, height, 16) - (Math.min(width, height) < FINE ? 0 : 4);
  const [left, top] = [x + (width - size) / 2, y + (height - size) / 2];
  context.strokeStyle = palette.onMark;
  context.lineWidth = size < FINE ? 1 : 2;
  context.beginPath();
  context.moveTo(left, top);
  context.lineTo(left + size, top + size);
  context.moveTo(left + size, top);
  context.lineTo(left, top + size);
  context.stroke();
}

function paintBars(
  context: CanvasRenderingContext2D,
  colour: string,
  { x, y, width, height }: Box,
): void {
  const step = width < 14 ? 4 : 6;
  context.fillStyle = colour;
  for (let at = x; at < x + width; at += step) context.fillRect(at, y, step / 2, height);
  context.fillRect(x, y, width, Math.max(1, Math.min(2, height / 6)));
}

function paintStripes(
  context: CanvasRenderingContext2D,
  colour: string,
  { x, y, width, height }: Box,
): void {
  const isFine = Math.min(width, height) >= FINE;
  context.strokeStyle = colour;
  context.lineWidth = Math.min(width, height) < 14 ? 1.5 : 2.5;
  const step = Math.min(width, height) < 14 ? 4 : 7;
  context.beginPath();
  for (let at = x - height; at < x + width; at += step) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.lineWidth = isFine ? 2 : 1;
  context.strokeRect(x, y, width, height);
}
