/** Work for those who look on: in turn, and with rests for the run. */
import { describe, expect, it } from "vitest";
import { ReadingTurns } from "../../cluster/reading-turns.ts";

/** Works for as long as it may. */
function busyUntil(untilMs: number): void {
  while (performance.now() < untilMs);
}

describe("reading in turns", () => {
  it("is fair: what comes later is not behind what takes long", async () => {
    const turns = new ReadingTurns(() => false);
    const order: string[] = [];
    const long = (name: string, count: number) => {
      let left = count;
      return turns
        .take(() => {
          left -= 1;
          return left === 0;
        })
        .then(() => order.push(name));
    };
    await Promise.all([long("long", 50), long("short", 2), long("middling", 10)]);
    expect(order).toEqual(["short", "middling", "long"]);
  });

  it("leaves two thirds of the process to the run, however many ask", async () => {
    const turns = new ReadingTurns(() => true);
    const startedMs = performance.now();
    let workedMs = 0;
    const work = Array.from({ length: 8 }, () => {
      let left = 3;
      return turns.take((untilMs) => {
        const fromMs = performance.now();
        busyUntil(untilMs);
        workedMs += performance.now() - fromMs;
        left -= 1;
        return left === 0;
      });
    });
    await Promise.all(work);
    expect(workedMs / (performance.now() - startedMs)).toBeLessThan(0.4);
  });

  it("tells who asked of what went wrong, and goes on for others", async () => {
    const turns = new ReadingTurns(() => false);
    const failing = turns.take(() => {
      throw new Error("damaged");
    });
    const other = turns.take(() => true);
    await expect(failing).rejects.toThrow("damaged");
    await other;
    expect(turns.isFull).toBe(false);
  });
});
