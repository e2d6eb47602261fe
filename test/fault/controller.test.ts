/**
 * The recovery controller: after its delay it has the ranks that explain every silence leave, moves
 * their experts, and has the others go on together; with `restart` the step begins again. Who comes
 * back is taken in again. Steps are made long (slow memory), so that a second of waiting is a few
 * of them.
 */
import { describe, expect, it } from "vitest";
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import type { FaultKind, FaultSpec } from "../../src/model/fault.ts";
import { DEFAULT_RECOVERY, type RecoverySpec, type Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_S } from "../../src/model/time.ts";
import type { InMemoryResult } from "../support/in-memory-run.ts";
import { runEverywhere, said } from "../support/run-everywhere.ts";
import { tinyScenario } from "../support/scenarios.ts";

const DEAD = "node1.gpu1";
const DELAY_PS = 200 * PS_PER_MS;
const WAIT_PS = 300 * PS_PER_MS;
const TRANSPORT = { ackTimeoutExponent: 10, retryCount: 3, waitTimeoutPs: WAIT_PS };
/** What a probe is given: all retries of 4.194 ms, and 10 ms. */
const PROBE_PS = 4 * 4_194_304_000 + 10 * PS_PER_MS;
const { compute, management } = HARDWARE_PRESETS["h800-infiniband"];

function fleet(recovery: Partial<RecoverySpec>, faults: FaultSpec[], steps = 40): Scenario {
  return tinyScenario({
    hardware: { compute: { ...compute, hbmBytesPerSecond: 20e6 } },
    workload: { steps, tokensPerGpu: 8, layers: [1, 2] },
    transport: TRANSPORT,
    recovery: { ...DEFAULT_RECOVERY, controllerDelayPs: DELAY_PS, ...recovery },
    faults,
  });
}

function fault(kind: FaultKind, target: string, more: Partial<FaultSpec> = {}): FaultSpec {
  return { name: "outage", kind, targets: [target], atPs: 100 * PS_PER_MS, ...more };
}

/** Assignments masked in steps that began after the last `ranks.resumed`. */
function maskedAfterwards(scenario: Scenario, result: InMemoryResult): number {
  const resumed = said(scenario, result, "ranks.resumed").at(-1);
  const step = resumed?.step ?? Infinity;
  return said(scenario, result, "combine.completed")
    .filter((combine) => combine.atPs > (resumed?.atPs ?? 0) && combine.step >= step)
    .reduce((sum, { masked }) => sum + masked, 0);
}

const GPUS = [0, 1].flatMap((node) => [0, 1, 2, 3].map((gpu) => `node${node}.gpu${gpu}`));
const OTHERS = GPUS.filter((id) => id !== DEAD);

describe("remap", () => {
  const scenario = fleet({ controller: "remap" }, [fault("gpu-dead", DEAD)]);
  const result = runEverywhere(scenario);
  const [decided] = said(scenario, result, "controller.decided");

  it("decides its delay after the first report, and that by who explains every silence", () => {
    // Ranks of one node met those of another through the dead one, and gave each other up as well.
    const masks = said(scenario, result, "rank.masked");
    expect(new Set(masks.map(({ rank }) => rank)).size).toBeGreaterThan(1);
    const silentPs = masks[0].atPs - PROBE_PS - WAIT_PS;
    expect(silentPs).toBeGreaterThan(100 * PS_PER_MS);
    const reportPs = decided.atPs - DELAY_PS - masks[0].atPs;
    expect(reportPs).toBeGreaterThanOrEqual(management.latencyPs);
    expect(reportPs).toBeLessThan(2 * management.latencyPs);
    expect(decided).toMatchObject({ action: "remap", epoch: 1, excluded: [DEAD], admitted: [] });
    expect(said(scenario, result, "controller.decided")).toHaveLength(1);
  });

  it("has the others end their step, moves the experts, and masks nobody any more", () => {
    expect(result.end).toBe("finished");
    expect(said(scenario, result, "rank.excluded")).toMatchObject([
      { rank: DEAD, fault: "outage" },
    ]);
    // 16 experts over 8 ranks: two in each of two layers.
    expect(said(scenario, result, "experts.moved")).toMatchObject([{ epoch: 1, count: 4 }]);
    const [resumed] = said(scenario, result, "ranks.resumed");
    expect(resumed.members).toEqual(OTHERS);
    expect(maskedAfterwards(scenario, result)).toBe(0);
    expect(said(scenario, result, "step.restarted")).toEqual([]);
    const finished = said(scenario, result, "rank.finished").map(({ by }) => by);
    expect(finished.sort()).toEqual(OTHERS);
  });

  it("costs the experts of the dead rank until then, and without a controller to the end", () => {
    const alone = fleet({}, [fault("gpu-dead", DEAD)]);
    const without = runEverywhere(alone);
    expect(result.assignments.masked).toBeGreaterThan(0);
    expect(without.assignments.masked).toBeGreaterThan(3 * result.assignments.masked);
    expect(result.byFault.map((total) => total.fault)).toEqual(["outage"]);
  });

  it("decides later by as much as its delay is longer", () => {
    const later = fleet(
      { controller: "remap", controllerDelayPs: DELAY_PS + 70 * PS_PER_MS },
      scenario.faults as FaultSpec[],
    );
    const [first] = said(later, runEverywhere(later), "controller.decided");
    expect(first.atPs - decided.atPs).toBe(70 * PS_PER_MS);
  });
});

describe("restart", () => {
  it("stops all ranks at once, loses what was open to the fault, and begins the step again", () => {
    const scenario = fleet({ controller: "restart" }, [fault("gpu-dead", DEAD)]);
    const result = runEverywhere(scenario);
    const [decided] = said(scenario, result, "controller.decided");
    const [resumed] = said(scenario, result, "ranks.resumed");
    expect(decided).toMatchObject({ action: "restart", excluded: [DEAD] });
    // An order there, an answer back, the membership there, an answer, the order to go: no step.
    expect(resumed.atPs - decided.atPs).toBeLessThan(5 * management.latencyPs + PS_PER_MS);
    const restarted = said(scenario, result, "step.restarted");
    expect(restarted.map(({ by }) => by).sort()).toEqual(OTHERS);
    expect(new Set(restarted.map(({ step }) => step))).toEqual(new Set([resumed.step]));
    expect(result.byFault.map((total) => total.fault)).toEqual(["outage"]);
    expect(result.assignments.lost).toBeGreaterThan(0);
    expect(maskedAfterwards(scenario, result)).toBe(0);
    expect(result.end).toBe("finished");
  });

  it("goes on after a trap, masking nothing; without it the trap is the end", () => {
    const faults = [fault("gpu-dead", DEAD)];
    const scenario = fleet({ onSilence: "trap", controller: "restart" }, faults);
    const result = runEverywhere(scenario);
    const trapped = said(scenario, result, "rank.trapped").map(({ by }) => by);
    expect(trapped.sort()).toEqual(OTHERS);
    const [resumed] = said(scenario, result, "ranks.resumed");
    expect(resumed.members).toEqual(OTHERS);
    expect(result.assignments.masked).toBe(0);
    expect(
      said(scenario, result, "rank.finished")
        .map(({ by }) => by)
        .sort(),
    ).toEqual(OTHERS);
    const without = fleet({ onSilence: "trap" }, faults);
    expect(said(without, runEverywhere(without), "rank.finished")).toEqual([]);
  });
});

describe("coming back", () => {
  const heals = { healAtPs: 2 * PS_PER_S };

  it.each(["remap", "restart"] as const)(
    "a healed rank is in again with %s, whole",
    (controller) => {
      const scenario = fleet({ controller }, [fault("hbm-uncorrectable", DEAD, heals)], 120);
      const result = runEverywhere(scenario);
      expect(said(scenario, result, "rank.admitted").map(({ rank }) => rank)).toEqual([DEAD]);
      const resumed = said(scenario, result, "ranks.resumed").at(-1);
      expect(resumed?.members).toEqual(GPUS);
      expect(maskedAfterwards(scenario, result)).toBe(0);
      expect(
        said(scenario, result, "rank.finished")
          .map(({ by }) => by)
          .sort(),
      ).toEqual(GPUS);
      // Its experts come back to it.
      expect(said(scenario, result, "experts.moved").map(({ count }) => count)).toEqual([4, 4]);
    },
  );

  it("a whole node is in again after it booted", () => {
    const faults = [fault("node-crash", "node1", heals)];
    const scenario = fleet({ controller: "remap" }, faults, 120);
    const result = runEverywhere(scenario);
    const back = said(scenario, result, "rank.admitted").map(({ rank }) => rank);
    expect(back.sort()).toEqual(GPUS.slice(4));
    expect(said(scenario, result, "rank.finished")).toHaveLength(8);
    expect(maskedAfterwards(scenario, result)).toBe(0);
  });

  it("a drained rank is in again when the drain ends, and not before", () => {
    const drain = fault("drained", DEAD, heals);
    const scenario = fleet({ controller: "remap" }, [drain], 160);
    const result = runEverywhere(scenario);
    const [admitted] = said(scenario, result, "rank.admitted");
    expect(admitted.rank).toBe(DEAD);
    expect(admitted.atPs).toBeGreaterThan(2 * PS_PER_S);
    expect(said(scenario, result, "rank.finished").map(({ by }) => by)).toContain(DEAD);
  });

  it("who stays dead is never in again", () => {
    const scenario = fleet({ controller: "remap" }, [fault("gpu-dead", DEAD)], 120);
    expect(said(scenario, runEverywhere(scenario), "rank.admitted")).toEqual([]);
  });
});

describe("trouble during a recovery", () => {
  it.each(["remap", "restart"] as const)(
    "a rank that dies after the decision (%s) has to leave, too, in a new epoch",
    (controller) => {
      const first = fleet({ controller }, [fault("gpu-dead", DEAD)]);
      const [decided] = said(first, runEverywhere(first), "controller.decided");
      const second = fault("gpu-dead", "node0.gpu2", { name: "second", atPs: decided.atPs + 1000 });
      const scenario = fleet({ controller }, [fault("gpu-dead", DEAD), second]);
      const result = runEverywhere(scenario);
      const decisions = said(scenario, result, "controller.decided");
      expect(decisions[0]).toMatchObject({ epoch: 1, excluded: [DEAD], atPs: decided.atPs });
      // Nobody answers for it: the controller waits 1 s for that.
      expect(decisions[1].atPs - decided.atPs).toBe(PS_PER_S);
      expect(decisions[1]).toMatchObject({ epoch: 2, excluded: ["node0.gpu2", DEAD] });
      expect(said(scenario, result, "ranks.resumed").at(-1)?.members).toHaveLength(6);
      expect(maskedAfterwards(scenario, result)).toBe(0);
      expect(said(scenario, result, "rank.finished")).toHaveLength(6);
    },
  );

  it("a group that begins the same step again and again is given up", () => {
    // A rank that dies for 10 ms every 2 s, in a step of a minute.
    const crashes = Array.from({ length: 9 }, (_, place) => {
      const atPs = (1 + 2 * place) * PS_PER_S;
      return fault("gpu-dead", DEAD, { name: `crash${place}`, atPs, healAtPs: atPs + 1e10 });
    });
    const slow = { compute: { ...compute, hbmBytesPerSecond: 20e3 } };
    const usual = fleet({ controller: "restart" }, crashes, 2);
    const scenario = { ...usual, hardware: { ...usual.hardware, ...slow } };
    const result = runEverywhere(scenario);
    const decided = said(scenario, result, "controller.decided");
    // The first change, and six that began the same step.
    expect(decided.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(decided.every(({ admitted }) => admitted.includes(DEAD))).toBe(true);
    const [gaveUp] = said(scenario, result, "controller.gave-up");
    expect(gaveUp).toMatchObject({ epoch: 7, step: 0 });
    // Those who are left go on without the rank that is out by now.
    expect(result.end).toBe("finished");
    const finished = said(scenario, result, "rank.finished").map(({ by }) => by);
    expect(finished.sort()).toEqual(OTHERS);
  });
});

describe("the controller itself", () => {
  /** A restart that is under way: `afterPs` its decision the controller dies. */
  const dying = (afterPs: number, lastsPs?: number, steps = 40): Scenario => {
    const dead = fault("gpu-dead", DEAD);
    const first = fleet({ controller: "restart" }, [dead]);
    const [decided] = said(first, runEverywhere(first), "controller.decided");
    const atPs = decided.atPs + afterPs;
    const until = lastsPs === undefined ? {} : { healAtPs: atPs + lastsPs };
    const gone = fault("controller-down", "controller", { name: "gone", atPs, ...until });
    return fleet({ controller: "restart" }, [dead, gone], steps);
  };

  it("that dies with an order under way leaves nobody waiting for the next one", () => {
    // The order to hold is on its way; the membership would be the next.
    const scenario = dying(management.latencyPs / 2);
    const result = runEverywhere(scenario);
    expect(result.end).toBe("finished");
    expect(said(scenario, result, "ranks.resumed")).toEqual([]);
    // Ranks that stopped in the middle of a step cannot go on with it: the job is over.
    expect(said(scenario, result, "rank.finished")).toEqual([]);
    expect(result.byFault.map((total) => total.fault)).toContain("outage");
  });

  it("that dies when all have taken the membership up leaves them going on in it", () => {
    const scenario = dying(4 * management.latencyPs + management.latencyPs / 2);
    const result = runEverywhere(scenario);
    const finished = said(scenario, result, "rank.finished").map(({ by }) => by);
    expect(finished.sort()).toEqual(OTHERS);
    expect(result.end).toBe("finished");
  });

  it("is followed by one that knows nothing, asks who was ordered what, and makes them whole", () => {
    const scenario = dying(management.latencyPs / 2, PS_PER_S, 120);
    const result = runEverywhere(scenario);
    const decided = said(scenario, result, "controller.decided");
    // Each life of a controller has 16 epochs of its own, and counts on from what ranks know.
    expect(decided[0].epoch).toBe(1);
    expect(decided[1].epoch).toBe(17);
    const epochs = decided.slice(1).map(({ epoch }) => epoch);
    expect(epochs).toEqual([...epochs].sort((left, right) => left - right));
    expect(epochs.at(-1)).toBeGreaterThan(1);
    expect(said(scenario, result, "ranks.resumed").at(-1)?.members).toEqual(OTHERS);
    const finished = said(scenario, result, "rank.finished").map(({ by }) => by);
    expect(finished.sort()).toEqual(OTHERS);
    expect(maskedAfterwards(scenario, result)).toBe(0);
  });

  it("that is gone while ranks fall silent is told when it is back", () => {
    const gone = { name: "gone", atPs: 50 * PS_PER_MS, healAtPs: 3 * PS_PER_S };
    const faults = [fault("gpu-dead", DEAD), fault("controller-down", "controller", gone)];
    const scenario = fleet({ controller: "remap" }, faults, 160);
    const result = runEverywhere(scenario);
    const decided = said(scenario, result, "controller.decided");
    expect(decided).toHaveLength(1);
    expect(decided[0].atPs).toBeGreaterThan(3 * PS_PER_S);
    expect(decided[0].excluded).toEqual([DEAD]);
    expect(said(scenario, result, "ranks.resumed").at(-1)?.members).toEqual(OTHERS);
    expect(maskedAfterwards(scenario, result)).toBe(0);
    expect(result.end).toBe("finished");
  });
});

describe("a group that is down as a whole", () => {
  const all = (healAtPs: number): FaultSpec[] =>
    [0, 1].map((node) => fault("node-crash", `node${node}`, { name: `crash${node}`, healAtPs }));

  it("is waited for as long as a fault is to end, and begins again", () => {
    const scenario = fleet({ controller: "restart" }, all(5 * PS_PER_S));
    const result = runEverywhere(scenario);
    expect(result.end).toBe("finished");
    expect(
      said(scenario, result, "rank.finished")
        .map(({ by }) => by)
        .sort(),
    ).toEqual(GPUS);
    expect(result.virtualTimePs).toBeGreaterThan(5 * PS_PER_S);
  });

  it("is not waited for without a controller: nobody would take it in", () => {
    const scenario = fleet({}, all(5 * PS_PER_S));
    const result = runEverywhere(scenario);
    expect(result.end).toBe("finished");
    expect(result.virtualTimePs).toBeLessThan(PS_PER_S);
    expect(said(scenario, result, "rank.finished")).toEqual([]);
  });

  it("is waited for though another group is done", () => {
    const groups = fleet({ controller: "restart" }, [all(5 * PS_PER_S)[0]], 10);
    const scenario = { ...groups, workload: { ...groups.workload, epSize: 4 } };
    const result = runEverywhere(scenario);
    expect(
      said(scenario, result, "rank.finished")
        .map(({ by }) => by)
        .sort(),
    ).toEqual(GPUS);
  });
});
