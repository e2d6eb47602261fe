/**
 * Which rank of an EP group holds which routed expert: contiguous blocks, the usual placement, and
 * the one that makes an expert group of node-limited routing a node. Without redundant experts.
 * Whole numbers in, whole numbers out; only `expertsPerRank` checks, the others are on the hot
 * path.
 */
import { violated } from "../base/assert.ts";

/** Routed experts that each rank holds. Throws InvariantError unless `epSize` divides `experts`. */
export function expertsPerRank(experts: number, epSize: number): number {
  if (experts % epSize !== 0) {
    violated("experts-divide", `${experts} experts on an EP group of ${epSize} ranks`);
  }
  return experts / epSize;
}

/** Rank that holds `expert`, where every rank holds `perRank`: floor(expert / perRank). */
export function rankOfExpert(expert: number, perRank: number): number {
  return Math.floor(expert / perRank);
}

/** The lowest expert id that `rank` holds; it holds the `perRank` ids from there. */
export function firstExpertOf(rank: number, perRank: number): number {
  return rank * perRank;
}
