/**
 * A process that hangs: the GPU says nothing and does nothing of its own, no port shows it, what is
 * sent to it lands, and what goes through it goes on. A short hang stalls the fleet as long as it
 * lasts; a long one has it masked like a dead rank, after the wait and one round of probes.
 */
import { describe, expect, it } from "vitest";
import { ackTimeoutPs } from "../../actors/nic/nic.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario, WorkloadSpec } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { runEverywhere, said } from "../support/run-everywhere.ts";
import { tinyScenario } from "../support/scenarios.ts";

const HUNG = "node1.gpu2";
const WAIT_PS = 200 * PS_PER_MS;
const PROBES_PS = 4 * ackTimeoutPs(10) + 10 * PS_PER_MS;
const TRANSPORT = { ackTimeoutExponent: 10, retryCount: 3, waitTimeoutPs: WAIT_PS };

function scenarioWith(
  atPs: number,
  spanPs: number | undefined,
  workload: Partial<WorkloadSpec> = {},
): Scenario {
  const fault: FaultSpec = {
    name: "hang",
    kind: "process-hang",
    targets: [HUNG],
    atPs,
    ...(spanPs !== undefined && { healAtPs: atPs + spanPs }),
  };
  return tinyScenario({ faults: [fault], transport: TRANSPORT, workload });
}

/** The middle of the hung rank's first dispatch, when its copies are posted and others' come. */
function midDispatchPs(workload: Partial<WorkloadSpec> = {}): number {
  const scenario = { ...scenarioWith(1, undefined, workload), faults: [] };
  const [first] = said(scenario, runInMemory(scenario), "dispatch.completed").filter(
    ({ by }) => by === HUNG,
  );
  return first.atPs - Math.floor(first.durationPs / 4);
}

describe.each([
  ["low-latency", "token"],
  ["low-latency", "message"],
  ["normal", "token"],
] as const)("a short hang (%s, %s)", (protocol, grain) => {
  const workload = { protocol, grain };
  const atPs = midDispatchPs(workload);
  const healAtPs = atPs + 50 * PS_PER_MS;
  const scenario = scenarioWith(atPs, 50 * PS_PER_MS, workload);
  const healthy = runInMemory({ ...scenario, faults: [] });
  const result = runEverywhere(scenario);

  it("says nothing from its onset to its end, and goes on at that instant", () => {
    const own = result.facts.filter(({ atPs: at }) => at > atPs && at < healAtPs);
    const { actor } = result.facts.find(({ fact }) => fact.type === "fault.began") as {
      actor: number;
    };
    expect(own.filter((record) => record.actor === actor)).toEqual([]);
    const [first] = said(scenario, result, "dispatch.completed").filter(({ by }) => by === HUNG);
    expect(first.atPs).toBe(healAtPs);
  });

  it("stalls the whole fleet as long as it lasts, and nobody is masked", () => {
    const stallPs = result.virtualTimePs - healthy.virtualTimePs;
    expect(stallPs).toBeGreaterThan(50 * PS_PER_MS - 20 * PS_PER_US);
    expect(stallPs).toBeLessThan(50 * PS_PER_MS + 20 * PS_PER_US);
    const types = new Set(result.facts.map(({ fact }) => fact.type));
    for (const type of ["rank.masked", "rank.wait-timed-out", "qp.timed-out"] as const) {
      expect(types.has(type), type).toBe(false);
    }
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
  });
});

describe("a hang", () => {
  it("does not stop what others send through the GPU", () => {
    // The first exchange of all; the hung GPU sends nothing of its own in it.
    const hang = scenarioWith(1, undefined);
    const scenario = { ...hang, run: { ...hang.run, logPackets: true } };
    const through = said(scenario, runInMemory(scenario), "packet.delivered").filter(
      ({ link, origin, destination }) =>
        link === "node1.gpu2--node1.nic2" && origin !== HUNG && destination !== HUNG,
    );
    const copies = through.filter(({ kind, by }) => kind === "dispatch" && by === "node1.nic2");
    expect(copies.length).toBeGreaterThan(0);
  });

  it("that lasts has the rank masked after one wait and one round of probes", () => {
    const result = runEverywhere(scenarioWith(5 * PS_PER_US, undefined));
    const scenario = scenarioWith(5 * PS_PER_US, undefined);
    expect(result.end).toBe("finished");
    const masks = said(scenario, result, "rank.masked").filter(({ rank }) => rank === HUNG);
    expect(masks).toHaveLength(7);
    for (const { atPs, reason, fault } of masks) {
      expect(fault).toBe("hang");
      expect(["no-answer", "send-failed", "notice"]).toContain(reason);
      expect(atPs).toBeGreaterThan(WAIT_PS + PROBES_PS);
      expect(atPs).toBeLessThan(WAIT_PS + PROBES_PS + PS_PER_MS);
    }
    expect(masks.filter(({ reason }) => reason === "no-answer").length).toBeGreaterThan(0);
    // It never goes on: what it had open is lost, and its messages lie in its memory.
    expect(result.byFault).toMatchObject([{ fault: "hang" }]);
    expect(result.assignments.lost).toBeGreaterThan(0);
    expect(result.byFault[0].lost).toBe(result.assignments.lost);
    expect(result.fabric.packetsInUse).toBeGreaterThan(0);
    const finished = said(scenario, result, "rank.finished").map(({ by }) => by);
    expect(finished).toHaveLength(7);
    expect(finished).not.toContain(HUNG);
  });

  it.each(["low-latency", "normal"] as const)(
    "that ends too late finds itself masked, and gives nothing back twice (%s)",
    (protocol) => {
      const scenario = scenarioWith(5 * PS_PER_US, 2 * WAIT_PS, { protocol });
      const healAtPs = 5 * PS_PER_US + 2 * WAIT_PS;
      const result = runEverywhere(scenario);
      expect(result.end).toBe("finished");
      expect(result.fabric.packetsInUse).toBe(0);
      expect(result.assignments.lost).toBe(0);
      expect(result.byFault[0].masked).toBe(result.assignments.masked);
      const own = said(scenario, result, "rank.masked").filter(({ by }) => by === HUNG);
      // The notices had come while it hung; they are read at the instant at which it goes on.
      expect(own).toHaveLength(7);
      expect(
        own.filter(({ atPs, reason }) => atPs === healAtPs && reason === "notice").length,
      ).toBeGreaterThan(0);
      expect(said(scenario, result, "rank.finished")).toHaveLength(8);
    },
  );

  it("asks at once who lives when its own wait ran out meanwhile, and answers in time", () => {
    const atPs = midDispatchPs();
    const hang = scenarioWith(atPs, WAIT_PS + PROBES_PS / 2);
    const dead: FaultSpec = {
      name: "dead",
      kind: "gpu-dead",
      targets: ["node0.gpu0"],
      atPs: 1,
    };
    const scenario = { ...hang, faults: [...hang.faults, dead] };
    const result = runEverywhere(scenario);
    const own = said(scenario, result, "rank.wait-timed-out").filter(({ by }) => by === HUNG);
    expect(own[0].atPs).toBe(atPs + WAIT_PS + PROBES_PS / 2);
    expect(own[0].missing).toContain("node0.gpu0");
    // The probes lay in its memory; the answers came before they were due.
    const masks = said(scenario, result, "rank.masked");
    expect(masks.filter(({ rank, reason }) => rank === HUNG && reason === "no-answer")).toEqual([]);
    expect(masks.filter(({ rank }) => rank === "node0.gpu0")).toHaveLength(7);
  });

  it("gives back what it kept when the GPU dies meanwhile and works again", () => {
    const hang = scenarioWith(5 * PS_PER_US, undefined);
    const dead: FaultSpec = {
      name: "dead",
      kind: "gpu-dead",
      targets: [HUNG],
      atPs: PS_PER_MS,
      healAtPs: 2 * PS_PER_MS,
    };
    const held = runInMemory(hang).fabric.packetsInUse;
    expect(held).toBeGreaterThan(0);
    const result = runEverywhere({ ...hang, faults: [...hang.faults, dead] });
    expect(result.end).toBe("finished");
    expect(result.fabric.packetsInUse).toBe(0);
    expect(result.byFault.map(({ fault, lost }) => [fault, lost > 0])).toEqual([
      ["hang", false],
      ["dead", true],
    ]);
  });

  it("heeds the clock that ran out meanwhile only if it still waits for somebody", () => {
    // Its own wait ends during the hang, and everything it waited for has come.
    const atPs = midDispatchPs();
    const scenario = {
      ...scenarioWith(atPs, 150 * PS_PER_US),
      transport: { ...TRANSPORT, waitTimeoutPs: 100 * PS_PER_US },
    };
    const result = runEverywhere(scenario);
    const timeouts = said(scenario, result, "rank.wait-timed-out");
    expect(timeouts.map(({ by }) => by)).not.toContain(HUNG);
    expect(timeouts.length).toBeGreaterThan(0);
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
  });
});
