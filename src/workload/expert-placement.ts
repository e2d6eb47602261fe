/**
 * Which rank of an EP group holds which routed expert: contiguous blocks, the usual placement, and
 * the one that makes an expert group of node-limited routing a node. Without redundant experts.
 */
import { violated } from "../base/assert.ts";

/** Routed experts that each rank holds. Throws InvariantError unless `epSize` divides `experts`. */
export function expertsPerRank(experts: number, epSize: number): number {
  if (experts % epSize !== 0) {
    violated("experts-divide", `${experts} experts on an EP group of ${epSize} ranks`);
  }
  return experts / epSize;
}

/** Rank that holds `expert`: floor(expert / (experts / epSize)). */
export function rankOfExpert(expert: number, experts: number, epSize: number): number {
  return Math.floor(expert / expertsPerRank(experts, epSize));
}

/** The lowest expert id that `rank` holds; it holds the expertsPerRank ids from there. */
export function firstExpertOf(rank: number, experts: number, epSize: number): number {
  return rank * expertsPerRank(experts, epSize);
}
