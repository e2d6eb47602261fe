/** What lies where in the fleet's picture: under the pointer, and beside what is chosen. Pure. */
import type { FleetElement } from "./element.ts";
import type { Box, FleetLayout } from "./layout.ts";

/** Pixels beside a link that still mean it. */
const SLOP = 3;

/** What is at a point: an actor or a link, else the node or plane by its label or ground. */
export function elementAt(layout: FleetLayout, x: number, y: number): FleetElement | undefined {
  for (const cell of layout.cells) {
    if (isIn(cell, x, y, 0)) return { type: "actor", actor: cell.actor };
  }
  const slop = layout.size === "roomy" ? SLOP : 0;
  for (const wire of layout.wires) {
    if (isIn(wire, x, y, slop)) return { type: "links", bundle: wire.bundle };
  }
  if (x < layout.gutter - 4) {
    const row = layout.rows.find((one) => y >= one.y && y < one.y + one.height);
    return row === undefined || row.number < 0 ? undefined : { type: "plane", plane: row.number };
  }
  const column = layout.columns.find((one) => isIn(one, x, y, 0));
  return column === undefined ? undefined : { type: "node", node: column.number };
}

function isIn({ x, y, width, height }: Box, atX: number, atY: number, slop: number): boolean {
  return atX >= x - slop && atX < x + width + slop && atY >= y - slop && atY < y + height + slop;
}

/** Where an element is drawn; several boxes for a leaf in two blocks, none when it is not shown. */
export function boxesOf(layout: FleetLayout, element: FleetElement): readonly Box[] {
  switch (element.type) {
    case "actor":
      return layout.cells.filter(({ actor }) => actor === element.actor);
    case "links":
      return layout.wires.filter(({ bundle }) => bundle === element.bundle);
    case "node":
      return layout.columns.filter(({ number }) => number === element.node);
    case "plane":
      return layout.rows.filter(({ number }) => number === element.plane);
  }
}

/** Farther than anything on the page, px. */
const FAR_AWAY = 100_000;

/** Steps of the arrow keys. */
export type Step = "left" | "right" | "up" | "down";

/**
 * The nearest actor in a direction from what is chosen; the first actor when nothing is. What is
 * straight ahead is nearer than what is aside.
 */
export function neighbourOf(
  layout: FleetLayout,
  from: FleetElement | undefined,
  step: Step,
): FleetElement | undefined {
  const [start] = from === undefined ? [] : boxesOf(layout, from);
  const first = layout.cells[0];
  if (start === undefined) {
    return first === undefined ? undefined : { type: "actor", actor: first.actor };
  }
  const isFlat = step === "left" || step === "right";
  const sign = step === "left" || step === "up" ? -1 : 1;
  let best: { actor: number; far: number } | undefined;
  for (const cell of layout.cells) {
    const ahead =
      sign * (isFlat ? middle(cell).x - middle(start).x : middle(cell).y - middle(start).y);
    if (ahead <= 0.5) continue;
    const aside = isFlat
      ? between(cell.y, cell.height, start.y, start.height)
      : between(cell.x, cell.width, start.x, start.width);
    // What lies in the same row or column is meant, however far; a bar across it is not.
    const isBeside = aside === 0 && isAlike(cell, start, isFlat);
    const far = ahead + (isBeside ? 0 : FAR_AWAY) + 6 * aside;
    if (best === undefined || far < best.far) best = { actor: cell.actor, far };
  }
  return best === undefined ? from : { type: "actor", actor: best.actor };
}

/** Is one about as high (as wide) as the other, so that a row (column) of such goes on? */
function isAlike(one: Box, other: Box, isFlat: boolean): boolean {
  const [mine, yours] = isFlat ? [one.height, other.height] : [one.width, other.width];
  const [middleOne, middleOther] = [middle(one), middle(other)];
  const off = isFlat ? middleOne.y - middleOther.y : middleOne.x - middleOther.x;
  return Math.abs(off) <= Math.max(mine, yours) / 2 + 1;
}

function middle({ x, y, width, height }: Box): { x: number; y: number } {
  return { x: x + width / 2, y: y + height / 2 };
}

/** Distance of two spans; 0: they overlap. */
function between(one: number, oneLength: number, other: number, otherLength: number): number {
  return Math.max(0, one - (other + otherLength), other - (one + oneLength));
}
