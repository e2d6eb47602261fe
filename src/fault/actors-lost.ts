/**
 * The fault that the loss of a worker process is to the emulated fleet: its actors are dead
 * hardware from an instant on, for good. It names actors and virtual time, never a process or a
 * window, so that it replays under any placement (decision 0027).
 */
import type { FaultSpec } from "../model/fault.ts";
import type { Topology } from "../model/topology.ts";

export interface LostActors {
  /** The worker's, as its placement has it. */
  readonly label: string;
  /** Actor indices. */
  readonly actors: readonly number[];
  /** When they are lost, ps. */
  readonly atPs: number;
}

/** The fault, with a name that `isTaken` says no to: `lost-node0`, `lost-node0-2`. */
export function actorsLost(
  { label, actors, atPs }: LostActors,
  topology: Topology,
  isTaken: (name: string) => boolean,
): FaultSpec {
  const stem = `lost-${label}`;
  let name = stem;
  for (let number = 2; isTaken(name); number += 1) name = `${stem}-${number}`;
  return {
    name,
    kind: "actors-lost",
    targets: actors.map((actor) => topology.actors[actor].id),
    atPs,
  };
}
