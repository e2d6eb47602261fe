/**
 * Tokens of healthy runs: the parts of every copy's way add up to its latency, every way that there
 * is from a rank to another is seen, and nothing is left unexplained.
 */
import { describe, expect, it } from "vitest";
import { copyWay, tokenWay } from "../../src/explain/token-way.ts";
import { PS_PER_NS } from "../../src/model/time.ts";
import { allParts, faultsIn, partsOf } from "../support/leaf-parts.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { type WatchedRun, watchedRun } from "../support/watched-run.ts";

const TOKENS = 4;

/** All copies of all ranks, explained. */
function waysOf({ view }: WatchedRun) {
  return [...view.watch.exchanges.homes.values()].flatMap((home) =>
    Array.from({ length: home.state.length / home.topK }, (_, token) => {
      const token_ = tokenWay(view, home, token);
      return token_.copies.map((copy) => ({
        ...copy,
        home: view.idOf(home.actor),
        token,
        way: copyWay(view, token_, copy.choice),
      }));
    }).flat(),
  );
}

const nodeOf = (id: string): string => id.split(".")[0];
const ordinalOf = (id: string): string => id.split(".")[1];

describe("a copy's way in a healthy run", () => {
  const ways = waysOf(watchedRun(tinyScenario()));

  it("is known for all copies, and its parts are exactly its latency", () => {
    expect(ways.length).toBe(8 * TOKENS * 2);
    for (const { way, latencyPs, state } of ways) {
      expect(state).toBe("combined");
      expect(way.parts.reduce((sum, part) => sum + part.untilPs - part.fromPs, 0)).toBe(latencyPs);
      const all = allParts(way.parts);
      expect(all.filter(({ kind }) => kind === "unknown")).toEqual([]);
      expect(
        all.flatMap(({ shares }) => shares).filter(({ cause }) => cause.type === "unknown"),
      ).toEqual([]);
    }
  });

  it("needs no message when the expert is on the token's own rank", () => {
    const local = ways.filter(({ home, rank }) => home === rank);
    expect(local.length).toBeGreaterThan(0);
    for (const { way } of local) {
      expect(way.out).toBeNull();
      expect(way.parts.map(({ kind }) => kind).filter((kind) => kind === "hop")).toEqual([]);
      expect(way.parts.map(({ kind }) => kind)).toContain("compute");
    }
  });

  it("has two hops each way over NVLink within a node", () => {
    const near = ways.filter(({ home, rank }) => home !== rank && nodeOf(home) === nodeOf(rank));
    expect(near.length).toBeGreaterThan(0);
    for (const { way, home, rank } of near) {
      const links = way.parts.filter(({ kind }) => kind === "hop").map(({ where }) => where);
      const [there, back] = [
        `${home}--${nodeOf(home)}.nvswitch`,
        `${rank}--${nodeOf(home)}.nvswitch`,
      ];
      expect(links).toEqual([there, back, back, there]);
    }
  });

  it("has four hops each way on one plane, and two more to another one", () => {
    const far = ways.filter(({ home, rank }) => nodeOf(home) !== nodeOf(rank));
    const counts = far.map(({ way, home, rank }) => [
      ordinalOf(home) === ordinalOf(rank),
      way.parts.filter(({ kind }) => kind === "hop").length,
    ]);
    expect(counts.filter(([isSame]) => isSame).length).toBeGreaterThan(0);
    for (const [isSame, hops] of counts) expect(hops).toBe(isSame ? 8 : 12);
  });

  it("waits at its expert's rank for the last message, whose way is followed", () => {
    const waits = ways.flatMap(({ way }) => way.parts.filter(({ kind }) => kind === "wait"));
    expect(waits.length).toBeGreaterThan(0);
    for (const wait of waits) {
      expect(wait.what).toMatch(/the last to come|its own copies/);
      expect(wait.parts?.length).toBeGreaterThan(0);
    }
  });

  it("names whose messages were ahead of it", () => {
    const behind = ways.flatMap(({ way }) => partsOf(way.parts, "behind"));
    const senders = behind.flatMap(({ shares }) => shares.map(({ cause }) => cause));
    expect(new Set(senders.map(({ type }) => type))).toEqual(new Set(["traffic"]));
    expect(new Set(senders.map(({ name }) => name)).size).toBeGreaterThan(4);
  });
});

describe("in other workloads, too, all copies' parts are their latency", () => {
  it.each([
    ["messages of many copies", { grain: "message" }, {}],
    ["the normal protocol", { protocol: "normal", phase: "prefill" }, {}],
    ["its large messages", { protocol: "normal", phase: "prefill", grain: "message" }, {}],
    ["two chains that take turns", { microBatches: 2, protocol: "normal" }, {}],
    ["training", { phase: "training", protocol: "normal" }, {}],
    ["exchanges alone", { phase: "all-to-all" }, {}],
    ["no NVLink", { intraNode: "rdma" }, { network: "mrft" }],
    ["checksums", {}, {}],
    ["small buffers", {}, { portBufferBytes: 1_000 }],
  ] as const)("%s", (name, workload, cluster) => {
    const scenario = tinyScenario({
      workload: { ...workload, tokensPerGpu: 6 },
      cluster,
      ...(name === "checksums" && { recovery: { integrity: "checksum" } }),
    });
    const ways = waysOf(watchedRun(scenario));
    expect(ways.length).toBeGreaterThan(0);
    const kinds = new Set<string>();
    for (const { way, latencyPs, state } of ways) {
      expect(state).toBe("combined");
      expect(way.untilPs - way.fromPs).toBe(latencyPs);
      for (const { kind } of allParts(way.parts)) kinds.add(kind);
    }
    expect(kinds).not.toContain("unknown");
    if (name === "small buffers") expect(kinds).toContain("credits");
    if (name === "exchanges alone") expect(kinds).toContain("align");
    if (name === "two chains that take turns") expect(kinds).toContain("stream");
  });

  it("a sum of the normal protocol waits at its relay for the shares of others", () => {
    const scenario = tinyScenario({
      model: { num_experts_per_tok: 4, topk_group: 4 },
      workload: { protocol: "normal", phase: "prefill", tokensPerGpu: 16 },
    });
    const ways = waysOf(watchedRun(scenario));
    const waits = ways.flatMap(({ way }) => partsOf(way.parts, "wait"));
    expect(waits.filter(({ what }) => what.includes("shares of its sum")).length).toBeGreaterThan(
      0,
    );
  });

  it("messages ahead in the queue of one switch port are an incast, by their senders", () => {
    const scenario = tinyScenario({
      cluster: { nodes: 4, gpusPerNode: 2, planes: 2 },
      workload: { tokensPerGpu: 32 },
      routing: { source: "zipf", exponent: 3 },
    });
    const ways = waysOf(watchedRun(scenario));
    const incast = ways
      .flatMap(({ way }) => way.parts)
      .filter(({ kind, where }) => kind === "behind" && /nic\d--plane\d\.leaf0/.test(where))
      .filter(({ shares }) => shares.length > 2);
    expect(incast.length).toBeGreaterThan(0);
    expect(faultsIn(incast)).toEqual([]);
    const longest = Math.max(...incast.map(({ fromPs, untilPs }) => untilPs - fromPs));
    expect(longest).toBeGreaterThan(10 * PS_PER_NS);
  });
});
