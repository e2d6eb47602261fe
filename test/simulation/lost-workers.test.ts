/**
 * Workers are lost at random points of random windows and replaced: 100 seeds of the swarm
 * (scripts/swarm), each with one to three windows in which up to a few workers are lost, in window
 * 0, between windows and at the very end too. A run that recovers equals the undisturbed one in
 * everything that is of the model; one in which the losses are faults equals its replay in one
 * process, and accounts for every assignment. `npm run swarm -- --losses` has more seeds.
 */
import { describe, expect, it } from "vitest";
import { makeDevice } from "../../actors/catalogue.ts";
import type { JournalOrder } from "../../cluster/journal-orders.ts";
import { checkSeed } from "../../scripts/swarm/check-seed.ts";
import { runWithLosses, SEEN_OF_LOSSES } from "../../scripts/swarm/crashed-run.ts";
import { replayed } from "../../scripts/swarm/replayed.ts";
import { differences } from "../../scripts/swarm/same-run.ts";
import { streamOf } from "../../src/base/random.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_US } from "../../src/model/time.ts";
import { scenarioHash } from "../../src/scenario/scenario-hash.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

const SEEDS = 100;
const BATCHES = 10;

describe("runs whose workers are lost", () => {
  const seen = new Map<string, number>();

  it.each(Array.from({ length: BATCHES }, (_, batch) => batch))(
    "go on as if nothing had happened, or replay their losses, batch %i of 10 seeds",
    (batch) => {
      for (let place = 0; place < SEEDS / BATCHES; place += 1) {
        const seed = (batch * SEEDS) / BATCHES + place;
        const { answer } = checkSeed({ seed, withLosses: true });
        expect(answer.problems, `seed ${seed}`).toEqual([]);
        for (const what of answer.sometimes) seen.set(what, (seen.get(what) ?? 0) + 1);
      }
    },
  );

  it("lose them before and after every step that there is", () => {
    expect([...seen.keys()].sort()).toEqual([...SEEN_OF_LOSSES].sort());
  });
});

describe("a run that is over but for a rank that hangs for good", () => {
  const hang: FaultSpec = {
    name: "hang",
    kind: "process-hang",
    targets: ["node0.gpu1"],
    atPs: 5 * PS_PER_US,
    parameters: { silent: true },
  };
  const scenario = tinyScenario({ faults: [hang] });
  const { virtualTimePs, end } = runInMemory(scenario);

  it("sees a worker lost in its last window, and so does its replay", () => {
    expect(end).toBe("finished");
    const orders: JournalOrder[] = [];
    const run = runWithLosses(scenario, {
      ...{ devices: makeDevice, placement: "node", workers: 1, carriedBytesMax: 4096 },
      ...{
        creditBytes: 4_000_000,
        policy: "fault",
        losses: { instants: [virtualTimePs], atEnd: false },
      },
      ...{ random: streamOf("1", "last"), eventsMax: 1e6 },
      ordered: (fault) => orders.push({ record: "fault", by: "host", ...fault }),
    });
    const again = replayed(scenario, orders, scenarioHash(scenario), makeDevice);
    expect(orders.length).toBeGreaterThan(0);
    expect(differences("replay", run, again)).toEqual([]);
  });
});
