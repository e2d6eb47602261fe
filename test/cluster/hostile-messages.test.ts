/**
 * Messages of members that are not exactly ours (H6): refused with the place in them, never taken
 * for something else.
 */
import { describe, expect, it } from "vitest";
import { encode, encodeChecked } from "../../cluster/codec.ts";
import { shortened, TEXT_CHARACTERS_MAX } from "../../cluster/message-readers.ts";
import { Tag } from "../../cluster/messages.ts";
import { decodeMemberMessage } from "../../cluster/wire.ts";
import { fuzzMessages, passUnchanged } from "../../scripts/hostile/message-fuzz.ts";

const CASES = 2000;

/** A report of one frame and one fact, with some parts replaced. */
function report(parts: Readonly<Record<number, unknown>>): Uint8Array {
  const fact = { type: "step.completed", step: 0, durationPs: 5 };
  const plain: unknown[] = [
    ...[Tag.report, 3, 900, Number.POSITIVE_INFINITY],
    ...[[1, 950, 64, null], [880, 7, 0, fact], 40, 890, 0, 0, [0, -5, 9], [], []],
    ...[[0, [2, 5], [64, 8]], 900],
  ];
  return encode(plain.map((part, place) => (place in parts ? parts[place] : part)));
}

describe("a message with one thing wrong", () => {
  const seed = String(Date.now());

  it(`is taken as what it says or refused with a place (seed ${seed})`, () => {
    expect(passUnchanged()).toBe(true);
    const { refused, failures } = fuzzMessages(seed, CASES);
    expect(failures).toEqual([]);
    expect(refused).toBeGreaterThan(CASES / 2);
    expect(refused).toBeLessThan(CASES);
  });

  it.each([
    [{ 2: -1 }, "report.nextEventPs: expected a time or never, found -1"],
    [{ 2: Number.NaN }, "report.nextEventPs: expected a time or never, found NaN"],
    [{ 6: 2 ** 53 }, "report.events: expected a whole number, found 9007199254740992"],
    [
      { 4: [1, 950, 64, null, 2, -1, 64, null] },
      "report.sent[1].earliestPs: expected a time, found -1",
    ],
    [{ 4: [1, 950, 64] }, "report.sent: expected a multiple of 4 values, found 3"],
    [
      { 4: [1, 950, 64, new Uint8Array(3)] },
      "report.sent[0].sizeBytes: expected the size of the frame",
    ],
    [
      { 5: [880, 7, 0, { type: "made.up" }] },
      'report.facts[0].fact.type: expected a kind of fact, found "made.up"',
    ],
    [
      { 5: [880, 7, 0, { type: "toString" }] },
      "report.facts[0].fact.type: expected a kind of fact",
    ],
    [
      { 5: [880, 7, 0, { type: "step.completed", step: "0", durationPs: 5 }] },
      'report.facts[0].fact.step: expected a whole number, found "0"',
    ],
    [
      { 5: [880, 7, 0, { type: "step.completed", step: 0, durationPs: 5, pid: 1 }] },
      'report.facts[0].fact."pid": expected no such field',
    ],
    [
      { 10: [0, 2 ** 31, 9] },
      "report.epochs[0].low: expected a number of 32 bits, found 2147483648",
    ],
    [{ 13: [0, [2], [-8]] }, "report.traffic[0].bytes[0]: expected a whole number, found -8"],
    [{ 11: [0.5] }, "report.paused[0]: expected a whole number, found 0.5"],
    [{ 0: 99 }, "message[0]: expected a kind of message, found 99"],
  ])("names the place: %o", (parts, text) => {
    expect(() => decodeMemberMessage(report({}))).not.toThrow();
    expect(() => decodeMemberMessage(report(parts))).toThrow(text);
  });

  it("names the place of -0, which only a hostile encoder writes", () => {
    const hex = Buffer.from(report({ 2: Number.NaN })).toString("hex");
    const negative = hex.replace("cb7ff8000000000000", "cb8000000000000000");
    expect(negative).not.toBe(hex);
    expect(() => decodeMemberMessage(Buffer.from(negative, "hex"))).toThrow(
      "report.nextEventPs: expected a time or never, found -0",
    );
  });

  it("has texts of bounded length: who sends one cuts it", () => {
    const long = "x".repeat(TEXT_CHARACTERS_MAX + 1);
    const failed = (text: string): Uint8Array => encodeChecked([Tag.failed, "rule", text]);
    expect(() => decodeMemberMessage(failed(long))).toThrow("failed.message: expected at most");
    expect(() => decodeMemberMessage(failed(shortened(long)))).not.toThrow();
    const split = `${"x".repeat(TEXT_CHARACTERS_MAX - 5)}\u{1f600}\u{1f600}\u{1f600}`;
    expect(() => failed(shortened(split))).not.toThrow();
    const lines = Array.from({ length: 65 }, () => "line");
    const exited = encode([Tag.exited, 1, 0, { code: 1, signal: null, stderr: lines }]);
    expect(() => decodeMemberMessage(exited)).toThrow("exited.exit.stderr: expected at most 64");
  });
});
