/**
 * What the SLOT word of a token copy says: which of its token's choices it is, and for which
 * expert. A copy that failed its check is refused: its slot is complemented (so it is negative),
 * and the low word of its payload names the fault.
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

/** The slot of a refused copy. */
export function refusedSlot(slot: number): number {
  return ~slot;
}

export function isRefused(slot: number): boolean {
  return slot < 0;
}

/** Which choice a refused copy was. */
export function refusedChoiceOf(slot: number): number {
  return choiceOf(~slot);
}
