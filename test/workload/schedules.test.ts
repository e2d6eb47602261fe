/** Schedules as data: what comes after what, and in which order the streams run. */
import { describe, expect, it } from "vitest";
import type { WorkloadSpec } from "../../src/model/scenario.ts";
import type { Schedule, ScheduleOp } from "../../src/model/schedule.ts";
import { makeSchedule } from "../../src/workload/schedules.ts";

type Changes = Partial<Pick<WorkloadSpec, "phase" | "protocol" | "pass" | "microBatches">>;

/** Layers 0 and 1 are dense here, 2 and all after have experts. */
const FIRST_MOE = 2;

function scheduleOf(changes: Changes, layers: readonly number[]): Schedule {
  return makeSchedule({
    model: { first_k_dense_replace: FIRST_MOE },
    workload: {
      phase: "decode",
      protocol: "low-latency",
      pass: "overlapped",
      microBatches: 1,
      layers,
      ...changes,
    },
  });
}

/** An operation in a word: `what@place of chain`. */
function wordOf({ chains }: Schedule, op: ScheduleOp): string {
  return `${op.compute ?? op.kind}@${op.place} ${chains[op.chain]}`;
}

/** The operations of a chain, or those of a stream, in the order of the list. */
function wordsOf(schedule: Schedule, which: (op: ScheduleOp) => boolean): string[] {
  return schedule.ops.filter(which).map((op) => wordOf(schedule, op));
}

const isAside = (op: ScheduleOp): boolean => op.compute?.endsWith("-weights") === true;

/** Every schedule that a scenario can ask for. */
const ALL: readonly Changes[] = (["low-latency", "normal"] as const).flatMap((protocol) => [
  ...([1, 2] as const).flatMap((microBatches) => [
    { phase: "decode" as const, protocol, microBatches },
    { phase: "prefill" as const, protocol, microBatches },
  ]),
  ...(["overlapped", "forward", "backward"] as const).map((pass) => ({
    phase: "training" as const,
    protocol,
    pass,
  })),
  { phase: "all-to-all" as const, protocol },
]);
const LAYERS: readonly (readonly number[])[] = [[2], [0], [0, 1, 2, 3, 4], [1, 5], [7, 8, 9]];

describe("every schedule", () => {
  const schedules = ALL.flatMap((changes) =>
    LAYERS.map((layers) => ({
      where: JSON.stringify({ ...changes, layers }),
      layers,
      changes,
      schedule: scheduleOf(changes, layers),
    })),
  );

  it("lets operations wait for earlier ones of their own chain only", () => {
    for (const { where, schedule } of schedules) {
      schedule.ops.forEach((op, number) => {
        for (const earlier of op.after) {
          expect(earlier, where).toBeGreaterThanOrEqual(0);
          expect(earlier, where).toBeLessThan(number);
          expect(schedule.ops[earlier].chain, where).toBe(op.chain);
        }
      });
    }
  });

  it("lets each operation of a chain follow the one before; weight gradients hold up none", () => {
    for (const { where, schedule } of schedules) {
      schedule.chains.forEach((_, chain) => {
        let last: number[] = [];
        schedule.ops.forEach((op, number) => {
          if (op.chain !== chain) return;
          expect(op.after, where).toEqual(last);
          if (!isAside(op)) last = [number];
        });
      });
    }
  });

  it("has a dispatch and then a combine for each chain and layer with experts, none for a dense", () => {
    for (const { where, layers, schedule } of schedules) {
      schedule.chains.forEach((_, chain) => {
        layers.forEach((layer, place) => {
          const exchanges = schedule.ops
            .filter((op) => op.chain === chain && op.place === place)
            .map(({ kind }) => kind)
            .filter((kind) => kind === "dispatch" || kind === "combine");
          expect(exchanges, where).toEqual(layer < FIRST_MOE ? [] : ["dispatch", "combine"]);
        });
      });
    }
  });

  it("runs exchanges in turn in the normal protocol, beside each other in low-latency", () => {
    for (const { where, changes, schedule } of schedules) {
      for (const op of schedule.ops) {
        const isExchange = op.kind === "dispatch" || op.kind === "combine";
        const stream = changes.protocol === "normal" ? "exchange" : "free";
        if (isExchange) expect(op.stream, where).toBe(stream);
        if (op.kind === "compute") expect(op.stream, where).toBe("compute");
      }
    }
  });
});

describe("decode and prefill", () => {
  it.each(["decode", "prefill"] as const)("%s goes through each layer's four parts", (phase) => {
    const schedule = scheduleOf({ phase }, [1, 2]);
    expect(schedule.chains).toEqual(["batch0"]);
    expect(wordsOf(schedule, () => true)).toEqual([
      "attention-forward@0 batch0",
      "dense-forward@0 batch0",
      "attention-forward@1 batch0",
      "dispatch@1 batch0",
      "mlp-forward@1 batch0",
      "combine@1 batch0",
    ]);
  });

  it("lets two micro-batches take turns at computing", () => {
    const schedule = scheduleOf({ microBatches: 2 }, [2, 3]);
    expect(schedule.chains).toEqual(["batch0", "batch1"]);
    expect(wordsOf(schedule, ({ stream }) => stream === "compute")).toEqual(
      [0, 1].flatMap((place) => [
        `attention-forward@${place} batch0`,
        `attention-forward@${place} batch1`,
        `mlp-forward@${place} batch0`,
        `mlp-forward@${place} batch1`,
      ]),
    );
    expect(wordsOf(schedule, ({ chain }) => chain === 1)).toEqual(
      wordsOf(scheduleOf({}, [2, 3]), () => true).map((word) => word.replace("batch0", "batch1")),
    );
  });
});

describe("all-to-all", () => {
  it("is exchanges without compute, each begun at one moment", () => {
    const schedule = scheduleOf({ phase: "all-to-all" }, [2, 3]);
    expect(wordsOf(schedule, () => true)).toEqual(
      [0, 1].flatMap((place) => [
        `align@${place} batch0`,
        `dispatch@${place} batch0`,
        `align@${place} batch0`,
        `combine@${place} batch0`,
      ]),
    );
  });
});

describe("training", () => {
  it("forward goes through the layers, backward through them in reverse", () => {
    const forward = scheduleOf({ phase: "training", pass: "forward" }, [1, 2, 3]);
    expect(forward.chains).toEqual(["forward"]);
    expect(forward.ops.map(({ place }) => place)).toEqual([0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    const backward = scheduleOf({ phase: "training", pass: "backward" }, [1, 2]);
    expect(backward.chains).toEqual(["backward"]);
    expect(wordsOf(backward, () => true)).toEqual([
      "dispatch@1 backward",
      "mlp-backward@1 backward",
      "mlp-weights@1 backward",
      "combine@1 backward",
      "attention-backward@1 backward",
      "attention-weights@1 backward",
      "dense-backward@0 backward",
      "dense-weights@0 backward",
      "attention-backward@0 backward",
      "attention-weights@0 backward",
    ]);
  });

  it("ignores micro-batches: one a direction", () => {
    for (const pass of ["overlapped", "forward", "backward"] as const) {
      const one = scheduleOf({ phase: "training", pass, microBatches: 1 }, [2, 3]);
      expect(scheduleOf({ phase: "training", pass, microBatches: 2 }, [2, 3])).toEqual(one);
    }
  });

  it("overlapped computes each layer in the order of DualPipe", () => {
    const layers = [2, 3, 4, 5];
    const schedule = scheduleOf({ phase: "training" }, layers);
    expect(schedule.chains).toEqual(["forward", "backward"]);
    const [first, ...computed] = wordsOf(schedule, ({ stream }) => stream === "compute");
    expect(first).toBe("attention-forward@0 forward");
    // MLP(B), MLP(W), MLP(F), ATTN(B), ATTN(W), ATTN(F): the last is of the layer after.
    expect(computed).toEqual(
      layers.flatMap((_, place) => [
        `mlp-backward@${3 - place} backward`,
        `mlp-weights@${3 - place} backward`,
        `mlp-forward@${place} forward`,
        `attention-backward@${3 - place} backward`,
        `attention-weights@${3 - place} backward`,
        ...(place < 3 ? [`attention-forward@${place + 1} forward`] : []),
      ]),
    );
  });

  it("overlapped takes turns between the directions on the exchange stream", () => {
    const schedule = scheduleOf({ phase: "training", protocol: "normal" }, [2, 3]);
    expect(wordsOf(schedule, ({ stream }) => stream === "exchange")).toEqual([
      "dispatch@1 backward",
      "dispatch@0 forward",
      "combine@1 backward",
      "combine@0 forward",
      "dispatch@0 backward",
      "dispatch@1 forward",
      "combine@0 backward",
      "combine@1 forward",
    ]);
  });

  it("overlapped does the work of both passes, each once", () => {
    const layers = [0, 1, 2, 3, 4];
    const both = wordsOf(scheduleOf({ phase: "training" }, layers), () => true);
    const alone = (["forward", "backward"] as const).flatMap((pass) =>
      wordsOf(scheduleOf({ phase: "training", pass }, layers), () => true),
    );
    expect([...both].sort()).toEqual([...alone].sort());
  });
});
