/** Draws the fleet on a canvas, and finds what the pointer or the keyboard is at. */
import { decodeUse } from "../../src/observe/lane-use.ts";
import type { RunView, StateView } from "../../src/observe/view-api.ts";
import type { Palette } from "./colours.ts";
import { type Cell, type FleetLayout, layoutFleet, type Wire } from "./layout.ts";
import { type FleetMarks, type Mark, marksOf, useOfActors } from "./marks.ts";

const FONT = "11px system-ui, sans-serif";

/** What the canvas shows. */
export interface FleetPicture {
  readonly state: StateView;
  readonly palette: Palette;
  /** Actor that was chosen; -1: none. */
  readonly chosen: number;
}

export class FleetCanvas {
  readonly #run: RunView;
  readonly #canvas: HTMLCanvasElement;
  #layout: FleetLayout;
  #cellOf: ReadonlyMap<number, Cell> = new Map();
  #marks: FleetMarks = { actors: new Map(), links: new Map(), faults: new Map() };
  #permille: Uint16Array = new Uint16Array(0);

  constructor(run: RunView, canvas: HTMLCanvasElement) {
    this.#run = run;
    this.#canvas = canvas;
    this.#layout = layoutFleet(run, 900);
    this.resize(900);
  }

  /** Marks of what was drawn last. */
  get marks(): FleetMarks {
    return this.#marks;
  }

  /** Lays the fleet out anew for a width, CSS pixels; says whether that changed anything. */
  resize(width: number): boolean {
    if (width === this.#layout.width && this.#cellOf.size > 0) return false;
    this.#layout = layoutFleet(this.#run, width);
    this.#cellOf = new Map(this.#layout.cells.map((cell) => [cell.actor, cell]));
    const scale = window.devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(this.#layout.height * scale);
    this.#canvas.style.height = `${this.#layout.height}px`;
    return true;
  }

  /** The actor at a place of the canvas, CSS pixels; -1: none. */
  actorAt(x: number, y: number): number {
    const reach = this.#layout.isRoomy ? 0 : 1;
    for (const cell of this.#layout.cells) {
      const isIn =
        x >= cell.x - reach &&
        x <= cell.x + cell.width + reach &&
        y >= cell.y - reach &&
        y <= cell.y + cell.height + reach;
      if (isIn) return cell.actor;
    }
    return -1;
  }

  /** The nearest actor in a direction; the same one when there is none. */
  neighbour(actor: number, dx: number, dy: number): number {
    const from = this.#cellOf.get(actor) ?? this.#layout.cells[0];
    let [best, least] = [from.actor, Number.POSITIVE_INFINITY];
    for (const cell of this.#layout.cells) {
      const along = (cell.x - from.x) * dx + (cell.y - from.y) * dy;
      if (along <= 0.5) continue;
      const aside = Math.abs((cell.x - from.x) * dy) + Math.abs((cell.y - from.y) * dx);
      const distance = along + 4 * aside;
      if (distance < least) [best, least] = [cell.actor, distance];
    }
    return best;
  }

  /** Use of a lane in what was drawn last, thousandths. */
  useOf(lane: number): number {
    return this.#permille[lane] ?? 0;
  }

  draw(picture: FleetPicture): void {
    const context = this.#canvas.getContext("2d");
    if (context === null) return;
    const { state, palette, chosen } = picture;
    const run = this.#run;
    this.#marks = marksOf(run, state);
    this.#permille = decodeUse(state.use.permille, run.lanes.link.length);
    const use = useOfActors(run, this.#permille);
    const scale = window.devicePixelRatio || 1;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, this.#layout.width, this.#layout.height);
    context.font = FONT;
    this.#drawFrames(context, palette);
    for (const wire of this.#layout.wires) this.#drawWire(context, wire, palette);
    for (const cell of this.#layout.cells) this.#drawCell(context, cell, use[cell.actor], palette);
    const cell = this.#cellOf.get(chosen);
    if (cell === undefined) return;
    context.lineWidth = 2;
    context.strokeStyle = palette.text;
    context.strokeRect(cell.x - 2, cell.y - 2, cell.width + 4, cell.height + 4);
  }

  #drawFrames(context: CanvasRenderingContext2D, palette: Palette): void {
    context.fillStyle = palette.quiet;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { text, x, y } of this.#layout.numbers) context.fillText(text, x, y);
    context.textBaseline = "top";
    for (const { label, x, y, width, height } of this.#layout.frames) {
      context.fillStyle = palette.panel;
      context.strokeStyle = palette.line;
      context.lineWidth = 1;
      context.beginPath();
      context.roundRect(x + 0.5, y + 0.5, width - 1, height - 1, this.#layout.isRoomy ? 5 : 2);
      context.fill();
      context.stroke();
      if (label === "") continue;
      context.fillStyle = palette.quiet;
      context.textAlign = "left";
      context.fillText(label, x + 6, y + 4, width - 8);
    }
  }

  #drawWire(context: CanvasRenderingContext2D, wire: Wire, palette: Palette): void {
    const busiest = wire.lanes.reduce((most, lane) => Math.max(most, this.useOf(lane)), 0);
    const mark = this.#marks.links.get(wire.link);
    context.beginPath();
    context.moveTo(wire.x1, wire.y1);
    const bend = (wire.y2 - wire.y1) / 2;
    context.bezierCurveTo(wire.x1, wire.y1 + bend, wire.x2, wire.y2 - bend, wire.x2, wire.y2);
    context.setLineDash(mark === undefined ? [] : mark === "down" ? [2, 4] : [7, 3]);
    context.strokeStyle = mark === undefined ? palette.use(busiest) : palette.marks[mark];
    context.lineWidth = mark === undefined ? 1 + (2 * busiest) / 1000 : 2;
    context.stroke();
    context.setLineDash([]);
  }

  #drawCell(
    context: CanvasRenderingContext2D,
    cell: Cell,
    permille: number,
    palette: Palette,
  ): void {
    const { actor, x, y, width, height } = cell;
    const mark = this.#marks.actors.get(actor);
    context.fillStyle = palette.use(permille);
    context.fillRect(x, y, width, height);
    if (mark !== undefined) drawMark(context, cell, mark, palette);
    if (!this.#layout.isRoomy || width < 16 || height < 16) return;
    const { kind, ordinal } = this.#run.actors;
    const name = { gpu: "", nic: "", leaf: "leaf ", spine: "spine ", nvswitch: "", controller: "" };
    const short = width < 46 || kind[actor] === "controller";
    const text = short ? `${Math.max(0, ordinal[actor])}` : `${name[kind[actor]]}${ordinal[actor]}`;
    const isDark = permille > 250 || mark === "down";
    context.fillStyle = isDark ? palette.ground : palette.text;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, x + width / 2, y + height / 2 + 0.5, width - 2);
    context.textBaseline = "top";
  }
}

/** Each mark has a form: a cross, stripes, a frame of dashes, a bar. */
function drawMark(
  context: CanvasRenderingContext2D,
  { x, y, width, height }: Cell,
  mark: Mark,
  palette: Palette,
): void {
  const colour = palette.marks[mark];
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = colour;
  context.fillStyle = colour;
  switch (mark) {
    case "down":
      context.fillRect(x, y, width, height);
      if (width < 10) break;
      context.strokeStyle = palette.panel;
      context.lineWidth = Math.max(1, Math.min(2, width / 8));
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x + width, y + height);
      context.moveTo(x + width, y);
      context.lineTo(x, y + height);
      context.stroke();
      break;
    case "impaired":
      context.lineWidth = Math.max(1, Math.min(3, width / 6));
      context.beginPath();
      for (let offset = -height; offset < width; offset += Math.max(4, width / 4)) {
        context.moveTo(x + offset, y + height);
        context.lineTo(x + offset + height, y);
      }
      context.stroke();
      break;
    case "masked":
      context.lineWidth = Math.max(2, Math.min(4, width / 5));
      context.setLineDash(width >= 8 ? [4, 2] : []);
      context.strokeRect(x, y, width, height);
      break;
    case "out":
      context.fillRect(x, y + height / 2 - Math.max(1, height / 6), width, Math.max(2, height / 3));
      break;
  }
  context.restore();
}
