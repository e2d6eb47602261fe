/**
 * What faults do to lanes, to the picosecond: down, silent, lossy, slow, late, stalled. Every net
 * runs in one process and in several, and the two must agree.
 */
import { describe, expect, it } from "vitest";
import type { FaultHeal, FaultKind, FaultParameters, FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_S } from "../../src/model/time.ts";
import { LANE, type NetPlan, type NetResult, runNet, type Sending } from "./hand-made-net.ts";

/** host0 - leaf0 - host1; a message of 100 B is 2,000 ps on a lane and 5,000 ps under way. */
const LINKS: NetPlan["links"] = [
  ["host0", "leaf0"],
  ["host1", "leaf0"],
];
const SEND_PS = 2_000;
const FLY_PS = LANE.latencyPs;
/** From a message's sending to its handling at the leaf, and at the host. */
const TO_LEAF_PS = SEND_PS + FLY_PS;
const TO_HOST_PS = 2 * TO_LEAF_PS;

const FIRST_LINK = "host0--leaf0";

function fault(kind: FaultKind, targets: string[], changes: Partial<FaultSpec> = {}): FaultSpec {
  return { name: kind, kind, targets, atPs: 100_000, ...changes };
}

function message(number: number, atPs: number, changes: Partial<Sending> = {}): Sending {
  return { from: "host0", to: "host1", atPs, sizeBytes: 100, number, ...changes };
}

/** Runs a net in one process and in two and three; they must agree in everything. */
function runAnywhere(plan: NetPlan): NetResult {
  const one = runNet(plan);
  expect(one.troubles).toEqual([]);
  for (const workers of [2, 3]) {
    const other = runNet({ ...plan, workers });
    expect(other.digest).toBe(one.digest);
    expect(other.facts).toEqual(one.facts);
    expect(other.counters).toEqual(one.counters);
    expect(other.troubles).toEqual([]);
  }
  const { sentBytes, deliveredBytes, droppedBytes } = one.counters;
  expect(deliveredBytes + droppedBytes).toBe(sentBytes);
  expect(one.packetsInUse).toBe(0);
  return one;
}

function arrivals(sendings: readonly Sending[], faults: FaultSpec[], heals: FaultHeal[] = []) {
  const result = runAnywhere({ links: LINKS, sendings, faults, heals });
  return sendings.map(({ to, number }) => result.arrivedPs(to, number));
}

describe("a link that is down", () => {
  const down = fault("link-down", [FIRST_LINK], { healAtPs: 200_000 });

  it("loses what was on it at any moment of the outage, and nothing else", () => {
    const sendings = [
      message(1, 100_000 - TO_LEAF_PS - 1),
      message(2, 100_000 - TO_LEAF_PS),
      message(3, 150_000),
      message(4, 200_000 - 1),
      message(5, 200_000),
    ];
    expect(arrivals(sendings, [down])).toEqual([
      100_000 - 1 + TO_LEAF_PS,
      undefined,
      undefined,
      undefined,
      200_000 - 1 + SEND_PS + TO_HOST_PS,
    ]);
  });

  it("is down both ways, a direction one way only, and tells nobody of the latter", () => {
    const both = [message(1, 150_000), message(2, 150_000, { from: "host1", to: "host0" })];
    expect(arrivals(both, [down])).toEqual([undefined, undefined]);
    const oneWay = fault("one-way-loss", ["host0->leaf0"]);
    expect(arrivals(both, [oneWay])).toEqual([undefined, 150_000 + TO_HOST_PS]);
    const { notices } = runAnywhere({ links: LINKS, sendings: both, faults: [oneWay] });
    expect(notices).toEqual([]);
  });

  it("flaps with its levels, which are facts", () => {
    const flap = fault("nic-flap", ["host0"], {
      healAtPs: 400_000,
      levels: [
        { atPs: 100_000, permille: 1000 },
        { atPs: 200_000, permille: 0 },
        { atPs: 300_000, permille: 1000 },
      ],
    });
    const sendings = [message(1, 150_000), message(2, 250_000), message(3, 350_000)];
    expect(arrivals(sendings, [flap])).toEqual([undefined, 250_000 + TO_HOST_PS, undefined]);
    const { facts, notices } = runAnywhere({ links: LINKS, sendings, faults: [flap] });
    const told = facts.map(({ atPs, fact }) => [
      atPs,
      fact.type,
      fact.type === "fault.changed" ? fact.permille : "",
    ]);
    expect(told).toEqual([
      [100_000, "fault.began", ""],
      [200_000, "fault.changed", 0],
      [300_000, "fault.changed", 1000],
      [400_000, "fault.healed", ""],
    ]);
    const leaf = notices.filter(({ at }) => at === "leaf0");
    expect(leaf.map(({ atPs, portsDown }) => [atPs, portsDown])).toEqual([
      [100_000, [0]],
      [200_000, []],
      [300_000, [0]],
      [400_000, []],
    ]);
  });
});

describe("grey loss", () => {
  const parameters: FaultParameters = { lossPerMillion: 100_000, sparedBytes: 256 };
  const grey = fault("grey-loss", [FIRST_LINK], { atPs: 1, parameters });
  const many = (sizeBytes: number): Sending[] =>
    Array.from({ length: 4_000 }, (_, number) => message(number, 1 + number * 100, { sizeBytes }));

  it("loses its share of packets, within the binomial band, and names itself", () => {
    const { counters } = runAnywhere({ links: LINKS, sendings: many(300), faults: [grey] });
    // 4,000 x 0.1: mean 400, standard deviation 19; both lanes of the link lose, one is used.
    expect(counters.droppedPackets).toBeGreaterThan(400 - 4 * 19);
    expect(counters.droppedPackets).toBeLessThan(400 + 4 * 19);
  });

  it("spares packets up to a size, and loses on a quiet port: nobody is told", () => {
    const { counters, notices } = runAnywhere({
      links: LINKS,
      sendings: many(256),
      faults: [grey],
    });
    expect(counters.droppedPackets).toBe(0);
    expect(notices).toEqual([]);
  });

  it("of two faults on one lane comes independently, and is scaled by a level", () => {
    const twin = { ...grey, name: "other" };
    const two = runAnywhere({ links: LINKS, sendings: many(300), faults: [grey, twin] });
    // 1 - 0.9^2 = 0.19: mean 760, standard deviation 25.
    expect(two.counters.droppedPackets).toBeGreaterThan(760 - 4 * 25);
    expect(two.counters.droppedPackets).toBeLessThan(760 + 4 * 25);
    const half = { ...grey, levels: [{ atPs: 1, permille: 500 }] };
    const scaled = runAnywhere({ links: LINKS, sendings: many(300), faults: [half] });
    // 0.05: mean 200, standard deviation 14.
    expect(scaled.counters.droppedPackets).toBeGreaterThan(200 - 4 * 14);
    expect(scaled.counters.droppedPackets).toBeLessThan(200 + 4 * 14);
  });

  it("ends with its lease", () => {
    const brief = { ...grey, healAtPs: 2 };
    const { counters } = runAnywhere({ links: LINKS, sendings: many(300), faults: [brief] });
    expect(counters.droppedPackets).toBe(0);
  });

  it("gives the room of what it loses back", () => {
    const { counters } = runAnywhere({
      links: LINKS,
      sendings: many(300),
      faults: [grey],
      portBufferBytes: 600,
    });
    expect(counters.droppedPackets).toBeGreaterThan(0);
  });
});

describe("a slow link", () => {
  const slow = (slowdown: number, name: string, changes: Partial<FaultSpec> = {}): FaultSpec =>
    fault("slow-link", [FIRST_LINK], { name, parameters: { slowdown }, ...changes });

  it("takes so many times as long for a byte, and no longer for the way", () => {
    const sendings = [message(1, 150_000)];
    expect(arrivals(sendings, [slow(3, "a")])).toEqual([150_000 + TO_HOST_PS + 2 * SEND_PS]);
  });

  it("is slowed by all faults on it together, and recovers one by one", () => {
    const faults = [slow(2, "a", { healAtPs: 300_000 }), slow(3, "b", { healAtPs: 200_000 })];
    const sendings = [message(1, 150_000), message(2, 250_000), message(3, 350_000)];
    expect(arrivals(sendings, faults)).toEqual([
      150_000 + TO_HOST_PS + 5 * SEND_PS,
      250_000 + TO_HOST_PS + SEND_PS,
      350_000 + TO_HOST_PS,
    ]);
  });

  it("ramps by its levels", () => {
    const levels = [
      { atPs: 100_000, permille: 500 },
      { atPs: 200_000, permille: 1000 },
    ];
    const sendings = [message(1, 150_000), message(2, 250_000)];
    expect(arrivals(sendings, [slow(3, "a", { levels })])).toEqual([
      150_000 + TO_HOST_PS + SEND_PS,
      250_000 + TO_HOST_PS + 2 * SEND_PS,
    ]);
  });

  it("keeps the times of what is under way when it heals, and loses it over its whole way", () => {
    // 100 B at x 50 begin at 100,000 and are sent at 200,000; the link heals at 150,000.
    const sendings = [message(1, 100_000), message(2, 160_000)];
    const healed = slow(50, "a", { healAtPs: 150_000 });
    expect(arrivals(sendings, [healed])).toEqual([
      200_000 + FLY_PS + TO_LEAF_PS,
      200_000 + SEND_PS + FLY_PS + TO_LEAF_PS,
    ]);
    const outage = fault("link-down", [FIRST_LINK], { atPs: 120_000, healAtPs: 121_000 });
    expect(arrivals(sendings, [healed, outage])).toEqual([
      undefined,
      200_000 + SEND_PS + FLY_PS + TO_LEAF_PS,
    ]);
  });

  it("makes what waits for room wait longer, and says so", () => {
    // The first message fills the buffer; the second waits for room when the lane gets slow.
    const sendings = [message(1, 95_000), message(2, 96_000), message(3, 101_000)];
    const plan = { links: LINKS, sendings, portBufferBytes: 100 };
    expect(runAnywhere(plan).backlogs.get(3)).toBe(SEND_PS);
    expect(runAnywhere({ ...plan, faults: [slow(3, "a")] }).backlogs.get(3)).toBe(3 * SEND_PS);
  });

  it("leaves queues of finite buffers in order and their room whole", () => {
    const sendings = Array.from({ length: 60 }, (_, number) => message(number, 90_000 + number));
    const faults = [slow(4, "a", { healAtPs: 150_000 })];
    const plan = { links: LINKS, sendings, faults, portBufferBytes: 250 };
    const { arrivals: all } = runAnywhere(plan);
    const numbers = all.filter(({ at }) => at === "host1").map(({ number }) => number);
    expect(numbers).toEqual(sendings.map(({ number }) => number));
  });
});

describe("a late link", () => {
  const late = (changes: Partial<FaultSpec> = {}): FaultSpec =>
    fault("late-link", [FIRST_LINK], { parameters: { extraLatencyPs: 40_000 }, ...changes });

  it("adds its latencies up", () => {
    const sendings = [message(1, 150_000)];
    const faults = [late(), late({ name: "b" })];
    expect(arrivals(sendings, faults)).toEqual([150_000 + TO_HOST_PS + 80_000]);
  });

  it("stays in order when it heals: what comes after waits for what is still under way", () => {
    const sendings = [message(1, 119_000), message(2, 121_000), message(3, 170_000)];
    const first = 119_000 + SEND_PS + FLY_PS + 40_000;
    expect(arrivals(sendings, [late({ healAtPs: 120_000 })])).toEqual([
      first + TO_LEAF_PS,
      first + TO_LEAF_PS + SEND_PS,
      170_000 + TO_HOST_PS,
    ]);
  });

  it("makes credits late as well, and leaks none", () => {
    const sendings = Array.from({ length: 20 }, (_, number) => message(number, 110_000 + number));
    const plan = { links: LINKS, sendings, portBufferBytes: 100 };
    const prompt = runAnywhere(plan);
    const { arrivals: all } = runAnywhere({ ...plan, faults: [late({ healAtPs: 400_000 })] });
    const numbers = all.filter(({ at }) => at === "host1").map(({ number }) => number);
    expect(numbers).toEqual(sendings.map(({ number }) => number));
    // A buffer of one message: a message a round trip, which is 80,000 ps longer.
    const gapPs = (place: number, of: NetResult): number =>
      (of.arrivedPs("leaf0", place + 1) as number) - (of.arrivedPs("leaf0", place) as number);
    const slowed = runAnywhere({ ...plan, faults: [late()] });
    expect(gapPs(5, slowed) - gapPs(5, prompt)).toBe(80_000);
  });
});

describe("a stalled NVLink", () => {
  const links: NetPlan["links"] = [
    ["gpu0", "nvswitch0"],
    ["gpu1", "nvswitch0"],
  ];
  const sendings = [
    message(1, 99_999, { from: "gpu0", to: "gpu1" }),
    message(2, 150_000, { from: "gpu0", to: "gpu1" }),
    message(3, 150_001, { from: "gpu0", to: "gpu1" }),
    message(4, 150_000, { from: "gpu1", to: "gpu0" }),
  ];
  const stall = fault("nvlink-stall", ["gpu0"], {
    healAtPs: 500_000,
    parameters: { silent: true },
  });
  const times = (faults: FaultSpec[], heals: FaultHeal[] = []): (number | undefined)[] => {
    const result = runAnywhere({ links, sendings, faults, heals });
    return sendings.map(({ to, number }) => result.arrivedPs(to, number));
  };

  it("keeps what is sent meanwhile until its lease ends, both ways, and loses nothing", () => {
    expect(times([stall])).toEqual([
      99_999 + TO_HOST_PS,
      500_000 + TO_HOST_PS,
      500_000 + TO_HOST_PS + SEND_PS,
      500_000 + TO_LEAF_PS,
    ]);
  });

  it("lets everything go at once when it is ended early", () => {
    const heals = [{ fault: "nvlink-stall", atPs: 200_000 }];
    expect(times([stall], heals).slice(1)).toEqual([
      200_000 + TO_HOST_PS,
      200_000 + TO_HOST_PS + SEND_PS,
      200_000 + TO_LEAF_PS,
    ]);
  });

  it("of a node holds all its GPUs; of two that overlap the longer one counts", () => {
    const node = { ...stall, name: "node", targets: ["node0"], healAtPs: 600_000 };
    expect(times([stall, node]).slice(1)).toEqual([
      600_000 + TO_HOST_PS,
      600_000 + TO_HOST_PS + SEND_PS,
      600_000 + TO_HOST_PS,
    ]);
  });

  it("that never ends holds the run open to the end of virtual time", () => {
    const { healAtPs: _, ...endless } = stall;
    const result = runNet({ links, sendings, faults: [endless] });
    expect(result.arrivedPs("gpu1", 2)).toBeUndefined();
    expect(result.packetsInUse).toBe(3);
    const nextPs = Math.min(...result.kernels.map((kernel) => kernel.nextEventPs));
    expect(nextPs).toBeGreaterThan(3600 * PS_PER_S);
    expect(Number.isFinite(nextPs)).toBe(true);
  });

  it("drops what waits at a GPU that dies, in the name of its death", () => {
    const dead = fault("gpu-dead", ["gpu0"], { name: "dead", atPs: 200_000 });
    const result = runAnywhere({ links, sendings, faults: [stall, dead] });
    expect(result.arrivedPs("gpu1", 2)).toBeUndefined();
    // Two that waited at the GPU, and the one that reaches it after its death.
    expect(result.counters.droppedPackets).toBe(3);
  });
});
