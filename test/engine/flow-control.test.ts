/**
 * Finite buffers: a full one holds its sender back and everything behind, nothing is lost, and no
 * room is. Instants are computed by hand, or compared with those of unlimited buffers.
 */
import { describe, expect, it } from "vitest";
import type { FaultSpec } from "../../src/model/fault.ts";
import { type LinkPlan, type NetResult, runNet, type Sending } from "./hand-made-net.ts";

/** Numbers `count` messages from `first`, all given to the sender's lane at once. */
function burst(
  names: { readonly from: string; readonly to: string },
  sizes: { readonly sizeBytes: number; readonly count: number; readonly first: number },
  atPs = 1_000,
): Sending[] {
  const { sizeBytes, count, first } = sizes;
  return Array.from({ length: count }, (_, place) => ({
    ...names,
    sizeBytes,
    atPs,
    number: first + place,
  }));
}

function expectNothingLeft(result: NetResult): void {
  const { sentBytes, deliveredBytes, droppedBytes } = result.counters;
  expect(deliveredBytes + droppedBytes).toBe(sentBytes);
  expect(result.packetsInUse).toBe(0);
}

describe("one lane into a switch", () => {
  /** A message of 600 B takes 12 ns on the way in and 60 ns on the way out. */
  const links: LinkPlan[] = [
    ["host0", "leaf0", {}, { latencyPs: 7_000 }],
    ["leaf0", "host1", { psPerByte: 100 }],
  ];
  const three = burst({ from: "host0", to: "host1" }, { sizeBytes: 600, count: 3, first: 0 });

  it("begins a message when the one before has begun to leave the buffer", () => {
    const result = runNet({ links, sendings: three, portBufferBytes: 1_000 });
    // 0 leaves the buffer as it comes, at 18 ns; the credit is back 7 ns later.
    expect(result.arrivedPs("leaf0", 0)).toBe(1_000 + 12_000 + 5_000);
    expect(result.arrivedPs("leaf0", 1)).toBe(18_000 + 7_000 + 12_000 + 5_000);
    // 1 leaves it when 0 has left the switch, at 78 ns.
    expect(result.arrivedPs("leaf0", 2)).toBe(78_000 + 7_000 + 12_000 + 5_000);
    expect(result.arrivedPs("host1", 2)).toBe(18_000 + 3 * 60_000 + 5_000);
    // The lane was free at 13 and at 37 ns.
    expect(result.counters.stalledPs).toBe(25_000 - 13_000 + (85_000 - 37_000));
    expectNothingLeft(result);
  });

  it("lets a message that is larger than the buffer in when that is empty", () => {
    const result = runNet({ links, sendings: three, portBufferBytes: 1 });
    expect(result.arrivedPs("leaf0", 1)).toBe(18_000 + 7_000 + 12_000 + 5_000);
    expect(result.arrivedPs("host1", 2)).toBe(18_000 + 3 * 60_000 + 5_000);
    expectNothingLeft(result);
  });

  it("never waits when there is room for all", () => {
    const result = runNet({ links, sendings: three, portBufferBytes: 1_800 });
    expect(result.counters.stalledPs).toBe(0);
    expect(result.arrivals).toEqual(runNet({ links, sendings: three }).arrivals);
  });

  it("tells how long a message would wait behind those that queue", () => {
    const result = runNet({ links, sendings: three, portBufferBytes: 1_000 });
    expect([...result.backlogs.values()]).toEqual([0, 12_000, 24_000]);
  });

  it("gets the room of what a switch throws away back at once", () => {
    const sendings = burst({ from: "host0", to: "host1" }, { sizeBytes: 600, count: 9, first: 0 });
    const thrownAway = [0, 1, 2, 3, 4, 5, 6, 7];
    const result = runNet({ links, sendings, portBufferBytes: 1_000, thrownAway });
    expect(result.arrivedPs("leaf0", 8)).toBe(18_000 + 8 * (7_000 + 12_000 + 5_000));
    expect(result.arrivedPs("host1", 8)).toBeDefined();
    expect(result.packetsInUse).toBe(0);
  });

  it("keeps requests, cut-through and credits apart", () => {
    const early: LinkPlan[] = [
      ["host0", "leaf0", { headBytes: 100, psPerRequest: 500 }],
      ["leaf0", "host1", { psPerByte: 100 }],
    ];
    const result = runNet({ links: early, sendings: three, portBufferBytes: 1_000 });
    // A head takes 0.5 + 2 ns, and its buffer's room is free 5 ns later; the lane, after 12.5 ns.
    expect(result.arrivedPs("leaf0", 0)).toBe(1_000 + 2_500 + 5_000);
    expect(result.arrivedPs("leaf0", 1)).toBe(13_500 + 2_500 + 5_000);
    expect(result.arrivedPs("leaf0", 2)).toBe(68_500 + 5_000 + 2_500 + 5_000);
    expect(result.counters.stalledPs).toBe(73_500 - 26_000);
  });
});

describe("incast", () => {
  const SIZE = 1_000;
  const BUFFER = 8_000;
  const COUNT = 30;
  const senders = ["host0", "host1", "host2", "host3"];
  /** Four hosts send to one of another leaf; one sends past it, to its neighbour. */
  const links: LinkPlan[] = [
    ...[...senders, "hostInnocent"].map((host): LinkPlan => [host, "leaf0"]),
    ["leaf0", "spine0", { psPerByte: 4 }, { psPerByte: 4 }],
    ["spine0", "leaf1", { psPerByte: 4 }, { psPerByte: 4 }],
    ["leaf1", "hostTarget"],
    ["leaf1", "hostNeighbour"],
  ];
  const sendings = [
    ...senders.flatMap((from, place) =>
      burst({ from, to: "hostTarget" }, { sizeBytes: SIZE, count: COUNT, first: place * COUNT }),
    ),
    ...burst(
      { from: "hostInnocent", to: "hostNeighbour" },
      { sizeBytes: SIZE, count: COUNT, first: 1_000 },
    ),
  ];
  const finite = runNet({ links, sendings, portBufferBytes: BUFFER });
  const unlimited = runNet({ links, sendings });
  const lastAt = (result: NetResult, at: string): number =>
    Math.max(...result.arrivals.filter((arrival) => arrival.at === at).map(({ atPs }) => atPs));

  it("loses nothing", () => {
    expectNothingLeft(finite);
    expect(finite.counters.droppedBytes).toBe(0);
    for (const [at, count] of [
      ["hostTarget", 4 * COUNT],
      ["hostNeighbour", COUNT],
    ] as const) {
      const numbers = finite.arrivals.filter((one) => one.at === at).map(({ number }) => number);
      expect(new Set(numbers).size).toBe(count);
      expect(numbers).toHaveLength(count);
    }
  });

  it("is over when it would be with unlimited buffers: its target's lane is never idle", () => {
    expect(lastAt(finite, "hostTarget")).toBe(lastAt(unlimited, "hostTarget"));
  });

  it("holds back an innocent flow that shares the way up and down", () => {
    expect(unlimited.counters.stalledPs).toBe(0);
    expect(finite.counters.stalledPs).toBeGreaterThan(0);
    const slower = lastAt(finite, "hostNeighbour") / lastAt(unlimited, "hostNeighbour");
    expect(slower).toBeGreaterThan(2);
  });

  it("fills the buffers of spine and leaf, and never beyond", () => {
    // Every lane out of the spine takes 4 ns for a message, every lane out of the leaf 20 ns.
    expect(fullest(finite, "spine0", 4_000 + 5_000)).toBe(BUFFER);
    expect(fullest(finite, "leaf1", 20_000 + 5_000)).toBe(BUFFER);
    expect(fullest(unlimited, "leaf1", 20_000 + 5_000)).toBeGreaterThan(2 * BUFFER);
  });

  /**
   * The most bytes that were at a switch at once: between arrival there and the first byte out,
   * which is `flightPs` before the arrival at the next stop.
   */
  function fullest(result: NetResult, stop: string, flightPs: number): number {
    const changes: { atPs: number; bytes: number }[] = [];
    for (const { at, number, atPs } of result.arrivals) {
      if (at !== stop) continue;
      const onward = result.arrivals.find((one) => one.number === number && one.atPs > atPs);
      const leavesPs = (onward?.atPs ?? Number.NaN) - flightPs;
      changes.push({ atPs, bytes: SIZE }, { atPs: leavesPs, bytes: -SIZE });
    }
    changes.sort((left, right) => left.atPs - right.atPs || left.bytes - right.bytes);
    let bytes = 0;
    return Math.max(
      ...changes.map((change) => {
        bytes += change.bytes;
        return bytes;
      }),
    );
  }
});

describe("a fault", () => {
  const FAULT_PS = 200_000;
  /** A message takes 12, 24 and 48 ns, so both switches have queues. */
  const links: LinkPlan[] = [
    ["host0", "leaf0"],
    ["leaf0", "spine0", { psPerByte: 40 }],
    ["spine0", "host1", { psPerByte: 80 }],
  ];
  const sendings = burst({ from: "host0", to: "host1" }, { sizeBytes: 600, count: 40, first: 0 });
  const late = burst(
    { from: "host0", to: "host1" },
    { sizeBytes: 600, count: 10, first: 100 },
    9_000_000,
  );
  const fault = (kind: FaultSpec["kind"], target: string, healAtPs?: number): FaultSpec => ({
    ...{ name: "fault", kind, targets: [target], atPs: FAULT_PS },
    ...(healAtPs !== undefined && { healAtPs }),
  });

  it.each(["host0--leaf0", "leaf0--spine0", "spine0--host1"])(
    "on link %s leaks no room: after it all goes on as before",
    (link) => {
      const faults = [fault("link-down", link, 5_000_000)];
      const plan = { links, sendings: [...sendings, ...late], portBufferBytes: 1_300 };
      const result = runNet({ ...plan, faults });
      const healthy = runNet(plan);
      expect(result.counters.droppedPackets).toBeGreaterThan(20);
      for (let number = 100; number < 110; number += 1) {
        expect(result.arrivedPs("host1", number)).toBe(healthy.arrivedPs("host1", number));
      }
      expectNothingLeft(result);
    },
  );

  it.each([
    ["leaf0", "spine0", 24_000 + 5_000],
    ["spine0", "host1", 48_000 + 5_000],
  ] as const)("that kills %s blocks nobody, and its queue is lost", (target, next, flightPs) => {
    const faults = [fault("actors-lost", target)];
    const result = runNet({ links, sendings, portBufferBytes: 1_300, faults });
    expect(result.counters.droppedPackets).toBeGreaterThan(20);
    expect(result.counters.deliveredPackets).toBeGreaterThan(0);
    expectNothingLeft(result);
    const after = result.arrivals.filter(
      ({ at, atPs }) => at === next && atPs > FAULT_PS + flightPs,
    );
    expect(after).toEqual([]);
    const before = result.arrivals.filter(({ at }) => at === next);
    expect(before.length).toBeGreaterThan(0);
  });
});
