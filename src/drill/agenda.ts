/** A list of activities on its way: what is due, when the next one is, and what never came. */
import { NEVER_PS } from "../model/time.ts";
import type { Activity } from "./drill.ts";
import { missedActivity } from "./drill-log.ts";
import type { ActivityRun } from "./drill-record.ts";
import { type MethodClock, methodClock } from "./method-clock.ts";

/** The method, or the rollbacks. */
export class Agenda {
  readonly clock: MethodClock;
  readonly #activities: readonly Activity[];
  readonly #fromPs: number;
  #next = 0;

  /** `fromPs`: what the clock counts from. */
  constructor(activities: readonly Activity[], fromPs: number) {
    this.clock = methodClock(activities);
    this.#activities = activities;
    this.#fromPs = fromPs;
  }

  /** Has every activity come? */
  get isThrough(): boolean {
    return this.#next === this.#activities.length;
  }

  /** When the next activity is due, ps; {@link NEVER_PS}: there is none left. */
  get nextPs(): number {
    return this.isThrough ? NEVER_PS : this.#fromPs + this.clock.duePs[this.#next];
  }

  /** The next activity, if it is due by `atPs`; then the one after it is next. */
  take(atPs: number): Activity | undefined {
    if (this.isThrough || this.nextPs > atPs) return undefined;
    this.#next += 1;
    return this.#activities[this.#next - 1];
  }

  /** What has not come, as activities that did not come to pass. */
  missed(status: "skipped" | "never-due"): ActivityRun[] {
    return this.#activities
      .slice(this.#next)
      .map((activity, place) =>
        missedActivity(activity, this.#fromPs + this.clock.duePs[this.#next + place], status),
      );
  }
}
