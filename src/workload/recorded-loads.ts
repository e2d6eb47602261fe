/**
 * Loads files: how often each expert was chosen, by layer. Reads the JSON of SGLang's expert
 * distribution recorder (see loads-json.ts) and CSV (see loads-csv.ts) into the table that a
 * scenario carries, and gives rows of that table back. It keeps only layers that run, finds all
 * problems it can before it gives up, and never guesses a value.
 */
import { violated } from "../base/assert.ts";
import type { RecordedLoads } from "../model/scenario.ts";
import { readLoadsCsv } from "./loads-csv.ts";
import { readLoadsJson } from "./loads-json.ts";
import { type LoadsOptions, type LoadsProblem, LoadsRows } from "./loads-rows.ts";

const BYTES_PER_LOAD = 8;

/** The table, with notes for people on what was derived; or every problem found, 1 to 20. */
export type LoadsResult =
  | { readonly ok: true; readonly table: RecordedLoads; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problems: readonly LoadsProblem[] };

/** Parses the whole text of a loads file; one that begins with `{` or `[` is JSON. */
export function parseLoads(text: string, options: LoadsOptions): LoadsResult {
  const rows = new LoadsRows(options);
  if (/^\s*[[{]/.test(text)) readLoadsJson(text, rows);
  else readLoadsCsv(text, rows);
  rows.checkLayers();
  if (rows.problems.length > 0) return { ok: false, problems: rows.problems };
  const { layers } = options;
  const table = makeLoads(
    layers,
    layers.map((layer) => rows.loadsOf(layer)),
  );
  return { ok: true, table, notes: rows.notes };
}

/** The table of `rows`, one for each of the ascending `layers`. */
export function makeLoads(
  layers: readonly number[],
  rows: readonly ArrayLike<number>[],
): RecordedLoads {
  const experts = rows[0]?.length ?? 0;
  const counts = new Uint8Array(layers.length * experts * BYTES_PER_LOAD);
  const view = new DataView(counts.buffer);
  for (const [place, row] of rows.entries()) {
    for (let expert = 0; expert < experts; expert += 1) {
      view.setFloat64((place * experts + expert) * BYTES_PER_LOAD, row[expert], true);
    }
  }
  return { layers: [...layers], counts };
}

/** Loads of a model layer by expert. Throws InvariantError when the table has no such row. */
export function loadsOfLayer(table: RecordedLoads, layer: number, experts: number): Float64Array {
  const { layers, counts } = table;
  const place = layers.indexOf(layer);
  if (place < 0 || counts.length !== layers.length * experts * BYTES_PER_LOAD) {
    const rows = `${layers.length} layers in ${counts.length} bytes`;
    violated("recorded-loads-fit", `layer ${layer} with ${experts} experts from ${rows}`);
  }
  const view = new DataView(counts.buffer, counts.byteOffset, counts.byteLength);
  return Float64Array.from({ length: experts }, (_, expert) =>
    view.getFloat64((place * experts + expert) * BYTES_PER_LOAD, true),
  );
}
