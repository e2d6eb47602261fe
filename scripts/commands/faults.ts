/**
 * `faultplane faults`: the catalogue of faults: what each kind is, what it can hit, its parameters
 * with their defaults, how often it is seen, and who says so.
 */

import { didYouMean } from "../../src/base/suggest.ts";
import { CATALOGUE, catalogueEntries, isFaultName } from "../../src/fault/catalogue.ts";
import type { CatalogueEntry } from "../../src/fault/catalogue-entry.ts";
import { FAULT_SOURCES } from "../../src/fault/fault-sources.ts";
import { formatTime } from "../../src/model/time.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { usageError } from "./option-values.ts";

/** Prints all kinds, or one in full, on stdout; returns the exit code. Throws E040. */
export async function faultsCommand(
  kind: string | undefined,
  options: { readonly json?: true; readonly color: boolean },
): Promise<number> {
  if (kind !== undefined && !isFaultName(kind)) {
    const meant = didYouMean(kind, Object.keys(CATALOGUE));
    const shown = JSON.stringify(kind.slice(0, 80));
    const message = `unknown fault kind ${shown}${meant === undefined ? "" : `; ${meant}`}`;
    throw usageError("E040", message, "faultplane faults lists all kinds");
  }
  const entries = kind === undefined ? catalogueEntries() : [CATALOGUE[kind]];
  const lines = kind === undefined ? tableLines(entries) : entryLines(entries[0]);
  const data = kind === undefined ? { faults: entries, sources: FAULT_SOURCES } : entries[0];
  const text = options.json === true ? JSON.stringify(data) : lines.join("\n");
  await new Terminal(options.color).result(`${text}\n`);
  return Exit.pass;
}

/** A line for each kind. */
function tableLines(entries: readonly CatalogueEntry[]): string[] {
  const rows = entries.map((entry) => [
    entry.kind,
    entry.targets.join(", "),
    parametersOf(entry),
    leaseOf(entry),
    rateOf(entry),
    entry.source,
  ]);
  const head = ["kind", "targets", "default", "lasts", "a day", "source"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join("  ")
      .trimEnd();
  return [
    line(head),
    ...rows.map(line),
    "",
    ...sourceLines(entries),
    "Rates are for 2,048 GPUs. `faultplane faults KIND` tells more of one.",
  ];
}

/** Everything of one kind. */
function entryLines(entry: CatalogueEntry): string[] {
  const row = (name: string, text: string): string => `${name.padEnd(11)} ${text}`;
  const visibility = entry.isVisibilityFree
    ? `${entry.visibility}; a file may say visibility: loud or silent`
    : entry.visibility;
  const parameters = entry.parameters.map(({ key, fallback, range, about }) =>
    row("parameter", `${key}: ${fallback} (${range}): ${about}`),
  );
  return [
    row("kind", entry.kind),
    row("what", entry.about),
    row("targets", entry.targets.join(", ")),
    ...parameters,
    row("visibility", visibility),
    row("lasts", `${leaseOf(entry)}; a file may say heal or healAfter`),
    row("a day", entry.perDay === undefined ? "no rate is published" : rateOf(entry)),
    row("source", entry.source),
    ...sourceLines([entry]).map((line) => `${" ".repeat(12)}${line}`),
    "",
    `faults: [{kind: ${entry.kind}, target: ${EXAMPLES[entry.targets[0]]}, at: 6 ms}]`,
  ];
}

/** What the letters stand for that some entry names. */
function sourceLines(entries: readonly CatalogueEntry[]): string[] {
  return Object.entries(FAULT_SOURCES)
    .filter(([letter]) => entries.some(({ source }) => source.includes(`[${letter}]`)))
    .map(([letter, name]) => `[${letter}] ${name}`);
}

/** A target of each kind. */
const EXAMPLES: Readonly<Record<CatalogueEntry["targets"][number], string>> = {
  gpu: "node2.gpu3",
  nic: "node2.nic3",
  nvswitch: "node2.nvswitch",
  leaf: "plane3.leaf0",
  spine: "plane3.spine1",
  node: "node2",
  plane: "plane3",
  link: "node2.nic3--plane3.leaf0",
  direction: "node2.nic3->plane3.leaf0",
  expert: "expert17",
  controller: "controller",
};

function parametersOf({ parameters }: CatalogueEntry): string {
  return parameters.map(({ key, fallback }) => `${key} ${fallback}`).join(", ") || "-";
}

function leaseOf({ leasePs, flap }: CatalogueEntry): string {
  if (flap !== undefined) {
    return `${flap.repeats} x ${formatTime(flap.downPs)}, ${formatTime(flap.upPs)} apart`;
  }
  return leasePs === undefined ? "to the end" : formatTime(leasePs);
}

function rateOf({ perDay }: CatalogueEntry): string {
  if (perDay === undefined) return "-";
  const { least, most } = perDay;
  return least === most ? String(least) : `${least}-${most}`;
}
