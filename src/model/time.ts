/**
 * Virtual time: a whole number of picoseconds since the run began, in a `number` (2^53 ps are
 * 2.5 hours). Names end in `Ps`. Nothing under src or actors can see the host's clock.
 */
export const PS_PER_NS = 1e3;
export const PS_PER_US = 1e6;
export const PS_PER_MS = 1e9;
export const PS_PER_S = 1e12;

/** The last instant that virtual time can express. */
export const TIME_MAX_PS = Number.MAX_SAFE_INTEGER;

/** "No event": later than every instant. */
export const NEVER_PS = Number.POSITIVE_INFINITY;

/** For people: `412.500 us`, `3.210 ms`, `1.200 s`; always three decimals, so columns line up. */
export function formatTime(timePs: number): string {
  if (timePs >= PS_PER_S) return `${(timePs / PS_PER_S).toFixed(3)} s`;
  if (timePs >= PS_PER_MS) return `${(timePs / PS_PER_MS).toFixed(3)} ms`;
  if (timePs >= PS_PER_US) return `${(timePs / PS_PER_US).toFixed(3)} us`;
  return `${(timePs / PS_PER_NS).toFixed(3)} ns`;
}
