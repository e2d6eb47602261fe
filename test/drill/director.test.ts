/**
 * A drill under its director, in real runs: when things happen, what is checked when, what ends the
 * run, and that nothing of it depends on the placement.
 */
import { describe, expect, it } from "vitest";
import type { Activity, Drill } from "../../src/drill/drill.ts";
import { DrillDirector } from "../../src/drill/drill-director.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { drillWith, endOf, holds, inject, runDrill } from "./drills.ts";

/** 20 steps, 0.76 ms in health; RC timeouts of 4.19 ms. */
const scenario = tinyScenario({ workload: { steps: 20 } });
const AT_PS = 200 * PS_PER_US;

const flap = (healAtPs?: number): FaultSpec => ({
  name: "flap",
  kind: "nic-down",
  targets: ["node1.nic2"],
  atPs: 0,
  ...(healAtPs === undefined ? {} : { healAtPs }),
});

const heal = (fault: string, pauseBeforePs = 0): Activity => ({
  type: "action",
  name: `heal ${fault}`,
  act: { func: "heal", fault },
  pauseBeforePs,
  pauseAfterPs: 0,
});

const strategies = (changes: Partial<Drill["strategies"]>): Drill["strategies"] => ({
  hypothesis: "default",
  frequencyPs: PS_PER_MS,
  failFast: false,
  rollbacks: "default",
  ...changes,
});

const nobodyMasked = holds("ranks_masked", 0, 0);

describe("a drill that is interrupted", () => {
  it("is not judged by what the interruption cut in two", () => {
    // Nobody has finished when the run is cut: at its own end the hypothesis would hold.
    const drill = drillWith(scenario, {
      hypothesis: holds("ranks_finished", 8, 8),
      strategies: strategies({ hypothesis: "after-method-only" }),
      method: [inject(flap(PS_PER_US), AT_PS)],
    });
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    const director = new DrillDirector({ drill, topology });
    const result = runInMemory(scenario, { placement: "single", director });
    const facts = result.facts.filter(({ fact }) => fact.type !== "rank.finished");
    const cut = new DrillDirector({ drill, topology });
    cut.take(facts);
    const record = cut.finish({ ...endOf(result), end: "interrupted" });
    expect(record).toMatchObject({ status: "interrupted", deviated: false, checks: [] });
    expect(director.finish(endOf(result))).toMatchObject({ status: "completed", deviated: false });
  });
});

describe("a drill", () => {
  it("injects at exactly its instant, with the fault's lease", () => {
    const drill = drillWith(scenario, {
      hypothesis: nobodyMasked,
      method: [inject(flap(2 * PS_PER_MS), AT_PS)],
    });
    const { result, record, judgement } = runDrill(drill);
    const at = (type: string) => result.facts.find(({ fact }) => fact.type === type)?.atPs;
    expect(at("fault.began")).toBe(AT_PS);
    expect(at("fault.healed")).toBe(AT_PS + 2 * PS_PER_MS);
    // The packet that was lost is sent again at the next tick, not when the link is back.
    expect(result.virtualTimePs).toBeGreaterThan(4 * PS_PER_MS);
    expect(record).toMatchObject({ status: "completed", deviated: false, methodDone: true });
    expect(record.checks.map(({ when, met }) => [when, met])).toEqual([
      ["before", true],
      ["after", true],
    ]);
    expect(judgement).toEqual({ verdict: "PASS", reasons: [] });
  });

  it("has the same digest, timeline and verdict under every placement", () => {
    const drill = drillWith(scenario, {
      hypothesis: holds("layer_ms", 0, 1, { percentile: 100 }),
      method: [inject(flap(), AT_PS, 6 * PS_PER_MS)],
      rollbacks: [heal("flap", PS_PER_MS)],
      strategies: strategies({ hypothesis: "continuously", frequencyPs: PS_PER_MS / 2 }),
    });
    const single = runDrill(drill, "single");
    expect(single.record.checks.length).toBeGreaterThan(10);
    expect(single.judgement.verdict).toBe("FAIL");
    for (const placement of ["node", "actor"] as const) {
      const other = runDrill(drill, placement);
      expect(other.result.digest).toBe(single.result.digest);
      expect(other.record).toEqual(single.record);
      expect(other.judgement).toEqual(single.judgement);
    }
  });

  it("ends the run, and is no drill, where the hypothesis does not hold before the method", () => {
    const drill = drillWith(scenario, {
      hypothesis: holds("assignments_combined", 1e9, 1e10),
      method: [inject(flap(), AT_PS)],
    });
    const { result, record, judgement } = runDrill(drill);
    expect(result.end).toBe("stopped");
    expect(record.status).toBe("failed");
    expect(record.activities.map(({ status }) => status)).toEqual(["skipped"]);
    expect(result.facts.some(({ fact }) => fact.type === "fault.began")).toBe(false);
    expect(judgement.verdict).toBe("INVALID");
    expect(judgement.reasons[0]).toContain("does not hold before the method: no steady state");
  });

  it("notices at its frequency that the hypothesis fails, and fail-fast ends the method", () => {
    // Masked after four ticks of 4.19 ms.
    const drill = drillWith(scenario, {
      hypothesis: nobodyMasked,
      method: [inject(flap(), AT_PS, 40 * PS_PER_MS), inject({ ...flap(), name: "second" })],
      strategies: strategies({ hypothesis: "during-method-only", failFast: true }),
    });
    const { result, record, judgement } = runDrill(drill);
    const maskedAtPs = result.facts.find(({ fact }) => fact.type === "rank.masked")?.atPs ?? 0;
    const failed = record.checks.find(({ met }) => !met);
    expect(failed?.atPs).toBeGreaterThan(maskedAtPs);
    expect(failed?.atPs).toBeLessThanOrEqual(maskedAtPs + PS_PER_MS);
    expect(record.checks.at(-1)).toBe(failed);
    expect(record.activities.map(({ status }) => status)).toEqual(["succeeded", "skipped"]);
    expect(record.status).toBe("deviated");
    expect(judgement.verdict).toBe("FAIL");
    expect(judgement.reasons).toHaveLength(1);
    expect(judgement.reasons[0]).toMatch(/does not hold during the method .*ranks_masked is 2/);
  });

  it("checks when the method or the run is over, too, however long the frequency", () => {
    const limit = holds("ranks_masked", 0, 0);
    const drill = (pauseAfterPs: number): Drill =>
      drillWith(scenario, {
        hypothesis: limit,
        method: [inject(flap(), AT_PS, pauseAfterPs)],
        strategies: strategies({ hypothesis: "during-method-only", frequencyPs: 600 * PS_PER_MS }),
      });
    // The run is over after some 17 ms, with two ranks masked, and no check was due before.
    const long = runDrill(drill(1_000 * PS_PER_MS));
    expect(long.record.checks.map(({ when, met }) => [when, met])).toEqual([["during", false]]);
    expect(long.record.endPs).toBeLessThan(600 * PS_PER_MS);
    expect(long.judgement.verdict).toBe("FAIL");
    const short = runDrill(drill(2 * PS_PER_MS));
    const seen = short.record.checks.map(({ when, atPs, met }) => [when, atPs, met]);
    expect(seen).toEqual([["during", AT_PS + 2 * PS_PER_MS, true]]);
    expect(short.judgement.verdict).toBe("PASS");
  });

  it("is aborted by a stop condition, at the first check that sees it", () => {
    const drill = drillWith(scenario, {
      method: [inject(flap(), AT_PS, 40 * PS_PER_MS)],
      stop: { afterPs: 100 * PS_PER_MS, when: holds("timeouts", 0, 0).probes },
      strategies: strategies({ frequencyPs: PS_PER_MS }),
    });
    const { result, record, judgement } = runDrill(drill);
    const firstPs = result.facts.find(({ fact }) => fact.type === "qp.timed-out")?.atPs ?? 0;
    expect(result.end).toBe("stopped");
    expect(record.status).toBe("aborted");
    expect(record.endPs).toBe(Math.ceil(firstPs / PS_PER_MS) * PS_PER_MS);
    expect(judgement.verdict).toBe("INVALID");
    expect(judgement.reasons[0]).toMatch(/^aborted: stop condition 'timeouts': timeouts is/);
  });

  it("is over at its time limit: judged when its method was done, else INVALID", () => {
    const method = [inject(flap(), AT_PS), { ...heal("flap", 5 * PS_PER_MS) }];
    const ends = (afterPs: number) => {
      const stop = { afterPs, when: [] };
      return runDrill(drillWith(scenario, { hypothesis: nobodyMasked, method, stop }));
    };
    const late = ends(8 * PS_PER_MS);
    expect(late.result.end).toBe("stopped");
    expect(late.record.methodDone).toBe(true);
    expect(late.judgement.verdict).toBe("PASS");
    const early = ends(2 * PS_PER_MS);
    expect(early.record).toMatchObject({ methodDone: false, endPs: 2 * PS_PER_MS });
    expect(early.judgement.verdict).toBe("INVALID");
    expect(early.judgement.reasons[0]).toContain("'heal flap' never came");
  });

  it("is INVALID when the run is over before its fault", () => {
    const drill = drillWith(scenario, { method: [inject(flap(), 50 * PS_PER_MS)] });
    const { record, judgement } = runDrill(drill);
    expect(record.activities[0].status).toBe("never-due");
    expect(judgement.verdict).toBe("INVALID");
    expect(judgement.reasons[0]).toContain("'inject flap' never came: the run was over before");
  });

  it("is INVALID with too little traffic before its fault", () => {
    const drill = drillWith(scenario, {
      method: [inject(flap(PS_PER_MS), PS_PER_US)],
      leastTraffic: 500,
    });
    const { record, judgement } = runDrill(drill);
    expect(record.trafficBefore).toBeLessThan(500);
    expect(judgement.verdict).toBe("INVALID");
    expect(judgement.reasons[0]).toMatch(/^only \d+ assignments were combined before the first/);
  });

  describe("with rollbacks", () => {
    const outcome = (rollbacks: Drill["strategies"]["rollbacks"], limit: number) => {
      const drill = drillWith(scenario, {
        hypothesis: holds("timeouts", 0, limit),
        method: [inject(flap(), AT_PS, 6 * PS_PER_MS)],
        rollbacks: [heal("flap")],
        strategies: strategies({ rollbacks }),
      });
      const { result, record } = runDrill(drill);
      const healed = result.facts.find(({ fact }) => fact.type === "fault.healed")?.atPs;
      expect(healed !== undefined).toBe(record.rollbacksRun);
      if (healed !== undefined) expect(healed).toBe(AT_PS + 6 * PS_PER_MS);
      return record.rollbacksRun;
    };

    it("heals at the end of the method: by default and always, and never", () => {
      expect(outcome("default", 1e6)).toBe(true);
      expect(outcome("always", 1e6)).toBe(true);
      expect(outcome("never", 1e6)).toBe(false);
    });

    it("says which it never reached, since the run was over before", () => {
      const reach = (rollbacks: Drill["strategies"]["rollbacks"], limit: number) => {
        const drill = drillWith(scenario, {
          hypothesis: holds("timeouts", 0, limit),
          method: [inject(flap(2 * PS_PER_MS), AT_PS, 200 * PS_PER_MS)],
          rollbacks: [heal("flap", PS_PER_MS)],
          strategies: strategies({ rollbacks }),
        });
        return runDrill(drill).record;
      };
      const record = reach("default", 1e6);
      expect(record).toMatchObject({ methodDone: true, rollbacksRun: false });
      const duePs = AT_PS + 201 * PS_PER_MS;
      const missed = { name: "heal flap", type: "action", func: "heal", duePs };
      expect(record.rollbacks).toEqual([{ ...missed, status: "never-due" }]);
      expect(record.timeline.find(({ what }) => what === "rollback")).toMatchObject({
        atPs: record.endPs,
        text: "never came: due at 201.200 ms, the run was over before",
      });
      expect(reach("always", 1e6).rollbacks).toHaveLength(1);
      expect(reach("deviated", 0).rollbacks).toHaveLength(1);
      expect(reach("deviated", 1e6).rollbacks).toEqual([]);
      expect(reach("never", 1e6).rollbacks).toEqual([]);
    });

    it("heals on deviation only when the hypothesis fails there", () => {
      expect(outcome("deviated", 1e6)).toBe(false);
      expect(outcome("deviated", 0)).toBe(true);
    });
  });

  it("writes down what its probes and controls see", () => {
    const control = { name: "watch", text: "now", when: "after", what: "method" } as const;
    const drill = drillWith(scenario, {
      hypothesis: nobodyMasked,
      method: [
        inject(flap(2 * PS_PER_MS), AT_PS, 5 * PS_PER_MS),
        { ...holds("timeouts", 1, 100).probes[0], pauseBeforePs: 0, pauseAfterPs: 0 },
      ],
      controls: [{ ...control, func: "snapshot" }],
    });
    // The run is over by then: the last probe never comes, and no action is missed.
    const { record, judgement } = runDrill(drill);
    expect(record.activities[1].status).toBe("never-due");
    expect(judgement.verdict).toBe("INVALID");
    const shorter = drillWith(scenario, {
      ...drill,
      method: [inject(flap(2 * PS_PER_MS), AT_PS, 4.2 * PS_PER_MS), drill.method[1]],
    });
    const seen = runDrill(shorter).record;
    expect(seen.activities[1]).toMatchObject({ status: "succeeded", output: { met: true } });
    const note = seen.timeline.find(({ what }) => what === "control");
    expect(note?.text).toBe("now; 'ranks_masked': ranks_masked is 0, within 0..0");
  });

  it("lets an operator mask a rank, and end that", () => {
    const mask: FaultSpec = { name: "out", kind: "masked", targets: ["node1.gpu2"], atPs: 0 };
    const act = { func: "mask", fault: mask, since: "due" } as const;
    const drill = drillWith(scenario, {
      hypothesis: holds("faults_in_force", 0, 0),
      method: [{ type: "action", name: "mask", act, pauseBeforePs: AT_PS, pauseAfterPs: 0 }],
    });
    const { series, result, judgement } = runDrill(drill);
    expect(series.givenUp.ranks.during(0, result.virtualTimePs).length).toBe(1);
    expect(judgement).toEqual({ verdict: "PASS", reasons: [] });
  });
});
