/**
 * Damaged scenario files: whatever is done to a good one, parsing gives a scenario or problems with
 * codes, and never throws. fast-check prints seed and counterexample of a failure.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { formatProblems, isProblemCode } from "../../src/scenario/problem.ts";
import { drillText, parse, printed } from "./reading.ts";

/** Every way to say where, when and how hard. */
const FAULTS = `model: models/deepseek-v3.json
cluster: {nodes: 2, gpusPerNode: 2, planes: 2}
workload: {layers: [3, 4]}
experts: {redundant: 4}
recovery: {failover: nvlink, takeover: true, rerouteLocal: 1 ms, controller: remap, controllerDelay: 6 s}
faults:
  - {kind: nic-flap, target: node*.nic1, at: 1 ms, onset: {flap: {down: 3 ms, up: 2 ms, repeats: 3}}}
  - {kind: slow-gpu, target: {draw: 2, from: plane=1}, at: {between: [5 ms, 20 ms]}, slowdown: 2}
  - {kind: grey-loss, target: [leaf=plane0.leaf0], at: 0 ms, healAfter: never, onset: {ramp: 1 ms}, spared: 1 kB}
  - {kind: kv-copy, target: node0.nic0, at: {step: 0, layer: 4, phase: combine, fraction: 0.5}, kvRate: 30 GB/s}
  - {kind: one-way-loss, target: node0.nic0->plane0.leaf0, at: 1 ms, healAfter: 2 ms}
`;

const GOOD = [drillText("default.yaml").replace(/^#.*\n/gm, ""), FAULTS].map((text) =>
  new TextEncoder().encode(text),
);
const LONGEST = Math.max(...GOOD.map((text) => text.length));

/** Pieces that mean something to YAML, JSON, JavaScript or a unit. */
// biome-ignore format: a table of pieces
const PIECES = [
  "{", "}", "[", "]", "- ", ": ", ":", ",", "\n", "\n  ", "\t", "#", "&a ", "*a", "!!str ", "<<: ", "? ",
  "|", ">", "%", "---\n", "...\n", "'", '"', "\\", "\\u202e", "\u202e", "\ufeff", "null", "~", "true", "1e999",
  ".nan", "-1", "0x10", "99999999999999999999", " Gbit/s", " ms", "__proto__: ", "constructor: ", "toString: ",
  "node9.nic9", "plane=9", "*", "->", "expert1", "never", "--", "../", "{}", "[]", "faults:\n", "hasOwnProperty", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

/** One change: `cut` bytes at a place replaced by a piece or by any bytes. */
const change = fc.record({
  at: fc.nat(LONGEST),
  cut: fc.oneof(fc.constant(0), fc.nat(12), fc.nat(200)),
  put: fc.oneof(
    fc.constantFrom(...PIECES).map((piece) => new TextEncoder().encode(piece)),
    fc.uint8Array({ maxLength: 6 }),
    fc.constant(new Uint8Array(0)),
  ),
});

const changes = fc.array(change, { minLength: 1, maxLength: 4 });

it("the scenarios are good before they are damaged", () => {
  expect(GOOD.flatMap((text) => printed(text))).toEqual([]);
});

it("a damaged scenario gives problems with codes, or a scenario, and never throws", () => {
  fc.assert(
    fc.property(fc.constantFrom(...GOOD), changes, (good, changes) => {
      let text = good;
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
    { numRuns: 700 },
  );
}, 60_000);
