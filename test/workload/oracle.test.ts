/** The oracle must tell apart whatever a broken fabric could mix up. */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import {
  expertHigh,
  expertLow,
  payloadSeed,
  tokenPayloadHigh,
  tokenPayloadLow,
} from "../../src/workload/oracle.ts";

/** Written down from the first version: it changes only with a change of the oracle. */
const GOLDEN = [1_985_970_597, -21_121_212, 820_885_501, 2_065_205_104];

describe("the payload oracle", () => {
  it("gives the same words on every machine", () => {
    const seed = payloadSeed("1");
    const low = tokenPayloadLow(seed, 0, 1, 2, 3);
    const high = tokenPayloadHigh(seed, 0, 1, 2, 3);
    expect([low, high, expertLow(4, 5, low, high), expertHigh(4, 5, low, high)]).toEqual(GOLDEN);
  });

  it("gives other payloads to other seeds, groups, ranks, steps and tokens", () => {
    const seen = new Set<string>();
    let count = 0;
    for (const name of ["0", "1", "18446744073709551615"]) {
      const seed = payloadSeed(name);
      for (let group = 0; group < 2; group += 1) {
        for (let rank = 0; rank < 64; rank += 1) {
          for (let step = 0; step < 2; step += 1) {
            for (let token = 0; token < 128; token += 1) {
              const low = tokenPayloadLow(seed, group, rank, step, token);
              seen.add(`${low} ${tokenPayloadHigh(seed, group, rank, step, token)}`);
              count += 1;
            }
          }
        }
      }
    }
    expect(seen.size).toBe(count);
  });

  it("shows a wrong expert or layer", () => {
    const seen = new Set<string>();
    for (let expert = 0; expert < 256; expert += 1) {
      for (let layer = 0; layer < 116; layer += 1) {
        seen.add(`${expertLow(expert, layer, 7, 9)} ${expertHigh(expert, layer, 7, 9)}`);
      }
    }
    expect(seen.size).toBe(256 * 116);
  });

  it("shows a change of either word, of any bit, in both words of the output", () => {
    const seed = "31";
    const stream = streamOf(seed, "oracle");
    for (let round = 0; round < 200; round += 1) {
      const [low, high] = [stream.word(), stream.word()];
      const expert = stream.below(256);
      const layer = stream.below(58);
      const right = [expertLow(expert, layer, low, high), expertHigh(expert, layer, low, high)];
      for (let bit = 0; bit < 32; bit += 1) {
        for (const [badLow, badHigh] of [
          [low ^ (1 << bit), high],
          [low, high ^ (1 << bit)],
        ]) {
          const label = `seed ${seed}, round ${round}, bit ${bit}`;
          expect(expertLow(expert, layer, badLow, badHigh), label).not.toBe(right[0]);
          expect(expertHigh(expert, layer, badLow, badHigh), label).not.toBe(right[1]);
        }
      }
    }
  });

  it("gives signed 32-bit words", () => {
    const words = Array.from({ length: 100 }, (_, n) => expertLow(n, n, n, n));
    expect(words.every((word) => word === (word | 0))).toBe(true);
    expect(words.some((word) => word < 0)).toBe(true);
  });
});
