/**
 * Damaged scenario files: whatever is done to a good one, parsing gives a scenario or problems with
 * codes, and never throws. fast-check prints seed and counterexample of a failure.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { formatProblems, isProblemCode } from "../../src/scenario/problem.ts";
import { drillText, parse } from "./reading.ts";

const GOOD = new TextEncoder().encode(drillText("default.yaml").replace(/^#.*\n/gm, ""));

/** Pieces that mean something to YAML, JSON, JavaScript or a unit. */
// biome-ignore format: a table of pieces
const PIECES = [
  "{", "}", "[", "]", "- ", ": ", ":", ",", "\n", "\n  ", "\t", "#", "&a ", "*a", "!!str ", "<<: ", "? ",
  "|", ">", "%", "---\n", "...\n", "'", '"', "\\", "\\u202e", "\u202e", "\ufeff", "null", "~", "true", "1e999",
  ".nan", "-1", "0x10", "99999999999999999999", " Gbit/s", " ms", "__proto__: ", "constructor: ", "toString: ",
  "node9.nic9", "--", "../", "{}", "[]", "faults:\n", "hasOwnProperty", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

/** One change: `cut` bytes at a place replaced by a piece or by any bytes. */
const change = fc.record({
  at: fc.nat(GOOD.length),
  cut: fc.oneof(fc.constant(0), fc.nat(12), fc.nat(200)),
  put: fc.oneof(
    fc.constantFrom(...PIECES).map((piece) => new TextEncoder().encode(piece)),
    fc.uint8Array({ maxLength: 6 }),
    fc.constant(new Uint8Array(0)),
  ),
});

it("a damaged scenario gives problems with codes, or a scenario, and never throws", () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      let text = GOOD;
      for (const { at, cut, put } of changes) {
        const place = Math.min(at, text.length);
        text = Uint8Array.from([...text.slice(0, place), ...put, ...text.slice(place + cut)]);
      }
      const result = parse(text);
      if (result.ok) return;
      expect(result.problems.length).toBeGreaterThan(0);
      for (const { code, line, column, message } of result.problems) {
        expect(isProblemCode(code)).toBe(true);
        expect(line).toBeGreaterThan(0);
        expect(column).toBeGreaterThan(0);
        expect(message).not.toMatch(/undefined|\[object|Invalid input/);
      }
      expect(result.exitCode).toBe(result.problems[0].exitCode);
      expect(formatProblems(result.problems)).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
    }),
    { numRuns: 500 },
  );
}, 60_000);
