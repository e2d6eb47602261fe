/**
 * Paints the fleet: devices and links by their use, what is wrong by marks of a form each. Draws
 * what the layout says and decides nothing; the same at any size.
 */
import { type Palette, stepOf } from "../colours.ts";
import type { FleetElement } from "./element.ts";
import { boxesOf } from "./find.ts";
import type { FleetIndex } from "./fleet-index.ts";
import { cellLabel } from "./labels.ts";
import type { Box, Cell, FleetLayout, Wire } from "./layout.ts";
import type { FleetMarks, Mark } from "./marks.ts";
import { paintMark, paintMasked } from "./paint-marks.ts";
import type { FleetUse } from "./use.ts";

export interface Picture {
  readonly index: FleetIndex;
  readonly layout: FleetLayout;
  readonly palette: Palette;
  readonly use: FleetUse;
  readonly marks: FleetMarks;
  readonly chosen: FleetElement | undefined;
  readonly hovered: FleetElement | undefined;
}

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** Paints the whole picture on an empty canvas whose unit is a CSS pixel. */
export function paintFleet(context: CanvasRenderingContext2D, picture: Picture): void {
  const { layout, marks, palette } = picture;
  paintGround(context, picture);
  for (const bus of layout.buses) fill(context, bus, palette.line);
  for (const wire of layout.wires) paintWire(context, picture, wire);
  for (const cell of layout.cells) paintCell(context, picture, cell);
  const ranks = picture.index.nodes.reduce((sum, { gpus }) => sum + gpus.length, 0);
  for (const cell of layout.cells) {
    const mark = marks.actors.get(cell.actor);
    if (mark !== undefined) paintMark(context, palette, mark, cell);
    const mask = marks.masked.get(cell.actor);
    if (mask !== undefined) paintMasked(context, palette, cell, mask.by / Math.max(1, ranks - 1));
  }
  paintLabels(context, picture);
  paintFrames(context, picture);
}

/** Columns of nodes, so that what belongs together is seen to. */
function paintGround(context: CanvasRenderingContext2D, { layout, palette }: Picture): void {
  if (layout.size === "compact") return;
  context.fillStyle = palette.ground;
  const more = layout.size === "roomy" ? 6 : 1;
  for (const { x, y, width, height } of layout.columns) {
    const top = y + layout.headHeight - more;
    context.beginPath();
    context.roundRect(x - more, top, width + 2 * more, height - layout.headHeight, 4);
    context.fill();
  }
}

function paintWire(context: CanvasRenderingContext2D, picture: Picture, wire: Wire): void {
  const { index, use, palette, marks, layout } = picture;
  const { up, down } = index.bundles[wire.bundle];
  const mark = marks.bundles.get(wire.bundle);
  if (wire.axis === "cell" || layout.size !== "roomy") {
    fill(context, wire, palette.scale[stepOf(use.ofBundle(wire.bundle))]);
  } else {
    // Both directions beside each other.
    for (const [place, lanes] of [up, down].entries()) {
      const step = stepOf(use.ofLanes(lanes).permille);
      fill(context, laneOf(wire, place), palette.scale[Math.max(step, 6)]);
    }
  }
  if (mark !== undefined) paintBroken(context, palette, mark, wire);
}

/** One direction of a link: a line beside the middle. */
function laneOf({ axis, x, y, width, height }: Wire, place: number): Box {
  const aside = place === 0 ? -4 : 1;
  return axis === "along"
    ? { x: Math.round(x + width / 2) + aside, y, width: 3, height }
    : { x, y: Math.round(y + height / 2) + aside, width, height: 3 };
}

/** A link with a mark: cut in the middle when it is down, else in pieces. */
function paintBroken(
  context: CanvasRenderingContext2D,
  palette: Palette,
  mark: Mark,
  wire: Wire,
): void {
  const isAlong = wire.axis === "along";
  const length = isAlong ? wire.height : wire.width;
  const thick = Math.min(7, isAlong ? wire.width : wire.height);
  const pieces = mark === "dead" ? 2 : 3;
  const gap = Math.max(1, Math.round(length / (mark === "dead" ? 4 : 8)));
  const piece = Math.max(1, (length - gap * (pieces - 1)) / pieces);
  const box = isAlong
    ? { x: wire.x + (wire.width - thick) / 2, y: wire.y, width: thick, height: length }
    : { x: wire.x, y: wire.y + (wire.height - thick) / 2, width: length, height: thick };
  fill(context, box, palette.panel);
  for (let place = 0; place < pieces; place += 1) {
    const at = place * (piece + gap);
    const part = isAlong
      ? { ...box, y: box.y + at, height: piece }
      : { ...box, x: box.x + at, width: piece };
    fill(context, part, palette.marks[mark]);
  }
}

function paintCell(context: CanvasRenderingContext2D, picture: Picture, cell: Cell): void {
  const { index, use, palette, layout } = picture;
  const step = stepOf(use.ofActor(cell.actor));
  context.fillStyle = palette.scale[step];
  if (layout.size === "roomy" && cell.height > 8) {
    context.beginPath();
    context.roundRect(cell.x, cell.y, cell.width, cell.height, 2);
    context.fill();
  } else context.fillRect(cell.x, cell.y, cell.width, cell.height);
  const text = layout.size === "roomy" ? cellLabel(index, cell) : "";
  if (text === "") return;
  context.fillStyle = step >= palette.strongFrom ? palette.onStrong : palette.text;
  context.font = `${cell.height < 14 ? 10 : 11}px ${FONT}`;
  context.textBaseline = "middle";
  const isLeaf = index.run.actors.kind[cell.actor] === "leaf";
  context.textAlign = isLeaf ? "left" : "center";
  const x = isLeaf ? cell.x + 6 : cell.x + cell.width / 2;
  context.fillText(text, x, cell.y + cell.height / 2 + 0.5);
}

function paintLabels(context: CanvasRenderingContext2D, { layout, palette, index }: Picture): void {
  context.fillStyle = palette.quiet;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.font = `11px ${FONT}`;
  for (const { label, x, y } of layout.columns) {
    if (label !== "") context.fillText(label, x, y + layout.headHeight / 2 - 1);
  }
  if (layout.spinesAt !== undefined) {
    context.fillText("spines", layout.spinesAt.x, layout.headHeight / 2 - 1);
  }
  const [first] = layout.rows;
  if (layout.size !== "roomy" && first !== undefined && index.controller < 0) {
    context.fillText("node", 0, layout.headHeight / 2 - 1);
  }
  for (const { label, y, height } of layout.rows) {
    context.font = `${Math.min(11, height + 1)}px ${FONT}`;
    context.fillText(label, 0, y + height / 2);
  }
}

function paintFrames(context: CanvasRenderingContext2D, picture: Picture): void {
  const { layout, palette, chosen, hovered } = picture;
  const frame = (element: FleetElement, colour: string, width: number): void => {
    context.strokeStyle = colour;
    context.lineWidth = width;
    for (const box of boxesOf(layout, element)) {
      const more = width / 2 + 0.5;
      context.strokeRect(
        box.x - more,
        box.y - more,
        box.width + 2 * more,
        Math.max(1, box.height + 2 * more),
      );
    }
  };
  if (hovered !== undefined) frame(hovered, palette.quiet, 1);
  if (chosen !== undefined) frame(chosen, palette.accent, 2);
}

function fill(context: CanvasRenderingContext2D, box: Box, colour: string): void {
  context.fillStyle = colour;
  context.fillRect(box.x, box.y, box.width, box.height);
}
