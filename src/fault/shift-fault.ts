/** Faults moved in time: their onset, their levels and their end together. */
import type { FaultSpec } from "../model/fault.ts";
import { TIME_MAX_PS } from "../model/time.ts";

/**
 * The fault `byPs` later, as one whose onset is known. A heal that virtual time cannot express is
 * left out: no run gets there.
 */
export function shiftFault(fault: FaultSpec, byPs: number): FaultSpec {
  const { healAtPs, levels, moment: _, ...rest } = fault;
  const later = healAtPs === undefined ? undefined : healAtPs + byPs;
  return {
    ...rest,
    atPs: fault.atPs + byPs,
    ...(later === undefined || later > TIME_MAX_PS ? {} : { healAtPs: later }),
    ...(levels === undefined
      ? {}
      : {
          levels: levels
            .map(({ atPs, permille }) => ({ atPs: atPs + byPs, permille }))
            .filter(({ atPs }) => atPs <= TIME_MAX_PS),
        }),
  };
}
