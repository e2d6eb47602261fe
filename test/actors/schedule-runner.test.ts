/**
 * The schedule runner by itself: its host here only writes down what begins, and ends operations
 * when the test says so.
 */
import { describe, expect, it } from "vitest";
import { ScheduleRunner } from "../../actors/gpu/schedule-runner.ts";
import { type RandomStream, streamOf } from "../../src/base/random.ts";
import type { ActorContext } from "../../src/model/actor.ts";
import type { Schedule, ScheduleOp } from "../../src/model/schedule.ts";

/** The runner hands its context on and looks at nothing in it. */
const CONTEXT = Object.freeze({}) as unknown as ActorContext;

interface Recording {
  readonly runner: ScheduleRunner;
  /** Operations in the order in which they began, of all steps. */
  readonly begun: number[];
  /** Operations that have begun and not ended. */
  readonly open: Set<number>;
  readonly steps: () => number;
  end(number: number): void;
}

/** `atOnce` says which operations end as soon as they begin. */
function record(
  schedule: Schedule,
  atOnce: (number: number) => boolean = () => false,
  steps = 1,
): Recording {
  const begun: number[] = [];
  const open = new Set<number>();
  let done = 0;
  const end = (number: number): void => {
    expect(open.delete(number)).toBe(true);
    runner.done(CONTEXT, number);
  };
  const runner: ScheduleRunner = new ScheduleRunner(schedule, {
    begin: (context, op, number) => {
      expect(context).toBe(CONTEXT);
      expect(op).toBe(schedule.ops[number]);
      begun.push(number);
      open.add(number);
      if (atOnce(number)) end(number);
    },
    stepDone: (context) => {
      expect(open.size).toBe(0);
      done += 1;
      if (done < steps) runner.start(context);
    },
  });
  return { runner, begun, open, steps: () => done, end };
}

function op(stream: ScheduleOp["stream"], after: readonly number[] = []): ScheduleOp {
  const kind = stream === "compute" ? "compute" : "dispatch";
  return { kind, compute: "mlp-forward", chain: 0, place: 0, stream, after };
}

const scheduleOf = (ops: readonly ScheduleOp[]): Schedule => ({ chains: ["batch0"], ops });

describe("schedule runner", () => {
  it("runs a stream in the order of the list, one at a time", () => {
    const run = record(scheduleOf([op("compute"), op("compute"), op("compute")]));
    run.runner.start(CONTEXT);
    expect(run.begun).toEqual([0]);
    run.end(0);
    expect(run.begun).toEqual([0, 1]);
    run.end(1);
    run.end(2);
    expect([run.begun, run.steps()]).toEqual([[0, 1, 2], 1]);
  });

  it("lets an operation that may begin wait behind one of its stream that may not", () => {
    const run = record(scheduleOf([op("free"), op("compute", [0]), op("compute")]));
    run.runner.start(CONTEXT);
    expect(run.begun).toEqual([0]);
    run.end(0);
    expect(run.begun).toEqual([0, 1]);
    run.end(1);
    expect(run.begun).toEqual([0, 1, 2]);
  });

  it("runs streams beside each other, and free operations beside all", () => {
    const ops = [op("compute"), op("exchange"), op("free"), op("free"), op("exchange")];
    const run = record(scheduleOf(ops));
    run.runner.start(CONTEXT);
    expect(run.begun).toEqual([0, 1, 2, 3]);
    run.end(1);
    expect(run.begun).toEqual([0, 1, 2, 3, 4]);
  });

  it("begins a free operation when the last that it comes after is done", () => {
    const run = record(scheduleOf([op("compute"), op("exchange"), op("free"), op("free", [0, 1])]));
    run.runner.start(CONTEXT);
    run.end(1);
    expect(run.begun).toEqual([0, 1, 2]);
    run.end(0);
    expect(run.begun).toEqual([0, 1, 2, 3]);
  });

  it("says that the step is done once, after the last operation to end", () => {
    const run = record(scheduleOf([op("free"), op("free")]));
    run.runner.start(CONTEXT);
    run.end(1);
    expect(run.steps()).toBe(0);
    run.end(0);
    expect(run.steps()).toBe(1);
  });

  it("runs every step alike, also when the host starts the next one from within", () => {
    const ops = [op("compute"), op("exchange", [0]), op("compute", [1]), op("free", [1])];
    const late = record(scheduleOf(ops), () => false, 3);
    late.runner.start(CONTEXT);
    for (let step = 0; step < 3; step += 1) {
      for (const number of [0, 1, 3, 2]) late.end(number);
    }
    expect([late.begun, late.steps()]).toEqual([[0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], 3]);
    const atOnce = record(scheduleOf(ops), () => true, 3);
    atOnce.runner.start(CONTEXT);
    expect([atOnce.begun.length, atOnce.steps()]).toEqual([12, 3]);
    for (const from of [0, 4, 8]) {
      expect(atOnce.begun.slice(from, from + 4).sort()).toEqual([0, 1, 2, 3]);
    }
  });

  it("keeps its rules for random schedules and random ends", () => {
    let beside = 0;
    for (let seed = 0; seed < 300; seed += 1) {
      const random = streamOf(String(seed), "schedule-runner");
      const schedule = randomSchedule(random);
      const endsAtOnce = schedule.ops.map(() => random.below(4) === 0);
      const run = record(schedule, (number) => endsAtOnce[number], 2);
      run.runner.start(CONTEXT);
      while (run.steps() < 2) {
        expectRules(schedule, run, `seed ${seed}`);
        const open = [...run.open];
        if (open.length > 1) beside += 1;
        run.end(open[random.below(open.length)]);
      }
      const count = schedule.ops.length;
      for (const from of [0, count]) {
        const step = run.begun.slice(from, from + count);
        expect(new Set(step).size, `seed ${seed}`).toBe(count);
        for (const stream of ["compute", "exchange"] as const) {
          const order = step.filter((number) => schedule.ops[number].stream === stream);
          expect(order, `seed ${seed}`).toEqual([...order].sort((one, other) => one - other));
        }
      }
      expect(run.begun.length, `seed ${seed}`).toBe(2 * count);
    }
    expect(beside).toBeGreaterThan(300);
  });
});

function randomSchedule(random: RandomStream): Schedule {
  const count = 1 + random.below(20);
  const ops = Array.from({ length: count }, (_, number) => {
    const after = new Set<number>();
    for (let tries = random.below(4); tries > 0 && number > 0; tries -= 1) {
      after.add(random.below(number));
    }
    return op((["compute", "exchange", "free"] as const)[random.below(3)], [...after]);
  });
  return scheduleOf(ops);
}

/** What may run now does, and nothing else. */
function expectRules(schedule: Schedule, run: Recording, where: string): void {
  const { ops } = schedule;
  const current = new Set(run.begun.slice(run.steps() * ops.length));
  const isDone = (number: number): boolean => current.has(number) && !run.open.has(number);
  ops.forEach((one, number) => {
    const isFree = one.after.every(isDone);
    const isItsTurn =
      one.stream === "free" ||
      ops.every(({ stream }, other) => stream !== one.stream || other >= number || isDone(other));
    expect(current.has(number), `${where}, operation ${number}`).toBe(isFree && isItsTurn);
  });
}
