/**
 * What the SLOT word of a token copy says: which of its token's choices it is, and for which
 * expert.
 */

/** Choices stand below this, experts above; a token has far fewer choices. */
const EXPERT_UNIT = 256;

export function slotOf(choice: number, expert: number): number {
  return choice + expert * EXPERT_UNIT;
}

export function choiceOf(slot: number): number {
  return slot % EXPERT_UNIT;
}

export function expertOf(slot: number): number {
  return Math.floor(slot / EXPERT_UNIT);
}
