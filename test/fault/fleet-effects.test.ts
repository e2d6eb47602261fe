/**
 * What each fault of the fabric feels like to an expert-parallel fleet: what gets slower and by how
 * much, what stalls and for how long, who is masked. Two nodes of four GPUs, four planes; the ACK
 * timeout is 4.19 ms with three retries where nothing else is said.
 */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_S, PS_PER_US } from "../../src/model/time.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { runEverywhere, said } from "../support/run-everywhere.ts";
import { TINY_MODEL, tinyScenario } from "../support/scenarios.ts";

type Part = Pick<FaultSpec, "kind" | "targets"> & Partial<FaultSpec>;

/** One exchange of 256 copies a rank at the width of DeepSeek-V3: rates decide, not latencies. */
const EXCHANGE = tinyScenario({
  model: { ...TINY_MODEL, hidden_size: 7168 },
  workload: { phase: "all-to-all", layers: [1], tokensPerGpu: 128 },
  routing: { source: "uniform" },
});
const STEP = tinyScenario();

/** From the beginning of virtual time on, unless a part says when. */
const withFault = (scenario: Scenario, part: Part): Scenario => ({
  ...scenario,
  faults: [{ name: "fault", atPs: 0, ...part }],
});

/** How long a phase took on each rank, ps; by rank's id. */
function spans(
  scenario: Scenario,
  result: InMemoryResult,
  type: "dispatch.completed" | "combine.completed",
): Map<string, number> {
  return new Map(said(scenario, result, type).map(({ by, durationPs }) => [by, durationPs]));
}

/** By rank: how many times as long a phase of the exchange took. */
function slowdowns(part: Part, type: "dispatch.completed" | "combine.completed") {
  const healthy = spans(EXCHANGE, runInMemory(EXCHANGE), type);
  const scenario = withFault(EXCHANGE, part);
  const result = runEverywhere(scenario);
  expect(result.assignments.combined).toBe(result.assignments.dispatched);
  const faulted = spans(scenario, result, type);
  return (rank: string): number => (faulted.get(rank) ?? 0) / (healthy.get(rank) ?? 0);
}

/** Ranks that each rank has given up, as `from>rank`. */
const masks = (scenario: Scenario, result: InMemoryResult): string[] =>
  said(scenario, result, "rank.masked").map(({ by, rank }) => `${by}>${rank}`);

const remotePairs = (targets: readonly string[]): string[] =>
  [0, 1]
    .flatMap((node) => [0, 1, 2, 3].map((ordinal) => `node${node}.gpu${ordinal}`))
    .flatMap((from) =>
      targets
        .filter((rank) => rank.slice(0, 5) !== from.slice(0, 5))
        .flatMap((rank) => [`${from}>${rank}`, `${rank}>${from}`]),
    );

describe("rates", () => {
  it("a NIC at a quarter of its rate: what its GPU gets takes four times as long", () => {
    const part: Part = { kind: "slow-nic", targets: ["node1.nic2"], parameters: { slowdown: 4 } };
    const dispatch = slowdowns(part, "dispatch.completed");
    expect(dispatch("node1.gpu2")).toBeGreaterThan(3);
    expect(dispatch("node1.gpu2")).toBeLessThan(4.2);
    expect(dispatch("node1.gpu1")).toBeLessThan(1.1);
    // Everybody waits for the results that leave by the slow NIC.
    expect(slowdowns(part, "combine.completed")("node0.gpu2")).toBeGreaterThan(2);
  });

  it("PCIe at a quarter: the same NIC is starved from the other side", () => {
    const part: Part = {
      kind: "pcie-downgrade",
      targets: ["node1.nic2"],
      parameters: { slowdown: 4 },
    };
    const dispatch = slowdowns(part, "dispatch.completed");
    expect(dispatch("node1.gpu2")).toBeGreaterThan(2.5);
    // Its copies go out as slowly, and the count that all wait for comes behind them.
    expect(dispatch("node1.gpu0")).toBeGreaterThan(2);
  });

  it("KV copies that leave 24 GB/s of PCIe: the NIC's 45 GB/s shrink to these", () => {
    const psPerByteAtLeast = 1e12 / 24e9;
    const part: Part = {
      kind: "kv-copy",
      targets: ["node1.nic2"],
      parameters: { psPerByteAtLeast },
    };
    const expected = psPerByteAtLeast / EXCHANGE.hardware.nicToLeaf.psPerByte;
    const dispatch = slowdowns(part, "dispatch.completed");
    expect(dispatch("node1.gpu2")).toBeGreaterThan(expected * 0.8);
    expect(dispatch("node1.gpu2")).toBeLessThan(expected * 1.05);
  });

  it("incast: another job takes three quarters of one NIC's way in, not of its way out", () => {
    const part: Part = { kind: "incast", targets: ["node1.nic2"], parameters: { slowdown: 4 } };
    expect(slowdowns(part, "dispatch.completed")("node1.gpu2")).toBeGreaterThan(3);
    const slow = {
      kind: "slow-nic",
      targets: ["node1.nic2"],
      parameters: { slowdown: 4 },
    } as const;
    const peer = "node0.gpu2";
    const ofIncast = slowdowns(part, "combine.completed")(peer);
    expect(ofIncast).toBeLessThan(slowdowns(slow, "combine.completed")(peer));
  });

  it("a late link delays what crosses it by its latency, and no more", () => {
    const extraLatencyPs = 50 * PS_PER_US;
    const part: Part = {
      kind: "late-link",
      targets: ["node1.nic2--plane2.leaf0"],
      parameters: { extraLatencyPs },
    };
    const scenario = withFault(EXCHANGE, part);
    const late = spans(scenario, runEverywhere(scenario), "dispatch.completed");
    const healthy = spans(EXCHANGE, runInMemory(EXCHANGE), "dispatch.completed");
    const delayPs = (late.get("node1.gpu2") ?? 0) - (healthy.get("node1.gpu2") ?? 0);
    expect(delayPs).toBeGreaterThan(extraLatencyPs - PS_PER_US);
    expect(delayPs).toBeLessThanOrEqual(extraLatencyPs);
  });
});

describe("outages", () => {
  it("a flap of 1 s at timeout exponent 20 stalls the step until the next tick of 4.29 s", () => {
    const transport = { ackTimeoutExponent: 20, retryCount: 7, waitTimeoutPs: 100 * PS_PER_S };
    const step = { ...STEP, transport };
    const atPs = 3 * PS_PER_US;
    const scenario = withFault(step, {
      kind: "nic-flap",
      targets: ["node1.nic0"],
      atPs,
      healAtPs: atPs + PS_PER_S,
    });
    const result = runEverywhere(scenario);
    const stallPs = result.virtualTimePs - runInMemory(step).virtualTimePs;
    expect(stallPs).toBeGreaterThan(ackTimeoutPs(20) - 50 * PS_PER_US);
    expect(stallPs).toBeLessThan(ackTimeoutPs(20) + 50 * PS_PER_US);
    expect(masks(scenario, result)).toEqual([]);
    expect(said(scenario, result, "qp.timed-out").every(({ retry }) => retry === 1)).toBe(true);
  });

  it("a flap that goes down again under the retry costs one tick more", () => {
    const atPs = 3 * PS_PER_US;
    const again = ackTimeoutPs(10);
    const scenario = withFault(STEP, {
      kind: "nic-flap",
      targets: ["node1.nic0"],
      atPs,
      healAtPs: again + 2 * PS_PER_MS,
      levels: [
        { atPs, permille: 1000 },
        { atPs: atPs + PS_PER_MS, permille: 0 },
        { atPs: again - PS_PER_MS, permille: 1000 },
      ],
    });
    const result = runEverywhere(scenario);
    const stallPs = result.virtualTimePs - runInMemory(STEP).virtualTimePs;
    expect(stallPs).toBeGreaterThan(2 * again - 50 * PS_PER_US);
    expect(stallPs).toBeLessThan(2 * again + 50 * PS_PER_US);
    expect(masks(scenario, result)).toEqual([]);
  });

  it.each([
    ["link-down", "node1.nic2--plane2.leaf0"],
    ["nic-down", "node1.nic2"],
    // What it should get is lost one way, its acknowledgements the other way round.
    ["one-way-loss", "plane2.leaf0->node1.nic2"],
    ["one-way-loss", "node1.nic2->plane2.leaf0"],
    ["switch-down", "plane2.leaf0"],
    ["plane-down", "plane2"],
  ] as const)("%s of %s: the nodes mask each other's GPU 2 after all retries", (kind, target) => {
    // A node reaches the other's GPU 2 by its own NIC 2 only: with two nodes, one end that is lost
    // costs as much as the plane.
    const scenario = withFault(STEP, { kind, targets: [target] });
    const result = runEverywhere(scenario);
    const all = said(scenario, result, "rank.masked");
    const lost = remotePairs(["node0.gpu2", "node1.gpu2"]);
    expect(new Set(masks(scenario, result))).toEqual(new Set(lost));
    for (const { fault } of all) expect(fault).toBe("fault");
    const clockPs = 4 * ackTimeoutPs(10);
    const first = Math.min(...all.map(({ atPs }) => atPs));
    expect(first).toBeGreaterThan(clockPs);
    expect(first).toBeLessThan(clockPs + 200 * PS_PER_US);
    // From the next layer on nothing waits for them any more.
    expect(result.virtualTimePs).toBeLessThan(2 * clockPs + 10 * PS_PER_MS);
    expect(result.assignments.lost).toBe(0);
  });

  it("a dead node: its ranks are masked by all others, their own tokens are lost", () => {
    const scenario = withFault(STEP, { kind: "node-crash", targets: ["node1"], atPs: PS_PER_US });
    const result = runEverywhere(scenario);
    const ranks = [0, 1, 2, 3].map((ordinal) => `node1.gpu${ordinal}`);
    for (const from of [0, 1, 2, 3]) {
      for (const rank of ranks) {
        expect(masks(scenario, result)).toContain(`node0.gpu${from}>${rank}`);
      }
    }
    expect(result.assignments.lost).toBeGreaterThan(0);
    expect(result.byFault).toMatchObject([{ fault: "fault", lost: result.assignments.lost }]);
  });

  it("a dead NVSwitch: the GPUs of its node lose each other, and the ways through it", () => {
    const scenario = withFault(STEP, { kind: "switch-down", targets: ["node1.nvswitch"] });
    const result = runEverywhere(scenario);
    const pairs = new Set(masks(scenario, result));
    for (const from of [0, 1, 2, 3]) {
      for (const to of [0, 1, 2, 3]) {
        if (from !== to) expect(pairs).toContain(`node1.gpu${from}>node1.gpu${to}`);
      }
    }
    expect(result.end).toBe("finished");
    expect(result.byFault[0].masked).toBe(result.assignments.masked);
  });

  it("grey loss: packets go again, time is lost in ticks, nobody is masked", () => {
    const scenario = withFault(
      { ...STEP, workload: { ...STEP.workload, tokensPerGpu: 64 } },
      {
        kind: "grey-loss",
        targets: ["node1.nic2"],
        parameters: { lossPerMillion: 20_000, sparedBytes: 256, silent: true },
      },
    );
    const result = runEverywhere(scenario);
    expect(result.fabric.droppedPackets).toBeGreaterThan(3);
    expect(said(scenario, result, "qp.retransmitted").length).toBeGreaterThan(0);
    expect(masks(scenario, result)).toEqual([]);
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
    const healthy = runInMemory({ ...scenario, faults: [] });
    expect(result.virtualTimePs).toBeGreaterThan(healthy.virtualTimePs);
  });

  it("grey loss spares small messages: a fleet of probes and counts sees nothing", () => {
    const scenario = withFault(STEP, {
      kind: "grey-loss",
      targets: ["node1.nic2"],
      parameters: { lossPerMillion: 1_000_000, sparedBytes: 100_000, silent: true },
    });
    expect(runEverywhere(scenario).fabric.droppedPackets).toBe(0);
  });

  it("an NVLink stall holds the step up to its lease, without a sign and without a loss", () => {
    const healAtPs = 2 * PS_PER_MS;
    const scenario = withFault(STEP, {
      kind: "nvlink-stall",
      targets: ["node1.gpu2"],
      atPs: PS_PER_US,
      healAtPs,
      parameters: { silent: true },
    });
    const result = runEverywhere(scenario);
    const healthy = runInMemory(STEP);
    expect(result.virtualTimePs).toBeGreaterThan(healAtPs);
    expect(result.virtualTimePs).toBeLessThan(healAtPs + healthy.virtualTimePs);
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
    expect(said(scenario, result, "qp.timed-out")).toEqual([]);
    expect(masks(scenario, result)).toEqual([]);
  });

  it.each(["low-latency", "normal"] as const)(
    "an NVLink stall that does not end costs its rank after a wait, and holds nobody (%s)",
    (protocol) => {
      const transport = { ackTimeoutExponent: 10, retryCount: 2, waitTimeoutPs: 20 * PS_PER_MS };
      const usual = tinyScenario({ transport, workload: { protocol, steps: 3 } });
      const scenario = withFault(usual, {
        kind: "nvlink-stall",
        targets: ["node1.gpu2"],
        atPs: PS_PER_US,
        parameters: { silent: true },
      });
      const result = runEverywhere(scenario);
      // The run does not wait for messages that will never leave.
      expect(result.end).toBe("finished");
      expect(said(scenario, result, "rank.finished")).toHaveLength(8);
      expect(masks(scenario, result)).toContain("node1.gpu0>node1.gpu2");
      // A wait, and the probes after it, twice at most; the stall has no end.
      const oncePs = 20 * PS_PER_MS + 3 * 4_194_304_000 + 10 * PS_PER_MS;
      expect(result.virtualTimePs).toBeLessThan(2 * oncePs + PS_PER_MS);
    },
  );

  it("a dead GPU whose memory is remapped comes back to a fleet that has masked it", () => {
    const scenario = withFault(STEP, {
      kind: "hbm-uncorrectable",
      targets: ["node1.gpu2"],
      atPs: PS_PER_US,
      healAtPs: 500 * PS_PER_MS,
    });
    const result = runEverywhere(scenario);
    expect(masks(scenario, result)).toContain("node0.gpu2>node1.gpu2");
    expect(result.byFault[0].lost).toBeGreaterThan(0);
    expect(result.end).toBe("finished");
  });
});

describe("between switches", () => {
  /** One plane, three leaves of two nodes' NICs, three spines. */
  const WIDE = tinyScenario({
    cluster: { nodes: 6, gpusPerNode: 1, planes: 1, switchPorts: 4 },
    model: { ...TINY_MODEL, n_routed_experts: 12, n_group: 2, topk_group: 2 },
    workload: { epSize: 6, tokensPerGpu: 8 },
  });
  const link = "plane0.leaf0--plane0.spine0";

  it("a dead cable costs the pairs whose table leads over it, and no others", () => {
    const scenario = withFault(WIDE, { kind: "link-down", targets: [link] });
    const result = runEverywhere(scenario);
    const pairs = masks(scenario, result);
    expect(pairs.length).toBeGreaterThan(0);
    for (const pair of pairs) {
      // One end of each is under the leaf that lost the cable: node 0 or 1.
      expect(pair).toMatch(/node[01]\.gpu0/);
      expect(pair).not.toBe("node0.gpu0>node1.gpu0");
    }
    expect(result.byFault[0].masked).toBe(result.assignments.masked);
  });

  it("a slow cable slows the flows over it, and nobody is masked", () => {
    const slow = withFault(WIDE, {
      kind: "slow-link",
      targets: [link],
      parameters: { slowdown: 20, silent: true },
    });
    const result = runEverywhere(slow);
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
    expect(result.virtualTimePs).toBeGreaterThan(runInMemory(WIDE).virtualTimePs);
    expect(masks(slow, result)).toEqual([]);
  });
});

describe("what NVLink has lost", () => {
  it("nobody sends again: after three rounds of probes the pairs give each other up", () => {
    const transport = { ...STEP.transport, waitTimeoutPs: 50 * PS_PER_MS };
    const scenario = withFault(
      { ...STEP, transport },
      {
        kind: "switch-down",
        targets: ["node1.nvswitch"],
        atPs: 2 * PS_PER_US,
        healAtPs: 100 * PS_PER_US,
      },
    );
    const result = runEverywhere(scenario);
    expect(result.end).toBe("finished");
    const given = said(scenario, result, "rank.masked");
    expect(given.length).toBeGreaterThan(0);
    const roundPs = 50 * PS_PER_MS + 4 * ackTimeoutPs(10) + 10 * PS_PER_MS;
    const first = Math.min(...given.map(({ atPs }) => atPs));
    expect(first).toBeGreaterThan(3 * roundPs);
    expect(first).toBeLessThan(3 * roundPs + PS_PER_MS);
  });
});
