/**
 * Changing one physical parameter moves the figures that physics says it should, about as far as it
 * says, and no others. So a figure that agrees does so for the right reason.
 */
import { describe, expect, it } from "vitest";
import {
  type ExchangeFigures,
  lowLatencyScenario,
  normalScenario,
  runExchange,
} from "../../scripts/validation/all-to-all.ts";
import { H800_INFINIBAND, type ParameterValues, valuesOf } from "../../src/hardware/parameters.ts";
import { makeHardware } from "../../src/hardware/presets.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { PS_PER_NS } from "../../src/model/time.ts";

const H800 = valuesOf(H800_INFINIBAND);
const TOKENS = 512;

/** The experiments: bound by the NIC, by NVLink, and by the NIC again, with NVLink behind it. */
const EXPERIMENTS = {
  /** Low-latency by RDMA alone, EP16: nothing goes over NVLink. */
  rdma: lowLatencyScenario(16),
  /** Normal, EP8: one node, nothing goes over the network. */
  nvlink: normalScenario(8, { tokensPerGpu: TOKENS }),
  /** Normal, EP32: NVLink has a third to spare. */
  mixed: normalScenario(32, { tokensPerGpu: TOKENS }),
} as const;

type Experiment = keyof typeof EXPERIMENTS;
const NAMES = Object.keys(EXPERIMENTS) as Experiment[];

const figures = new Map<Experiment, ExchangeFigures>();

/** What an experiment gives as it is; run once. */
function unchanged(name: Experiment): ExchangeFigures {
  const known = figures.get(name) ?? runExchange(EXPERIMENTS[name]);
  figures.set(name, known);
  return known;
}

/** What became of an experiment: times over what they were, and their difference, ns. */
interface Change {
  readonly dispatch: number;
  readonly combine: number;
  readonly dispatchNs: number;
  readonly combineNs: number;
}

/** Each experiment with a change, against itself without. */
function changesOf(change: (scenario: Scenario) => Scenario): Record<Experiment, Change> {
  const entries = NAMES.map((name) => {
    const before = unchanged(name);
    const after = runExchange(change(EXPERIMENTS[name]));
    return [
      name,
      {
        dispatch: after.dispatchPs / before.dispatchPs,
        combine: after.combinePs / before.combinePs,
        dispatchNs: (after.dispatchPs - before.dispatchPs) / PS_PER_NS,
        combineNs: (after.combinePs - before.combinePs) / PS_PER_NS,
      },
    ] as const;
  });
  return Object.fromEntries(entries) as Record<Experiment, Change>;
}

/** Other hardware. */
function hardware(values: Partial<ParameterValues>): (scenario: Scenario) => Scenario {
  const changed = makeHardware("changed", { ...H800, ...values });
  return (scenario) => ({ ...scenario, hardware: changed });
}

function workload(values: Partial<Scenario["workload"]>): (scenario: Scenario) => Scenario {
  return (scenario) => ({ ...scenario, workload: { ...scenario.workload, ...values } });
}

function expectWithin(value: number, from: number, to: number): void {
  expect(value).toBeGreaterThan(from);
  expect(value).toBeLessThan(to);
}

/** The same to the picosecond. */
function expectUnmoved(change: Change): void {
  expect(change).toEqual({ dispatch: 1, combine: 1, dispatchNs: 0, combineNs: 0 });
}

describe("sensitivity", () => {
  it("the scenario alone decides: the same hardware made afresh moves nothing", () => {
    const changes = changesOf(hardware({}));
    for (const name of NAMES) expectUnmoved(changes[name]);
  });

  it("half the NIC rate doubles what the NIC bounds, and leaves NVLink alone", () => {
    const { rdma, nvlink, mixed } = changesOf(hardware({ nicPsPerByte: H800.nicPsPerByte * 2 }));
    for (const { dispatch, combine } of [rdma, mixed]) {
      expectWithin(dispatch, 1.8, 2.1);
      expectWithin(combine, 1.8, 2.1);
    }
    expectUnmoved(nvlink);
  });

  it("a tenth less NVLink rate moves NVLink's figure by a tenth, no other by a hundredth", () => {
    const changes = changesOf(hardware({ nvlinkPsPerByte: H800.nvlinkPsPerByte * 1.1 }));
    expectWithin(changes.nvlink.dispatch, 1.09, 1.11);
    expectWithin(changes.nvlink.combine, 1.09, 1.11);
    expectWithin(changes.mixed.dispatch, 0.99, 1.01);
    expectWithin(changes.mixed.combine, 0.99, 1.01);
    expectUnmoved(changes.rdma);
  });

  it("half the NVLink rate makes NVLink the bound of what the NIC bounded", () => {
    const { rdma, nvlink, mixed } = changesOf(
      hardware({ nvlinkPsPerByte: H800.nvlinkPsPerByte * 2 }),
    );
    expectWithin(nvlink.dispatch, 1.9, 2.05);
    expectWithin(nvlink.combine, 1.9, 2.05);
    expectWithin(mixed.dispatch, 1.3, 1.95);
    expectWithin(mixed.combine, 1.3, 1.95);
    expectUnmoved(rdma);
  });

  it("200 ns a switch add some hundred ns to exchanges by the network, under 1 %", () => {
    const { rdma, nvlink, mixed } = changesOf(hardware({ networkPs: H800.networkPs + 200_000 }));
    // From rail to rail three switches hand a copy on; on its own plane, one.
    expectWithin(rdma.dispatchNs, 199, 1_000);
    expectWithin(rdma.combineNs, 199, 1_000);
    expectWithin(mixed.dispatchNs, 150, 300);
    expectWithin(mixed.combineNs, 150, 300);
    for (const { dispatch, combine } of [rdma, mixed]) {
      expect(dispatch).toBeLessThan(1.01);
      expect(combine).toBeLessThan(1.01);
    }
    expectUnmoved(nvlink);
  });

  it("the NIC's cost of a request counts where messages are small and many", () => {
    const { rdma, nvlink, mixed } = changesOf(hardware({ requestPs: H800.requestPs * 2 }));
    // 7.8 ns on 165 ns of a dispatched copy, and on 319 ns of a combined one.
    expectWithin(rdma.dispatch, 1.03, 1.06);
    expectWithin(rdma.combine, 1.015, 1.035);
    expectWithin(mixed.dispatch, 0.999, 1.005);
    expectWithin(mixed.combine, 0.999, 1.005);
    expectUnmoved(nvlink);
  });

  it("fewer nodes a token save the normal protocol time, and uniform routing knows none", () => {
    const { rdma, nvlink, mixed } = changesOf((scenario) => {
      const { model } = scenario;
      return { ...scenario, model: { ...model, topk_group: Math.min(2, model.n_group) } };
    });
    // 1.5 copies a token leave the node in place of 2.7; NVLink bounds the dispatch then.
    expectWithin(mixed.dispatch, 0.8, 0.95);
    expectWithin(mixed.combine, 0.6, 0.85);
    expectUnmoved(rdma);
    expectUnmoved(nvlink);
  });

  it("BF16 copies move dispatches by their bytes, and no combine", () => {
    const changes = changesOf(workload({ dispatchFormat: "bf16" }));
    for (const name of NAMES) {
      const { dispatch, combine } = changes[name];
      // 14,336 B over 7,408 (low-latency) and 7,392 is 1.94; latencies and requests stay.
      expectWithin(dispatch, 1.85, 1.945);
      // Results go back in the order in which copies came, which is another one.
      expectWithin(combine, 0.999, 1.001);
    }
  });

  it("LogFMT results move combines by their bytes, and no dispatch", () => {
    const changes = changesOf(workload({ combineFormat: "logfmt-10" }));
    for (const name of NAMES) {
      const { dispatchNs, combine } = changes[name];
      expect(dispatchNs).toBe(0);
      // 9,184 B over 14,336 is 0.641.
      expectWithin(combine, 0.64, 0.67);
    }
  });
});
