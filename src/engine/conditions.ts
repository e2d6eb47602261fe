/** What several faults on one device come to. */
import type { ActorEffect, EffectStrength } from "../fault/effects.ts";
import type { Condition } from "../model/actor.ts";
import { NO_FAULT } from "../model/fault.ts";

/** One fault's part in what ails a device. */
export interface Ailment {
  readonly fault: number;
  readonly effect: ActorEffect | undefined;
  readonly strength: EffectStrength;
}

/** Nothing ails the device. */
export const HEALTHY: Condition = {
  isHung: false,
  hungBy: NO_FAULT,
  slowdown: 1,
  flipsPerMillion: 0,
  flippedBy: NO_FAULT,
  maskedBy: NO_FAULT,
  drainedBy: NO_FAULT,
};

/**
 * The condition under faults in the order of their onsets: slowdowns multiply, flips come
 * independently; of several masks, drains or corrupters the first is named.
 */
export function conditionFrom(ailments: readonly Ailment[]): Condition {
  const firstOf = (effect: ActorEffect): number =>
    ailments.find((ailment) => ailment.effect === effect)?.fault ?? NO_FAULT;
  let slowdown = 1;
  let unflipped = 1;
  for (const { effect, strength } of ailments) {
    if (effect === "slow") slowdown *= strength.slowdown;
    if (effect === "flips") unflipped *= 1 - strength.flipsPerMillion / 1e6;
  }
  return {
    isHung: firstOf("hung") !== NO_FAULT,
    hungBy: firstOf("hung"),
    slowdown,
    flipsPerMillion: Math.round((1 - unflipped) * 1e6),
    flippedBy: firstOf("flips"),
    maskedBy: firstOf("masked"),
    drainedBy: firstOf("drained"),
  };
}

/** Do two conditions say the same? */
export function isSameCondition(left: Condition, right: Condition): boolean {
  return (
    left.hungBy === right.hungBy &&
    left.slowdown === right.slowdown &&
    left.flipsPerMillion === right.flipsPerMillion &&
    left.flippedBy === right.flippedBy &&
    left.maskedBy === right.maskedBy &&
    left.drainedBy === right.drainedBy
  );
}
