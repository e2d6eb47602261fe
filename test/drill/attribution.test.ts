/**
 * Every assignment of a run is in one place and has one cause: on time, delayed, masked or lost. A
 * delay is the difference to the healthy twin; of several faults each is blamed for what it adds.
 */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import { attribute, faultsInForce, LINKS_MAX, linksOf } from "../../src/drill/attribution.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_MS, PS_PER_S, PS_PER_US } from "../../src/model/time.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { attributed, traced } from "./runs.ts";

const TICK_PS = ackTimeoutPs(10);

function outage(name: string, target: string, atPs: number, healAtPs?: number): FaultSpec {
  const fault: FaultSpec = { name, kind: "nic-down", targets: [target], atPs };
  return healAtPs === undefined ? fault : { ...fault, healAtPs };
}

describe("attribution", () => {
  it("blames a flap for everything after it, by one tick of the ACK timeout", () => {
    const flap = outage("flap", "node1.nic0", 3 * PS_PER_US, 400 * PS_PER_US);
    const { attribution, run } = attributed(tinyScenario({ faults: [flap] }));
    expect(run.result.assignments.masked).toBe(0);
    expect(attribution.problems).toEqual([]);
    expect(attribution.onTime + attribution.delayed).toBe(attribution.dispatched);
    expect(attribution.delayed).toBeGreaterThan(0);
    const [share] = attribution.shares;
    expect(share.delayed).toBe(attribution.delayed);
    expect(share.longestDelayPs / TICK_PS).toBeCloseTo(1, 1);
    expect(share.totalDelayPs).toBeLessThanOrEqual(share.delayed * share.longestDelayPs);
  });

  it("tells two flaps in different layers apart: each adds its own tick, and no more", () => {
    const twin = traced(tinyScenario());
    const secondAtPs = twin.trace.endPs / 2 + TICK_PS;
    const faults = [
      outage("early", "node1.nic0", 3 * PS_PER_US, 400 * PS_PER_US),
      outage("late", "node0.nic2", secondAtPs, secondAtPs + 400 * PS_PER_US),
    ];
    const scenario = tinyScenario({ faults });
    const { attribution, run } = attributed(scenario);
    expect(attribution.problems).toEqual([]);
    const [early, late] = attribution.shares;
    expect([early.faults, late.faults]).toEqual([["early"], ["late"]]);
    expect(early.longestDelayPs / TICK_PS).toBeCloseTo(1, 1);
    expect(late.longestDelayPs / TICK_PS).toBeCloseTo(1, 1);
    expect(early.delayed + late.delayed).toBe(attribution.delayed);
    let totalPs = 0;
    run.trace.combinedAtPs.forEach((atPs, place) => {
      const latePs = atPs - twin.trace.combinedAtPs[place];
      if (latePs > 0) totalPs += latePs * run.trace.combined[place];
    });
    expect(early.totalDelayPs + late.totalDelayPs).toBeCloseTo(totalPs, -3);
  });

  it("counts what a fault added to delays that another made longer as partly its own", () => {
    // The first outage costs its ticks alone; the second makes it longer than that.
    const faults = [
      outage("first", "node1.nic0", 3 * PS_PER_US, 400 * PS_PER_US),
      outage("second", "node1.nic0", 5 * PS_PER_US, 2.5 * TICK_PS),
    ];
    const { attribution } = attributed(tinyScenario({ faults }));
    const [first, second] = attribution.shares;
    expect(second.delayed).toBeGreaterThan(0);
    expect(first.longestDelayPs / TICK_PS).toBeCloseTo(1, 1);
    // Whoever is said to have delayed something has a count of it.
    expect(first.delayed + first.partly).toBe(attribution.delayed);
    expect(first.partly).toBe(second.delayed);
    expect(second.partly).toBe(0);
  });

  it("blames nothing on a fault that met nothing", () => {
    const twin = traced(tinyScenario());
    const faults = [
      outage("felt", "node1.nic0", 3 * PS_PER_US, 400 * PS_PER_US),
      outage("idle", "node1.nic1", twin.trace.endPs / 2 + 10 * TICK_PS),
    ];
    const { attribution } = attributed(tinyScenario({ faults }));
    const idle = attribution.shares.find((share) => share.faults[0] === "idle");
    expect(idle).toMatchObject({ delayed: 0, totalDelayPs: 0, longestDelayPs: 0, masked: 0 });
  });

  it("names the fault of what is masked and lost, and counts what was never reached", () => {
    const dead: FaultSpec = {
      name: "dead",
      kind: "gpu-dead",
      targets: ["node0.gpu2"],
      atPs: 5 * PS_PER_US,
    };
    const transport = {
      ackTimeoutExponent: 10,
      retryCount: 3,
      waitTimeoutPs: 200 * PS_PER_MS,
    };
    const { attribution, run } = attributed(tinyScenario({ faults: [dead], transport }));
    const { masked, lost } = run.result.assignments;
    expect(masked).toBeGreaterThan(0);
    expect(lost).toBeGreaterThan(0);
    expect(attribution.problems).toEqual([]);
    expect(attribution.shares[0]).toMatchObject({ faults: ["dead"], masked, lost });
    const { dispatched, onTime, delayed, unfinished, open, neverReached } = attribution;
    expect(onTime + delayed + unfinished + masked + lost + open).toBe(dispatched);
    expect(open).toBe(0);
    expect(neverReached).toBe(2 * 4 * 2);
  });

  it("counts what is open in a run that was cut", () => {
    const cut = outage("cut", "node1.nic0", 3 * PS_PER_US);
    const transport = { ackTimeoutExponent: 20, retryCount: 7, waitTimeoutPs: 100 * PS_PER_S };
    const scenario = tinyScenario({
      faults: [cut],
      transport,
      run: { timeLimitPs: PS_PER_S },
    });
    const { attribution, run } = attributed(scenario);
    expect(run.result.end).toBe("time-limit");
    expect(attribution.problems).toEqual([]);
    expect(attribution.open).toBeGreaterThan(0);
    expect(attribution.neverReached).toBeGreaterThan(0);
  });

  it("says so when the accounts do not add up", () => {
    const { result, trace } = traced(tinyScenario({ faults: [outage("f", "node1.nic0", 1)] }));
    const links = [[outage("f", "node1.nic0", 1)]];
    const common = { links, chain: [trace, trace], byFault: [] };
    const { assignments } = result;
    const one = attribute({ ...common, assignments, twinAssignments: assignments });
    expect(one.problems.join()).toMatch(/\d+ assignments masked, 0 of them by a fault/);
    const wrong = { ...assignments, combined: assignments.combined - 5 };
    const two = attribute({ ...common, assignments: wrong, twinAssignments: wrong });
    expect(two.problems.join()).toMatch(/5 assignments were completed and are not in the ledger/);
  });
});

describe("links of a chain", () => {
  it("are one fault each by onset, and groups when there are more", () => {
    const faults = Array.from({ length: 20 }, (_, place) =>
      outage(`f${place}`, "node1.nic0", 1_000 - place),
    );
    expect(linksOf(faults.slice(0, 2)).map((link) => link[0].name)).toEqual(["f1", "f0"]);
    const groups = linksOf(faults);
    expect(groups).toHaveLength(LINKS_MAX);
    expect(groups.flat()).toHaveLength(20);
    expect(groups[0].map(({ name }) => name)).toEqual(["f19", "f18"]);
  });
});

describe("faults in force", () => {
  it("end when they were healed, without the levels behind that, and never began after the end", () => {
    const flap: FaultSpec = {
      ...outage("flap", "node1.nic0", 10, 90),
      levels: [10, 20, 30].map((atPs) => ({ atPs, permille: 500 })),
    };
    const heals = [
      { fault: "flap", atPs: 25 },
      { fault: "flap", atPs: 40 },
    ];
    const [healed, ...others] = faultsInForce([flap, outage("late", "a", 100)], heals, 100);
    expect(others).toEqual([]);
    expect(healed).toMatchObject({ healAtPs: 25, levels: [{ atPs: 10 }, { atPs: 20 }] });
    expect(faultsInForce([flap], [{ fault: "flap", atPs: 95 }], 100)).toEqual([flap]);
    expect(faultsInForce([flap], [{ fault: "flap", atPs: 10 }], 100)).toEqual([]);
  });
});
