/**
 * What follows from formulas: the limits of decode, the networks of Table 3, IB cost of a token.
 */
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { compareNetworks, type NetworkName } from "../../src/topology/network-costs.ts";
import { decodeLimit, PUBLISHED_DECODE, tokenNetworkPs } from "../../src/workload/closed-forms.ts";
import { exactRow, Source, type ValidationRow } from "./row.ts";

/** arXiv 2505.09343, Table 3: endpoints, switches, links between switches, cost in millions. */
const TABLE_3: Readonly<Record<NetworkName, readonly [number, number, number, number]>> = {
  FT2: [2_048, 96, 2_048, 9],
  MPFT: [16_384, 768, 16_384, 72],
  FT3: [65_536, 5_120, 131_072, 491],
  SF: [32_928, 1_568, 32_928, 146],
  DF: [261_632, 16_352, 384_272, 1_522],
};

export function closedFormRows(): ValidationRow[] {
  return [...decodeRows(), ...costRows(), ...networkRows()];
}

function decodeRows(): ValidationRow[] {
  const group = "decode limit";
  const source = `${Source.paper}, 2.3.2`;
  const nic = decodeLimit(PUBLISHED_DECODE);
  const nvlink = decodeLimit({ ...PUBLISHED_DECODE, bytesPerSecond: 900e9 });
  const row = (name: string, unit: string, published: number, emulated: number): ValidationRow =>
    exactRow({ group, name, unit, published, emulated, source }, 2);
  return [
    row("all-to-all of a layer, 50 GB/s", "us", 120.96, nic.exchangePs / PS_PER_US),
    row("TPOT, 61 layers", "ms", 14.76, nic.timePerOutputTokenPs / PS_PER_MS),
    exactRow(
      {
        group,
        name: "tokens a second",
        unit: "1/s",
        published: 67,
        emulated: nic.tokensPerSecond,
        source,
      },
      0,
      "down",
    ),
    row("all-to-all of a layer, 900 GB/s", "us", 6.72, nvlink.exchangePs / PS_PER_US),
    row("TPOT at 900 GB/s", "ms", 0.82, nvlink.timePerOutputTokenPs / PS_PER_MS),
  ];
}

/** IB time of a token in units of t, the time of one copy. */
function costRows(): ValidationRow[] {
  const group = "node-limited routing";
  const source = `${Source.paper}, 4.3`;
  const { copyPerExpertPs, copyPerNodePs } = tokenNetworkPs(1, 8, 4);
  const common = { group, unit: "t", source };
  return [
    exactRow({ ...common, name: "a copy an expert", published: 8, emulated: copyPerExpertPs }),
    exactRow({ ...common, name: "a copy a node, M = 4", published: 4, emulated: copyPerNodePs }),
  ];
}

function networkRows(): ValidationRow[] {
  const common = { group: "Table 3", source: `${Source.paper}, Table 3` };
  return compareNetworks(64).flatMap(({ name, counts, costDollars = 0 }) => {
    const [endpoints, switches, links, millions] = TABLE_3[name];
    const row = (what: string, unit: string, published: number, emulated = 0): ValidationRow =>
      exactRow({ ...common, name: `${name} ${what}`, unit, published, emulated });
    return [
      row("endpoints", "", endpoints, counts?.endpoints),
      row("switches", "", switches, counts?.switches),
      row("links", "", links, counts?.links),
      row("cost", "M$", millions, costDollars / 1e6),
    ];
  });
}
