/**
 * Which uplink a leaf gives a packet. Both the switch actor and the path finder that names faults
 * use these rules, so they cannot disagree.
 */
import { avalanche32, mix32 } from "../base/hash.ts";
import type { SwitchRoutes } from "./topology.ts";

/**
 * Place among `uplinks` uplinks by the forwarding table, which knows the target only (InfiniBand's
 * is by destination; D-mod-k): all traffic to a NIC comes down by one spine, where nothing else
 * competes with it.
 */
export function staticUplinkOf(targetNumber: number, uplinks: number): number {
  return targetNumber % uplinks;
}

/**
 * Place among `uplinks` uplinks for one packet of a sprayed flow between two NICs, by their numbers
 * on the plane and the packet's.
 */
export function sprayUplinkOf(
  sourceNumber: number,
  targetNumber: number,
  packetNumber: number,
  uplinks: number,
): number {
  return (sourceNumber + targetNumber + packetNumber) % uplinks;
}

/**
 * Place among `uplinks` uplinks by equal-cost multi-path: a hash of the flow, which is the queue
 * pair between two NICs (actor indices). `salt` is the switch's own, so that no two leaves sort
 * flows alike: with one hash for all, flows that leaf A has put on one uplink would share it again
 * wherever a later switch hashes them (hash polarization), and equal patterns at different leaves
 * would collide on the same spine.
 */
export function ecmpUplinkOf(
  salt: number,
  source: number,
  target: number,
  uplinks: number,
): number {
  return (avalanche32(mix32(mix32(salt, source), target)) >>> 0) % uplinks;
}

/**
 * Port that a switch with `routes` sends a flow up by, under a rule that looks at the flow only.
 * `source` and `target` are the actor indices of the NICs at its ends; the switch has uplinks.
 */
export function uplinkPortOf(
  routes: SwitchRoutes,
  routing: "static" | "ecmp",
  source: number,
  target: number,
): number {
  const { uplinks, numberOf } = routes;
  const place =
    routing === "ecmp"
      ? ecmpUplinkOf(routes.salt, source, target, uplinks.length)
      : staticUplinkOf(numberOf[target], uplinks.length);
  return uplinks[place];
}
