/** Tokens that faults kept, lost or masked: the explanation names the fault, and where it was. */
import { describe, expect, it } from "vitest";
import type { Part, PartKind } from "../../src/explain/part.ts";
import { type CopyEnd, copyWay, tokenWay } from "../../src/explain/token-way.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { allParts, faultsIn, partsOf } from "../support/leaf-parts.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { type Wanted, watchedRun } from "../support/watched-run.ts";

interface Explained {
  readonly home: string;
  readonly rank: string;
  readonly state: CopyEnd;
  readonly fault: string | null;
  readonly parts: readonly Part[];
}

type Changes = Parameters<typeof tinyScenario>[0];

/** Every copy of the first exchange of a run with a fault. */
function explained(fault: FaultSpec, changes: Changes = {}, wanted: Wanted = {}): Explained[] {
  return explainedIn(tinyScenario({ ...changes, faults: [fault] }), wanted);
}

function explainedIn(scenario: Scenario, wanted: Wanted = {}): Explained[] {
  const { view } = watchedRun(scenario, wanted);
  return [...view.watch.exchanges.homes.values()].flatMap((home) =>
    Array.from({ length: home.state.length / home.topK }, (_, token) => {
      const way = tokenWay(view, home, token);
      return way.copies.map(({ choice, rank, state, fault }) => {
        const { parts } = copyWay(view, way, choice);
        return { home: view.idOf(home.actor), rank, state, fault, parts };
      });
    }).flat(),
  );
}

/** All parts of a kind for which a fault is to answer, at least for some of their time. */
function blamed(copies: readonly Explained[], kind: PartKind, name: string): Part[] {
  return copies
    .flatMap(({ parts }) => partsOf(parts, kind))
    .filter((part) => faultsIn([part]).includes(name));
}

/** A short ACK clock, so that little virtual time passes. */
const QUICK = { transport: { ackTimeoutExponent: 4, retryCount: 3 } };

describe("a link that is down for a while", () => {
  const fault: FaultSpec = {
    name: "cut",
    kind: "nic-down",
    targets: ["node1.nic2"],
    atPs: 3 * PS_PER_US,
    healAtPs: 90 * PS_PER_US,
  };
  const copies = explained(fault, QUICK);

  it("lost what is sent again after the ACK timeout, on the link that is named", () => {
    const retries = copies.flatMap(({ parts }) => partsOf(parts, "retry"));
    expect(retries.length).toBeGreaterThan(0);
    expect(blamed(copies, "retry", "cut")).toEqual(retries);
    for (const { what } of retries) {
      expect(what).toMatch(
        /ACK timeout: (.*one before it was )?lost on node1\.nic2--plane2\.leaf0/,
      );
    }
    const longest = Math.max(...retries.map(({ fromPs, untilPs }) => untilPs - fromPs));
    expect(longest).toBeGreaterThan(60 * PS_PER_US);
  });

  it("keeps tokens waiting that never crossed it, and is to answer for that, too", () => {
    const waits = copies
      .filter(({ home, rank }) => home.startsWith("node1") && rank === "node1.gpu2")
      .flatMap(({ parts }) => partsOf(parts, "wait"));
    expect(faultsIn(waits)).toEqual(["cut"]);
    const longest = Math.max(...waits.map(({ fromPs, untilPs }) => untilPs - fromPs));
    expect(longest).toBeGreaterThan(30 * PS_PER_US);
  });
});

describe("a run that is looked at before anybody has noticed", () => {
  const cut: FaultSpec = {
    ...{ name: "cut", kind: "nic-down", targets: ["node1.nic2"], atPs: 3 * PS_PER_US },
  };
  const copies = explained(cut, QUICK, { untilPs: 50 * PS_PER_US });

  it("names the fault that took a copy, and who waits where none was taken", () => {
    const open = copies.flatMap(({ parts }) => partsOf(parts, "open"));
    const taken = blamed(copies, "open", "cut");
    expect(taken.length).toBeGreaterThan(0);
    for (const { what } of taken) {
      expect(what).toMatch(
        /: (.*one before it was )?lost on node1.*: fault cut, and not sent again yet$/,
      );
    }
    const others = open.filter((part) => !taken.includes(part));
    expect(others.length).toBeGreaterThan(0);
    for (const { what } of others) {
      expect(what).toMatch(
        /: it was (at node\d\.gpu\d, which waited for copies of others|on its way)$|had all/,
      );
    }
  });
});

describe("a slow or late link", () => {
  it("is to answer for what its bytes take longer, for what is behind others and for the flight", () => {
    const target = "node1.nic2--plane2.leaf0";
    const slow: FaultSpec = {
      name: "crawl",
      kind: "slow-link",
      targets: [target],
      atPs: 0,
      parameters: { slowdown: 8 },
    };
    const crawling = explained(slow);
    for (const part of blamed(crawling, "serialization", "crawl")) {
      expect(part.where).toBe(target);
      const [healthy, excess] = part.shares.map(({ ps }) => ps);
      expect(excess).toBeGreaterThan(6 * healthy);
    }
    expect(blamed(crawling, "serialization", "crawl").length).toBeGreaterThan(0);
    expect(blamed(crawling, "behind", "crawl").length).toBeGreaterThan(0);
    const late: FaultSpec = {
      name: "delay",
      kind: "late-link",
      targets: [target],
      atPs: 0,
      parameters: { extraLatencyPs: 5 * PS_PER_US },
    };
    const flights = explained(late)
      .flatMap(({ parts }) => parts.filter(({ kind }) => kind === "hop"))
      .filter((part) => faultsIn([part]).length > 0);
    expect(flights.length).toBeGreaterThan(0);
    for (const { where, shares } of flights) {
      expect(where).toBe(target);
      expect(shares.at(-1)).toMatchObject({ cause: { name: "delay" }, ps: 5 * PS_PER_US });
    }
  });

  it("of an incast fault is the port that others fill", () => {
    const fault: FaultSpec = {
      name: "burst",
      kind: "incast",
      targets: ["node1.nic1"],
      atPs: 0,
      parameters: { slowdown: 20 },
    };
    const parts = blamed(explained(fault), "hop", "burst");
    expect(parts.length).toBeGreaterThan(0);
    expect(new Set(parts.map(({ where }) => where))).toEqual(new Set(["node1.nic1--plane1.leaf0"]));
  });

  it("with small buffers is what messages before it wait for room because of", () => {
    const fault: FaultSpec = {
      name: "jam",
      kind: "incast",
      targets: ["node1.nic1"],
      atPs: 0,
      parameters: { slowdown: 200 },
    };
    const copies = explained(fault, {
      cluster: { portBufferBytes: 2_000 },
      workload: { tokensPerGpu: 16 },
    });
    expect(blamed(copies, "credits", "jam").length).toBeGreaterThan(0);
  });
});

describe("a GPU that is slow, hangs or is cut off from NVLink", () => {
  it("that is slow keeps the ranks waiting that wait for its copies", () => {
    const fault: FaultSpec = {
      name: "tired",
      kind: "slow-gpu",
      targets: ["node1.gpu0"],
      atPs: 0,
      parameters: { slowdown: 40 },
    };
    const copies = explained(fault);
    const waits = copies
      .filter(({ home, rank }) => home !== "node1.gpu0" && rank !== "node1.gpu0")
      .flatMap(({ parts }) => blamed([{ parts } as Explained], "wait", "tired"));
    expect(waits.length).toBeGreaterThan(0);
    for (const wait of waits) expect(wait.what).toContain("node1.gpu0");
    const own = blamed(copies, "compute", "tired");
    expect(own.length).toBeGreaterThan(0);
    for (const { where } of own) expect(where).toBe("node1.gpu0");
  });

  it("whose process hangs is waited for until it goes on", () => {
    const fault: FaultSpec = {
      name: "stuck",
      kind: "process-hang",
      targets: ["node1.gpu0"],
      atPs: 2 * PS_PER_US,
      healAtPs: 200 * PS_PER_US,
    };
    const hung = blamed(explained(fault), "hung", "stuck");
    expect(hung.length).toBeGreaterThan(0);
    for (const { where } of hung) expect(where).toBe("node1.gpu0");
  });

  it("whose NVLink is stalled holds what goes over it", () => {
    const fault: FaultSpec = {
      name: "frozen",
      kind: "nvlink-stall",
      targets: ["node0.gpu1"],
      atPs: 0,
      healAtPs: 50 * PS_PER_US,
    };
    const stalled = blamed(explained(fault), "stalled", "frozen");
    expect(stalled.length).toBeGreaterThan(0);
    for (const { where, untilPs } of stalled) {
      expect(where).toBe("node0.gpu1--node0.nvswitch");
      expect(untilPs).toBeLessThanOrEqual(50 * PS_PER_US);
    }
  });
});

describe("a rank that is given up", () => {
  const fault: FaultSpec = {
    name: "dead",
    kind: "gpu-dead",
    targets: ["node1.gpu1"],
    atPs: 3 * PS_PER_US,
  };
  const changes = {
    transport: { ackTimeoutExponent: 4, retryCount: 2, waitTimeoutPs: PS_PER_MS },
  };

  it.each([
    ["low-latency", {}],
    ["normal", { protocol: "normal", phase: "prefill" }],
  ] as const)("masks the copies for it: %s", (_name, workload) => {
    const copies = explained(fault, { ...changes, workload });
    const masked = copies.filter(({ state, rank }) => state === "masked" && rank === "node1.gpu1");
    expect(masked.length).toBeGreaterThan(0);
    for (const copy of masked) {
      expect(copy.fault).toBe("dead");
      expect(faultsIn(copy.parts)).toContain("dead");
      expect(allParts(copy.parts).map(({ kind }) => kind)).not.toContain("unknown");
    }
    const ends = masked.map(({ parts }) => parts.at(-1)?.what ?? "");
    if (!("protocol" in workload)) expect(ends.join()).toMatch(/until node1\.gpu1 is given up/);
  });

  it("loses its own", () => {
    const own = explained(fault, changes).filter(({ home }) => home === "node1.gpu1");
    expect(own.length).toBeGreaterThan(0);
    for (const { state, fault: name, parts } of own) {
      expect([state, name]).toEqual(["lost", "dead"]);
      expect(parts.at(-1)?.untilPs).toBe(fault.atPs);
    }
  });

  it("is told apart from a copy that was refused for its checksum", () => {
    const flips: FaultSpec = {
      name: "flips",
      kind: "silent-corruption",
      targets: ["node0.gpu2"],
      atPs: 0,
      parameters: { flipsPerMillion: 500_000 },
    };
    const copies = explained(flips, { recovery: { integrity: "checksum" } });
    const refused = copies.filter(({ state }) => state === "masked");
    expect(refused.length).toBeGreaterThan(0);
    for (const { fault: name, parts } of refused) {
      expect(name).toBe("flips");
      // Its result came home all the same, and took no longer.
      expect(parts.at(-1)?.kind).toBe("hop");
    }
  });

  it("and reached by a detour has its copies sent again", () => {
    const cut: FaultSpec = {
      name: "port",
      kind: "nic-down",
      targets: ["node1.nic1"],
      atPs: 2 * PS_PER_US,
    };
    const copies = explained(cut, { ...changes, recovery: { failover: "nvlink" } });
    const detours = copies
      .filter(({ state }) => state === "combined")
      .flatMap(({ parts }) => parts.filter(({ what }) => what.includes("a detour")));
    expect(detours.length).toBeGreaterThan(0);
    const back = copies.flatMap(({ parts }) => partsOf(parts, "retry"));
    expect(back.filter(({ what }) => what.startsWith("given back")).length).toBeGreaterThan(0);
    expect(faultsIn(back)).toEqual(["port"]);
  });
});

describe("a copy that has not ended", () => {
  it("may still wait at a stalled lane when it is given up", () => {
    const stall: FaultSpec = {
      name: "frozen",
      kind: "nvlink-stall",
      targets: ["node0.gpu1"],
      atPs: 0,
    };
    const clocks = { ackTimeoutExponent: 4, retryCount: 2, waitTimeoutPs: PS_PER_MS };
    const copies = explained(stall, { transport: clocks }).filter(
      ({ home, state }) => home === "node0.gpu1" && state === "masked",
    );
    expect(copies.length).toBeGreaterThan(0);
    const [first] = copies;
    expect(first.parts.at(-1)).toMatchObject({ kind: "stalled" });
    expect(faultsIn(first.parts)).toEqual(["frozen"]);
  });

  it("is open until the run ended", () => {
    const hang: FaultSpec = {
      name: "forever",
      kind: "process-hang",
      targets: ["node0.gpu0"],
      atPs: 2 * PS_PER_US,
    };
    const wanted = { home: "node0.gpu0" };
    const copies = explained(hang, { ...QUICK, transport: { waitTimeoutPs: PS_PER_MS } }, wanted);
    const own = copies.filter(({ home }) => home === "node0.gpu0");
    expect(own.filter(({ state }) => state === "open").length).toBeGreaterThan(0);
    for (const { parts, state } of own) if (state === "open") expect(parts.at(-1)).toBeDefined();
  });
});
