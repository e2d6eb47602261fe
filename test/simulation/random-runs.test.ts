/**
 * 200 seeds of the swarm (scripts/swarm): small random fleets with faults of every kind and orders
 * from outside, each in one worker, spread over several with shuffled grants and frames, and from
 * its record. One digest, every assignment accounted for, every lease kept. Seeds that once failed
 * come first.
 */
import { describe, expect, it } from "vitest";
import { type CheckedSeed, checkSeed } from "../../scripts/swarm/check-seed.ts";
import { SWARM_KINDS } from "../../scripts/swarm/draw-faults.ts";
import type { Scenario } from "../../src/model/scenario.ts";

const SEEDS = 200;
const BATCHES = 20;

/** Seeds that failed before a bug was mended, and what it was. */
const CORPUS: readonly (readonly [seed: number, bug: string])[] = [
  [2114, "a controller told other ranks to leave than in the epoch before"],
  [2090, "a new controller used an incarnation again that only NICs remembered"],
  [633, "a new controller used an epoch again that ranks had been ordered into"],
];

/** Every value that a random fleet may have, by what it is of. */
const DRAWN = {
  protocol: ["low-latency", "normal"],
  grain: ["token", "message"],
  phase: ["decode", "prefill", "training", "all-to-all"],
  pass: ["overlapped", "forward", "backward"],
  microBatches: [1, 2],
  intraNode: ["nvlink", "rdma"],
  fabric: [
    ...["mpft static", "mpft ecmp", "mpft adaptive"],
    ...["mrft static", "mrft ecmp", "mrft adaptive"],
  ],
  nicPorts: ["one-port", "multi-port"],
  portBuffers: ["unlimited", "finite"],
  routing: ["gate", "uniform", "zipf"],
  groups: ["one", "several"],
  replicas: ["none", "some"],
  onSilence: ["mask", "trap"],
  failover: ["none", "nvlink"],
  takeover: [false, true],
  integrity: ["none", "checksum"],
  controller: ["none", "remap", "restart"],
} as const;

/** Scenarios with a value, and those among them in which a fault cost something. */
interface Met {
  scenarios: number;
  faulty: number;
}

/** What a scenario is made of, in the words of DRAWN; `pass` says something in training only. */
function drawnOf({ workload, cluster, routing, experts, recovery }: Scenario): [string, string][] {
  const { protocol, grain, phase, intraNode, microBatches, epSize } = workload;
  const { network, switchRouting, nicPorts, portBufferBytes } = cluster;
  const { onSilence, failover, takeover, integrity, controller } = recovery;
  const words = {
    ...{ protocol, grain, phase, intraNode, microBatches, nicPorts },
    ...{ onSilence, failover, takeover, integrity, controller },
    fabric: `${network} ${switchRouting}`,
    portBuffers: portBufferBytes === 0 ? "unlimited" : "finite",
    routing: routing.source,
    groups: epSize === cluster.nodes * cluster.gpusPerNode ? "one" : "several",
    replicas: experts.redundant === 0 ? "none" : "some",
    ...(phase === "training" ? { pass: workload.pass } : {}),
  };
  return Object.entries(words).map(([what, value]) => [what, String(value)]);
}

describe("random runs", () => {
  const met = new Map<string, Met>();
  const fired = new Map<string, number>();
  const reached = new Map<string, number>();
  let vacuous = 0;

  const note = ({ answer, scenario, run }: CheckedSeed): void => {
    if (scenario === undefined || run === undefined) return;
    const { masked, lost } = run.assignments;
    for (const [what, value] of drawnOf(scenario)) {
      const entry = met.get(`${what} ${value}`) ?? { scenarios: 0, faulty: 0 };
      entry.scenarios += 1;
      if (masked + lost > 0) entry.faulty += 1;
      met.set(`${what} ${value}`, entry);
    }
    for (const { kind, effect } of answer.effects) {
      if (effect === "fired") fired.set(kind, (fired.get(kind) ?? 0) + 1);
    }
    for (const what of answer.sometimes) reached.set(what, (reached.get(what) ?? 0) + 1);
    if (answer.vacuous.length > 0) vacuous += 1;
  };

  it.each(CORPUS)("hold for seed %i, which once did not: %s", (seed) => {
    expect(checkSeed({ seed }).answer.problems).toEqual([]);
  });

  it.each(Array.from({ length: BATCHES }, (_, batch) => batch))(
    "keep digest, accounts and leases, batch %i of 10 seeds",
    (batch) => {
      for (let place = 0; place < SEEDS / BATCHES; place += 1) {
        const seed = (batch * SEEDS) / BATCHES + place;
        const checked = checkSeed({ seed });
        expect(checked.answer.problems, `seed ${seed}`).toEqual([]);
        note(checked);
      }
    },
  );

  it("have traffic before their faults, in four of five", () => {
    expect(vacuous).toBeLessThan(SEEDS / 5);
  });

  it("reach what they are for: every way to mask, to heal and to go round happened", () => {
    for (const what of [
      ...["send-failed", "no-answer", "notice", "operator"].map((by) => `a rank is masked: ${by}`),
      ...["local", "manager", "operator"].map((by) => `a route is changed: ${by}`),
      ...["qp.failed is said", "rank.trapped is said", "experts.missing is said"],
      ...["detour.taken is said", "combine.mismatched is said", "rank.admitted is said"],
      ...["step.restarted is said", "experts.moved is said"],
      ...["an order ends a fault early", "an order ends the run"],
      ...["the run learns of a fault while it is up", "two faults at once on one target"],
      ...["a fault begins mid-dispatch", "a fault begins at the instant of an event"],
      ...["a fault heals while somebody suspects something", "a fault that fired costs nothing"],
    ]) {
      expect(reached.get(what) ?? 0, what).toBeGreaterThan(0);
    }
  });

  it("fire every kind of fault and every order of an operator", () => {
    expect([...fired.keys()].sort()).toEqual([...SWARM_KINDS].sort());
    for (const [kind, seeds] of fired) expect(seeds, kind).toBeGreaterThan(SEEDS / 40);
  });

  it("reach every protocol, network and policy, with faults that cost something", () => {
    for (const [what, values] of Object.entries(DRAWN)) {
      for (const value of values) {
        const { scenarios, faulty } = met.get(`${what} ${value}`) ?? { scenarios: 0, faulty: 0 };
        expect(scenarios, `${what} ${value}`).toBeGreaterThan(SEEDS / 40);
        expect(faulty, `${what} ${value}, faulty`).toBeGreaterThan(0);
      }
    }
    const all = Object.entries(DRAWN).flatMap(([what, of]) =>
      of.map((value) => `${what} ${value}`),
    );
    expect([...met.keys()].sort()).toEqual(all.sort());
  });
});
