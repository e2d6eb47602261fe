/**
 * Orders in the window loop: a director is asked exactly at its instants, with everything before
 * and nothing after, and what it orders does the same in one process and in many.
 */
import { describe, expect, it } from "vitest";
import { makeJournalDirector } from "../../cluster/journal-director.ts";
import { faultsOf, type JournalOrder } from "../../cluster/journal-orders.ts";
import type { RunOptions } from "../../cluster/prepared-run.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import type { Director, Orders } from "../../src/model/director.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { NEVER_PS, PS_PER_US } from "../../src/model/time.ts";
import { runScenario } from "../process/child-processes.ts";
import { tinyScenario } from "../support/scenarios.ts";

const PLACEMENTS = ["single", "pack"] as const;
const NO_ORDERS: Orders = { faults: [], heals: [] };
const NIC_DOWN = { name: "cut", kind: "nic-down", targets: ["node1.nic2"] } as const;

/** Gives prepared orders at prepared instants, and remembers what it knew at each. */
class Script implements Director {
  readonly seen: { atPs: number; lastFactPs: number; facts: number }[] = [];
  readonly #plan: [number, Orders][];
  #facts = 0;
  #lastFactPs = 0;

  constructor(plan: readonly [number, Orders][]) {
    this.#plan = [...plan];
  }

  get nextPs(): number {
    return this.#plan[0]?.[0] ?? NEVER_PS;
  }

  take(facts: readonly FactRecord[]): void {
    this.#facts += facts.length;
    this.#lastFactPs = facts.at(-1)?.atPs ?? this.#lastFactPs;
  }

  at(atPs: number): Orders {
    const { seen } = this;
    seen.push({ atPs, lastFactPs: this.#lastFactPs, facts: this.#facts });
    return this.#plan.shift()?.[1] ?? NO_ORDERS;
  }
}

interface Told {
  readonly outcome: RunOutcome;
  readonly facts: FactRecord[];
  readonly orders: JournalOrder[];
  /** How many facts had been committed when each order was written down. */
  readonly factsBefore: number[];
}

async function run(scenario: Scenario, settings: Partial<RunOptions> = {}): Promise<Told> {
  const facts: FactRecord[] = [];
  const orders: JournalOrder[] = [];
  const factsBefore: number[] = [];
  const outcome = await runScenario(scenario, {
    ...settings,
    observer: {
      started: () => undefined,
      committed: (window) => void facts.push(...window.facts),
      ordered: (given) => {
        orders.push(...given);
        for (const _ of given) factsBefore.push(facts.length);
      },
    },
  });
  return { outcome, facts, orders, factsBefore };
}

const at = (placement: "single" | "pack"): Scenario =>
  tinyScenario({ run: { placement, workers: 3 } });

describe("a director", () => {
  it("is asked at its instants with all facts before and none after, in every placement", async () => {
    const whole = await run(at("single"));
    // The run takes 35 us; a fact's own instant is one of them, and the ps after it.
    const instants = [1, 8 * PS_PER_US + 7, whole.facts[60].atPs, whole.facts[60].atPs + 1];
    const seen = [];
    for (const placement of PLACEMENTS) {
      const script = new Script(instants.map((atPs) => [atPs, NO_ORDERS]));
      const { outcome, facts } = await run(at(placement), { director: script });
      expect(outcome.digest).toBe(whole.outcome.digest);
      expect(script.seen.map(({ atPs }) => atPs)).toEqual(instants);
      for (const { atPs, lastFactPs, facts: count } of script.seen) {
        expect(count).toBe(facts.filter((fact) => fact.atPs < atPs).length);
        expect(lastFactPs).toBeLessThan(atPs);
      }
      seen.push(script.seen);
    }
    expect(seen[0]).toEqual(seen[1]);
  });

  it("breaks and heals as a scenario does that knew it from the start, and it is written down first", async () => {
    const [downPs, upPs] = [10 * PS_PER_US, 20 * PS_PER_US];
    const fault = { ...NIC_DOWN, atPs: downPs, healAtPs: 90 * PS_PER_US };
    const known = await run(
      tinyScenario({ faults: [{ ...NIC_DOWN, atPs: downPs, healAtPs: upPs }] }),
    );
    const healthy = await run(at("single"));
    expect(known.outcome.digest).not.toBe(healthy.outcome.digest);
    for (const placement of PLACEMENTS) {
      const director = new Script([
        [downPs, { faults: [fault], heals: [] }],
        [upPs, { faults: [], heals: [{ fault: "cut", atPs: upPs }] }],
      ]);
      const { outcome, facts, orders, factsBefore } = await run(at(placement), { director });
      expect(outcome.digest).toBe(known.outcome.digest);
      expect(facts).toEqual(known.facts);
      expect(orders).toEqual([
        { record: "fault", by: "drill", ...fault },
        { record: "heal", by: "drill", fault: "cut", atPs: upPs },
      ]);
      const began = facts.findIndex(({ fact }) => fact.type === "fault.began");
      const healed = facts.findIndex(({ fact }) => fact.type === "fault.healed");
      expect(factsBefore[0]).toBeLessThanOrEqual(began);
      expect(factsBefore[1]).toBeLessThanOrEqual(healed);
      expect([facts[began].atPs, facts[healed].atPs]).toEqual([downPs, upPs]);
    }
  });

  it("stops a run exactly at an instant, with the same digest in every placement", async () => {
    const stopPs = 17 * PS_PER_US + 3;
    const told = [];
    for (const placement of PLACEMENTS) {
      const director = new Script([[stopPs, { ...NO_ORDERS, stop: "enough" }]]);
      const { outcome, facts, orders } = await run(at(placement), { director });
      expect(outcome).toMatchObject({ end: "stopped", detail: "enough", stoppedAtPs: stopPs });
      expect(orders).toEqual([{ record: "stop", by: "drill", atPs: stopPs, reason: "enough" }]);
      expect(facts.every(({ atPs }) => atPs < stopPs)).toBe(true);
      const { digest, virtualTimePs, events, assignments, epochsClosed } = outcome;
      told.push({ digest, virtualTimePs, events, assignments, epochsClosed, facts });
    }
    expect(told[0]).toEqual(told[1]);
    const whole = await run(at("single"));
    expect(told[0].facts).toEqual(whole.facts.filter(({ atPs }) => atPs < stopPs));
    expect(told[0].events).toBeLessThan(whole.outcome.events);
  });

  it("is not waited for by a run that is over", async () => {
    const script = new Script([[3600e12, { ...NO_ORDERS, stop: "never" }]]);
    const { outcome } = await run(at("single"), { director: script });
    expect([outcome.end, script.seen]).toEqual(["finished", []]);
  });

  it("unsticks a run: a hang that no lease ends goes on when the director heals it", async () => {
    const hang = { name: "hang", kind: "process-hang", targets: ["node0.gpu1"], atPs: 1 } as const;
    const healPs = 5000 * PS_PER_US;
    const director = new Script([
      [healPs, { faults: [], heals: [{ fault: "hang", atPs: healPs }] }],
    ]);
    const { outcome, facts } = await run(tinyScenario({ faults: [hang] }), { director });
    expect(outcome.end).toBe("finished");
    expect(facts.find(({ fact }) => fact.type === "fault.healed")?.atPs).toBe(healPs);
    const known = await run(tinyScenario({ faults: [{ ...hang, healAtPs: healPs }] }));
    expect(facts).toEqual(known.facts);
    expect(outcome.digest).toBe(known.outcome.digest);
  });

  it("may order something into an epoch after whose last event nothing is due for long", async () => {
    // A hang of 9 ms: everybody waits from about 20 us on, and the order falls between.
    const hang = { name: "hang", kind: "process-hang", targets: ["node0.gpu1"] } as const;
    const faults = [{ ...hang, atPs: 1, healAtPs: 9000 * PS_PER_US }];
    const late = { ...NIC_DOWN, atPs: 700 * PS_PER_US, healAtPs: 8000 * PS_PER_US };
    const known = await run(tinyScenario({ faults: [...faults, late] }));
    const before = known.facts.filter(({ atPs }) => atPs < late.atPs);
    expect(before.at(-1)?.atPs).toBeLessThan(100 * PS_PER_US);
    const director = new Script([[late.atPs, { faults: [late], heals: [] }]]);
    const { outcome, facts } = await run(tinyScenario({ faults }), { director });
    expect(facts).toEqual(known.facts);
    expect(outcome.digest).toBe(known.outcome.digest);
  });
});

describe("a journal's orders", () => {
  it("replay equal without the director: faults from the start, heals and the stop at their instants", async () => {
    const [downPs, upPs, stopPs] = [8, 12, 25].map((us) => us * PS_PER_US);
    const director = new Script([
      [downPs, { faults: [{ ...NIC_DOWN, atPs: downPs }], heals: [] }],
      [upPs, { faults: [], heals: [{ fault: "cut", atPs: upPs }] }],
      [stopPs, { ...NO_ORDERS, stop: "seen enough" }],
    ]);
    const lived = await run(at("pack"), { director });
    const faults = faultsOf(lived.orders);
    const again = makeJournalDirector(lived.orders);
    const replayed = await run(
      { ...at("single"), faults },
      again === undefined ? {} : { director: again },
    );
    expect(replayed.facts).toEqual(lived.facts);
    const { digest, end, virtualTimePs, events } = replayed.outcome;
    expect({ digest, end, virtualTimePs, events }).toEqual({
      digest: lived.outcome.digest,
      end: "stopped",
      virtualTimePs: lived.outcome.virtualTimePs,
      events: lived.outcome.events,
    });
  });
});
