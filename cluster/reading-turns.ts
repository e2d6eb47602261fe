/**
 * Work for those who look at a run, in short turns: one piece of work at a time, all in turn, and
 * rests between them in which the run goes on. Together they never take more than a third of the
 * process, however many ask and whatever they ask for.
 */

/** Wall ms of one turn, and of the rest after it while there is a run to wait for. */
const TURN_MS = 8;
const REST_MS = 16;

/** Pieces of work that wait at most. */
const WAITING_MAX = 64;

/** Works until a moment of the wall clock, at least a little; says whether it is done. */
export type Step = (untilMs: number) => boolean;

interface Job {
  readonly step: Step;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class ReadingTurns {
  readonly #isUp: () => boolean;
  readonly #jobs: Job[] = [];
  #isBusy = false;

  /** `isUp`: this process has a run that must go on. */
  constructor(isUp: () => boolean) {
    this.#isUp = isUp;
  }

  /** Too many wait already. */
  get isFull(): boolean {
    return this.#jobs.length >= WAITING_MAX;
  }

  /** Takes steps until one says that it is done; rejects with what a step throws. */
  take(step: Step): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ step, resolve, reject });
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      try {
        if (job.step(performance.now() + TURN_MS)) job.resolve();
        else this.#jobs.push(job);
      } catch (error) {
        job.reject(error);
      }
      await this.#rest();
    }
    this.#isBusy = false;
  }

  #rest(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isUp()) setTimeout(resolve, REST_MS);
      else setImmediate(resolve);
    });
  }
}
