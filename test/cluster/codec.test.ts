/**
 * The wire codec: what it carries unchanged, what it refuses to send, and the scan that looks at a
 * stranger's bytes before anything is built from them.
 */
import { describe, expect, it } from "vitest";
import { decode, decodeOwned, encode, encodeChecked } from "../../cluster/codec.ts";
import { scan } from "../../cluster/frame-scan.ts";

const LIMITS = { depth: 4, elements: 20, containers: 5, textBytes: 10 };

describe("encode and decode", () => {
  it("carry whole picoseconds, infinities and bytes unchanged", () => {
    const value = [0, 2 ** 53 - 1, Number.POSITIVE_INFINITY, "planes", Uint8Array.of(1, 2), null];
    const back = decodeOwned(encode(value)) as unknown[];
    expect(back).toEqual(value);
    expect(back[4]?.constructor).toBe(Uint8Array);
  });

  it("keep objects of facts as plain objects", () => {
    const fact = { type: "fault.began", fault: "f1", kind: "nic-down", target: "node0.nic0" };
    expect(decode(encode(fact))).toEqual(fact);
  });

  it.each([
    ["a typed array that would arrive as stale memory", { rows: new Float64Array(2) }],
    ["an undefined field", { healAtPs: undefined }],
    ["minus zero", [-0]],
    ["NaN", [Number.NaN]],
    ["a map", { board: new Map() }],
    ["half a surrogate pair", ["\ud800"]],
    ["a bigint", [1n]],
  ])("refuse %s", (_name, value) => {
    expect(() => encodeChecked(value)).toThrow(/values-are-plain/);
  });
});

describe("scan", () => {
  it("passes what the codec itself makes", () => {
    const value = { a: [1, -1, 70_000, 1.5, true, null], b: { c: "text" }, d: Uint8Array.of(1) };
    expect(scan(encode(value), LIMITS)).toBeUndefined();
  });

  it.each([
    ["nothing", [], "ends too early"],
    ["a cut string", [0xa5, 0x61], "ends too early"],
    ["a cut number", [0xcb, 0, 0], "ends too early"],
    ["a cut length", [0xdd, 0xff], "ends too early"],
    ["a second value", [0xc0, 0xc0], "bytes after the value"],
    ["the byte that never occurs", [0xc1], "byte 0xc1 is not allowed"],
    ["an extension", [0xd4, 0, 0], "byte 0xd4 is not allowed"],
    ["a number as key", [0x81, 0x01, 0x02], "a key is not a string"],
    ["a list that announces 4 billion values", [0xdd, 255, 255, 255, 255], "more than 20 elements"],
    ["a map that announces 4 billion values", [0xdf, 255, 255, 255, 255], "more than 20 elements"],
    ["a long text", [0xd9, 11, ...new Uint8Array(11)], "text of 11 bytes"],
    ["deep nesting", [0x91, 0x91, 0x91, 0x91, 0x91, 0xc0], "deeper than 4"],
  ])("objects to %s", (_name, bytes, problem) => {
    expect(scan(Uint8Array.from(bytes), LIMITS)).toBe(problem);
  });

  it("counts elements over all lists together", () => {
    const rows = Array.from({ length: 4 }, () => [1, 2, 3, 4, 5]);
    expect(scan(encode(rows), LIMITS)).toBe("more than 20 elements");
  });
});
