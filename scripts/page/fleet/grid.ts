/**
 * The measures of the fleet's picture: nodes are columns, planes are rows, and where both are many
 * the columns stand in several blocks, one below the other. Chosen so that a pair of GPU and NIC
 * gets as large as the place allows. Pure; lengths in whole CSS pixels.
 */
import type { FleetIndex } from "./fleet-index.ts";

/** What is shown of the fleet; undefined: all of it. */
export interface Focus {
  readonly node?: number;
  readonly plane?: number;
}

/** One row: a plane with the GPUs and NICs that are on it; or a place in the node, without one. */
export interface BandPlan {
  /** -1: its NICs are on every plane. */
  readonly plane: number;
  readonly label: string;
  /** Places in the node of its GPUs and NICs. */
  readonly ordinals: readonly number[];
  readonly hasLeaves: boolean;
}

/** How large things are drawn. */
export type Size = "roomy" | "medium" | "compact";

/** Lengths that depend on the size only. */
export interface Measures {
  /** Between columns, and above the next row. */
  readonly columnGap: number;
  readonly bandGap: number;
  /** Height of the NVSwitches above the rows, and the gap below them. */
  readonly nvswitchHeight: number;
  readonly nvswitchGap: number;
  /** Width of the line down from an NVSwitch. */
  readonly busWidth: number;
  /** Length of the links from that line to a GPU, from a GPU to its NIC, a NIC to its leaf. */
  readonly nvlink: number;
  readonly pcie: number;
  readonly portLink: number;
  readonly leafHeight: number;
  /** Width of the cell that stands for a leaf's links to one spine. */
  readonly uplinkWidth: number;
  readonly headHeight: number;
}

const MEASURES: Readonly<Record<Size, Measures>> = {
  roomy: {
    ...{ columnGap: 14, bandGap: 6, nvswitchHeight: 14, nvswitchGap: 5, busWidth: 3, nvlink: 12 },
    ...{ pcie: 16, portLink: 5, leafHeight: 11, uplinkWidth: 18, headHeight: 20 },
  },
  medium: {
    ...{ columnGap: 3, bandGap: 4, nvswitchHeight: 5, nvswitchGap: 3, busWidth: 1, nvlink: 2 },
    ...{ pcie: 2, portLink: 3, leafHeight: 5, uplinkWidth: 8, headHeight: 17 },
  },
  compact: {
    ...{ columnGap: 1, bandGap: 2, nvswitchHeight: 3, nvswitchGap: 1, busWidth: 0, nvlink: 0 },
    ...{ pcie: 1, portLink: 1, leafHeight: 2, uplinkWidth: 4, headHeight: 15 },
  },
};

/** The picture's grid. */
export interface Grid extends Measures {
  readonly size: Size;
  readonly nodes: readonly number[];
  readonly bands: readonly BandPlan[];
  /** Nodes side by side. */
  readonly perBlock: number;
  readonly columnWidth: number;
  readonly bandHeight: number;
  readonly blockGap: number;
  /** Pairs of GPU and NIC side by side in one node's part of a row, and one below the other. */
  readonly across: number;
  readonly along: number;
  /** The NIC stands below its GPU, not beside it. */
  readonly isStacked: boolean;
  readonly gutter: number;
  readonly spinesWidth: number;
}

/** What is drawn larger says more: it wins where it fits. */
const BONUS: Readonly<Record<Size, number>> = { roomy: 2000, medium: 1000, compact: 0 };

export const GUTTER = 58;
const BLOCK_GAP = 8;
const COLUMN_MAX = 900;
const COLUMN_MIN = 5;
const BAND_MAX = 64;
const BAND_MIN = 11;
const BLOCKS_MAX = 32;
/** Nodes that stand in one block when they can. */
const FEW_NODES = 4;

/** Rows of the picture. */
export function bandsOf(index: FleetIndex, focus: Focus): BandPlan[] {
  const { actors, cluster } = index.run;
  const ofPlane: number[][] = Array.from({ length: cluster.planes }, () => []);
  const bands: BandPlan[] = [];
  for (const [ordinal, nic] of (index.nodes[0]?.nics ?? []).entries()) {
    const plane = actors.plane[nic];
    if (plane >= 0) ofPlane[plane]?.push(ordinal);
    else if (focus.plane === undefined) {
      bands.push({ plane: -1, label: `gpu ${ordinal}`, ordinals: [ordinal], hasLeaves: false });
    }
  }
  for (const [plane, ordinals] of ofPlane.entries()) {
    if (focus.plane !== undefined && focus.plane !== plane) continue;
    bands.push({ plane, label: `${index.planeWord} ${plane}`, ordinals, hasLeaves: true });
  }
  return bands;
}

/** The grid that suits a picture of this width and, as far as possible, height. */
export function gridOf(
  index: FleetIndex,
  place: { readonly width: number; readonly height: number },
  focus: Focus,
): Grid {
  const nodes = [...index.nodes.keys()].filter(
    (node) => focus.node === undefined || focus.node === node,
  );
  const bands = bandsOf(index, focus);
  let best: { grid: Grid; score: number } | undefined;
  for (let blocks = 1; blocks <= Math.min(BLOCKS_MAX, nodes.length); blocks += 1) {
    const perBlock = perBlockOf(nodes.length, blocks);
    for (const size of ["roomy", "medium", "compact"] as const) {
      const fit = fitted({ index, place, nodes, bands, perBlock, size });
      if (fit !== undefined && (best === undefined || fit.score > best.score)) best = fit;
    }
    // A few nodes side by side are the fleet as people know it; larger cells would say no more.
    if (nodes.length <= FEW_NODES && best?.grid.size === "roomy") break;
  }
  // A compact grid always fits: its rows have a least height, and the picture grows.
  return best?.grid as Grid;
}

/** Even lines of nodes; many stand in eights or 32s, so that they can be counted. */
function perBlockOf(nodes: number, blocks: number): number {
  const even = Math.ceil(nodes / blocks);
  const unit = nodes > 64 && even > 16 ? 32 : nodes > 16 ? 8 : 1;
  return Math.ceil(even / unit) * unit;
}

interface Trial {
  readonly index: FleetIndex;
  readonly place: { readonly width: number; readonly height: number };
  readonly nodes: readonly number[];
  readonly bands: readonly BandPlan[];
  readonly perBlock: number;
  readonly size: Size;
}

function fitted(trial: Trial): { grid: Grid; score: number } | undefined {
  const { index, place, nodes, bands, perBlock, size } = trial;
  const measures = MEASURES[size];
  const blocks = Math.ceil(nodes.length / perBlock);
  const spinesWidth = spinesWidthOf(index, measures);
  const room = place.width - GUTTER - spinesWidth;
  const columnWidth = Math.min(COLUMN_MAX, Math.floor(room / perBlock));
  if (columnWidth < COLUMN_MIN) return undefined;
  const above = measures.headHeight + measures.nvswitchHeight + measures.nvswitchGap;
  const forBlock = (place.height - (blocks - 1) * BLOCK_GAP) / blocks - above;
  const wanted = Math.floor(forBlock / bands.length);
  const bandHeight = Math.max(BAND_MIN, Math.min(BAND_MAX, wanted));
  if (size === "roomy" && (columnWidth < 92 || bandHeight < 36)) return undefined;
  if (size === "medium" && (columnWidth < 18 || bandHeight < 24)) return undefined;
  const pairs = Math.max(1, ...bands.map(({ ordinals }) => ordinals.length));
  let best: { grid: Grid; score: number } | undefined;
  for (let across = 1; across <= pairs; across += 1) {
    for (const isStacked of [false, true]) {
      const along = Math.ceil(pairs / across);
      const grid: Grid = {
        ...measures,
        ...{ size, nodes, bands, perBlock, columnWidth, bandHeight, across, along, isStacked },
        ...{ blockGap: BLOCK_GAP, gutter: GUTTER, spinesWidth },
      };
      const { width, gpuHeight, nicHeight } = pairSizeOf(grid);
      if (width < 2 || gpuHeight < 2 || nicHeight < 2) continue;
      const overflow = Math.max(1, (blocks * (above + bandHeight * bands.length)) / place.height);
      const height = isStacked ? gpuHeight + nicHeight : 2 * gpuHeight;
      const score = (Math.min(width, 1.25 * height) + BONUS[size]) / overflow ** 3;
      if (best === undefined || score > best.score) best = { grid, score };
    }
  }
  return best;
}

/** Sizes of the cells of a GPU and its NIC. */
export interface PairSize {
  readonly width: number;
  readonly gpuHeight: number;
  readonly nicHeight: number;
}

export function pairSizeOf(grid: Grid): PairSize {
  const { columnWidth, columnGap, busWidth, nvlink, pcie, across, along, isStacked } = grid;
  const inside = columnWidth - columnGap - busWidth - nvlink;
  const slot = Math.floor((inside - (across - 1)) / across);
  const rows = grid.bandHeight - grid.bandGap - grid.portLink - grid.leafHeight;
  const line = Math.floor((rows - (along - 1)) / along);
  if (!isStacked) {
    return { width: Math.floor((slot - pcie) / 2), gpuHeight: line, nicHeight: line };
  }
  const nicHeight = Math.max(2, Math.floor((line - pcie) * 0.42));
  return { width: slot, gpuHeight: line - pcie - nicHeight, nicHeight };
}

/** Spines have a column of their own, if there are any. */
function spinesWidthOf({ planes, sharedSpines }: FleetIndex, measures: Measures): number {
  const own = planes.reduce((most, { spines }) => Math.max(most, spines.length), 0);
  const most = Math.max(own, Math.min(4, sharedSpines.length));
  return most === 0 ? 0 : 14 + most * Math.max(10, measures.uplinkWidth);
}
