/**
 * Hostile bytes inside frames (H2 to H5): what nobody sends is refused by the scan before anything
 * is built from it, at once, and nothing of it stays.
 */
import { describe, expect, it } from "vitest";
import { decode, decodeStrange, encodeChecked } from "../../cluster/codec.ts";
import { MEMBER_LIMITS, STRANGER_LIMITS, scan } from "../../cluster/frame-scan.ts";
import { decodeMemberMessage } from "../../cluster/wire.ts";
import { BOMBS, EXTENSIONS, prototypeKeys } from "../../scripts/hostile/bombs.ts";
import { fuzzDecoders, realFrames } from "../../scripts/hostile/frame-fuzz.ts";

/** Longest that a scan may take, ms of this process's own time: the host may be busy. */
const STRANGER_MS = 5;
const MEMBER_MS = 50;

function fastestMs(step: () => void): number {
  const times = Array.from({ length: 5 }, () => {
    const from = process.cpuUsage();
    step();
    const { user, system } = process.cpuUsage(from);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}

describe("a bomb", () => {
  it.each(BOMBS)("that is %s is refused at once", (_name, bytes) => {
    expect(decodeStrange(bytes)).toBeUndefined();
    expect(() => decode(bytes)).toThrow(/a frame that is not ours: /);
    expect(fastestMs(() => scan(bytes, STRANGER_LIMITS))).toBeLessThan(STRANGER_MS);
    expect(fastestMs(() => scan(bytes, MEMBER_LIMITS))).toBeLessThan(MEMBER_MS);
  });

  it("costs no memory: the scan allocates nothing, however deep and long it is", () => {
    const [, bytes] = BOMBS.find(([name]) => name === "4 MiB of empty maps")!;
    scan(bytes, MEMBER_LIMITS);
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 20; i += 1) scan(bytes, MEMBER_LIMITS);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(bytes.length);
  });
});

describe("what is more than plain data", () => {
  it.each(EXTENSIONS)("is refused: %s", (_name, bytes) => {
    expect(scan(bytes, MEMBER_LIMITS)).toMatch(/^byte 0x(c1|c[789]|d[4-8]) is not allowed$/);
    expect(() => decodeMemberMessage(bytes)).toThrow(/not ours/);
  });

  it("is refused as a key that reaches a prototype, however it is spelt and however deep", () => {
    const frames = prototypeKeys();
    expect(frames.length).toBeGreaterThanOrEqual(190);
    for (const [name, bytes] of frames) {
      expect([name, scan(bytes, MEMBER_LIMITS)]).toEqual([name, "a key that reaches a prototype"]);
    }
    for (const name of ["x", "a", "b", "toJSON", "then"]) expect(name in {}).toBe(false);
  });

  it("passes as text that is no key", () => {
    const value = { name: "__proto__", list: ["constructor", "prototype"], protocol1: 1 };
    expect(decode(encodeChecked(value))).toEqual(value);
    expect(() => encodeChecked({ constructor: 1 })).toThrow(/values-are-plain/);
  });
});

describe("a frame that is nearly right", () => {
  const seed = String(Date.now());

  it(`breaks no decoder and stalls none (seed ${seed})`, () => {
    const { failures, passed, worstMs } = fuzzDecoders(seed, 10_000);
    expect(failures).toEqual([]);
    expect(worstMs).toBeLessThan(200);
    // Neither everything nor nothing: the fuzz reaches behind the scan.
    expect(passed).toBeGreaterThan(500);
    expect(passed).toBeLessThan(9_500);
  });

  it("cut short at any byte is refused", () => {
    for (const frame of realFrames()) {
      expect(scan(frame, MEMBER_LIMITS)).toBeUndefined();
      for (let end = 0; end < frame.length; end += 1) {
        expect(scan(frame.subarray(0, end), MEMBER_LIMITS)).toBe("ends too early");
      }
    }
  });
});
