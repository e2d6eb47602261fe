/**
 * An actor's part in the run: it goes on; it is over; or there is none for now, and may be one
 * again. The run ends when no GPU goes on and nothing is in flight.
 */
export const Part = { goesOn: 0, over: 1, paused: 2 } as const;
