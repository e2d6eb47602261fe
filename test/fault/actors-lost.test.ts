/** The fault that the loss of a worker process is: named, for good, and of actors alone. */
import { describe, expect, it } from "vitest";
import { actorsLost } from "../../src/fault/actors-lost.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { placeActors } from "../../src/topology/placement.ts";
import { runEverywhere, said } from "../support/run-everywhere.ts";
import { tinyScenario } from "../support/scenarios.ts";

const { cluster, hardware } = tinyScenario();
const topology = makeFatTree(cluster, hardware);

describe("actors-lost", () => {
  it("has the worker's label in its name, and a number when that is taken", () => {
    const lost = { label: "node0", actors: [0], atPs: 7 };
    const taken: string[] = [];
    const names = [1, 2, 3].map(() => {
      const { name } = actorsLost(lost, topology, (one) => taken.includes(one));
      taken.push(name);
      return name;
    });
    expect(names).toEqual(["lost-node0", "lost-node0-2", "lost-node0-3"]);
  });

  it("kills every actor of a worker at its instant, and the rest of the fleet goes on", () => {
    const worker = placeActors(topology, "node", 1).workers[1];
    const fault = actorsLost({ ...worker, atPs: 5_000_000 }, topology, () => false);
    expect(fault.targets).toEqual(worker.actors.map((actor) => topology.actors[actor].id));
    const scenario = tinyScenario({ faults: [fault] });
    const run = runEverywhere(scenario);
    const began = said(scenario, run, "fault.began");
    expect(began.map(({ target }) => target).sort()).toEqual([...fault.targets].sort());
    expect(new Set(began.map(({ atPs }) => atPs))).toEqual(new Set([5_000_000]));
    expect(run.end).toBe("finished");
    expect(run.byFault.find(({ fault: name }) => name === fault.name)?.lost).toBeGreaterThan(0);
  });
});
