/**
 * A run's trace, whatever the run is: well-formed for the viewers, and with as many slices, arrows
 * and marks as there are facts. Expectations come from the facts and from the scenario's own
 * arithmetic.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { microseconds } from "../../src/chrome-trace/trace-event.ts";
import type { Fact } from "../../src/model/fact.ts";
import { PS_PER_US } from "../../src/model/time.ts";
import { computeTimes } from "../../src/workload/compute-time.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";
import {
  LOST_NIC,
  SHORT_CLOCKS,
  TROUBLED,
  troubledRun,
  troubledScenario,
} from "../support/troubled-runs.ts";
import { problemsOf, type TraceEvent, traceOf } from "./trace-check.ts";

function said<Type extends Fact["type"]>({ facts }: Pick<InMemoryResult, "facts">, type: Type) {
  return facts.flatMap(({ fact, atPs }) =>
    fact.type === type ? [{ ...(fact as Extract<Fact, { type: Type }>), atPs }] : [],
  );
}

const slices = (events: readonly TraceEvent[], name: RegExp): TraceEvent[] =>
  events.filter((event) => event.ph === "X" && name.test(event.name));
const arrows = (events: readonly TraceEvent[], name: string): number =>
  events.filter((event) => event.ph === "s" && event.name === name).length;

describe.each(TROUBLED)("the trace of %s", (_name, scenario) => {
  const result = troubledRun(scenario);
  const events = traceOf(scenario, result.facts);

  it("is well-formed", () => {
    expect(result.facts.length).toBeGreaterThan(10);
    expect(problemsOf(events)).toEqual([]);
  });

  it("has a slice for each fact that says how long something took, to the picosecond", () => {
    for (const [type, name] of [
      ["step.completed", /^step \d+$/],
      ["layer.completed", /^layer \d+$/],
      ["dispatch.completed", /^dispatch$/],
      ["combine.completed", /^combine$/],
    ] as const) {
      const spans = said(result, type).map(({ atPs, durationPs }) => [atPs - durationPs, atPs]);
      const drawn = slices(events, name).map(({ args: { fromPs, spanPs } }) => [
        fromPs,
        Number(fromPs) + Number(spanPs),
      ]);
      expect(drawn, type).toEqual(spans);
    }
  });

  it("has as many spans and arrows of trouble as there are facts", () => {
    const masks = said(result, "rank.masked");
    expect(slices(events, /^gave up /)).toHaveLength(masks.length);
    expect(arrows(events, "gave up")).toBe(masks.length);
    const waits = said(result, "rank.wait-timed-out");
    expect(slices(events, /^waits for /)).toHaveLength(waits.length);
    const missing = waits.reduce((sum, wait) => sum + wait.missing.length, 0);
    expect(arrows(events, "waits for")).toBe(missing);
    expect(slices(events, /^round to /)).toHaveLength(said(result, "detour.taken").length);
    expect(events.filter(({ cat }) => cat === "fault").filter(({ ph }) => ph === "X")).toHaveLength(
      said(result, "fault.began").length,
    );
    for (const type of ["qp.timed-out", "qp.failed", "rank.finished", "rank.trapped"] as const) {
      const marks = events.filter(({ ph, name }) => ph === "i" && name === type);
      expect(marks, type).toHaveLength(said(result, type).length);
    }
  });

  it("counts what was combined, of each node and of all", () => {
    const combined = said(result, "combine.completed").reduce((sum, one) => sum + one.combined, 0);
    const counters = events.filter(({ ph, name }) => ph === "C" && name.startsWith("combined"));
    const processes = [...new Set(counters.map(({ pid }) => pid))];
    expect(processes.length).toBe(1 + scenario.cluster.nodes);
    for (const pid of processes) {
      expect(counters.findLast((event) => event.pid === pid)?.args.value).toBe(0);
    }
    const bins = counters.filter(({ pid }) => pid === 1);
    const total = bins.reduce((sum, { ts, args }, place) => {
      const slots = place + 1 < bins.length ? (bins[place + 1].ts - ts) / 100 : 0;
      return sum + Number(args.value) * Math.round(slots);
    }, 0);
    expect(total).toBe(combined);
  });

  it("of a run that was cut off anywhere is well-formed, too", () => {
    for (const part of [0.2, 0.5, 0.8]) {
      const facts = result.facts.slice(0, Math.ceil(part * result.facts.length));
      const endPs = (facts.at(-1)?.atPs ?? 0) + PS_PER_US;
      const cut = traceOf(scenario, facts, endPs);
      expect(problemsOf(cut)).toEqual([]);
      const masks = facts.filter(({ fact }) => fact.type === "rank.masked").length;
      expect(slices(cut, /^gave up /)).toHaveLength(masks);
    }
  });
});

describe("the troubles that these runs are for", () => {
  it.each([
    ["ways round over NVLink", "detour.taken"],
    ["a dead GPU and a controller that moves experts", "ranks.resumed"],
    ["traps and a step that begins again", "step.restarted"],
    ["multi-port NICs that avoid a plane", "plane.suspected"],
    ["a lost NIC", "rank.masked"],
    ["a flap on two targets", "fault.changed"],
  ] as const)("%s: there is %s", (name, type) => {
    const scenario = troubledScenario(name);
    expect(said(troubledRun(scenario), type).length).toBeGreaterThan(0);
  });

  it("has a plane that is avoided as a span that holds every suspicion", () => {
    const scenario = troubledScenario("multi-port");
    const suspicions = said(troubledRun(scenario), "plane.suspected");
    const drawn = slices(traceOf(scenario, troubledRun(scenario).facts), /^avoids plane /);
    const sum = drawn.reduce((total, { args }) => total + Number(args.suspicions), 0);
    expect(sum).toBe(suspicions.length);
    expect(drawn.map(({ name }) => name).join()).toContain("avoids plane 3 ");
  });

  it("marks a fault of two targets once across all rows, and each of its levels", () => {
    const scenario = troubledScenario("a flap");
    const events = traceOf(scenario, troubledRun(scenario).facts);
    const marks = events.filter(({ s }) => s === "g").map(({ name }) => name);
    expect(marks).toEqual(["a-nic-flap begins", "a-nic-flap ends"]);
    expect(slices(events, /^nic-flap node/).map(({ name }) => name)).toEqual([
      "nic-flap node0.nic1",
      "nic-flap node1.nic2",
    ]);
  });
});

describe("computations", () => {
  it.each(["a healthy decode", "two micro-batches"])("of %s take what the GPU needs", (name) => {
    const scenario = troubledScenario(name);
    const { fixedPs } = computeTimes(scenario.model, scenario.hardware, scenario.workload)[
      "attention-forward"
    ];
    const events = traceOf(scenario, troubledRun(scenario).facts);
    const attention = slices(events, /^attention-forward$/);
    const { steps, microBatches } = scenario.workload;
    // A dense layer has no exchange, so nothing says when its attention ends.
    expect(attention).toHaveLength(8 * 3 * steps * microBatches);
    expect(new Set(attention.map(({ args }) => args.spanPs))).toEqual(
      new Set([Math.round(fixedPs)]),
    );
    expect(slices(events, /^mlp-forward$/)).toHaveLength(attention.length);
  });

  it("are left out where the facts do not tell them", () => {
    const scenario = troubledScenario("prefill");
    const events = traceOf(scenario, troubledRun(scenario).facts);
    expect(slices(events, /^mlp-forward$/)).toEqual([]);
  });
});

describe("a trace of logged packets", () => {
  const scenario = tinyScenario({
    faults: [LOST_NIC],
    transport: SHORT_CLOCKS,
    run: { logPackets: true },
  });
  const result = runInMemory(scenario);
  const events = traceOf(scenario, result.facts);

  it("has each packet on the wire of its port, one after another", () => {
    expect(problemsOf(events)).toEqual([]);
    const packets = events.filter(({ ph, cat }) => ph === "X" && cat === "packet");
    expect(packets).toHaveLength(said(result, "packet.delivered").length);
    const dropped = events.filter(({ ph, cat }) => ph === "i" && cat === "packet");
    expect(dropped).toHaveLength(said(result, "packet.dropped").length);
    expect(dropped.length).toBeGreaterThan(0);
    const { nicToLeaf } = scenario.hardware;
    const rows = events.filter(({ name }) => name === "thread_name");
    const toLeaf = rows.filter(({ args }) => /^nic\d port 1 to plane/.test(String(args.name)));
    expect(toLeaf).toHaveLength(8);
    for (const { tid } of toLeaf) {
      const wires = packets.filter((packet) => packet.tid === tid);
      expect(wires.length).toBeGreaterThan(0);
      for (const { args } of wires) {
        expect(args.spanPs).toBe(Math.ceil(Number(args.sizeBytes) * nicToLeaf.psPerByte));
      }
    }
  });

  it("has an arrow for each result that came back over a link", () => {
    const home = said(result, "packet.delivered").filter(
      ({ kind, link, destination }) => kind === "combine" && link.includes(`${destination}--`),
    );
    expect(home.length).toBeGreaterThan(100);
    expect(arrows(events, "token copy")).toBe(home.length);
  });
});

describe("times", () => {
  it("are the same nanosecond whether a viewer rounds or cuts off", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 43), (ns) => {
        const text = microseconds(ns);
        expect(Math.round(Number(text) * 1000), text).toBe(ns);
        expect(Math.trunc(Number(text) * 1000), text).toBe(ns);
      }),
      { numRuns: 2000 },
    );
    expect(microseconds(1_500)).toBe("1.500");
    expect(microseconds(2_000)).toBe("2");
  });
});
