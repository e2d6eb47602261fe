/** Lines of a log through a filter: what is told of the layers that it names. Pure. */
import { expect, it } from "vitest";
import { EventFilter, parseEventFilter } from "../../src/observe/event-filter.ts";
import type { EventLine } from "../../src/observe/event-line.ts";
import type { Detail } from "../../src/observe/live-log.ts";
import { LogLines } from "../../src/observe/log-lines.ts";
import { tinyScenario } from "../support/scenarios.ts";

const { cluster } = tinyScenario();
const RANKS = ["node0.gpu0", "node0.gpu1", "node1.gpu0", "node1.gpu1"];
const LAYERS = Array.from({ length: 20 }, (_, place) => place + 3);
const PLAN = { gpus: RANKS, layers: LAYERS, steps: 2, chains: ["batch0"], retries: 7 };
const US = 1e6;

/** Two steps in which nothing happens, but that one rank waits 70 us in layer 7 of the first. */
const LOG: readonly EventLine[] = [0, 1].flatMap((step) =>
  LAYERS.flatMap((layer, place) =>
    RANKS.flatMap((actor, rank): EventLine[] => {
      const isLate = step === 0 && layer === 7 && rank === 3;
      const virtualTimePs = (step * 20 + place + 1) * 200 * US + rank;
      const at = { level: "info", virtualTimePs, actor, index: 0, layer, step } as const;
      const told = { ...at, chain: "batch0", durationPs: isLate ? 70 * US : 10 * US };
      return [
        { ...told, fact: "dispatch.completed", received: 8 },
        { ...told, fact: "layer.completed" },
      ];
    }),
  ),
);

function told(filter: string, detail: Detail = "grouped") {
  const reading = parseEventFilter(filter);
  if (!reading.ok) throw new Error(reading.message);
  const lines = new LogLines(PLAN, new EventFilter(reading.value, cluster), detail, "with --each");
  const all = [...lines.take(LOG.map((line) => ({ line }))), ...lines.flush()];
  const { tally } = lines;
  return { texts: all.map(({ actor, text }) => `${actor}: ${text}`), tally };
}

it("tells of each layer that is named, in one line of the fleet, with the longest", () => {
  expect(told("layer=7").texts).toEqual([
    "fleet: step 0, 1/2; layer 7, 5/20 done on 4 ranks: 10.000 us, at most 70.000 us " +
      "(median dispatch 10.000 us)",
    "fleet: step 1, 2/2; layer 7, 5/20 done on 4 ranks: 10.000 us (median dispatch 10.000 us)",
  ]);
  expect(told("layer=7 step=1").texts).toHaveLength(1);
  expect(told("layer=5-8 step=0").texts).toHaveLength(4);
  expect(told("layer=7 until=2ms").texts).toHaveLength(1);
  expect(told("step=0").texts.length).toBeLessThan(6);
});

it("tells what single actors say of a layer that is named", () => {
  expect(told("layer=7 step=0 actor=node1.gpu1").texts).toEqual([
    "node1.gpu1: dispatch of layer 7 done: 8 token copies received in 70.000 us",
    "node1.gpu1: layer 7 done in 70.000 us",
  ]);
  expect(told("layer=7 step=0", "each").texts).toHaveLength(9);
  expect(told("actor=node1.gpu1").texts).toEqual([]);
});

it("counts what there was, what passed, and what was told", () => {
  expect(told("layer=7 level=warn").tally).toEqual({ facts: 320, passed: 0, told: 0 });
  expect(told("actor=node1.gpu1").tally).toEqual({ facts: 320, passed: 80, told: 0 });
  expect(told("layer=7 step=0").tally).toEqual({ facts: 320, passed: 8, told: 1 });
});
