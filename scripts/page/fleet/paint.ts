/**
 * Paints the fleet: devices and links by their use, what is wrong by marks of a form each. Draws
 * what the layout says and decides nothing; the same at any size.
 */
import { type Palette, stepOf } from "../colours.ts";
import type { FleetElement } from "./element.ts";
import { boxesOf } from "./find.ts";
import type { FleetIndex } from "./fleet-index.ts";
import { cellLabel, cellRates, textWidth } from "./labels.ts";
import type { Box, Cell, FleetLayout, Wire } from "./layout.ts";
import type { FleetMarks } from "./marks.ts";
import { BADGE, paintBadge, paintMark, paintMasked } from "./paint-marks.ts";
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
    const mask = marks.masked.get(cell.actor);
    if (mask === undefined) continue;
    const share = mask.by / Math.max(1, ranks - 1);
    paintMasked(context, palette, cell, share);
  }
  for (const cell of layout.cells) {
    const mark = marks.actors.get(cell.actor);
    if (mark === undefined) continue;
    paintMark(context, palette, mark, cell);
    paintMarkedLabel(context, picture, cell);
  }
  for (const wire of layout.wires) {
    const mark = marks.bundles.get(wire.bundle);
    if (mark !== undefined) paintBadge(context, palette, mark, wire);
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
  if (mark !== undefined && layout.size === "roomy" && wire.axis !== "cell") {
    fill(context, middleOf(wire), palette.marks[mark]);
  }
}

/** One direction of a link: a line beside the middle. */
function laneOf({ axis, x, y, width, height }: Wire, place: number): Box {
  const aside = place === 0 ? -4 : 1;
  return axis === "along"
    ? { x: Math.round(x + width / 2) + aside, y, width: 3, height }
    : { x, y: Math.round(y + height / 2) + aside, width, height: 3 };
}

/** Both directions of a link. */
function middleOf(wire: Wire): Box {
  const [one, other] = [laneOf(wire, 0), laneOf(wire, 1)];
  const [width, height] = [other.x - one.x + other.width, other.y - one.y + other.height];
  return { x: one.x, y: one.y, width, height };
}

/** Room for a name beside rates, px. */
const NAME_WIDTH = 56;

function paintCell(context: CanvasRenderingContext2D, picture: Picture, cell: Cell): void {
  const { index, use, palette, layout } = picture;
  const step = stepOf(use.ofActor(cell.actor));
  context.fillStyle = palette.scale[step];
  if (layout.size === "roomy" && cell.height > 8) {
    context.beginPath();
    context.roundRect(cell.x, cell.y, cell.width, cell.height, 2);
    context.fill();
  } else context.fillRect(cell.x, cell.y, cell.width, cell.height);
  const text = layout.size === "compact" ? "" : cellLabel(index, cell);
  const colour = step >= palette.strongFrom ? palette.onStrong : palette.onWeak;
  if (text === "") return;
  const rates = cellRates(index, use, cell);
  if (rates === "") {
    paintText(context, index, cell, text, colour);
    return;
  }
  paintText(context, index, { ...cell, width: NAME_WIDTH }, text, colour);
  context.textAlign = "right";
  context.fillText(rates, cell.x + cell.width - 8, cell.y + cell.height / 2 + 0.5);
}

function paintText(
  context: CanvasRenderingContext2D,
  index: FleetIndex,
  cell: Cell,
  text: string,
  colour: string,
): void {
  context.fillStyle = colour;
  context.font = `${cell.height < 14 ? 10 : 11}px ${FONT}`;
  context.textBaseline = "middle";
  const isLeaf = index.run.actors.kind[cell.actor] === "leaf";
  context.textAlign = isLeaf ? "left" : "center";
  const x = isLeaf ? cell.x + 6 : cell.x + cell.width / 2;
  context.fillText(text, x, cell.y + cell.height / 2 + 0.5);
}

/** The name of a device with a mark, where the mark leaves room for it. */
function paintMarkedLabel(context: CanvasRenderingContext2D, picture: Picture, cell: Cell): void {
  const { index, use, palette, layout } = picture;
  const text = layout.size === "roomy" && cell.height >= 14 ? cellLabel(index, cell) : "";
  if (text === "" || picture.marks.actors.get(cell.actor) === "dead") return;
  const area = cellRates(index, use, cell) === "" ? cell : { ...cell, width: NAME_WIDTH };
  const width = Math.min(area.width - 2, textWidth(text) + 4);
  const box = { y: cell.y + 2, height: cell.height - 4, width };
  fill(context, { ...box, x: area.x + (area.width - width) / 2 }, palette.panel);
  paintText(context, index, area, text, palette.text);
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
    for (const box of boxesOf(layout, element).map(withBadge)) {
      const more = width / 2 + 0.5;
      context.strokeRect(
        box.x - more,
        box.y - more,
        box.width + 2 * more,
        Math.max(1, box.height + 2 * more),
      );
    }
  };
  if (hovered !== undefined && !isAll(hovered)) frame(hovered, palette.quiet, 1);
  if (chosen !== undefined && !isAll(chosen)) frame(chosen, palette.accent, 2);

  /** Nothing else is shown. */
  function isAll({ type }: FleetElement): boolean {
    const one = (strips: FleetLayout["rows"]): boolean =>
      strips.every(({ number }) => number === strips[0]?.number);
    return (type === "node" && one(layout.columns)) || (type === "plane" && one(layout.rows));
  }
}

/** What is small is framed with the badge that it may have. */
function withBadge({ x, y, width, height }: Box): Box {
  const [across, along] = [Math.max(0, BADGE - width) / 2, Math.max(0, BADGE - height) / 2];
  return {
    ...{ x: Math.floor(x - across), y: Math.floor(y - along) },
    ...{ width: width + 2 * Math.ceil(across), height: height + 2 * Math.ceil(along) },
  };
}

function fill(context: CanvasRenderingContext2D, box: Box, colour: string): void {
  context.fillStyle = colour;
  context.fillRect(box.x, box.y, box.width, box.height);
}
