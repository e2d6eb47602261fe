/**
 * Where everything of the fleet stands in its picture, from the topology alone. Nodes are columns:
 * an NVSwitch above its GPUs, and their NICs. Planes are rows: under the NICs of a plane lie its
 * leaves, each below the nodes that it serves, with a cell for the links to each spine at its end;
 * spines stand beside them. The same for a whole fleet, one node, or one plane. Pure; whole CSS
 * pixels.
 */
import type { FleetIndex } from "./fleet-index.ts";
import { type BandPlan, type Focus, type Grid, gridOf, pairSizeOf, type Size } from "./grid.ts";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One actor. A leaf whose nodes stand in two blocks has two. */
export interface Cell extends Box {
  readonly actor: number;
}

/** All links between two actors. */
export interface Wire extends Box {
  /** Its place in the index's bundles. */
  readonly bundle: number;
  /** Along which axis it runs; `cell`: it is a cell at the end of a leaf. */
  readonly axis: "across" | "along" | "cell";
}

/** A node's column, or a plane's row, in one block. */
export interface Strip extends Box {
  /** Number of the node or plane; -1: a row without a plane. */
  readonly number: number;
  /** What is written beside it; empty: nothing. */
  readonly label: string;
}

export interface FleetLayout {
  readonly size: Size;
  readonly width: number;
  readonly height: number;
  readonly cells: readonly Cell[];
  readonly wires: readonly Wire[];
  /** Lines from the NVSwitches down to the links of their GPUs. */
  readonly buses: readonly Box[];
  /** Their heads, with the labels, are the first {@link headHeight} pixels. */
  readonly columns: readonly Strip[];
  /** Their labels stand in the first {@link gutter} pixels. */
  readonly rows: readonly Strip[];
  readonly headHeight: number;
  readonly gutter: number;
  /** Where `spines` is written; undefined: there are none. */
  readonly spinesAt: Box | undefined;
}

/** Around the picture on its canvas, px. */
export const MARGIN = 8;

/** Lays out what is in focus in a picture of this width and, as far as possible, height. */
export function layoutFleet(
  index: FleetIndex,
  place: { readonly width: number; readonly height: number },
  focus: Focus = {},
): FleetLayout {
  const grid = gridOf(index, place, focus);
  return new Drawing(index, grid).layout(place.width);
}

/** A band where it stands. */
interface PlacedBand {
  readonly plan: BandPlan;
  readonly block: number;
  readonly y: number;
}

class Drawing {
  readonly #index: FleetIndex;
  readonly #grid: Grid;
  readonly #cells: Cell[] = [];
  readonly #wires: Wire[] = [];
  readonly #columns: Strip[] = [];
  readonly #rows: Strip[] = [];
  readonly #buses: Box[] = [];
  readonly #nicOf = new Map<number, Cell>();
  /** By leaf: how many NICs of which node are on it. */
  readonly #nodesOf = new Map<number, Map<number, number>>();
  #spinesAt: Box | undefined;

  constructor(index: FleetIndex, grid: Grid) {
    this.#index = index;
    this.#grid = grid;
  }

  layout(width: number): FleetLayout {
    const grid = this.#grid;
    const blocks = Math.ceil(grid.nodes.length / grid.perBlock);
    const bandsHeight = grid.bands.length * grid.bandHeight;
    const above = grid.headHeight + grid.nvswitchHeight + grid.nvswitchGap;
    const blockHeight = above + bandsHeight;
    for (let block = 0; block < blocks; block += 1) {
      const top = block * (blockHeight + grid.blockGap);
      const nodes = grid.nodes.slice(block * grid.perBlock, (block + 1) * grid.perBlock);
      const bands = grid.bands.map((plan, place) => {
        return { plan, block, y: top + above + place * grid.bandHeight };
      });
      this.#placeColumns(nodes, top, blockHeight);
      this.#placeNvswitches(nodes, top + grid.headHeight, bandsHeight);
      for (const band of bands) this.#placeBand(band, nodes);
      if (block === 0) this.#placeSpines(bands, bandsHeight);
    }
    this.#placeController();
    const height = blocks * (blockHeight + grid.blockGap) - grid.blockGap + 2;
    return {
      ...{ size: grid.size, width, height, gutter: grid.gutter, headHeight: grid.headHeight },
      ...{ cells: this.#cells, wires: this.#wires, columns: this.#columns, rows: this.#rows },
      buses: this.#buses,
      spinesAt: this.#spinesAt,
    };
  }

  #xOf(place: number): number {
    return this.#grid.gutter + place * this.#grid.columnWidth;
  }

  #placeColumns(nodes: readonly number[], top: number, height: number): void {
    const { columnWidth, columnGap, size } = this.#grid;
    const every = size === "roomy" ? 1 : labelStep(columnWidth);
    for (const [place, node] of nodes.entries()) {
      const text = size === "roomy" ? `node ${node}` : String(node);
      this.#columns.push({
        ...{ number: node, label: place % every === 0 ? text : "" },
        ...{ x: this.#xOf(place), y: top, width: columnWidth - columnGap, height },
      });
    }
  }

  #placeNvswitches(nodes: readonly number[], y: number, bandsHeight: number): void {
    const { bands, busWidth, columnWidth, columnGap, nvswitchHeight: height } = this.#grid;
    if (bands.every(({ ordinals }) => ordinals.length === 0)) return;
    const below = this.#grid.leafHeight + this.#grid.portLink + this.#grid.bandGap;
    for (const [place, node] of nodes.entries()) {
      const actor = this.#index.nodes[node].nvswitch;
      if (actor < 0) continue;
      const x = this.#xOf(place);
      this.#cells.push({ actor, x, y, width: columnWidth - columnGap, height });
      if (busWidth === 0) continue;
      const top = y + height;
      const length = this.#grid.nvswitchGap + bandsHeight - below;
      this.#buses.push({ x, y: top, width: busWidth, height: length });
    }
  }

  #placeBand(band: PlacedBand, nodes: readonly number[]): void {
    const { plan, y } = band;
    const grid = this.#grid;
    const width = nodes.length * grid.columnWidth - grid.columnGap;
    const height = grid.bandHeight - grid.bandGap;
    this.#rows.push({ number: plan.plane, label: plan.label, x: grid.gutter, y, width, height });
    for (const [place, node] of nodes.entries()) this.#placePairs(plan, node, this.#xOf(place), y);
    if (plan.hasLeaves) this.#placeLeaves(band, nodes);
  }

  #placePairs({ ordinals }: BandPlan, node: number, left: number, y: number): void {
    const grid = this.#grid;
    const { isStacked, across, pcie } = grid;
    const { width, gpuHeight: height, nicHeight } = pairSizeOf(grid);
    const { gpus, nics, nvswitch } = this.#index.nodes[node];
    const slotWidth = (isStacked ? width : 2 * width + pcie) + 1;
    const lineHeight = (isStacked ? height + nicHeight + pcie : height) + 1;
    const from = left + grid.busWidth + grid.nvlink;
    for (const [place, ordinal] of ordinals.entries()) {
      const [gpu, nic] = [gpus[ordinal], nics[ordinal]];
      const x = from + (place % across) * slotWidth;
      const top = y + Math.floor(place / across) * lineHeight;
      const nicAt = isStacked ? { x, y: top + height + pcie } : { x: x + width + pcie, y: top };
      const cell = { actor: nic, ...nicAt, width, height: nicHeight };
      this.#cells.push({ actor: gpu, x, y: top, width, height }, cell);
      this.#nicOf.set(nic, cell);
      if (grid.size === "compact") continue;
      const joint = isStacked
        ? ({ axis: "along", x, y: top + height, width, height: pcie } as const)
        : ({ axis: "across", x: x + width, y: top, width: pcie, height } as const);
      this.#wire(gpu, nic, joint);
      if (place % across !== 0) continue;
      const nvlink = { axis: "across", x: x - grid.nvlink, y: top, width: grid.nvlink } as const;
      this.#wire(gpu, nvswitch, { ...nvlink, height });
    }
  }

  #wire(one: number, other: number, box: Omit<Wire, "bundle">): void {
    const bundle = this.#index.between(one, other);
    if (bundle >= 0) this.#wires.push({ bundle, ...box });
  }

  #placeLeaves({ plan, y }: PlacedBand, nodes: readonly number[]): void {
    const grid = this.#grid;
    const top = y + grid.bandHeight - grid.bandGap - grid.leafHeight;
    const { leaves } = this.#index.planes[plan.plane];
    for (const leaf of leaves) {
      const places = nodes.flatMap((node, place) => (this.#nicsOf(leaf, node) > 0 ? [place] : []));
      if (places.length === 0) continue;
      const [first, last] = [places[0], places[places.length - 1]];
      const left = this.#xWithin(leaves, leaf, nodes, first, "from");
      const right = this.#xWithin(leaves, leaf, nodes, last, "until");
      const isLast = this.#isLastOf(leaf, nodes[nodes.length - 1]);
      const cells = isLast ? this.#placeUplinks(leaf, { right, left, top }) : 0;
      const bar = { x: left, y: top, width: right - left - cells, height: grid.leafHeight };
      this.#cells.push({ actor: leaf, ...bar });
      this.#placePorts(leaf, plan, nodes, y, top);
    }
  }

  /**
   * Where a leaf begins in the column of its first node, or ends in that of its last: leaves that
   * share a node's NICs have a share of its column.
   */
  #xWithin(
    leaves: readonly number[],
    leaf: number,
    nodes: readonly number[],
    place: number,
    edge: "from" | "until",
  ): number {
    const { columnWidth, columnGap } = this.#grid;
    const counts = leaves.map((one) => this.#nicsOf(one, nodes[place]));
    const at = leaves.indexOf(leaf) + (edge === "from" ? 0 : 1);
    const before = counts.slice(0, at).reduce((sum, count) => sum + count, 0);
    const all = counts.reduce((sum, count) => sum + count, 0);
    const width = columnWidth - columnGap + 1;
    return this.#xOf(place) + Math.round((before / all) * width) - (edge === "from" ? 0 : 1);
  }

  /** How many NICs of a node are on a leaf. */
  #nicsOf(leaf: number, node: number): number {
    let nodes = this.#nodesOf.get(leaf);
    if (nodes === undefined) {
      const { bundles, run } = this.#index;
      nodes = new Map<number, number>();
      for (const place of this.#index.bundlesOf(leaf)) {
        const below = run.actors.node[bundles[place].lower];
        nodes.set(below, (nodes.get(below) ?? 0) + 1);
      }
      this.#nodesOf.set(leaf, nodes);
    }
    return nodes.get(node) ?? 0;
  }

  /** Does the leaf serve no node behind this one that is shown? */
  #isLastOf(leaf: number, node: number): boolean {
    return this.#grid.nodes.every((other) => other <= node || this.#nicsOf(leaf, other) === 0);
  }

  /** A cell for each spine at the right end of a leaf; returns how much room they take. */
  #placeUplinks(
    leaf: number,
    { left, right, top }: { left: number; right: number; top: number },
  ): number {
    const { bundles } = this.#index;
    const up = this.#index.bundlesOf(leaf).filter((place) => bundles[place].lower === leaf);
    if (up.length === 0) return 0;
    const { uplinkWidth, leafHeight: height } = this.#grid;
    const most = Math.floor((right - left) / 2);
    const step = Math.min(uplinkWidth, Math.floor(most / up.length));
    if (step < 2) return 0;
    for (const [place, bundle] of up.entries()) {
      const x = right - (up.length - place) * step + 1;
      this.#wires.push({ bundle, axis: "cell", x, y: top, width: step - 1, height });
    }
    return up.length * step;
  }

  /** The links from NICs down to the leaf: below each, or side by side where NICs have many. */
  #placePorts(
    leaf: number,
    { ordinals }: BandPlan,
    nodes: readonly number[],
    y: number,
    top: number,
  ): void {
    const { columnWidth, columnGap, portLink: height, size } = this.#grid;
    for (const [place, node] of nodes.entries()) {
      const { nics } = this.#index.nodes[node];
      if (ordinals.length === 0) {
        const width = (columnWidth - columnGap) / nics.length;
        for (const [number, nic] of nics.entries()) {
          const x = this.#xOf(place) + Math.round(number * width);
          const until = this.#xOf(place) + Math.round((number + 1) * width);
          const box = { x, y, width: Math.max(1, until - x - (size === "compact" ? 0 : 1)) };
          this.#wire(nic, leaf, { axis: "along", ...box, height: top - y });
        }
        continue;
      }
      for (const ordinal of ordinals) {
        const cell = this.#nicOf.get(nics[ordinal]);
        if (cell === undefined) continue;
        const isLowest = cell.y + 2 * cell.height > top - height;
        if (!isLowest) continue;
        const from = cell.y + cell.height;
        this.#wire(nics[ordinal], leaf, {
          ...{ axis: "along", x: cell.x, y: from, width: cell.width, height: top - from },
        });
      }
    }
  }

  #placeSpines(bands: readonly PlacedBand[], bandsHeight: number): void {
    const grid = this.#grid;
    const firstY = bands[0]?.y ?? 0;
    const { sharedSpines, planes } = this.#index;
    if (grid.spinesWidth === 0) return;
    const left = grid.gutter + Math.min(grid.perBlock, grid.nodes.length) * grid.columnWidth + 6;
    const step = Math.max(10, grid.uplinkWidth);
    const [width, head] = [step - 2, grid.headHeight];
    this.#spinesAt = { x: left, y: 0, width: grid.spinesWidth - 8, height: head };
    const height = grid.bandHeight - grid.bandGap;
    for (const { plan, y } of bands) {
      const spines = plan.plane < 0 ? [] : planes[plan.plane].spines;
      for (const [place, actor] of spines.entries()) {
        this.#cells.push({ actor, x: left + place * step, y, width, height });
      }
    }
    const across = Math.min(4, sharedSpines.length);
    const line = Math.min(20, Math.floor(bandsHeight / Math.ceil(sharedSpines.length / 4)));
    for (const [place, actor] of sharedSpines.entries()) {
      const x = left + (place % across) * step;
      const y = firstY + Math.floor(place / across) * line;
      this.#cells.push({ actor, x, y, width, height: Math.max(2, line - 2) });
    }
  }

  /** The controller stands in the corner, above the labels of planes. */
  #placeController(): void {
    const actor = this.#index.controller;
    if (actor < 0) return;
    const { gutter, headHeight } = this.#grid;
    this.#cells.push({ actor, x: 0, y: 0, width: gutter - 8, height: headHeight - 4 });
  }
}

/** Every how many columns one has a label, so that they do not touch. */
function labelStep(columnWidth: number): number {
  let step = 1;
  while (step * columnWidth < 30) step *= 2;
  return step;
}
