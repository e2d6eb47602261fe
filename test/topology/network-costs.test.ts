/** Networks at one radix: the counts and totals of arXiv 2505.09343, Table 3, and other radices. */
import { describe, expect, it } from "vitest";
import {
  compareNetworks,
  type NetworkName,
  type NetworkRow,
  RADIX_MAX,
  RADIX_MIN,
} from "../../src/topology/network-costs.ts";

/** Endpoints, switches, links between switches, M$. */
type Row = readonly [NetworkName, number, number, number, number];

const PUBLISHED: readonly Row[] = [
  ["FT2", 2_048, 96, 2_048, 9],
  ["MPFT", 16_384, 768, 16_384, 72],
  ["FT3", 65_536, 5_120, 131_072, 491],
  ["SF", 32_928, 1_568, 32_928, 146],
  ["DF", 261_632, 16_352, 384_272, 1_522],
];

function rowOf(radix: number, name: NetworkName): NetworkRow {
  const row = compareNetworks(radix).find((row) => row.name === name);
  if (row === undefined) throw new Error(name);
  return row;
}

describe("64 ports", () => {
  it.each(PUBLISHED)("%s is as published", (name, endpoints, switches, links, millions) => {
    const { counts, costDollars = 0, dollarsPerEndpoint = 0 } = rowOf(64, name);
    expect(counts).toMatchObject({ endpoints, switches, links });
    expect(Math.round(costDollars / 1e6)).toBe(millions);
    expect(dollarsPerEndpoint).toBe(costDollars / endpoints);
  });

  it("say what shape the counts have, and what of it cannot be built", () => {
    expect(rowOf(64, "SF").notes).toEqual([
      "q 28, 63 of 64 ports used",
      "28 is no prime power: the counts are the formula's, no such graph is known",
      "the largest that can be built: q 27, 30618 endpoints, 1458 switches",
    ]);
    expect(rowOf(64, "DF").notes).toEqual([
      "p 16, a 32, h 16, 511 groups, 63 of 64 ports used",
      "513 groups could be joined; the published count has 32 x 16 - 1",
    ]);
  });
});

describe("other radices", () => {
  it("128 ports hold four times as much in two layers, eight times in three", () => {
    expect(rowOf(128, "FT2").counts).toMatchObject({ endpoints: 8_192, switches: 192 });
    expect(rowOf(128, "MPFT").counts).toMatchObject({ endpoints: 65_536, switches: 1_536 });
    expect(rowOf(128, "FT3").counts).toMatchObject({ endpoints: 524_288, links: 1_048_576 });
    expect(rowOf(128, "SF").notes[0]).toBe("q 57, 128 of 128 ports used");
    expect(rowOf(128, "DF").notes[0]).toContain("p 32, a 64, h 32, 2047 groups, 127 of 128");
  });

  it("a Slim Fly with a prime power has nothing to excuse", () => {
    // q = 5 is the Hoffman-Singleton graph: 50 switches of 7 links.
    expect(rowOf(12, "SF")).toMatchObject({
      counts: { switches: 50, links: 175, endpoints: 200 },
      notes: ["q 5, 11 of 12 ports used"],
    });
  });

  it("too few ports are said, not counted", () => {
    for (const name of ["SF", "DF"] as const) {
      const row = rowOf(6, name);
      expect(row.counts).toBeUndefined();
      expect(row.costDollars).toBeUndefined();
      expect(row.notes).toEqual(["needs 8 ports at least"]);
      expect(rowOf(8, name).counts).toBeDefined();
    }
  });

  it("never use more ports than there are, from the smallest radix to the largest", () => {
    for (let radix = RADIX_MIN; radix <= RADIX_MAX; radix += 2) {
      for (const { name, counts } of compareNetworks(radix)) {
        if (counts === undefined) continue;
        const { endpoints, switches, links } = counts;
        expect(Number.isSafeInteger(endpoints + switches + links), name).toBe(true);
        const ends = 2 * links + endpoints;
        expect(ends, `${name} at ${radix}`).toBeLessThanOrEqual(switches * radix);
        expect(switches).toBeGreaterThan(0);
      }
    }
  });
});
