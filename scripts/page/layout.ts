/**
 * Where everything of a fleet stands in its picture, computed from the topology alone: planes
 * above, nodes below. Few nodes get room for every link; many are cells of a few pixels. Pure;
 * lengths in CSS pixels.
 */
import type { RunView } from "../../src/observe/view-api.ts";

/** One actor. */
export interface Cell {
  readonly actor: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A frame around cells that belong together, with its name. */
export interface Frame {
  readonly label: string;
  /** Node or plane by number; -1: neither. */
  readonly node: number;
  readonly plane: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One link. */
export interface Wire {
  readonly link: string;
  /** Numbers of its lanes. */
  readonly lanes: readonly number[];
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

export interface FleetLayout {
  readonly width: number;
  readonly height: number;
  readonly cells: readonly Cell[];
  readonly frames: readonly Frame[];
  /** None when there are too many to tell apart. */
  readonly wires: readonly Wire[];
  /** Numbers of the nodes that lines begin with. */
  readonly numbers: readonly { readonly text: string; readonly x: number; readonly y: number }[];
  /** Cells are large enough for a name in them. */
  readonly isRoomy: boolean;
}

/** Up to so many nodes links are drawn. */
const ROOMY_NODES = 8;

const MARGIN = 12;
const LABEL = 16;
const GAP = 8;
const COLUMNS_MAX = 8;
/** Nodes in a line at most, the room for a line's number, and the least width of a cell. */
const PER_ROW_MAX = 32;
const NUMBER = 30;
const CELL_MIN = 3;

/** Lays a fleet out in a picture of this width. */
export function layoutFleet(run: RunView, width: number): FleetLayout {
  const isRoomy = run.cluster.nodes <= ROOMY_NODES;
  const places = new Places(run);
  const planes = layoutPlanes(places, width, isRoomy);
  const nodes = layoutNodes(places, width, planes.bottom + (isRoomy ? 3.5 * LABEL : GAP), isRoomy);
  const cells = [...planes.cells, ...nodes.cells];
  const wires = isRoomy ? layoutWires(run, cells) : [];
  const frames = [...planes.frames, ...nodes.frames];
  const height = Math.ceil(nodes.bottom + MARGIN);
  return { width, height, cells, frames, wires, numbers: nodes.numbers, isRoomy };
}

/** Actors by where they belong. */
class Places {
  readonly nodes: { gpus: number[]; nics: number[]; nvswitches: number[] }[];
  /** Of each plane, and last what no plane has for itself. */
  readonly planes: { label: string; plane: number; spines: number[]; leaves: number[] }[];

  constructor({ actors, cluster }: RunView) {
    this.nodes = Array.from({ length: cluster.nodes }, () => ({
      gpus: [],
      nics: [],
      nvswitches: [],
    }));
    this.planes = Array.from({ length: cluster.planes }, (_, plane) => {
      return { label: `plane ${plane}`, plane, spines: [], leaves: [] };
    });
    const shared = { label: "shared", plane: -1, spines: [] as number[], leaves: [] as number[] };
    for (const [actor, kind] of actors.kind.entries()) {
      const node = this.nodes[actors.node[actor]];
      const plane = this.planes[actors.plane[actor]] ?? shared;
      if (kind === "gpu") node?.gpus.push(actor);
      else if (kind === "nic") node?.nics.push(actor);
      else if (kind === "nvswitch") node?.nvswitches.push(actor);
      else if (kind === "leaf") plane.leaves.push(actor);
      else plane.spines.push(actor);
    }
    if (shared.spines.length + shared.leaves.length > 0) this.planes.push(shared);
  }
}

interface Part {
  readonly cells: Cell[];
  readonly frames: Frame[];
  readonly bottom: number;
}

interface NodesPart extends Part {
  readonly numbers: FleetLayout["numbers"];
}

/** Planes: side by side with spines above leaves, or, when leaves are many, one below the other. */
function layoutPlanes({ planes }: Places, width: number, isRoomy: boolean): Part {
  const most = planes.reduce(
    (max, { leaves, spines }) => Math.max(max, leaves.length, spines.length),
    1,
  );
  const cells: Cell[] = [];
  const frames: Frame[] = [];
  if (isRoomy || most <= 2) {
    const frameWidth = (width - 2 * MARGIN - GAP * (planes.length - 1)) / planes.length;
    const rows = planes.some(({ spines }) => spines.length > 0) ? 2 : 1;
    const rowHeight = isRoomy ? 22 : 14;
    const height = LABEL + rows * (rowHeight + GAP);
    for (const [place, { label, plane, spines, leaves }] of planes.entries()) {
      const x = MARGIN + place * (frameWidth + GAP);
      frames.push({ label, plane, node: -1, x, y: MARGIN, width: frameWidth, height });
      const inside = { x: x + 6, width: frameWidth - 12, height: rowHeight };
      cells.push(...row(spines, { ...inside, y: MARGIN + LABEL }));
      cells.push(...row(leaves, { ...inside, y: MARGIN + LABEL + (rows - 1) * (rowHeight + GAP) }));
    }
    return { cells, frames, bottom: MARGIN + height };
  }
  const rowHeight = 14;
  const height = rowHeight + 4;
  const labelWidth = 64;
  for (const [place, { label, plane, spines, leaves }] of planes.entries()) {
    const y = MARGIN + place * (height + 4);
    frames.push({ label, plane, node: -1, x: MARGIN, y, width: width - 2 * MARGIN, height });
    const inside = width - 2 * MARGIN - labelWidth - 8;
    const share = leaves.length / Math.max(1, leaves.length + spines.length);
    const leafWidth = spines.length === 0 ? inside : inside * share - 6;
    const from = MARGIN + labelWidth;
    cells.push(...row(leaves, { x: from, y: y + 2, width: leafWidth, height: rowHeight }));
    const spinesFrom = from + leafWidth + 12;
    cells.push(
      ...row(spines, {
        x: spinesFrom,
        y: y + 2,
        width: inside - leafWidth - 12,
        height: rowHeight,
      }),
    );
  }
  return { cells, frames, bottom: MARGIN + planes.length * (height + 4) };
}

/** Nodes in a grid; NICs towards the network, GPUs below, the NVSwitch under them. */
function layoutNodes({ nodes }: Places, width: number, top: number, isRoomy: boolean): NodesPart {
  const gpus = nodes[0]?.gpus.length ?? 0;
  const columns = Math.min(COLUMNS_MAX, Math.max(1, gpus));
  const rows = Math.ceil(gpus / columns);
  const gap = isRoomy ? GAP : 5;
  const perRow = isRoomy ? nodes.length : nodesPerRow(nodes.length, width, columns, gap);
  const left = MARGIN + (isRoomy ? 0 : NUMBER);
  const frameWidth = (width - left - MARGIN - gap * (perRow - 1)) / perRow;
  const padding = isRoomy ? 6 : 2;
  const label = isRoomy || frameWidth >= 80 ? LABEL : 0;
  const cellHeight = isRoomy ? 20 : Math.max(7, Math.min(12, frameWidth / columns));
  const switchHeight = isRoomy ? 12 : Math.max(2, cellHeight / 3);
  const height = label + 2 * rows * (cellHeight + 1) + switchHeight + 3 * padding;
  const cells: Cell[] = [];
  const frames: Frame[] = [];
  for (const [node, { gpus: some, nics, nvswitches }] of nodes.entries()) {
    const x = left + (node % perRow) * (frameWidth + gap);
    const y = top + Math.floor(node / perRow) * (height + gap);
    frames.push({
      label: label > 0 ? `node ${node}` : "",
      node,
      plane: -1,
      x,
      y,
      width: frameWidth,
      height,
    });
    const inside = { x: x + padding, width: frameWidth - 2 * padding };
    const grid = (actors: readonly number[], from: number): Cell[] =>
      Array.from({ length: Math.ceil(actors.length / columns) }, (_, line) => {
        const part = actors.slice(line * columns, (line + 1) * columns);
        const lineY = from + line * (cellHeight + 1);
        return row(part, { ...inside, y: lineY, height: cellHeight }, columns);
      }).flat();
    const nicY = y + label + padding;
    const gpuY = nicY + rows * (cellHeight + 1) + padding / 2;
    cells.push(...grid(nics, nicY), ...grid(some, gpuY));
    const switchY = gpuY + rows * (cellHeight + 1) + padding / 2;
    cells.push(...row(nvswitches, { ...inside, y: switchY, height: switchHeight }));
  }
  const lines = Math.ceil(nodes.length / perRow);
  const numbers = Array.from({ length: isRoomy ? 0 : lines }, (_, line) => {
    return {
      text: String(line * perRow),
      x: left - 6,
      y: top + line * (height + gap) + height / 2,
    };
  });
  return { cells, frames, numbers, bottom: top + lines * (height + gap) };
}

/** As many as fit: a power of two, so that numbers can be counted. */
function nodesPerRow(nodes: number, width: number, columns: number, gap: number): number {
  const room = width - 2 * MARGIN - NUMBER + gap;
  const fit = Math.max(1, Math.floor(room / (columns * CELL_MIN + 4 + gap)));
  let count = 1;
  while (2 * count <= Math.min(fit, nodes, PER_ROW_MAX)) count *= 2;
  return count;
}

/** Cells side by side, in as many columns as there are or are asked for. */
function row(
  actors: readonly number[],
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
  columns = Math.max(1, actors.length),
): Cell[] {
  const gap = width / columns >= 6 ? 2 : 0.5;
  const cellWidth = Math.min(64, (width - gap * (columns - 1)) / columns);
  const from = x + (width - columns * cellWidth - gap * (columns - 1)) / 2;
  return actors.map((actor, place) => {
    return { actor, x: from + place * (cellWidth + gap), y, width: cellWidth, height };
  });
}

/** Links between NICs and leaves, and between leaves and spines. */
function layoutWires({ lanes, actors }: RunView, cells: readonly Cell[]): Wire[] {
  const cellOf = new Map(cells.map((cell) => [cell.actor, cell]));
  const wires = new Map<string, { lanes: number[]; from: number; to: number }>();
  for (const [lane, link] of lanes.link.entries()) {
    const [from, to] = [lanes.from[lane], lanes.to[lane]];
    const kinds = [actors.kind[from], actors.kind[to]].sort().join("-");
    if (kinds !== "leaf-nic" && kinds !== "leaf-spine") continue;
    const known = wires.get(link);
    if (known === undefined) wires.set(link, { lanes: [lane], from, to });
    else known.lanes.push(lane);
  }
  return [...wires].flatMap(([link, wire]) => {
    const [one, other] = [cellOf.get(wire.from), cellOf.get(wire.to)];
    if (one === undefined || other === undefined) return [];
    const [upper, lower] = one.y < other.y ? [one, other] : [other, one];
    return {
      link,
      lanes: wire.lanes,
      x1: upper.x + upper.width / 2,
      y1: upper.y + upper.height,
      x2: lower.x + lower.width / 2,
      y2: lower.y,
    };
  });
}
