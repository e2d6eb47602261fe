/**
 * `faultplane topology --compare`: what five networks of switches with a given radix hold and cost,
 * the comparison of arXiv 2505.09343, Table 3, for any radix.
 */
import { compareNetworks, type NetworkRow, PRICES } from "../../src/topology/network-costs.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { usageError } from "./option-values.ts";

/** The radix of the published table. */
const PUBLISHED_PORTS = 64;

/** Options of `faultplane topology` that decide what it prints. */
export interface TopologyOptions {
  readonly compare?: true;
  readonly ports?: number;
  readonly json?: true;
  readonly color: boolean;
}

/** Throws E040 when a scenario and a comparison are both asked for, or neither. */
export function checkTopologyUsage(scenario: string | undefined, options: TopologyOptions): void {
  const help = "see faultplane topology --help";
  if (options.compare === true) {
    if (scenario !== undefined) throw usageError("E040", "--compare takes no scenario", help);
  } else if (options.ports !== undefined) {
    throw usageError("E040", "--ports goes with --compare", help);
  } else if (scenario === undefined) {
    throw usageError("E040", "topology needs <scenario>, or --compare", help);
  }
}

/** Prints the comparison on stdout; returns the exit code. */
export async function topologyCompareCommand(options: TopologyOptions): Promise<number> {
  const ports = options.ports ?? PUBLISHED_PORTS;
  const rows = compareNetworks(ports);
  const text =
    options.json === true
      ? `${JSON.stringify({ ports, prices: PRICES, networks: rows.map(jsonRow) })}\n`
      : `${compareLines(ports, rows).join("\n")}\n`;
  await new Terminal(options.color).result(text);
  return Exit.pass;
}

/** A row with null where there is no such network. */
function jsonRow({ name, title, counts, costDollars, dollarsPerEndpoint, notes }: NetworkRow) {
  return {
    name,
    title,
    endpoints: counts?.endpoints ?? null,
    switches: counts?.switches ?? null,
    switchLinks: counts?.links ?? null,
    costDollars: costDollars ?? null,
    dollarsPerEndpoint: dollarsPerEndpoint ?? null,
    notes,
  };
}

/** The comparison as lines: a table, what does not come out even, and where prices come from. */
export function compareLines(ports: number, rows: readonly NetworkRow[]): string[] {
  const cells = [
    ["network", "endpoints", "switches", "switch links", "M$", "k$/endpoint"],
    ...rows.map(cellsOf),
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const table = cells.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join("  "),
  );
  const price = (dollars: number): string => whole(dollars);
  return [
    `switches with ${ports} ports`,
    "",
    ...table,
    "",
    ...rows.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`)),
    "",
    `Prices, $: switch ${price(PRICES.switchPort * ports)} (by port), link between switches ` +
      `${price(PRICES.link)}, inside a`,
    `Dragonfly group ${price(PRICES.localLink)}, link of an endpoint ${price(PRICES.endpoint)}. ` +
      "Fitted to the totals of arXiv",
    "2505.09343, Table 3 (64 ports), which they reproduce to the million; other prices do, too.",
  ];
}

function cellsOf(row: NetworkRow): string[] {
  const { name, title, counts, costDollars, dollarsPerEndpoint } = row;
  const label = `${name.padEnd(4)} ${title}`;
  if (counts === undefined || costDollars === undefined || dollarsPerEndpoint === undefined) {
    return [label, "-", "-", "-", "-", "-"];
  }
  const millions = costDollars / 1e6;
  return [
    label,
    whole(counts.endpoints),
    whole(counts.switches),
    whole(counts.links),
    millions < 10 ? millions.toFixed(1) : whole(millions),
    (dollarsPerEndpoint / 1e3).toFixed(2),
  ];
}

/** Rounded to a whole number, with commas between thousands. */
function whole(value: number): string {
  return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ",");
}
