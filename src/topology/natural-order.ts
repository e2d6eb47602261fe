/**
 * The order in which people read numbered names: node9 before node10. It is the order of actors,
 * and so of events of one instant: with it, ties fall as in simulators that number their hosts.
 */

/**
 * Compares runs of digits as numbers and everything else by code units; negative, 0 or positive.
 */
export function compareNatural(left: string, right: string): number {
  const leftParts = partsOf(left);
  const rightParts = partsOf(right);
  const shared = Math.min(leftParts.length, rightParts.length);
  for (let i = 0; i < shared; i += 1) {
    const order = comparePart(leftParts[i], rightParts[i]);
    if (order !== 0) return order;
  }
  return leftParts.length - rightParts.length;
}

/** Text and digits in turn, beginning with text that may be empty. */
function partsOf(name: string): string[] {
  return name.split(/(\d+)/);
}

function comparePart(left: string, right: string): number {
  if (left === right) return 0;
  const difference = Number(left) - Number(right);
  if (left !== "" && right !== "" && !Number.isNaN(difference) && difference !== 0) {
    return difference;
  }
  return left < right ? -1 : 1;
}
