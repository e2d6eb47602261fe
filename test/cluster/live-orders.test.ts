/**
 * What stands between an operator and a run, without sockets: which requests are requests, which
 * orders a journal may hold, which faults are in force, and what a blind drill hides.
 */
import { describe, expect, it } from "vitest";
import { BLIND_PREFIX, BlindSession } from "../../cluster/blind.ts";
import { encode } from "../../cluster/codec.ts";
import {
  type ControlRequest,
  decodeRequest,
  encodeRequest,
} from "../../cluster/control-messages.ts";
import { FaultBook, phaseOf } from "../../cluster/fault-book.ts";
import { checkOrders, makeHeader, parseJournal } from "../../cluster/journal.ts";
import { chainedText } from "../../cluster/journal-chain.ts";
import type { ActorsLostOrder, HostRecord, JournalOrder } from "../../cluster/journal-orders.ts";
import { type Decision, LiveFaults } from "../../cluster/live-faults.ts";
import { StatusBoard } from "../../cluster/status-board.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { tinyScenario } from "../support/scenarios.ts";

const CUT: FaultSpec = {
  name: "cut",
  kind: "nic-down",
  targets: ["node1.nic2"],
  atPs: 100,
  healAtPs: 900,
};
const LOSS: ActorsLostOrder = {
  record: "fault",
  by: "host",
  name: "lost-worker-pack1",
  kind: "actors-lost",
  atPs: 200,
  targets: ["node1.gpu2", "node1.nic2", "plane0.leaf0"],
};
const SEEN: HostRecord = {
  record: "host",
  event: "worker-lost",
  atPs: 200,
  detail: "worker pack1 ended with signal SIGKILL",
};
const order = (fault: FaultSpec, by: "drill" | "operator" = "operator"): JournalOrder => ({
  record: "fault",
  by,
  ...fault,
});

describe("a request", () => {
  const requests: ControlRequest[] = [
    { command: "status" },
    { command: "inject", fault: { kind: "nic-down", target: "node1.nic2", healAfter: "5 s" } },
    { command: "heal", fault: "all" },
    { command: "mask", target: "node1.gpu2", lease: "1 s" },
    { command: "reroute", target: "plane0.spine0" },
    { command: "undrain", target: "node1" },
    { command: "pause" },
    { command: "speed", speed: 0.5 },
    { command: "speed", speed: "max" },
    { command: "diagnose", target: "node1.gpu2", kind: "gpu-dead" },
  ];
  it.each(requests)("arrives as it left: $command", (request) => {
    expect(decodeRequest(encodeRequest(request))).toEqual(request);
  });

  it.each([
    ["no command", {}],
    ["an unknown command", { command: "reboot" }],
    ["no mapping", [1, 2]],
    ["a speed of 0", { command: "speed", speed: 0 }],
    ["an endless speed", { command: "speed", speed: Number.POSITIVE_INFINITY }],
    ["no target", { command: "mask" }],
    ["a name that is a number", { command: "heal", fault: 7 }],
    ["a name that is long", { command: "heal", fault: "x".repeat(201) }],
    ["a fault that is text", { command: "inject", fault: "nic-down" }],
  ])("is none of ours: %s", (_, value) => {
    expect(decodeRequest(encode(value))).toBeUndefined();
  });

  it("is not followed into the depth, nor beyond its size", () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 100; depth += 1) deep = [deep];
    expect(decodeRequest(encode({ command: "inject", fault: { deep } }))).toBeUndefined();
    const large = { command: "inject", fault: { text: "x".repeat(70_000) } };
    expect(decodeRequest(encode(large))).toBeUndefined();
  });
});

describe("orders in a journal", () => {
  const header = makeHeader({
    faultplane: "0.1.0",
    runId: "r",
    seed: "1",
    scenarioHash: "ab",
    node: "20",
    placement: "single",
    speed: "max",
  });
  const journal = (...lines: object[]): string => chainedText([header, ...lines]);

  it("are read as they were given, notes too", () => {
    const orders: JournalOrder[] = [
      order({ ...CUT, parameters: { silent: true }, levels: [{ atPs: 100, permille: 500 }] }),
      { record: "heal", by: "drill", fault: "cut", atPs: 500 },
      { record: "note", by: "operator", atPs: 500, text: "paused" },
      { record: "stop", by: "drill", atPs: 600, reason: "enough" },
    ];
    const read = parseJournal(journal(...orders));
    expect(read.orders).toEqual(orders);
    expect(read.orderLines).toEqual([2, 3, 4, 5]);
  });

  it("are a host's when it lost actors, and what hosts did stands beside them", () => {
    const read = parseJournal(journal(SEEN, LOSS));
    expect(read.orders).toEqual([LOSS]);
    expect(read.orderLines).toEqual([3]);
    expect(read.hostRecords).toEqual([SEEN]);
    const scenario = tinyScenario({});
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    expect(() => checkOrders(read, scenario, topology)).not.toThrow();
  });

  it.each([
    ["nobody gave it", { record: "fault", ...CUT }, "who ordered it"],
    ["an unknown kind", order({ ...CUT, kind: "bad-luck" as never }), "without its name, kind"],
    ["a heal before the onset", order({ ...CUT, healAtPs: 100 }), "heals before it begins"],
    ["a parameter that is text", { ...order(CUT), parameters: { slowdown: "2" } }, "no number"],
    [
      "levels that go back",
      order({
        ...CUT,
        levels: [
          { atPs: 300, permille: 1 },
          { atPs: 300, permille: 2 },
        ],
      }),
      "do not ascend",
    ],
    ["a heal of nothing", { record: "heal", by: "drill", atPs: 1 }, "heal without its fault"],
    ["a stop at no instant", { record: "stop", by: "drill", reason: "x" }, "stop without"],
    ["an operator loses actors", { ...LOSS, by: "operator" }, "that is not by host"],
    ["nobody loses actors", { ...LOSS, by: undefined }, "that is not by host"],
    ["a host breaks a device", { ...LOSS, kind: "gpu-dead" }, "only loses actors"],
    ["a host stops the run", { record: "stop", by: "host", atPs: 1, reason: "" }, "only loses"],
    ["lost actors come back", { ...LOSS, healAtPs: 900 }, "more than its name, targets"],
    ["a host does what is unknown", { ...SEEN, event: "host-moved" }, "host without its event"],
    ["a host does it at no instant", { ...SEEN, atPs: -1 }, "host without its event"],
    ["a note without words", { record: "note", by: "drill", atPs: 1 }, "note without"],
  ])("are refused when %s", (_, line, words) => {
    expect(() => parseJournal(journal(line))).toThrow(words);
  });

  it("must fit the cluster and the faults that there are", () => {
    const scenario = tinyScenario({ faults: [{ ...CUT, name: "old" }] });
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    const check = (...orders: object[]): void =>
      checkOrders(parseJournal(journal(...orders)), scenario, topology);
    check(order(CUT), { record: "heal", by: "drill", fault: "cut", atPs: 500 });
    check({ record: "heal", by: "operator", fault: "old", atPs: 500 });
    expect(() => check(order({ ...CUT, targets: ["node7.nic2"] }))).toThrow(
      "line 2: fault 'cut' (nic-down) takes a nic, not 'node7.nic2', which is none",
    );
    expect(() => check(order({ ...CUT, targets: ["node1.gpu2"] }))).toThrow("which is of kind gpu");
    expect(() => check(order({ ...CUT, name: "old" }))).toThrow("fault 'old' begins twice");
    expect(() => check({ record: "heal", by: "drill", fault: "new", atPs: 5 })).toThrow(
      "heal of fault 'new', which is none",
    );
  });
});

describe("the book of faults", () => {
  it("knows what is to come, in force and over, whatever ended it", () => {
    const book = new FaultBook([CUT]);
    const phaseAt = (atPs: number): string | undefined => {
      const booked = book.get("cut");
      return booked && phaseOf(booked, atPs);
    };
    expect([99, 100, 899, 900].map(phaseAt)).toEqual(["to-come", "in-force", "in-force", "over"]);
    book.take([{ record: "heal", by: "drill", fault: "cut", atPs: 400 }]);
    expect([399, 400].map(phaseAt)).toEqual(["in-force", "over"]);
    book.take([{ record: "heal", by: "drill", fault: "cut", atPs: 800 }]);
    expect(phaseAt(500)).toBe("over");
    expect(book.inForce(200).map(({ spec }) => spec.name)).toEqual(["cut"]);
    expect(book.onTargets("nic-down", ["node1.nic2"], 200)).toHaveLength(1);
    expect(book.onTargets("slow-nic", ["node1.nic2"], 200)).toEqual([]);
  });

  it("finds names that nobody has", () => {
    const book = new FaultBook([CUT]);
    expect([book.freeName("cut"), book.freeName("new")]).toEqual(["cut-2", "new"]);
    book.take([order({ ...CUT, name: "cut-2" })]);
    expect(book.freeName("cut")).toBe("cut-3");
    // Nor those that a drill will give.
    const drilled = new FaultBook([CUT], ["later"]);
    expect(["cut", "later", "new"].map((name) => drilled.isTaken(name))).toEqual([
      true,
      true,
      false,
    ]);
    expect(drilled.freeName("later")).toBe("later-2");
  });
});

describe("the names of what operators do", () => {
  const scenario = tinyScenario({ faults: [CUT] });
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const book = new FaultBook(scenario.faults, ["later"]);
  const nameOf = (decision: Decision): string => {
    const [first] = decision.ok ? decision.orders : [];
    if (first?.record !== "fault") throw new Error(JSON.stringify(decision));
    return first.name;
  };

  it("are refused when somebody has them, or will have them", () => {
    const live = new LiveFaults(scenario, topology, book);
    const slow = { kind: "slow-gpu", target: "node1.gpu2" };
    expect(nameOf(live.inject(slow, 5))).toBe("slow-gpu");
    for (const name of ["cut", "later"]) {
      expect(live.inject({ ...slow, name }, 5)).toMatchObject({
        ok: false,
        problems: [{ code: "E021", message: `name: this run has a fault '${name}' already` }],
      });
    }
    const mask = live.intervene("mask", { target: "node1.gpu2" }, 5);
    expect(nameOf(mask)).toBe("mask-node1.gpu2");
  });

  it("are always others in a blind drill, so that none is refused or numbered for a secret", () => {
    const live = new LiveFaults(scenario, topology, book, BLIND_PREFIX);
    const slow = { kind: "slow-gpu", target: "node1.gpu2" };
    expect(nameOf(live.inject(slow, 5))).toBe("operator.slow-gpu");
    expect(nameOf(live.inject({ ...slow, name: "cut" }, 5))).toBe("operator.cut");
    expect(nameOf(live.inject({ ...slow, name: "later" }, 5))).toBe("operator.later");
    expect(live.inject({ ...slow, name: "Bad" }, 5)).toMatchObject({
      ok: false,
      problems: [{ code: "E021", message: expect.stringContaining("[a-z0-9._-]{1,63}") }],
    });
    const mask = live.intervene("mask", { target: "node1.gpu2" }, 5);
    expect(nameOf(mask)).toBe("operator.mask-node1.gpu2");
  });
});

describe("the status of a run", () => {
  it("counts wrong results that no fault explains, and not those that nobody notices", () => {
    const board = new StatusBoard(tinyScenario());
    const sums = { layer: 1, step: 0, token: 1, expected: "00", actual: "01" };
    const said = (fault: string): FactRecord => ({
      atPs: 1,
      actor: 0,
      index: 0,
      fact: { type: "combine.mismatched", ...sums, fault },
    });
    board.take([said("flips"), said("none"), said("flips")]);
    expect(board.progress(0).mismatches).toBe(1);
  });
});

describe("the status of a run with a controller", () => {
  const board = new StatusBoard(tinyScenario());
  const said = (actor: number, fact: FactRecord["fact"]): FactRecord => {
    return { atPs: 1, actor, index: 0, fact };
  };
  const layer = (actor: number, step: number): FactRecord =>
    said(actor, { type: "layer.completed", layer: 1, step, chain: "batch0", durationPs: 5 });
  const mask = (by: number, rank: string): FactRecord =>
    said(by, { type: "rank.masked", rank, fault: "f", assignments: 1, reason: "notice" });
  const masked = () => board.progress(0).ranksMasked;

  it("shows who is out as given up by all others, and forgets masks among those who go on", () => {
    board.take([mask(3, "node1.gpu1"), mask(3, "node0.gpu2")]);
    expect(masked().map(({ rank }) => rank)).toEqual(["node1.gpu1", "node0.gpu2"]);
    board.take([
      said(0, { type: "rank.excluded", rank: "node1.gpu1", fault: "f" }),
      said(0, { type: "ranks.resumed", epoch: 1, step: 0, members: ["node0.gpu2"] }),
    ]);
    expect(masked()).toEqual([{ rank: "node1.gpu1", by: 7 }]);
    board.take([said(0, { type: "rank.admitted", rank: "node1.gpu1" })]);
    expect(masked()).toEqual([]);
  });

  it("shows the rank first that most have given up", () => {
    const some = new StatusBoard(tinyScenario());
    some.take([mask(0, "node0.gpu1"), mask(0, "node0.gpu2"), mask(0, "node0.gpu3")]);
    some.take([mask(1, "node0.gpu3"), mask(2, "node0.gpu3"), mask(1, "node0.gpu2")]);
    const { ranksMasked } = some.progress(0);
    expect(ranksMasked.map(({ rank, by }) => `${rank} ${by}`)).toEqual([
      "node0.gpu3 3",
      "node0.gpu2 2",
      "node0.gpu1 1",
    ]);
  });

  it("takes back the layers of a step that begins again", () => {
    board.take([layer(3, 0), layer(3, 1), layer(3, 1), layer(4, 1)]);
    expect(board.progress(0).layersDone).toBe(4);
    board.take([said(3, { type: "step.restarted", step: 1 }), layer(3, 1)]);
    expect(board.progress(0).layersDone).toBe(3);
  });
});

describe("a blind drill", () => {
  const record = (fact: FactRecord["fact"]): FactRecord => ({ atPs: 1, actor: 0, index: 0, fact });
  const began = (fault: string): FactRecord =>
    record({ type: "fault.began", fault, kind: "nic-down", target: "node1.nic2" });
  const masked = (fault: string): FactRecord =>
    record({ type: "rank.masked", rank: "node1.gpu2", fault, assignments: 1, reason: "notice" });

  it("shows what follows from a fault, and neither its onset nor its name", () => {
    const blind = new BlindSession();
    expect(blind.veil([began("secret"), masked("secret")])).toEqual([masked("?")]);
    const sums = { layer: 1, step: 0, token: 1, expected: "00", actual: "01" };
    const wrong = record({ type: "combine.mismatched", ...sums, fault: "secret" });
    expect(blind.veil([wrong])).toEqual([]);
    const plain = record({ type: "step.completed", step: 1, durationPs: 5 });
    expect(blind.veil([plain])).toEqual([plain]);
  });

  it("hides nothing of what operators do themselves", () => {
    const blind = new BlindSession();
    blind.ordered([order(CUT), order({ ...CUT, name: "secret" }, "drill")]);
    expect(blind.veil([began("cut"), began("secret")])).toEqual([began("cut")]);
    expect([blind.isOpen("cut"), blind.isOpen("secret")]).toEqual([true, false]);
  });

  it("says always that something may be in force, and never what or how much", () => {
    const blind = new BlindSession();
    expect([[], ["secret"], ["secret", "other"]].map((names) => blind.inForce(names))).toEqual([
      ["?"],
      ["?"],
      ["?"],
    ]);
    blind.ordered([order(CUT)]);
    expect(blind.inForce(["secret", "cut"])).toEqual(["?", "cut"]);
  });
});
