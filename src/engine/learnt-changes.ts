/**
 * Faults and heals that a run learns of while it is up, on the coordinator's side: kept until a
 * window is granted, granted with it, and remembered from then on for the replacements of lost
 * workers.
 */
import { violated } from "../base/assert.ts";
import type { FaultHeal, FaultSpec } from "../model/fault.ts";
import { NEVER_PS } from "../model/time.ts";
import { NO_CHANGES, type RunChanges } from "../model/window.ts";

export class LearntChanges {
  /** What goes out with the grants of the open window. */
  granted: RunChanges = NO_CHANGES;
  #kept: RunChanges = NO_CHANGES;
  readonly #faults: FaultSpec[] = [];
  readonly #heals: FaultHeal[] = [];

  /** Keeps changes for the next grants; returns the first instant of all that are kept, ps. */
  learn({ faults, heals }: RunChanges, floorPs: number): number {
    const kept = this.#kept;
    if (faults.length > 0 || heals.length > 0) {
      this.#kept = { faults: [...kept.faults, ...faults], heals: [...kept.heals, ...heals] };
    }
    let firstPs = NEVER_PS;
    for (const { atPs } of [...this.#kept.faults, ...this.#kept.heals]) {
      if (atPs < floorPs) violated("change-in-the-past", `${atPs} ps, now ${floorPs} ps`);
      firstPs = Math.min(firstPs, atPs);
    }
    return firstPs;
  }

  /** Is there a fault among what is kept? */
  get hasFaults(): boolean {
    return this.#kept.faults.length > 0;
  }

  /** A window is granted: everything that is kept goes out with it. */
  grant(): void {
    this.granted = this.#kept;
    this.#kept = NO_CHANGES;
  }

  /** The window is committed. */
  commit(): void {
    this.#faults.push(...this.granted.faults);
    this.#heals.push(...this.granted.heals);
    this.granted = NO_CHANGES;
  }

  /** All that went out with committed windows, in the order in which the run learnt of it. */
  get committed(): RunChanges {
    return { faults: [...this.#faults], heals: [...this.#heals] };
  }
}
