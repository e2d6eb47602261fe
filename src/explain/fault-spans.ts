/** When which faults were in force on what, looked up afterwards in the run's list of faults. */
import type { FaultTable, ListedFault } from "../engine/fault-table.ts";
import type { ActorEffect, LaneEffect } from "../fault/effects.ts";

/** A span in which a fault was in force, ps. */
export interface FaultSpan {
  readonly name: string;
  readonly fromPs: number;
  readonly untilPs: number;
}

/** Spans of the faults that had an effect on a lane, by their beginning. */
export function laneSpans(table: FaultTable, lane: number, effect: LaneEffect): FaultSpan[] {
  return spansOf(
    table,
    ({ effects }) => effects.laneEffect === effect && effects.lanes.includes(lane),
  );
}

/** Likewise on an actor. */
export function actorSpans(table: FaultTable, actor: number, effect: ActorEffect): FaultSpan[] {
  return spansOf(
    table,
    ({ effects }) => effects.actorEffect === effect && effects.actors.includes(actor),
  );
}

function spansOf(table: FaultTable, isMeant: (fault: ListedFault) => boolean): FaultSpan[] {
  return table.faults
    .filter((fault) => fault.status !== "to come" && !fault.isVoid && isMeant(fault))
    .flatMap(levelSpans)
    .sort((left, right) => left.fromPs - right.fromPs);
}

/** A flap is in force again and again. */
function levelSpans({ spec, endedPs }: ListedFault): FaultSpan[] {
  const { name, atPs, levels = [] } = spec;
  const starts = levels[0]?.atPs === atPs ? levels : [{ atPs, permille: 1000 }, ...levels];
  return starts.flatMap((level, place) => {
    const untilPs = Math.min(starts[place + 1]?.atPs ?? endedPs, endedPs);
    const isSpan = level.permille > 0 && untilPs > level.atPs;
    return isSpan ? [{ name, fromPs: level.atPs, untilPs }] : [];
  });
}
