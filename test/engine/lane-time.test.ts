/**
 * When messages arrive: bytes, work requests, latency, cut-through, and what a fault on the way
 * catches. Every instant is computed by hand from the lane's figures.
 */
import { describe, expect, it } from "vitest";
import type { LaneClass } from "../../src/model/hardware.ts";
import { PacketKind } from "../../src/model/packet.ts";
import { type NetResult, runNet } from "./hand-made-net.ts";

/** Messages of one host to another over one lane of its own, all given to the lane at 1,000 ps. */
function overOneLane(
  lane: Partial<LaneClass>,
  messages: readonly (readonly [sizeBytes: number, requests?: number])[],
): NetResult {
  return runNet({
    links: [["host0", "host1", lane]],
    sendings: messages.map(([sizeBytes, requests], number) => ({
      from: "host0",
      to: "host1",
      atPs: 1_000,
      sizeBytes,
      number,
      ...(requests !== undefined && { requests }),
    })),
  });
}

const timesOf = (result: NetResult): number[] => result.arrivals.map(({ atPs }) => atPs);

/** One message of 1,000 B from host0 by one or two switches to host1. */
function through(...lanes: Partial<LaneClass>[]): number | undefined {
  const stops = ["host0", "leaf0", "leaf1"].slice(0, lanes.length).concat("host1");
  const result = runNet({
    links: lanes.map((lane, place) => [stops[place], stops[place + 1], lane]),
    sendings: [{ from: "host0", to: "host1", atPs: 1_000, sizeBytes: 1_000, number: 0 }],
  });
  return result.arrivedPs("host1", 0);
}

describe("a lane", () => {
  it("takes ceil(bytes x ps a byte) + requests x ps a request, then its latency", () => {
    const lane = { psPerByte: 20.3, psPerRequest: 700 };
    // ceil(101 x 20.3) = 2,051.
    expect(timesOf(overOneLane(lane, [[101]]))).toEqual([1_000 + 2_051 + 700 + 5_000]);
    expect(timesOf(overOneLane(lane, [[101, 3]]))).toEqual([1_000 + 2_051 + 2_100 + 5_000]);
    expect(timesOf(overOneLane(lane, [[101, 0]]))).toEqual([1_000 + 2_051 + 5_000]);
  });

  it("asks nothing for requests where they are free", () => {
    expect(timesOf(overOneLane({}, [[100, 9]]))).toEqual([1_000 + 2_000 + 5_000]);
  });

  it("is busy for bytes and requests: the next message waits for both", () => {
    const result = overOneLane({ psPerRequest: 700 }, [[100, 2], [100], [100, 0]]);
    expect(timesOf(result)).toEqual([3_400, 6_100, 8_100].map((done) => 1_000 + done + 5_000));
    expect([...result.backlogs.values()]).toEqual([0, 3_400, 6_100]);
  });

  it("hides the number of requests from the receiver", () => {
    const result = overOneLane({ psPerRequest: 700 }, [[100, 65_535]]);
    expect(result.arrivals[0].kind).toBe(PacketKind.raw);
  });

  it.each([-1, 0.5, 65_536, Number.NaN])("refuses %s requests", (requests) => {
    expect(() => overOneLane({ psPerRequest: 1 }, [[100, requests]])).toThrow(/requests-fit/);
  });
});

describe("cut-through", () => {
  it("hands a message over when its head is there, and stays busy for all of it", () => {
    const result = overOneLane({ headBytes: 64, psPerRequest: 700 }, [[1_000], [1_000], [40]]);
    expect(timesOf(result)).toEqual([
      1_000 + 700 + 64 * 20 + 5_000,
      1_000 + 20_700 + 700 + 64 * 20 + 5_000,
      1_000 + 2 * 20_700 + 700 + 40 * 20 + 5_000,
    ]);
    expect([...result.backlogs.values()]).toEqual([0, 20_700, 41_400]);
  });

  it("costs a message on its way through a switch one head, not one message", () => {
    const early = { headBytes: 64 };
    expect(through(early, {})).toBe(1_000 + 1_280 + 5_000 + 20_000 + 5_000);
    expect(through(early, early, {})).toBe(1_000 + 2 * (1_280 + 5_000) + 20_000 + 5_000);
    expect(through({}, {})).toBe(1_000 + 2 * (20_000 + 5_000));
  });

  it("lets a faster lane begin late enough not to run dry", () => {
    const early = { headBytes: 64 };
    const fast = { psPerByte: 5 };
    const tail = 1_000 + 20_000 + 5_000;
    expect(through(early, fast)).toBe(tail + 5_000);
    expect(through(early, { ...fast, ...early }, { psPerByte: 2 })).toBe(tail + 5_000 + 5_000);
    expect(through(early, { psPerByte: 5, psPerRequest: 700 })).toBe(tail + 5_000);
  });

  it("holds nothing else back, not even what takes the place of an early message in the pool", () => {
    const to = "host2";
    const result = runNet({
      links: [
        ["host0", "leaf0", { headBytes: 64 }],
        ["host1", "leaf0", { psPerByte: 5 }],
        ["leaf0", "host2"],
      ],
      sendings: [
        { from: "host0", to, atPs: 1_000, sizeBytes: 1_000, number: 0 },
        { from: "host1", to, atPs: 8_000, sizeBytes: 1_000, number: 1 },
      ],
      thrownAway: [0],
    });
    // Message 0 is thrown away at 7,280 ps; its tail would have come at 26,000 ps.
    expect(result.arrivedPs("leaf0", 0)).toBe(7_280);
    expect(result.arrivedPs("leaf0", 1)).toBe(8_000 + 5_000 + 5_000);
  });
});

describe("a link that is down", () => {
  const lane = { headBytes: 64, psPerRequest: 1_000 };
  const BEGINS_PS = 10_000;
  /** 3 requests, 64 of 500 bytes, 5 ns. */
  const HANDLED_PS = 19_280;

  function arrives(atPs: number, healAtPs: number, portBufferBytes: number): boolean {
    const result = runNet({
      links: [
        ["host0", "leaf0", lane],
        ["leaf0", "host1"],
      ],
      sendings: [
        { from: "host0", to: "host1", atPs: BEGINS_PS, sizeBytes: 500, number: 0, requests: 3 },
      ],
      portBufferBytes,
      faults: [{ name: "cut", kind: "link-down", targets: ["host0--leaf0"], atPs, healAtPs }],
    });
    const at = result.arrivedPs("leaf0", 0);
    expect(at === undefined || at === HANDLED_PS).toBe(true);
    expect(result.counters.droppedPackets).toBe(at === undefined ? 1 : 0);
    return at !== undefined;
  }

  it.each([0, 4_096])("stops what began before it was up, buffers of %i B", (buffer) => {
    expect(arrives(1_000, BEGINS_PS, buffer)).toBe(true);
    expect(arrives(1_000, BEGINS_PS + 1, buffer)).toBe(false);
  });

  it.each([0, 4_096])("stops what was not handled before it, buffers of %i B", (buffer) => {
    expect(arrives(HANDLED_PS, 900_000, buffer)).toBe(false);
    expect(arrives(HANDLED_PS + 1, 900_000, buffer)).toBe(true);
  });
});
