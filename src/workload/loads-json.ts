/**
 * Loads as SGLang's expert distribution recorder counts them and its `--init-expert-location` takes
 * them: a JSON object with `logical_count`, [layer][expert] or [step][layer][expert]; steps are
 * added up. SGLang counts all layers of the model, those without experts too (zeros); a list of
 * just the layers with experts is read as well. Other keys are ignored.
 */
import { jsonFaultAt } from "./json-fault.ts";
import { LOAD_MAX, LOAD_RULE, type LoadsPlace, type LoadsRows } from "./loads-rows.ts";

const KEY = "logical_count";
const START = { line: 1, column: 1 } as const;

/** Reads the whole text into `rows`. */
export function readLoadsJson(text: string, rows: LoadsRows): void {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    addSyntaxProblem(text, rows);
    return;
  }
  const shape = `{"${KEY}": [layer][expert] or [step][layer][expert]}`;
  if (typeof data !== "object" || data === null || !Object.hasOwn(data, KEY)) {
    const isMap = data !== null && Object.hasOwn(data as object, "physical_to_logical_map");
    const found = isMap ? "a placement (physical_to_logical_map)" : `no key "${KEY}"`;
    rows.problem(START, `the file has ${found}; it must be ${shape}`);
    return;
  }
  const counts: unknown = Reflect.get(data, KEY);
  if (!isList(counts) || !isList(counts[0])) {
    rows.problem(placeOf(text, []), `${KEY} must be ${shape}, with at least one row`);
    return;
  }
  if (!isList(counts[0][0])) {
    readStep(text, counts, [], rows);
    return;
  }
  for (const [step, layers] of counts.entries()) {
    if (rows.isFull) return;
    if (isList(layers)) readStep(text, layers, [step], rows);
    else rows.problem(placeOf(text, [step]), `${nameOf([step])} is no list of layers`);
  }
  if (counts.length > 1) rows.notes.push(`${counts.length} recorded steps are added up`);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0;
}

/** Reads the layers of one step, which stands at `path`. */
function readStep(
  text: string,
  layers: readonly unknown[],
  path: readonly number[],
  rows: LoadsRows,
): void {
  const { experts, modelLayers, denseLayers } = rows.options;
  const sparse = modelLayers - denseLayers;
  if (layers.length !== modelLayers && layers.length !== sparse) {
    const found = `${nameOf(path)} has ${layers.length} layers`;
    const message = `${found}; the model has ${modelLayers}, ${sparse} of them with experts`;
    rows.problem(placeOf(text, path), message, "give all layers, or those with experts");
    return;
  }
  const first = layers.length === modelLayers ? 0 : denseLayers;
  for (const [place, row] of layers.entries()) {
    if (rows.isFull) return;
    const here = [...path, place];
    if (!Array.isArray(row) || row.length !== experts) {
      const found = Array.isArray(row) ? `has ${row.length} values` : "is no list";
      const message = `${nameOf(here)} ${found}; the model has ${experts} experts`;
      rows.problem(placeOf(text, here), message);
      continue;
    }
    const wrong = row.findIndex(
      (load) => !(typeof load === "number" && load >= 0 && load <= LOAD_MAX),
    );
    if (wrong >= 0) {
      const at = [...here, wrong];
      const found = JSON.stringify(row[wrong]).slice(0, 40);
      rows.problem(placeOf(text, at), `${nameOf(at)} is ${found}; ${LOAD_RULE}`);
      continue;
    }
    rows.add(first + place, row, START);
  }
}

function nameOf(path: readonly number[]): string {
  return KEY + path.map((index) => `[${index}]`).join("");
}

/** What stands where the text stops being JSON. */
function addSyntaxProblem(text: string, rows: LoadsRows): void {
  const at = jsonFaultAt(text);
  const found = text.slice(at, at + 20).split("\n", 1)[0];
  const message =
    found === "" ? "not valid JSON: it ends too early" : `not valid JSON at "${found}"`;
  const hint = /^(?:NaN|-?Infinity)/.test(found)
    ? "Python writes NaN and Infinity, JSON has none; write 0 where nothing was counted"
    : undefined;
  rows.problem(lineAndColumn(text, at), message, hint);
}

/** Place of the value at `path` below the key; the key's own where the text is unusual. */
function placeOf(text: string, path: readonly number[]): LoadsPlace {
  const key = text.indexOf(`"${KEY}"`);
  if (key < 0) return START;
  let at = text.indexOf(":", key) + 1;
  for (const index of path) {
    at = text.indexOf("[", at) + 1;
    for (let passed = 0; passed < index; passed += 1) at = afterComma(text, at);
  }
  while (/\s/.test(text[at] ?? "")) at += 1;
  return lineAndColumn(text, at);
}

/** Where the item after the one at `at` begins. */
function afterComma(text: string, at: number): number {
  let depth = 0;
  for (let here = at; here < text.length; here += 1) {
    const sign = text[here];
    if (sign === '"') {
      here += 1;
      while (here < text.length && text[here] !== '"') here += text[here] === "\\" ? 2 : 1;
    } else if (sign === "[" || sign === "{") depth += 1;
    else if (sign === "]" || sign === "}") depth -= 1;
    else if (sign === "," && depth === 0) return here + 1;
  }
  return text.length;
}

function lineAndColumn(text: string, at: number): LoadsPlace {
  const before = text.slice(0, at);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: at - start + 1 };
}
