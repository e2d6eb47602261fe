/** The timer queue against a plain sorted list, with cancellations at random. */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import { TimerQueue } from "../../src/engine/timer-queue.ts";
import { NO_TIMER } from "../../src/model/actor.ts";
import { NEVER_PS } from "../../src/model/time.ts";

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly value: number;
  readonly timer: number;
}

describe("timer queue", () => {
  it("gives reminders in order and forgets cancelled ones, over 60 random histories", () => {
    for (let seed = 0; seed < 60; seed += 1) {
      const random = streamOf(String(seed), "timer-queue");
      const queue = new TimerQueue();
      const pending: Pending[] = [];
      for (let step = 0; step < 600; step += 1) {
        const choice = random.below(5);
        if (choice < 3) {
          const at = random.below(50);
          const timer = queue.add(at, step, random.below(4), 1, step);
          pending.push({ at, order: step, value: step, timer });
        } else if (choice === 3 && pending.length > 0) {
          const [gone] = pending.splice(random.below(pending.length), 1);
          queue.cancel(gone.timer);
          queue.cancel(gone.timer);
        } else if (pending.length > 0) {
          pending.sort((left, right) => left.at - right.at || left.order - right.order);
          const first = pending.shift() as Pending;
          const same = queue.headPs === first.at && queue.headOrder === first.order;
          queue.pop();
          if (!same || queue.poppedValue !== first.value) expect.fail(`seed ${seed}, step ${step}`);
          queue.cancel(first.timer);
        }
        if (queue.size !== pending.length) expect.fail(`seed ${seed}, step ${step}: ${queue.size}`);
      }
    }
  });

  it("does not let an old name cancel the reminder that took its slot", () => {
    const queue = new TimerQueue();
    const old = queue.add(1, 1, 0, 0, 0);
    queue.cancel(old);
    queue.add(2, 2, 0, 0, 0);
    queue.cancel(old);
    queue.cancel(NO_TIMER);
    expect(queue.headPs).toBe(2);
    queue.pop();
    expect(queue.headPs).toBe(NEVER_PS);
  });
});
