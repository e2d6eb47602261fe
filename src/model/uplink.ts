/**
 * Which uplink a leaf gives a packet. Both the switch actor and the path finder that names faults
 * use this rule, so they cannot disagree.
 */

/**
 * Place among `uplinks` uplinks for a packet between two NICs, by their numbers on the plane.
 * Static routing passes packetNumber 0: one flow keeps one path, as InfiniBand RC needs; per-packet
 * spraying passes the packet's number.
 */
export function uplinkOf(
  sourceNumber: number,
  targetNumber: number,
  packetNumber: number,
  uplinks: number,
): number {
  return (sourceNumber + targetNumber + packetNumber) % uplinks;
}
