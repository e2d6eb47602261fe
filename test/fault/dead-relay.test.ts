/**
 * A dead GPU is also a dead relay: what its node sends to its plane passes through it over NVLink,
 * and its NIC has acknowledged what it will never pass on. Without failover the ranks behind it are
 * cut off, too; with it they are told to go round it, send again what is open, and stay.
 */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { DEFAULT_RECOVERY, type RecoverySpec, type Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { runEverywhere, said } from "../support/run-everywhere.ts";
import { tinyScenario } from "../support/scenarios.ts";

const DEAD = "node1.gpu2";
const WAIT_PS = 200 * PS_PER_MS;
/** Until answers to probes are due: with failover the transport may fail twice on the way. */
const PROBES_PS = 8 * ackTimeoutPs(10) + 10 * PS_PER_MS;
const NVLINK = { failover: "nvlink" } as const;

interface Changes {
  readonly kind?: FaultSpec["kind"];
  readonly atPs?: number;
  readonly healAtPs?: number;
  readonly grain?: "token" | "message";
  readonly recovery?: Partial<RecoverySpec>;
  readonly microBatches?: 1 | 2;
  readonly tokensPerGpu?: number;
}

/** 4 nodes of 4 GPUs on 4 planes, three layers twice. */
function fleet(changes: Changes): Scenario {
  const { kind = "gpu-dead", atPs, healAtPs, grain = "token", microBatches = 1 } = changes;
  const { tokensPerGpu = 4 } = changes;
  const lease = healAtPs === undefined ? {} : { healAtPs };
  return tinyScenario({
    cluster: { nodes: 4, gpusPerNode: 4, planes: 4, switchPorts: 8 },
    workload: { epSize: 16, layers: [1, 2, 3], steps: 2, grain, microBatches, tokensPerGpu },
    transport: { ackTimeoutExponent: 10, retryCount: 3, waitTimeoutPs: WAIT_PS },
    recovery: { ...DEFAULT_RECOVERY, ...changes.recovery },
    faults: atPs === undefined ? [] : [{ name: "f", kind, targets: [DEAD], atPs, ...lease }],
  });
}

const PHASES = ["dispatch", "combine"] as const;

/** The middle of the dispatch or combine of a layer on the rank that will break. */
function middleOf(phase: (typeof PHASES)[number], layer: number, changes: Changes): number {
  const scenario = fleet(changes);
  const ends = said(scenario, runInMemory(scenario), `${phase}.completed`);
  const end = ends.find((one) => one.by === DEAD && one.layer === layer && one.step === 0);
  if (end === undefined) throw new Error(`no ${phase} of layer ${layer}`);
  return end.atPs - Math.floor(end.durationPs / 2);
}

/** By masked rank: how many gave it up. */
function maskersOf(scenario: Scenario, result: InMemoryResult): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { rank } of said(scenario, result, "rank.masked")) {
    counts[rank] = (counts[rank] ?? 0) + 1;
  }
  return counts;
}

describe.each(["token", "message"] as const)("a GPU that dies (%s)", (grain) => {
  const phases = PHASES.flatMap((phase) =>
    ([1, 3] as const).map((layer) => [phase, layer] as const),
  );
  it.each(phases)("in a %s of layer %i costs its own rank and no other, with failover", (...at) => {
    const atPs = middleOf(...at, { grain });
    const scenario = fleet({ grain, atPs, recovery: NVLINK });
    const result = runEverywhere(scenario);
    expect(result.end).toBe("finished");
    expect(maskersOf(scenario, result)).toEqual({ [DEAD]: 15 });
    expect(result.violations).toEqual([]);
    expect(said(scenario, result, "rank.finished")).toHaveLength(15);
    // What was masked was for the dead rank's experts, and what was lost were its own tokens.
    const { dispatched, combined, masked, lost } = result.assignments;
    expect(combined + masked + lost).toBe(dispatched);
    expect(result.byFault).toEqual([{ fault: "f", masked, lost }]);
    // The three others of its node reach GPU 2 of the three other nodes by their first detour.
    const detours = said(scenario, result, "detour.taken");
    expect(new Set(detours.map(({ by, rank }) => `${by} ${rank}`)).size).toBe(9);
    expect(detours).toHaveLength(9);
    for (const { by, rank, tried } of detours) {
      expect([by.slice(0, 6), rank.slice(-4), tried]).toEqual(["node1.", "gpu2", 1]);
    }
    // A wait and a round of probes; two where some have all of this layer, and miss it in the next.
    const spanPs = WAIT_PS + PROBES_PS;
    const rounds = Math.round((result.virtualTimePs - atPs) / spanPs);
    expect([1, 2]).toContain(rounds);
    expect(result.virtualTimePs - atPs - rounds * spanPs).toBeLessThan(PS_PER_MS);
  });

  it("costs the ranks behind it, too, without failover", () => {
    const atPs = middleOf("dispatch", 2, { grain });
    const scenario = fleet({ grain, atPs });
    const maskers = maskersOf(scenario, runEverywhere(scenario));
    // By the three others of its node, which send to that plane through it.
    const behind = [0, 2, 3].map((node) => `node${node}.gpu2`);
    for (const rank of behind) expect(maskers[rank]).toBe(3);
    const others = ["node1.gpu0", "node1.gpu1", "node1.gpu3"];
    for (const rank of others) expect(maskers[rank]).toBe(3);
    expect(Object.keys(maskers).sort()).toEqual([DEAD, ...behind, ...others].sort());
  });
});

it("two micro-batches find the same way round", () => {
  const changes = { microBatches: 2 } as const;
  const atPs = middleOf("combine", 2, changes);
  const scenario = fleet({ ...changes, atPs, recovery: NVLINK });
  const result = runEverywhere(scenario);
  expect(maskersOf(scenario, result)).toEqual({ [DEAD]: 15 });
  expect(said(scenario, result, "rank.finished")).toHaveLength(15);
});

it("what is sent again is checked like the first time: refused copies come back refused", () => {
  const recovery = { ...NVLINK, integrity: "checksum" } as const;
  const atPs = middleOf("combine", 2, {});
  const dead = fleet({ atPs, recovery });
  const flips: FaultSpec = {
    name: "flips",
    kind: "silent-corruption",
    targets: ["node1.gpu0"],
    atPs: 1,
    parameters: { flipsPerMillion: 200_000 },
  };
  const scenario = { ...dead, faults: [...dead.faults, flips] };
  const result = runEverywhere(scenario);
  expect(maskersOf(scenario, result)).toEqual({ [DEAD]: 15 });
  expect(result.corrupted).toBe(0);
  const refused = result.byFault.find(({ fault }) => fault === "flips")?.masked ?? 0;
  expect(refused).toBeGreaterThan(0);
  const { dispatched, combined, masked, lost } = result.assignments;
  expect(combined + masked + lost).toBe(dispatched);
});

// With one token a rank sends most others no copies: only counts tell that nothing is to come.
it.each([4, 1])(
  "one that dies at any moment costs nobody else, with failover (%i tokens a rank)",
  (tokensPerGpu) => {
    const spanPs = runInMemory(fleet({ tokensPerGpu })).virtualTimePs;
    for (let part = 0; part < 60; part += 1) {
      const atPs = Math.floor((spanPs * part) / 60) + 1;
      const grain = part % 2 === 0 ? "token" : "message";
      const scenario = fleet({ atPs, grain, tokensPerGpu, recovery: NVLINK });
      const result = runInMemory(scenario);
      const maskers = maskersOf(scenario, result);
      const where = `part ${part}`;
      expect(result.end, where).toBe("finished");
      expect(result.mismatches + result.unexplained, where).toBe(0);
      expect(result.violations, where).toEqual([]);
      // In the last layer not everybody has need of it.
      if (part < 45) expect(maskers, where).toEqual({ [DEAD]: 15 });
      else
        expect(
          Object.keys(maskers).filter((rank) => rank !== DEAD),
          where,
        ).toEqual([]);
    }
  },
);

describe("a process that hangs for good", () => {
  it.each([{}, NVLINK])(
    "passes on what others send: only its own rank is masked (%j)",
    (recovery) => {
      const atPs = middleOf("dispatch", 2, {});
      const scenario = fleet({ kind: "process-hang", atPs, recovery });
      const result = runEverywhere(scenario);
      expect(maskersOf(scenario, result)).toEqual({ [DEAD]: 15 });
      expect(said(scenario, result, "rank.finished")).toHaveLength(15);
      const { dispatched, combined, masked, lost } = result.assignments;
      expect(combined + masked + lost).toBe(dispatched);
      expect(result.virtualTimePs).toBeLessThan(atPs + WAIT_PS + PROBES_PS + 200 * PS_PER_US);
    },
  );
});
