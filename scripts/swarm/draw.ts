/** Draws from a random stream that the swarm's generators share. */
import { expOf } from "../../src/base/exp.ts";
import { lnOf } from "../../src/base/ln.ts";
import type { RandomStream } from "../../src/base/random.ts";

/** One of `items`, each equally likely. */
export function pick<T>(random: RandomStream, items: readonly T[]): T {
  return items[random.below(items.length)];
}

/** True in `percent` of a hundred cases. */
export function chance(random: RandomStream, percent: number): boolean {
  return random.below(100) < percent;
}

/** Between two positive numbers; every factor is as likely as every other. */
export function logUniform(random: RandomStream, least: number, most: number): number {
  const [from, to] = [lnOf(least), lnOf(most)];
  return Math.min(most, Math.max(least, expOf(from + (to - from) * random.unit())));
}

/** The same as a whole number. */
export function logUniformWhole(random: RandomStream, least: number, most: number): number {
  return Math.round(logUniform(random, least, most));
}

/** The items in another order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: RandomStream): T[] {
  const copy = [...items];
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const other = random.below(last + 1);
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}
