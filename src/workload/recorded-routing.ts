/**
 * Reads a recorded per-token routing file (CSV: `step,layer,token,seq,src_rank,e0,...`) into the table
 * that a scenario carries. Walks the text once by character code, since such files have 100,000
 * lines; keeps only the step and layers that run. Finds all problems it can before it gives up; it
 * never guesses a value and never opens a file.
 */
import { violated } from "../base/assert.ts";
import type { RecordedRouting } from "../model/scenario.ts";
import { type OwnedToken, rankOfTokens } from "./token-owners.ts";

/** What the run needs of the file. */
export interface RoutingCsvOptions {
  /** Model layers with experts that run, ascending. */
  readonly layers: readonly number[];
  /** The recorded step to take. */
  readonly step: number;
  /** Ranks of one EP group. */
  readonly epSize: number;
  /** Routed experts of the model, at most 65,536. */
  readonly experts: number;
  readonly topK: number;
}

/** Something wrong in the file. `line` and `column` (in characters) count from 1. */
export interface RoutingCsvProblem {
  readonly line: number;
  readonly column?: number;
  readonly message: string;
}

/** The table, with notes for people on what was derived; or every problem found, 1 to 20. */
export type RoutingCsvResult =
  | { readonly ok: true; readonly table: RecordedRouting; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problems: readonly RoutingCsvProblem[] };

/** Columns before e0. */
const PLACE_COLUMNS = ["step", "layer", "token", "seq", "src_rank"] as const;
const FIRST_EXPERT = PLACE_COLUMNS.length;
const MAX_PROBLEMS = 20;
const INT32_MAX = 2_147_483_647;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const COMMA = 44;
const MINUS = 45;
const DIGIT_ZERO = 48;

/** Rows of one layer as columns, in file order. */
interface LayerRows {
  readonly tokens: number[];
  readonly sequences: number[];
  readonly sourceRanks: number[];
  readonly lines: number[];
  /** Rows x topK. */
  readonly experts: number[];
}

/** Parses the whole text of a per-token routing file. */
export function parseRoutingCsv(text: string, options: RoutingCsvOptions): RoutingCsvResult {
  if (options.experts > 65_536) violated("expert-fits-16-bit", `${options.experts} experts`);
  const parse = new CsvParse(text, options);
  if (parse.readHeader()) {
    parse.readRows();
    parse.checkLayers();
  }
  if (parse.problems.length > 0) return { ok: false, problems: parse.problems };
  return { ok: true, ...parse.table() };
}

class CsvParse {
  readonly problems: RoutingCsvProblem[] = [];
  readonly #text: string;
  readonly #options: RoutingCsvOptions;
  readonly #rowsOfLayer = new Map<number, LayerRows>();
  readonly #stepsSeen = new Set<number>();
  readonly #layersSeen = new Set<number>();
  /** Values of the row being read, and the text places where its fields start. */
  readonly #row: Int32Array;
  readonly #fieldStarts: Int32Array;
  readonly #rowOfExpert: Int32Array;
  #at = 0;
  #line = 1;

  constructor(text: string, options: RoutingCsvOptions) {
    this.#text = text;
    this.#options = options;
    this.#row = new Int32Array(FIRST_EXPERT + options.topK);
    this.#fieldStarts = new Int32Array(FIRST_EXPERT + options.topK);
    this.#rowOfExpert = new Int32Array(options.experts);
    for (const layer of options.layers) {
      const rows = { tokens: [], sequences: [], sourceRanks: [], lines: [], experts: [] };
      this.#rowsOfLayer.set(layer, rows);
    }
  }

  readHeader(): boolean {
    const expected: string[] = [...PLACE_COLUMNS];
    for (let choice = 0; choice < this.#options.topK; choice += 1) expected.push(`e${choice}`);
    const wanted = expected.join(",");
    const found = this.#restOfLine().replace("\uFEFF", "").trimEnd();
    this.#toNextLine();
    if (found === wanted) return true;
    const shown = found.length > 120 ? `${found.slice(0, 120)}...` : found;
    this.#problem(
      1,
      1,
      `the header is "${shown}"; for top-${this.#options.topK} it must be "${wanted}"`,
    );
    return false;
  }

  readRows(): void {
    while (this.#at < this.#text.length && this.problems.length < MAX_PROBLEMS) {
      if (!this.#atLineEnd() && this.#readRow()) this.#keepRow();
      this.#toNextLine();
    }
  }

  /** Reads the fields of a line into #row; says what is wrong and returns false if it is no row. */
  #readRow(): boolean {
    const lineStart = this.#at;
    const fields = this.#row.length;
    for (let field = 0; field < fields; field += 1) {
      if (field > 0) {
        if (this.#text.charCodeAt(this.#at) !== COMMA) {
          const column = this.#at - lineStart + 1;
          this.#problem(this.#line, column, `the row has ${field} values; it must have ${fields}`);
          return false;
        }
        this.#at += 1;
      }
      this.#fieldStarts[field] = this.#at - lineStart + 1;
      if (!this.#readInteger(field)) return false;
    }
    if (this.#atLineEnd()) return true;
    const column = this.#at - lineStart + 1;
    this.#problem(this.#line, column, `the row has more than ${fields} values`);
    return false;
  }

  /** Reads one whole number, up to the comma or the line's end. */
  #readInteger(field: number): boolean {
    const start = this.#at;
    const negative = this.#text.charCodeAt(this.#at) === MINUS;
    if (negative) this.#at += 1;
    const digits = this.#at;
    let value = 0;
    for (;;) {
      const digit = this.#text.charCodeAt(this.#at) - DIGIT_ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      this.#at += 1;
    }
    const ended = this.#atLineEnd() || this.#text.charCodeAt(this.#at) === COMMA;
    if (this.#at > digits && ended && value <= INT32_MAX) {
      this.#row[field] = negative ? -value : value;
      return true;
    }
    const wrong = this.#restOfLine(start).split(",", 1)[0].slice(0, 40);
    const range = `a whole number up to ${INT32_MAX}`;
    const name = nameOfField(field);
    this.#problem(
      this.#line,
      this.#fieldStarts[field],
      `${name} is "${wrong}"; it must be ${range}`,
    );
    return false;
  }

  /** Checks the row that was read and, if the run needs it, keeps it. */
  #keepRow(): void {
    const { step, experts, epSize, topK } = this.#options;
    const row = this.#row;
    for (let field = 0; field < FIRST_EXPERT; field += 1) {
      const least = field < 3 ? 0 : -1;
      if (row[field] < least) this.#fieldProblem(field, `it must be at least ${least}`);
    }
    this.#stepsSeen.add(row[0]);
    if (row[0] !== step) return;
    this.#layersSeen.add(row[1]);
    const rows = this.#rowsOfLayer.get(row[1]);
    if (rows === undefined) return;
    if (row[4] >= epSize) {
      this.#fieldProblem(4, `the EP group has ranks 0 to ${epSize - 1} (-1: not known)`);
    }
    for (let field = FIRST_EXPERT; field < row.length; field += 1) {
      const expert = row[field];
      if (expert < 0 || expert >= experts) {
        this.#fieldProblem(field, `the model has experts 0 to ${experts - 1}`);
      } else if (this.#rowOfExpert[expert] === this.#line) {
        this.#fieldProblem(
          field,
          "the row names that expert before; the experts of a token differ",
        );
      } else this.#rowOfExpert[expert] = this.#line;
    }
    rows.tokens.push(row[2]);
    rows.sequences.push(row[3]);
    rows.sourceRanks.push(row[4]);
    rows.lines.push(this.#line);
    for (let choice = 0; choice < topK; choice += 1) rows.experts.push(row[FIRST_EXPERT + choice]);
  }

  /** Relations between layers: all there and, if every row was right, with the same tokens of the same owners. */
  checkLayers(): void {
    const { layers, step } = this.#options;
    const rowsAreRight = this.problems.length === 0;
    if (!this.#stepsSeen.has(step)) {
      const known = rangesOf(this.#stepsSeen);
      this.#problem(1, undefined, `there is no step ${step}; the file has ${known || "none"}`);
      return;
    }
    const missing = layers.filter((layer) => !this.#layersSeen.has(layer));
    if (missing.length > 0) {
      const known = rangesOf(this.#layersSeen);
      const message = `there is no row of layer ${rangesOf(missing)} in step ${step}`;
      this.#problem(1, undefined, `${message}; the file has layers ${known}`);
    }
    if (!rowsAreRight) return;
    const present = layers.filter((layer) => this.#layersSeen.has(layer));
    const firstRows = new Map<number, number>();
    for (const layer of present) this.#checkTokens(layer, present[0], firstRows);
  }

  /** Compares one layer with the first; `firstRows` gets the row of each token there. */
  #checkTokens(layer: number, first: number, firstRows: Map<number, number>): void {
    const rows = this.#rows(layer);
    const firstLayer = this.#rows(first);
    const seen = new Set<number>();
    for (let row = 0; row < rows.tokens.length; row += 1) {
      const token = rows.tokens[row];
      const line = rows.lines[row];
      if (seen.has(token)) {
        this.#problem(line, undefined, `layer ${layer} has token ${token} twice`);
        continue;
      }
      seen.add(token);
      if (layer === first) firstRows.set(token, row);
      const firstRow = firstRows.get(token);
      if (firstRow === undefined) {
        const message = `layer ${layer} has token ${token}, which layer ${first} does not have`;
        this.#problem(line, undefined, message);
      } else if (
        rows.sequences[row] !== firstLayer.sequences[firstRow] ||
        rows.sourceRanks[row] !== firstLayer.sourceRanks[firstRow]
      ) {
        const message = `token ${token} has another seq or src_rank in layer ${layer}`;
        this.#problem(line, undefined, `${message} than in layer ${first}`);
      }
    }
    if (seen.size !== firstRows.size) {
      const counts = `layer ${layer} has ${seen.size} tokens and layer ${first} has`;
      const line = rows.lines[rows.lines.length - 1];
      this.#problem(
        line,
        undefined,
        `${counts} ${firstRows.size}; every layer has the same tokens`,
      );
    }
  }

  /** The table; call only when there are no problems. */
  table(): { table: RecordedRouting; notes: readonly string[] } {
    const { layers, epSize, topK } = this.#options;
    const first = this.#rows(layers[0]);
    const owned: OwnedToken[] = first.tokens.map((token, row) => ({
      token,
      sequence: first.sequences[row],
      sourceRank: first.sourceRanks[row],
    }));
    const { rankOf, notes } = rankOfTokens(owned, epSize);
    const tokensOfRank = Array.from({ length: epSize }, () => 0);
    for (const rank of rankOf.values()) tokensOfRank[rank] += 1;
    const tokensInOrder = owned
      .map(({ token }) => ({ token, rank: rankOf.get(token) ?? 0 }))
      .sort((left, right) => left.rank - right.rank || left.token - right.token);
    const experts = new Uint8Array(layers.length * owned.length * topK * 2);
    let byte = 0;
    for (const layer of layers) {
      const rows = this.#rows(layer);
      const rowOfToken = new Map(rows.tokens.map((token, row) => [token, row]));
      for (const { token } of tokensInOrder) {
        const from = (rowOfToken.get(token) ?? 0) * topK;
        for (let choice = 0; choice < topK; choice += 1) {
          const expert = rows.experts[from + choice];
          experts[byte] = expert & 0xff;
          experts[byte + 1] = expert >>> 8;
          byte += 2;
        }
      }
    }
    return { table: { topK, layers: [...layers], tokensOfRank, experts }, notes };
  }

  #rows(layer: number): LayerRows {
    const rows = this.#rowsOfLayer.get(layer);
    return rows ?? violated("recorded-layer-kept", `layer ${layer}`);
  }

  #atLineEnd(): boolean {
    if (this.#at >= this.#text.length) return true;
    const code = this.#text.charCodeAt(this.#at);
    return code === LINE_FEED || code === CARRIAGE_RETURN;
  }

  #restOfLine(from = this.#at): string {
    const end = this.#text.indexOf("\n", from);
    return this.#text.slice(from, end < 0 ? this.#text.length : end);
  }

  #toNextLine(): void {
    const end = this.#text.indexOf("\n", this.#at);
    this.#at = end < 0 ? this.#text.length : end + 1;
    this.#line += 1;
  }

  #fieldProblem(field: number, rule: string): void {
    const message = `${nameOfField(field)} is ${this.#row[field]}; ${rule}`;
    this.#problem(this.#line, this.#fieldStarts[field], message);
  }

  #problem(line: number, column: number | undefined, message: string): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    this.problems.push(column === undefined ? { line, message } : { line, column, message });
  }
}

function nameOfField(field: number): string {
  return field < FIRST_EXPERT ? PLACE_COLUMNS[field] : `e${field - FIRST_EXPERT}`;
}

/** Whole numbers as ranges: "0-2, 5, 7-9". */
function rangesOf(numbers: Iterable<number>): string {
  const sorted = [...numbers].sort((left, right) => left - right);
  const parts: string[] = [];
  for (let from = 0; from < sorted.length; ) {
    let until = from;
    while (sorted[until + 1] === sorted[until] + 1) until += 1;
    parts.push(until === from ? `${sorted[from]}` : `${sorted[from]}-${sorted[until]}`);
    from = until + 1;
  }
  return parts.join(", ");
}
