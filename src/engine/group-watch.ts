/**
 * Which EP groups have ranks that may take part again, and which have some that are done. A run is
 * not over while a group has only the former and something is still to come that may bring them
 * back: the end of a fault, or an order. Only where there is a controller does anybody come back.
 */
import { Part } from "../model/part.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import type { GroupStates } from "../model/window.ts";
import type { Kernel } from "./kernel.ts";

export const NO_GROUPS: GroupStates = { paused: [], done: [] };

export class GroupWatch {
  readonly #isNeeded: boolean;
  readonly #timeLimitPs: number;
  readonly #gpus: readonly number[];
  /** By place among the GPUs of this worker: its EP group. */
  readonly #groupOf: readonly number[];

  /** `gpus`: actor indices of the GPUs of this worker. */
  constructor(scenario: Scenario, topology: Topology, gpus: readonly number[]) {
    const { cluster, recovery, workload } = scenario;
    this.#isNeeded = recovery.controller !== "none";
    this.#timeLimitPs = scenario.run.timeLimitPs;
    this.#gpus = gpus;
    this.#groupOf = gpus.map((gpu) => {
      const { node, ordinal } = topology.actors[gpu];
      return Math.floor((node * cluster.gpusPerNode + ordinal) / workload.epSize);
    });
  }

  /** Nobody asks as long as a worker has something to do. */
  of(kernel: Kernel): GroupStates {
    if (!this.#isNeeded || kernel.nextEventPs < this.#timeLimitPs) return NO_GROUPS;
    const paused = new Set<number>();
    const done = new Set<number>();
    for (const [place, gpu] of this.#gpus.entries()) {
      const part = kernel.parts[gpu];
      if (part === Part.over) done.add(this.#groupOf[place]);
      else if (part === Part.paused || kernel.isDead(gpu)) paused.add(this.#groupOf[place]);
    }
    return paused.size + done.size === 0 ? NO_GROUPS : { paused: [...paused], done: [...done] };
  }
}
