/**
 * Loads as CSV: the header `layer,e0,e1,...` with a column for each routed expert, then one line a
 * layer. Layers are those of the model, in any order; those that do not run are checked and left
 * out.
 */
import { LOAD_MAX, LOAD_RULE, type LoadsRows } from "./loads-rows.ts";

/** What a load looks like: `12`, `0.5`, `1.2e6`. */
const LOAD = /^\d{1,17}(?:\.\d{1,17})?(?:[eE][+-]?\d{1,3})?$/;
const LAYER = /^\d{1,5}$/;

/** Reads the whole text into `rows`. */
export function readLoadsCsv(text: string, rows: LoadsRows): void {
  const { experts } = rows.options;
  const wanted = experts === 1 ? "layer,e0" : `layer,e0,...,e${experts - 1}`;
  let line = 0;
  for (let at = 0; at < text.length && !rows.isFull; ) {
    const end = text.indexOf("\n", at);
    const row = text.slice(at, end < 0 ? text.length : end).replace(/\r$/, "");
    at = end < 0 ? text.length : end + 1;
    line += 1;
    if (line === 1) {
      const header = row.replace("\uFEFF", "");
      if (isHeader(header, experts)) continue;
      const shown = header.length > 60 ? `${header.slice(0, 60)}...` : header;
      const columns = header.split(",").length;
      const found = `the header is "${shown}" with ${columns} columns`;
      rows.problem({ line, column: 1 }, `${found}; for ${experts} experts it must be "${wanted}"`);
      return;
    }
    if (row !== "") readRow(row, line, rows);
  }
  if (line === 0) rows.problem({ line: 1, column: 1 }, `the file is empty; it begins "${wanted}"`);
}

function isHeader(header: string, experts: number): boolean {
  const names = header.split(",", experts + 2);
  if (names.length !== experts + 1 || names[0] !== "layer") return false;
  return names.every((name, place) => place === 0 || name === `e${place - 1}`);
}

function readRow(row: string, line: number, rows: LoadsRows): void {
  const { experts, modelLayers } = rows.options;
  const values = row.split(",", experts + 2);
  if (values.length !== experts + 1) {
    const found = values.length > experts ? `more than ${experts + 1}` : `${values.length}`;
    const rule = `it must have ${experts + 1}, the layer and a load for each expert`;
    rows.problem({ line, column: 1 }, `the row has ${found} values; ${rule}`);
    return;
  }
  const layer = LAYER.test(values[0]) ? Number(values[0]) : modelLayers;
  if (layer >= modelLayers) {
    const message = `layer is "${values[0].slice(0, 40)}"; the model has 0 to ${modelLayers - 1}`;
    rows.problem({ line, column: 1 }, message);
    return;
  }
  if (rows.has(layer)) {
    rows.problem({ line, column: 1 }, `layer ${layer} is given twice; each has one line`);
    return;
  }
  let column = values[0].length + 2;
  let isGood = true;
  const loads = new Float64Array(experts);
  for (let expert = 0; expert < experts; expert += 1) {
    const value = values[expert + 1];
    loads[expert] = LOAD.test(value) ? Number(value) : Number.NaN;
    if (!(loads[expert] <= LOAD_MAX)) {
      isGood = false;
      rows.problem({ line, column }, `e${expert} is "${value.slice(0, 40)}"; ${LOAD_RULE}`);
    }
    column += value.length + 1;
  }
  if (isGood) rows.add(layer, loads, { line, column: 1 });
}
