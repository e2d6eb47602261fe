/**
 * The reliability month: failures come as often as the catalogue says, an episode shows what its
 * failure does to a group, and the sum is what its parts say.
 */
import { beforeAll, describe, expect, it } from "vitest";
import type { MeasuredRun } from "../../src/drill/comparison.ts";
import {
  type DrawnFailure,
  drawFailures,
  ratedKinds,
  ratePerDay,
  targetsOfKind,
} from "../../src/drill/month-draw.ts";
import {
  type EpisodeOutcome,
  episodeFaults,
  measureEpisode,
  onsetsOf,
} from "../../src/drill/month-episode.ts";
import { outageOf, playlistOf, RESTART } from "../../src/drill/month-plan.ts";
import { lossOf, makeMonthReport } from "../../src/drill/month-report.ts";
import { RunSeries } from "../../src/drill/run-series.ts";
import { TraceRecorder } from "../../src/drill/trace.ts";
import { CATALOGUE } from "../../src/fault/catalogue.ts";
import type { FaultName } from "../../src/fault/catalogue-entry.ts";
import { TargetIndex } from "../../src/fault/target-index.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

const scenario: Scenario = tinyScenario({
  workload: { steps: 4 },
  transport: { ackTimeoutExponent: 6, retryCount: 3, waitTimeoutPs: 1e9 },
});
const topology = makeFatTree(scenario.cluster, scenario.hardware);
const index = new TargetIndex(topology, scenario.model.n_routed_experts);
const groupGpus = scenario.cluster.nodes * scenario.cluster.gpusPerNode;
const plan = (seed: string, days = 30) => ({
  seed,
  days,
  gpus: 2_048,
  groups: 2_048 / groupGpus,
});

/** A failure of a kind, on the kind's first target. */
function failure(kind: FaultName, given: Partial<DrawnFailure> = {}): DrawnFailure {
  const [target] = targetsOfKind(kind, index);
  return { kind, atHours: 0, group: 0, target, phase: 0.5, ...given };
}

describe("the draw", () => {
  const SEEDS = 12;
  const months = Array.from({ length: SEEDS }, (_, seed) => drawFailures(plan(`${seed}`), index));

  it.each(ratedKinds())("has as many of %s as its rate says, within 3 sigma", (kind) => {
    const { perDay } = CATALOGUE[kind];
    const expected = SEEDS * 30 * Math.sqrt((perDay?.least ?? 0) * (perDay?.most ?? 0));
    const drawn = months.flat().filter((one) => one.kind === kind).length;
    expect(Math.abs(drawn - expected)).toBeLessThanOrEqual(3 * Math.sqrt(expected));
  });

  it("is in the order of time, in the month, in the fleet, on parts that there are", () => {
    for (const month of months) {
      expect(month.map(({ atHours }) => atHours)).toEqual(
        month.map(({ atHours }) => atHours).sort((left, right) => left - right),
      );
      for (const { kind, atHours, group, target } of month) {
        expect(atHours >= 0 && atHours < 720 && group >= 0 && group < plan("0").groups).toBe(true);
        expect(targetsOfKind(kind, index)).toContain(target);
      }
    }
  });

  it("has a stream for each kind, and goes with the number of GPUs", () => {
    expect(drawFailures(plan("7"), index)).toEqual(months[7]);
    expect(months[7]).not.toEqual(months[8]);
    const long = drawFailures(plan("7", 60), index);
    expect(long.slice(0, months[7].length)).toEqual(months[7]);
    expect(ratePerDay("gpu-dead", 16_384)).toBeCloseTo(8 * 0.43, 12);
    expect(ratePerDay("incast", 2_048)).toBe(0);
  });
});

describe("the playlist", () => {
  it("plays some of each kind, and lets them stand in for the others in turn", () => {
    const month = Array.from({ length: 5 }, (_, day) =>
      failure("gpu-dead", { atHours: 24 * day, group: day }),
    );
    expect(playlistOf(month, 2)).toEqual({ lone: [0, 1], joint: [], standIn: [0, 1, 0, 1, 0] });
  });

  it("plays together what overlaps in one group, and nothing else", () => {
    const month = [
      failure("gpu-dead", { atHours: 1 }),
      failure("nic-flap", { atHours: 2, group: 1 }),
      failure("nic-flap", { atHours: 4.9 }),
      failure("nic-flap", { atHours: 5.1 }),
    ];
    expect(outageOf("gpu-dead").hours).toBe(4);
    expect(playlistOf(month, 1).joint).toEqual([[0, 2]]);
  });
});

describe("an episode", () => {
  let twin: MeasuredRun;
  beforeAll(() => {
    twin = measured([]);
  });
  const played = (one: DrawnFailure): EpisodeOutcome => {
    const [atPs] = onsetsOf(twin, [one], []);
    const faults = episodeFaults(scenario, topology, [one], [atPs]);
    expect(faults[0]).toMatchObject({ kind: one.kind, targets: [one.target], atPs });
    return measureEpisode(measured(faults), twin, atPs);
  };

  it("begins in the second step; a second failure comes when the first has settled", () => {
    const stepPs = twin.trace.endPs / 4;
    const onsets = (laterHours: number): readonly number[] => {
      const pair = [
        failure("gpu-dead", { phase: 0 }),
        failure("nic-flap", { atHours: laterHours }),
      ];
      return onsetsOf(twin, pair, [1e9, 0]);
    };
    expect(onsets(1)[0]).toBe(Math.round(stepPs));
    expect(onsets(1)[1]).toBe(Math.round(stepPs) + Math.round(1e9 + stepPs / 2));
    // 0.36 ms later in the month, too: before the first has settled.
    expect(onsets(1e-7)[1]).toBe(Math.round(stepPs) + 3.6e8);
  });

  it("of a lost NIC stalls for the retry clock, then goes on without its rank", () => {
    // 4.096 us x 2^6, four times: 1.05 ms.
    const outcome = played(failure("nic-down"));
    expect(outcome.stalledPs).toBeGreaterThan(1.048e9);
    expect(outcome.stalledPs).toBeLessThan(1.4e9);
    expect(outcome.lostPs).toBeGreaterThan(0.9 * outcome.stalledPs);
    expect(outcome.capacityAfter).toBeLessThan(1 - 1 / groupGpus);
    expect(outcome.capacityAfter).toBeGreaterThan(0);
    // The one in its place on the other node, too: half of the group reached it by this NIC.
    expect(outcome).toMatchObject({ ranksOut: 2, needsRestart: true, end: "finished" });
  });

  it("of silent corruption costs neither time nor capacity", () => {
    const outcome = played(failure("silent-corruption", { phase: 0 }));
    expect(outcome).toMatchObject({ stalledPs: 0, capacityAfter: 1, needsRestart: false });
    expect(outcome.lostPs).toBeLessThan(twin.trace.endPs / 16);
  });
});

describe("the sum", () => {
  const outcome = (given: Partial<EpisodeOutcome>): EpisodeOutcome => ({
    emulatedPs: 7.2e15,
    lostPs: 3.6e15,
    stalledPs: 3.6e15,
    capacityAfter: 1,
    ranksOut: 0,
    needsRestart: false,
    wrong: 0,
    end: "finished",
    ...given,
  });

  it("of one failure: what was emulated, the rest of the outage, and a restart", () => {
    // Of 4 hours 2 were emulated; a quarter is missing of 8 GPUs in the other two.
    const dead = outcome({ capacityAfter: 0.75, needsRestart: true });
    expect(lossOf("gpu-dead", dead, 8).emulated).toBeCloseTo(8, 9);
    expect(lossOf("gpu-dead", dead, 8).arithmetic).toBeCloseTo(8 * (0.25 * 2 + RESTART.hours), 9);
    expect(lossOf("gpu-dead", outcome({}), 8).arithmetic).toBe(0);
    // Of a flap one time down was played; the others cost as much again.
    expect(lossOf("nic-flap", outcome({}), 8)).toEqual({ emulated: 8, arithmetic: 16 });
    // A job that ended does not wait for the repair.
    const ended = outcome({ capacityAfter: 0, needsRestart: true });
    expect(lossOf("gpu-dead", ended, 8).arithmetic).toBeCloseTo(8 * RESTART.hours, 9);
  });

  it("of a month: losses of all, reused ones included, and what is left of the fleet", () => {
    const month = [0, 1, 2].map((day) =>
      failure("nic-flap", { atHours: 24 * day + 1, group: day }),
    );
    const playlist = playlistOf(month, 1);
    const lone = new Map([[0, outcome({ stalledPs: 5e12 })]]);
    const report = makeMonthReport(plan("1"), month, playlist, { lone, joint: [] });
    const { totals, kinds, failures } = report;
    expect(failures.map(({ how }) => how)).toEqual(["played", "reused", "reused"]);
    expect(totals.lostEmulated).toEqual({ value: 3 * groupGpus, source: "emulated" });
    expect(totals.lostArithmetic).toEqual({ value: 6 * groupGpus, source: "arithmetic" });
    expect(totals.interruptions.value).toBe(3);
    expect(totals.hoursBetween).toEqual({ value: 240, source: "drawn" });
    expect(totals.hoursBetweenWithoutFlaps).toBeUndefined();
    const lost = 9 * groupGpus;
    expect(totals.availability.value).toBeCloseTo(1 - lost / (2_048 * 720), 12);
    const flaps = kinds.find(({ kind }) => kind === "nic-flap");
    expect(flaps).toMatchObject({
      failures: { value: 3 },
      played: { value: 1 },
      reused: { value: 2 },
    });
    // By the rates hardware fails a little more often than jobs were seen to be interrupted.
    expect(totals.hoursBetweenExpected.value).toBeGreaterThan(0.8 * 24.7);
    expect(totals.hoursBetweenExpected.value).toBeLessThan(24.7);
  });

  it("counts two that overlap as they were played: together, and each for the rest", () => {
    const month = [failure("gpu-dead", { atHours: 0 }), failure("nic-down", { atHours: 3 })];
    const one = outcome({ emulatedPs: 0, lostPs: 0, capacityAfter: 0.9, needsRestart: true });
    const both = outcome({ lostPs: 3.6e15, capacityAfter: 0.7 });
    const playlist = playlistOf(month, 1);
    const lone = new Map(playlist.lone.map((place) => [place, one]));
    const { totals, failures } = makeMonthReport(plan("1"), month, playlist, {
      lone,
      joint: [both],
    });
    expect(failures.map(({ how }) => how)).toEqual(["together", "together"]);
    expect(totals.lostEmulated.value).toBeCloseTo(groupGpus, 9);
    // An hour at 0.7, six at 0.9, two restarts.
    const hours = 0.3 + 6 * 0.1 + 2 * RESTART.hours;
    expect(totals.lostArithmetic.value).toBeCloseTo(groupGpus * hours, 9);
  });
});

function measured(faults: readonly FaultSpec[]): MeasuredRun {
  const series = new RunSeries(scenario, topology);
  const trace = new TraceRecorder(scenario, topology);
  const result = runInMemory({ ...scenario, faults });
  series.take(result.facts);
  trace.take(result.facts);
  return { series, trace: trace.trace(), end: { ...result, maxLagSeconds: 0 } };
}
