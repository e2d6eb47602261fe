/** The filter of events: its text, what each term lets pass, and what is near a fault. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitsGlob } from "../../src/base/glob.ts";
import type { ClusterSpec } from "../../src/model/scenario.ts";
import { EventFilter, parseEventFilter } from "../../src/observe/event-filter.ts";
import { type EventLine, lineProblem } from "../../src/observe/event-line.ts";
import { EventSieve } from "../../src/observe/event-sieve.ts";
import { levelOf } from "../../src/observe/fact-catalogue.ts";
import { type KnownNames, unknownName } from "../../src/observe/filter-names.ts";
import { FILTER_TERMS, withTerm } from "../../src/observe/filter-terms.ts";
import { journalLine } from "../../src/observe/journal-line.ts";
import { nodesOf, planesOf } from "../../src/observe/whereabouts.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { tinyScenario } from "../support/scenarios.ts";

const { cluster, hardware } = tinyScenario();
const MS = 1e9;

function line(atMs: number, actor: string, fact: string, fields: object = {}): EventLine {
  const level = levelOf({ type: fact } as Parameters<typeof levelOf>[0]);
  const made = { level, virtualTimePs: atMs * MS, actor, index: 0, fact, ...fields };
  expect(lineProblem(made)).toBeUndefined();
  return made;
}

const layer = (number: number, step: number) => ({ layer: number, step, chain: "batch0" });

/** A run in ten lines: a NIC dies at 6 ms. */
const LOG: readonly EventLine[] = [
  line(1, "node0.gpu0", "layer.completed", { ...layer(3, 0), durationPs: 5 }),
  line(5, "node1.gpu2", "layer.completed", { ...layer(4, 0), durationPs: 5 }),
  line(6, "node1.nic2", "fault.began", {
    ...{ fault: "lost-nic", kind: "nic-down", target: "node1.nic2" },
  }),
  line(7, "node0.gpu1", "dispatch.completed", { ...layer(5, 1), received: 3, durationPs: 5 }),
  line(70, "node0.nic2", "qp.timed-out", { peer: "node1.nic2", retry: 1, outstanding: 4 }),
  line(71, "node0.nic2", "qp.retransmitted", { peer: "node1.nic2", packets: 4, cause: "timeout" }),
  line(140, "node0.nic2", "qp.failed", { peer: "node1.nic2", outstanding: 4 }),
  line(141, "node0.gpu2", "rank.masked", {
    ...{ rank: "node1.gpu2", fault: "lost-nic", assignments: 7, reason: "send-failed" },
  }),
  line(142, "plane3.leaf0", "route.changed", {
    ...{ change: "avoided", cause: "local", target: "all", links: ["node0.nic3--plane3.leaf0"] },
  }),
  line(300, "node1.nic2", "fault.healed", {
    ...{ fault: "lost-nic", kind: "nic-down", target: "node1.nic2" },
  }),
];

function specOf(text: string) {
  const reading = parseEventFilter(text);
  if (!reading.ok) throw new Error(`${reading.message}; ${reading.hint}`);
  return reading.value;
}

/** Instants, in ms, of what passes. */
function passing(text: string, log = LOG): number[] {
  const filter = new EventFilter(specOf(text), cluster);
  return log.filter((one) => filter.passes(one)).map(({ virtualTimePs }) => virtualTimePs / MS);
}

describe("a filter", () => {
  const all = LOG.map(({ virtualTimePs }) => virtualTimePs / MS);
  const rows: readonly (readonly [text: string, passes: readonly number[]])[] = [
    ["", all],
    ["actor=node1.*", [5, 6, 300]],
    ["actor=*.nic2", [6, 70, 71, 140, 300]],
    ["actor=node0.gpu0,node0.gpu1", [1, 7]],
    ["actor=node0.gpu0 actor=node0.gpu1", [1, 7]],
    ["kind=qp.*", [70, 71, 140]],
    ["kind=fault,rank.masked", [6, 141, 300]],
    ["kind=transport", [70, 71, 140]],
    // Of the actor; of a peer; of a link; of a target.
    ["plane=2", [5, 6, 70, 71, 140, 141, 300]],
    ["plane=3", [142]],
    ["plane=0-1", [1, 7]],
    ["node=0", [1, 7, 70, 71, 140, 141, 142]],
    ["node=1", [5, 6, 70, 71, 140, 141, 300]],
    ["layer=4-5", [5, 7]],
    ["step=1", [7]],
    ["since=70ms", [70, 71, 140, 141, 142, 300]],
    ["since=7ms until=71ms", [7, 70, 71]],
    ["since=7 ms until=71 ms", [7, 70, 71]],
    ['until="1.5 ms"', [1]],
    ["level=warn", [6, 70, 140, 141]],
    ["level=error", []],
    ["level=info", all],
    ["fault=lost-nic", [6, 141, 300]],
    ["fault=lost-*", [6, 141, 300]],
    ["fault=other", []],
    ["text=RETRY", [70, 140]],
    ['text="no acknowledgement"', [70]],
    ["no acknowledgement", [70]],
    ["text=send-failed", [141]],
    ["actor=node0.* kind=qp.* plane=2 since=5ms level=warn text=retry", [70, 140]],
  ];
  it.each(rows)("%s", (text, passes) => {
    expect(passing(text)).toEqual(passes);
  });

  it("takes what it does not know of the fleet for what its line says", () => {
    const later: EventLine = { ...LOG[0], fact: "qp.mended", peer: "node1.nic2" };
    expect(passing("kind=qp.* actor=node0.gpu0", [later])).toEqual([1]);
    expect(passing("node=1", [later])).toEqual([]);
  });

  it("does not take the exchange of a packet for a layer", () => {
    const packet = line(1, "node0.nic2", "packet.delivered", {
      ...{ link: "node1.nic2--plane2.leaf0", kind: "dispatch", sizeBytes: 9, psn: 0, layer: 4 },
      ...{ origin: "node1.gpu2", destination: "node0.gpu2", token: 0, slot: 0 },
    });
    expect(passing("layer=4", [packet])).toEqual([]);
    expect(passing("plane=2 node=1 kind=packet", [packet])).toEqual([1]);
  });

  it("holds lines of the journal, too", () => {
    const at = { atPs: 8 * MS, chain: "00" };
    const lines = [
      { ...at, record: "host", event: "worker-lost", detail: "worker node1 is gone" },
      {
        ...at,
        record: "fault",
        by: "operator",
        name: "f",
        kind: "nic-down",
        targets: ["node1.nic2"],
      },
      { ...at, record: "note", by: "operator", text: "paused" },
      { ...at, record: "epoch", epoch: 7, digest: "00" },
    ].map(journalLine);
    expect(lines.map((one) => one?.fact)).toEqual([
      "host.worker-lost",
      "order.fault",
      "order.note",
      undefined,
    ]);
    const log = lines.filter((one) => one !== undefined);
    const facts = (text: string): string[] => {
      const filter = new EventFilter(specOf(text), cluster);
      return log.filter((one) => filter.passes(one)).map(({ fact }) => fact);
    };
    expect(facts("kind=host")).toEqual(["host.worker-lost"]);
    expect(facts("kind=order.*")).toEqual(["order.fault", "order.note"]);
    expect(facts("level=warn")).toEqual(["host.worker-lost"]);
    expect(facts("plane=2")).toEqual(["order.fault"]);
    expect(facts("fault=f")).toEqual(["order.fault"]);
    expect(facts("text=paused")).toEqual(["order.note"]);
    expect(facts("actor=*")).toEqual([]);
    expect(facts("since=9ms")).toEqual([]);
  });
});

describe("the surroundings of a fault", () => {
  it("are around its onset, its first consequences and its end", () => {
    // 7: after the onset. 70: the first trouble. 141: names the fault. 300: its end.
    expect(passing("around=lost-nic before=2ms after=1ms")).toEqual([6, 7, 70, 71, 141, 142, 300]);
    expect(passing("around=lost-nic after=500us kind=fault,qp.*")).toEqual([6, 70, 300]);
    expect(passing("around=other")).toEqual([]);
  });

  it("are around the first layer that a rank begins and completes after the first trouble", () => {
    const done = (atMs: number, tookMs: number): EventLine =>
      line(atMs, "node0.gpu0", "layer.completed", { ...layer(6, 1), durationPs: tookMs * MS });
    // 200 began before the trouble at 70; 231 is the first that did not.
    const log = [...LOG.slice(0, 9), done(200, 195), done(231, 30), done(240, 9), ...LOG.slice(9)];
    expect(passing("around=lost-nic after=1ms kind=layer.completed", log)).toEqual([231]);
    expect(passing("around=other after=1ms", log)).toEqual([]);
  });

  it("begin before it, when somebody knows of it, or holds what may be near", () => {
    const filter = new EventFilter(specOf("around=lost-nic after=1ms"), cluster);
    filter.expect("lost-nic", 6 * MS);
    filter.expect("other", 1 * MS);
    const known = LOG.filter((one) => filter.passes(one)).map((one) => one.virtualTimePs / MS);
    expect(known).toEqual([5, 6, 7, 70, 71, 141, 142, 300]);
    const sieve = new EventSieve(new EventFilter(specOf("around=lost-nic after=1ms"), cluster));
    const held = LOG.map((one) => sieve.take({ line: one }).map((o) => o.line.virtualTimePs / MS));
    // 140 comes with 141, which names the fault.
    expect(held).toEqual([[], [], [5, 6], [7], [70], [71], [], [140, 141], [142], [300]]);
  });

  it("are held in bounds, and let pass what any sieve does", () => {
    const sieve = new EventSieve(new EventFilter(specOf("around=f before=1h"), cluster));
    const idle = line(1, "node0.gpu0", "rank.admitted", { rank: "node0.gpu1" });
    let passing = 0;
    for (let count = 0; count < 50_000; count += 1) passing += sieve.take({ line: idle }).length;
    expect(passing).toBe(0);
    const fault = { fault: "f", kind: "nic-down", target: "node1.nic2" };
    const passed = sieve.take({ line: line(2, "node1.nic2", "fault.began", fault) });
    expect(passed.length).toBeGreaterThan(10_000);
    expect(passed.length).toBeLessThan(21_000);
    const plain = new EventSieve(new EventFilter(specOf("kind=qp.*"), cluster));
    expect(LOG.flatMap((one) => plain.take({ line: one }))).toHaveLength(3);
  });
});

describe("the text of a filter", () => {
  const rows: readonly (readonly [text: string, message: string, hint: string])[] = [
    ["planes=2", 'planes=: unknown term "planes"', "did you mean 'plane'?"],
    ["xyz=2", 'xyz=: unknown term "xyz"', "terms are actor, kind, plane,"],
    ["kind=qp", 'kind=: no type or class of facts "qp"', "did you mean 'qp.*'?"],
    ["kind=rank.maskd", 'kind=: no type or class of facts "rank.maskd"', "mean 'rank.masked'?"],
    ["kind=rnk.*", 'kind=: no type or class of facts "rnk.*"', "did you mean 'rank.*'?"],
    ["kind=zz.*", 'kind=: no type or class of facts "zz.*"', "classes are fault, transport,"],
    ["kind=", "kind=: expected a value, got nothing", "such as qp.*,fault"],
    ["plane=plane2", 'got "plane2"', "did you mean 2?"],
    ["node=3-1", "node=: expected the smaller number first, got 3-1", ""],
    ["layer=x", 'layer=: expected numbers such as 2, 0-3 or 1,5, got "x"', ""],
    ["since=5", 'since=: expected a virtual time such as 5ms, got "5"', "write a time with its"],
    ["since=-1ms", "since=: must be 0 or later, got -1ms", ""],
    ["since=0.1ps", "since=: must be a whole number of ps, got 0.1ps", ""],
    ["since=5 constructor", "since=: expected a virtual time", ""],
    ["since=5ms since=6ms", "since=: given twice", ""],
    ["since=7ms until=5ms", "since is later than until", ""],
    ["before=1ms", "before goes with around", "name a fault with around"],
    ["level=warning", 'level=: expected one of info, warn, error, got "warning"', "mean 'warn'?"],
    ["level=eror", 'got "eror"', "did you mean 'error'?"],
    ["actor=a;b", 'actor=: expected actor ids such as node1.gpu3, *.nic3, got "a;b"', ""],
    ['text="abc', "a quotation mark is missing, or too many", 'write text="no answer"'],
    ['a"b', "a quotation mark is missing, or too many", ""],
    ['text=""', "text=: expected a value, got nothing", ""],
  ];
  it.each(rows)("%s is refused", (text, message, hint) => {
    const reading = parseEventFilter(text);
    expect(reading).toMatchObject({
      ok: false,
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
  });

  it("takes every term's own example, and never throws", () => {
    for (const { key, example } of FILTER_TERMS) {
      const around = key === "before" || key === "after" ? " around=f" : "";
      expect(parseEventFilter(`${key}=${example}${around}`)).toMatchObject({ ok: true });
    }
    const words = fc.oneof(fc.string(), fc.constantFrom(...FILTER_TERMS.map(({ key }) => key)));
    const made = fc.array(fc.tuple(words, fc.string()));
    const seed = Number(process.env.SEED ?? 7);
    fc.assert(
      fc.property(made, (terms) => {
        const text = terms.map(([key, value]) => `${key}=${value}`).join(" ");
        const reading = parseEventFilter(text);
        if (reading.ok) new EventFilter(reading.value, cluster).passes(LOG[4]);
        else expect(reading.message).not.toBe("");
      }),
      { seed, numRuns: 500 },
    );
  });

  it("is bounded", () => {
    expect(parseEventFilter(`actor=${"a,".repeat(6000)}a`)).toMatchObject({ ok: false });
    expect(parseEventFilter(`plane=${"1,".repeat(2000)}1`)).toMatchObject({
      message: expect.stringContaining("at most 1000 in a list"),
    });
  });
});

describe("names in a filter", () => {
  const known: KnownNames = {
    actors: makeFatTree(cluster, hardware).actors.map(({ id }) => id),
    ...{ nodes: 2, planes: 4, layers: [3, 4], steps: 1, faults: ["lost-nic"] },
  };
  const rows: readonly (readonly [text: string, message: string, hint: string])[] = [
    ["actor=node9.gpu0", 'this run has no actor "node9.gpu0"', "did you mean 'node0.gpu0'?"],
    ["actor=node1", 'this run has no actor "node1"', "everything in it is 'node1.*'"],
    ["actor=fleet", 'this run has no actor "fleet"', "actors are node0.gpu0..plane3.leaf0"],
    ["plane=4", "this run has no plane 4", "it has planes 0 to 3"],
    ["node=2-5", "this run has no node 2", "it has nodes 0 to 1"],
    ["step=1", "this run has no step 1", "it has only step 0"],
    ["layer=2", "this run has no layer 2", "it has layers 3 to 4"],
    ["fault=lost-nik", 'this run has no fault "lost-nik"', "did you mean 'lost-nic'?"],
    ["around=nope", 'this run has no fault "nope"', "its faults: lost-nic"],
    ["around=none", 'this run has no fault "none"', "its faults: lost-nic"],
    ["fault=nope", 'this run has no fault "nope"', "its faults: lost-nic"],
    ["around=zzz", 'this run has no fault "zzz"', "its faults: lost-nic"],
  ];
  it.each(rows)("%s means nothing in this run", (text, message, hint) => {
    expect(unknownName(specOf(text), known)).toEqual({ key: text.split("=")[0], message, hint });
  });

  it("mean something, or may still come", () => {
    const spec = specOf("actor=*.gpu0 plane=0-9 fault=lost-* layer=4 step=0-3 node=1");
    expect(unknownName(spec, known)).toBeUndefined();
    expect(unknownName(specOf("fault=none"), known)).toBeUndefined();
    expect(unknownName(specOf("fault=x"), { ...known, faults: undefined })).toBeUndefined();
  });
});

describe("whereabouts", () => {
  const clusters: readonly Partial<ClusterSpec>[] = [
    {},
    { planes: 2 },
    { planes: 2, network: "mrft" },
    { planes: 4, nicPorts: "multi-port" },
    { nodes: 4, controller: true },
  ];
  it.each(clusters)("are those of the topology: %j", (changes) => {
    const changed = { ...cluster, ...changes };
    for (const { id, node, plane } of makeFatTree(changed, hardware).actors) {
      expect(nodesOf(id), id).toEqual(node < 0 ? [] : [node]);
      expect(planesOf(id, changed), id).toEqual(plane < 0 ? [] : [plane]);
    }
  });

  it("of links, directions and targets are those of both ends", () => {
    expect(nodesOf("node1.nic3--plane3.leaf0")).toEqual([1]);
    expect(planesOf("plane3.leaf0--plane3.spine1.2", cluster)).toEqual([3, 3]);
    expect(planesOf("node1.nic2->plane2.leaf0", cluster)).toEqual([2, 2]);
    expect([nodesOf("node7"), planesOf("plane5", cluster)]).toEqual([[7], [5]]);
    expect([nodesOf("expert17"), planesOf("all", cluster)]).toEqual([[], []]);
  });
});

it("patterns fit as regular expressions would", () => {
  const seed = Number(process.env.SEED ?? 11);
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "."), maxLength: 8 });
  fc.assert(
    fc.property(letters, letters, (pattern, name) => {
      const source = pattern.replaceAll(".", "\\.").replaceAll("*", "[^]*");
      expect(fitsGlob(pattern, name)).toBe(new RegExp(`^${source}$`).test(name));
    }),
    { seed, numRuns: 2000 },
  );
});

it("a term of a key that is none is no term", () => {
  expect(withTerm(specOf(""), "constructor", "1")).toMatchObject({ ok: false });
});
