/** Facts as lines for people: grouping, fleet progress, safe text. Pure functions, no terminal. */
import { describe, expect, it } from "vitest";
import { wantsColour } from "../../scripts/terminal/colour.ts";
import { formatLine } from "../../scripts/terminal/live-line.ts";
import { statusText } from "../../scripts/terminal/status-text.ts";
import type { Fact, FactRecord } from "../../src/model/fact.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import type { FleetPlan } from "../../src/observe/layer-progress.ts";
import { LiveLog } from "../../src/observe/live-log.ts";

const GPUS = ["node0.gpu0", "node0.gpu1", "node1.gpu0", "node1.gpu1"];
const ACTORS = [...GPUS, "node1.nic1"];
const LAYERS = Array.from({ length: 30 }, (_, place) => place + 3);

const PLAN = { gpus: GPUS, layers: LAYERS, steps: 1, chains: ["batch0"], retries: 7 };

function makeLog(verbose = false, plan: Partial<FleetPlan> = {}): LiveLog {
  return new LiveLog(ACTORS, { ...PLAN, ...plan }, verbose ? "all" : "grouped");
}

function record(atPs: number, actor: number, fact: Fact): FactRecord {
  return { atPs, actor, index: 0, fact };
}

/** What four ranks say about one layer; `slowPs` is added to its duration. */
function layerFacts(atPs: number, layer: number, slowPs = 0, masked = 0): FactRecord[] {
  return GPUS.flatMap((_, rank) => {
    const step = 0;
    const durationPs = 200 * PS_PER_US + slowPs;
    return [
      record(atPs, rank, {
        type: "dispatch.completed",
        layer,
        step,
        chain: "batch0",
        received: 8,
        durationPs: 1e7,
      }),
      record(atPs, rank, {
        type: "combine.completed",
        layer,
        step,
        chain: "batch0",
        combined: 8 - masked,
        masked,
        durationPs: 2e7,
      }),
      record(atPs, rank, { type: "layer.completed", layer, step, chain: "batch0", durationPs }),
    ];
  });
}

const textsOf = (log: LiveLog, records: readonly FactRecord[], nowPs: number): string[] =>
  log.take(records, nowPs).map((line) => `${line.actor}: ${line.text}`);

describe("faults", () => {
  it("are told at once, with virtual time and actor in columns", () => {
    const began: Fact = {
      type: "fault.began",
      fault: "lost-nic",
      kind: "nic-down",
      target: "node1.nic1",
    };
    const lines = makeLog().take([record(6 * PS_PER_MS, 4, began)], 6 * PS_PER_MS);
    expect(lines.map(formatLine)).toEqual([
      "[   6.000 ms]  node1.nic1     fault lost-nic began: nic-down on node1.nic1",
    ]);
  });

  it("cannot move the cursor", () => {
    const text = "\u001b[2Jgone\u202e\n";
    const line = formatLine({ atPs: 0, actor: "a\u0007", text });
    expect(line).toContain("a\\u0007");
    expect(line).toContain("\\u001b[2Jgone\\u202e\\u000a");
  });
});

describe("masks", () => {
  const mask = (actor: number, rank: string): Fact & { type: "rank.masked" } => ({
    type: "rank.masked",
    rank,
    fault: "lost-nic",
    assignments: actor + 1,
    reason: "send-failed",
  });

  it("of one rank by many are one line, once nothing can join it", () => {
    const log = makeLog();
    const records = [0, 1, 2].map((actor) => record(PS_PER_MS, actor, mask(actor, "node1.gpu1")));
    expect(textsOf(log, records, PS_PER_MS)).toEqual([]);
    expect(textsOf(log, [], 2 * PS_PER_MS)).toEqual([
      "fleet: rank node1.gpu1 masked by 3 ranks (fault lost-nic, 6 assignments)",
    ]);
  });

  it("of many ranks by one are one line of that rank", () => {
    const log = makeLog();
    const records = [0, 1, 2].map((peer) => record(PS_PER_MS, 3, mask(3, GPUS[peer])));
    log.take(records, PS_PER_MS);
    expect(log.flush().map((line) => `${line.actor}: ${line.text}`)).toEqual([
      "node1.gpu1: masks 3 ranks: node0.gpu0, node0.gpu1, node1.gpu0 " +
        "(fault lost-nic, 12 assignments)",
    ]);
  });

  it("hold later lines back, so that virtual time never goes backwards", () => {
    const log = makeLog();
    const healed: Fact = { type: "fault.healed", fault: "f", kind: "nic-down", target: "x" };
    const first = record(PS_PER_MS, 0, mask(0, "node1.gpu1"));
    const second = record(PS_PER_MS + 10, 4, healed);
    const third = record(PS_PER_MS + 20, 1, mask(1, "node1.gpu1"));
    expect(log.take([first, second, third], PS_PER_MS + 20)).toEqual([]);
    const times = log.flush().map((line) => line.atPs);
    expect(times).toEqual([PS_PER_MS, PS_PER_MS + 10]);
  });
});

describe("layers", () => {
  it("are told first, every tenth, and at the end", () => {
    const log = makeLog();
    const told: number[] = [];
    LAYERS.forEach((layer, place) => {
      if (log.take(layerFacts(place, layer), place).length > 0) told.push(place + 1);
    });
    expect(told).toEqual([1, 2, 10, 20, 30]);
    expect(log.progress.done).toBe(30);
  });

  it("say how long the fleet took", () => {
    expect(textsOf(makeLog(), layerFacts(0, 3), 0)).toEqual([
      "fleet: layer 3, 1/30 done on 4 ranks: 200.000 us " +
        "(median dispatch 10.000 us, combine 20.000 us)",
    ]);
  });

  it("are told whenever they are slow or begin to mask", () => {
    const log = makeLog();
    for (let layer = 3; layer < 9; layer += 1) log.take(layerFacts(0, layer), 0);
    expect(log.take(layerFacts(0, 9, PS_PER_MS), 0)).toHaveLength(1);
    const [line] = log.take(layerFacts(0, 10, 0, 2), 0);
    expect(line.text).toMatch(/, 8 assignments masked$/);
    expect(log.take(layerFacts(0, 11, 0, 2), 0)).toHaveLength(0);
  });

  it("do not wait for a dead rank", () => {
    const log = makeLog();
    const partial = layerFacts(0, 3).filter(({ actor }) => actor !== 3);
    expect(log.take(partial, 0)).toEqual([]);
    const death: Fact = { type: "fault.began", fault: "f", kind: "gpu-dead", target: GPUS[3] };
    const texts = textsOf(log, [record(1, 3, death)], 1);
    expect(texts[0]).toBe("node1.gpu1: fault f began: gpu-dead on node1.gpu1");
    expect(texts[1]).toMatch(
      /^fleet: layer 3, 1\/30 done on 3 of 4 ranks \(dead: node1.gpu1\): 200.000 us/,
    );
  });

  it("do not wait for a rank that is cut off, and say so though it goes on by itself", () => {
    const log = makeLog();
    const mask: Fact = {
      type: "rank.masked",
      rank: GPUS[3],
      fault: "f",
      assignments: 1,
      reason: "send-failed",
    };
    log.take([record(0, 0, mask), record(0, 1, mask)], 0);
    expect(log.progress.expected).toBe(3);
    const slow = layerFacts(0, 3).filter(({ actor }) => actor === 3);
    const slower = layerFacts(0, 3, PS_PER_MS).filter(({ actor }) => actor < 2);
    log.take([...slow, ...slower], 0);
    expect(log.progress.done).toBe(0);
    log.take(
      layerFacts(1, 3, PS_PER_MS).filter(({ actor }) => actor === 2),
      1,
    );
    expect(log.flush().map(({ text }) => text)).toContain(
      "layer 3, 1/30 done on 3 of 4 ranks (cut off: node1.gpu1): 1.200 ms " +
        "(median dispatch 10.000 us, combine 20.000 us)",
    );
  });

  it("name their chain and step where there are several, the backward pass from its end", () => {
    const log = makeLog(false, { steps: 2, chains: ["forward", "backward"], layers: [3, 4, 5] });
    const of = (chain: string, layer: number, step: number): FactRecord[] =>
      GPUS.map((_, rank) =>
        record(0, rank, { type: "layer.completed", layer, step, chain, durationPs: PS_PER_US }),
      );
    expect(textsOf(log, of("forward", 3, 0), 0)).toEqual([
      "fleet: step 0, 1/2; forward layer 3, 1/3 done on 4 ranks: 1.000 us",
    ]);
    expect(textsOf(log, of("backward", 5, 0), 0)).toEqual([
      "fleet: step 0, 1/2; backward layer 5, 1/3 done on 4 ranks: 1.000 us",
    ]);
    expect(textsOf(log, of("backward", 3, 1), 0)).toEqual([
      "fleet: step 1, 2/2; backward layer 3, 3/3 done on 4 ranks: 1.000 us",
    ]);
    expect([log.progress.done, log.progress.total]).toEqual([12, 12]);
  });

  it("have the chain in their names when verbose, where there are several", () => {
    const one = record(0, 0, layerFacts(0, 3)[2].fact);
    const alone = makeLog(true).take([one], 0);
    expect(alone.map(({ text }) => text)).toEqual(["layer 3 done in 200.000 us"]);
    const both = makeLog(true, { chains: ["batch0", "batch1"] }).take([one], 0);
    expect(both.map(({ text }) => text)).toEqual(["batch0 layer 3 done in 200.000 us"]);
  });

  it("are not told rank by rank unless verbose", () => {
    expect(makeLog(true).take(layerFacts(0, 3), 0)).toHaveLength(4 * 3 + 1);
  });
});

describe("steps", () => {
  it("of many ranks are one line", () => {
    const log = makeLog();
    const done = GPUS.map((_, rank) =>
      record(rank, rank, { type: "step.completed", step: 2, durationPs: (rank + 1) * PS_PER_MS }),
    );
    log.take(done, 4);
    expect(log.flush().map(({ actor, text }) => `${actor}: ${text}`)).toEqual([
      "fleet: step 2 done on 4 ranks, the last in 4.000 ms",
    ]);
  });
});

describe("retries", () => {
  const timeout = (retry: number): FactRecord =>
    record(0, 4, { type: "qp.timed-out", peer: "node0.nic1", retry, outstanding: 2 });
  const lines = (log: LiveLog): string[] => {
    log.take([timeout(1), timeout(2), timeout(3)], 0);
    return log.flush().map(({ text }) => text);
  };
  const first = "no acknowledgement from node0.nic1, retry 1, 2 packets outstanding";

  it("after the first are not told, and the first says so", () => {
    expect(lines(makeLog())).toEqual([`${first} (retries 2-7 only in the event log)`]);
    expect(lines(makeLog(false, { retries: 2 }))).toEqual([
      `${first} (retry 2 only in the event log)`,
    ]);
    expect(lines(makeLog(false, { retries: 1 }))).toEqual([first]);
  });

  it("are all told when verbose", () => {
    const log = makeLog(true);
    expect(log.take([timeout(1), timeout(2)], 0).map(({ text }) => text)).toEqual([
      first,
      first.replace("retry 1", "retry 2"),
    ]);
  });
});

describe("what many say of many", () => {
  const RANKS = Array.from({ length: 40 }, (_, place) => `node${place}.gpu0`);
  const lines = (facts: readonly (readonly [rank: number, fact: Fact])[], detail?: "each") => {
    const log = new LiveLog(RANKS, { ...PLAN, gpus: RANKS }, detail ?? "grouped");
    const told = log.take(
      facts.map(([rank, fact]) => record(5, rank, fact)),
      5,
    );
    return [...told, ...log.flush()].map(({ actor, text }) => `${actor}: ${text}`);
  };
  /** Rank r gives up the three ranks before it, and rank 0. */
  const pairs = RANKS.flatMap((_, rank) =>
    [0, rank - 1, rank - 2, rank - 3].filter((other) => other >= 0 && other < rank),
  ).length;
  const each = (factOf: (other: string) => Fact): (readonly [number, Fact])[] =>
    RANKS.flatMap((_, rank) =>
      [0, rank - 1, rank - 2, rank - 3]
        .filter((other) => other >= 0 && other < rank)
        .map((other) => [rank, factOf(RANKS[other])] as const),
    );

  it("is one line with the counts, and with who is spoken of most", () => {
    const reason = "no-answer";
    const masks = each((rank) => ({
      ...{ type: "rank.masked", rank, fault: "f", assignments: 2, reason },
    }));
    expect(lines(masks)).toEqual([
      `fleet: 39 ranks mask 39 ranks, ${pairs} pairs, most of all node0.gpu0 by 39 ` +
        `(fault f, ${2 * pairs} assignments)`,
    ]);
    expect(lines(masks, "each")).toHaveLength(pairs);
    const failed = each((peer) => ({ type: "qp.failed", peer, outstanding: 1 }));
    expect(lines(failed)).toEqual([
      `fleet: queue pairs of 39 NICs to 39 NICs failed after the last retry, ${pairs} pairs, ` +
        "most of all node0.gpu0 by 39",
    ]);
    const late = each((peer) => ({ type: "qp.timed-out", peer, retry: 1, outstanding: 1 }));
    expect(lines(late)).toEqual([
      `fleet: no acknowledgement from 39 NICs to 39 NICs, retry 1, ${pairs} pairs, ` +
        "most of all node0.gpu0 by 39 (retries 2-7 only in the event log)",
    ]);
  });

  it("is one line for the devices that a lost process held, and not for other faults", () => {
    const began = (kind: string): (readonly [number, Fact])[] =>
      RANKS.map((target, rank) => [rank, { type: "fault.began", fault: "f", kind, target }]);
    expect(lines(began("actors-lost"))).toEqual([
      "fleet: fault f began: actors-lost on 40 devices: " +
        "node0.gpu0, node1.gpu0, node2.gpu0 and 37 more",
    ]);
    expect(lines(began("slow-gpu"))).toHaveLength(40);
  });

  it.each<readonly [(other: string) => Fact, string]>([
    [(rank) => ({ type: "rank.wait-timed-out", missing: [rank] }), "39 ranks waited too long for"],
    [
      (rank) => ({ type: "rank.trapped", missing: [rank], fault: "f" }),
      "39 ranks trapped, after waiting for others (fault f)",
    ],
    [
      (rank) => ({ type: "experts.missing", rank, fault: "f", experts: [1] }),
      "39 ranks have nobody for some experts (fault f)",
    ],
    [
      (from) => ({ type: "copy.corrupted", from, layer: 1, step: 0, token: 2, fault: "f" }),
      `${pairs} payloads from 39 ranks failed checksums at 39 ranks (fault f)`,
    ],
  ])("is one line for each such fact: %#", (factOf, text) => {
    expect(lines(each(factOf))).toEqual([expect.stringContaining(`fleet: ${text}`)]);
  });
});

describe("the status line", () => {
  const parts = {
    ...{ virtualTimePs: 8.25e9, wallSeconds: 1, lagSeconds: 0.5, layersDone: 12, layersTotal: 61 },
    ...{ isPaused: false, tokensPerSecond: 81_920, faults: ["lost-nic", "?"] },
  };

  it("tells layers, time, pace, lag, tokens, what is in force, and how far the run is", () => {
    expect(statusText(parts)).toBe(
      "layer 12/61  virtual 8.250 ms  speed 0.0083  lag 0.50 s  81,920 tokens/s  " +
        "in force: lost-nic, ?  19 %",
    );
  });

  it("loses whole parts on a narrow terminal, and never what is in force", () => {
    const whole = statusText(parts);
    expect(statusText(parts, whole.length)).toBe(whole);
    expect(statusText(parts, 79)).toBe(
      "layer 12/61  virtual 8.250 ms  81,920 tokens/s  in force: lost-nic, ?",
    );
    expect(statusText(parts, 59)).toBe("layer 12/61  virtual 8.250 ms  in force: lost-nic, ?");
    expect(statusText(parts, 10)).toBe("in force: lost-nic, ?");
    const paused = { ...parts, isPaused: true };
    expect(statusText(paused, 30)).toBe("paused  in force: lost-nic, ?");
  });

  it("tells of a pause, of nothing in force, and no tokens where there are none", () => {
    const paused = { ...parts, isPaused: true, tokensPerSecond: null, faults: [] };
    expect(statusText({ ...paused, layersTotal: 0, wallSeconds: 0 })).toBe(
      "layer 12/0  virtual 8.250 ms  paused  lag 0.50 s  in force: nothing  0 %",
    );
  });
});

describe("colour", () => {
  const rows = [
    [{}, true, false, true],
    [{}, false, false, false],
    [{}, true, true, false],
    [{ NO_COLOR: "1" }, true, false, false],
    [{ NO_COLOR: "" }, true, false, true],
    [{ FORCE_COLOR: "1" }, false, false, true],
    [{ FORCE_COLOR: "0" }, true, false, false],
    [{ FORCE_COLOR: "1" }, false, true, false],
    [{ TERM: "dumb" }, true, false, false],
    [{ CI: "1" }, false, false, false],
  ] as const;
  it.each(rows)("%j, terminal %s, refused %s: %s", (environment, isTerminal, refused, wanted) => {
    expect(wantsColour({ environment, isTerminal, refused })).toBe(wanted);
  });
});

describe("a recovery", () => {
  const waits = (atPs: number, rank: number): FactRecord =>
    record(atPs, rank, { type: "rank.wait-timed-out", missing: ["node1.gpu1"] });
  const told = (log: LiveLog, records: readonly FactRecord[]): string[] =>
    textsOf(log, records, 1e15).filter((line) => line.includes("wait"));

  it("is told once for ranks that trap, and for ranks that begin a step again", () => {
    const trapped = { type: "rank.trapped", missing: ["node1.gpu1"], fault: "dead" } as const;
    const restarted = { type: "step.restarted", step: 4 } as const;
    const said = [0, 1, 2].flatMap((rank) => [
      record(5, rank, trapped),
      record(6, rank, restarted),
    ]);
    expect(textsOf(makeLog(), said, 1e15)).toEqual([
      "fleet: 3 ranks trapped, after waiting for node1.gpu1 (fault dead)",
      "fleet: 3 ranks begin step 4 again",
    ]);
    expect(textsOf(makeLog(), [record(5, 0, trapped), record(6, 1, restarted)], 1e15)).toEqual([
      "node0.gpu0: traps after waiting for node1.gpu1 (fault dead)",
      "node0.gpu1: step 4 begins again",
    ]);
  });

  it("is told in one line for ranks that are out together, and in again together", () => {
    const out = (rank: string) => ({ type: "rank.excluded", rank, fault: "dead" }) as const;
    const back = (rank: string) => ({ type: "rank.admitted", rank }) as const;
    const said = GPUS.flatMap((rank) => [record(5, 4, out(rank)), record(6, 4, back(rank))]);
    expect(textsOf(makeLog(), said, 1e15)).toEqual([
      "node1.nic1: 4 ranks out: node0.gpu0, node0.gpu1, node1.gpu0, node1.gpu1 (fault dead)",
      "node1.nic1: 4 ranks in again: node0.gpu0, node0.gpu1, node1.gpu0, node1.gpu1",
    ]);
    expect(textsOf(makeLog(), [record(5, 4, out("node0.gpu1"))], 1e15)).toEqual([
      "node1.nic1: rank node0.gpu1 is out (fault dead)",
    ]);
  });

  it("does not repeat that a rank waits, until something has come of it", () => {
    const log = makeLog();
    expect(told(log, [waits(1, 0)])).toEqual(["node0.gpu0: waited too long for node1.gpu1"]);
    expect(told(log, [waits(2e12, 0), waits(4e12, 0)])).toEqual([]);
    const [, , done] = layerFacts(5e12, 3);
    expect(told(log, [done, waits(6e12, 0)])).toHaveLength(1);
  });

  it("counts who is out no more, and who is in again", () => {
    const log = makeLog();
    const out = { type: "rank.excluded", rank: "node1.gpu1", fault: "dead" } as const;
    log.take([record(1, 0, out)], 1);
    expect(log.progress.expected).toBe(3);
    log.take([record(2, 0, { type: "ranks.resumed", epoch: 2, step: 0, members: GPUS })], 2);
    expect(log.progress.expected).toBe(4);
  });
});
