/**
 * The rows of a per-token routing file (CSV of whole numbers), one after another. Walks the text
 * once by character code, since such files have 100,000 lines. Knows the columns, not what their
 * values mean; it never guesses a value.
 */

/** Something wrong in the file. `line` and `column` (in characters) count from 1. */
export interface RoutingCsvProblem {
  readonly line: number;
  readonly column?: number;
  readonly message: string;
}

/** Columns before e0. */
const PLACE_COLUMNS = ["step", "layer", "token", "seq", "src_rank"] as const;

/** Place of `e0` in a row. */
export const FIRST_EXPERT = PLACE_COLUMNS.length;

const MAX_PROBLEMS = 20;
const INT32_MAX = 2_147_483_647;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const COMMA = 44;
const MINUS = 45;
const DIGIT_ZERO = 48;

/** Goes through the lines of a text; says what is wrong by line and column. */
export class RoutingRowReader {
  readonly problems: RoutingCsvProblem[] = [];
  /** Values of the row read last: step, layer, token, seq, src_rank, e0, ... */
  readonly row: Int32Array;
  /** Line of the row read last, from 1. */
  line = 0;
  readonly #text: string;
  readonly #topK: number;
  /** Columns where the fields of the row start, from 1. */
  readonly #fieldStarts: Int32Array;
  #at = 0;

  constructor(text: string, topK: number) {
    this.#text = text;
    this.#topK = topK;
    this.row = new Int32Array(FIRST_EXPERT + topK);
    this.#fieldStarts = new Int32Array(FIRST_EXPERT + topK);
  }

  /** Reads the first line; false, with a problem, if it is not the header for this top-k. */
  readHeader(): boolean {
    this.line = 1;
    const expected: string[] = [...PLACE_COLUMNS];
    for (let choice = 0; choice < this.#topK; choice += 1) expected.push(`e${choice}`);
    const wanted = expected.join(",");
    const found = this.#restOfLine().replace("\uFEFF", "").trimEnd();
    this.#toNextLine();
    if (found === wanted) return true;
    const shown = found.length > 120 ? `${found.slice(0, 120)}...` : found;
    this.problem(1, 1, `the header is "${shown}"; for top-${this.#topK} it must be "${wanted}"`);
    return false;
  }

  /** Goes to the next line that is a row; false at the end, or after too many problems. */
  nextRow(): boolean {
    while (this.#at < this.#text.length && this.problems.length < MAX_PROBLEMS) {
      this.line += 1;
      const isRow = !this.#atLineEnd() && this.#readRow();
      this.#toNextLine();
      if (isRow) return true;
    }
    return false;
  }

  /** Says that a field of the row read last breaks a rule. */
  fieldProblem(field: number, rule: string): void {
    const message = `${nameOfField(field)} is ${this.row[field]}; ${rule}`;
    this.problem(this.line, this.#fieldStarts[field], message);
  }

  /** Notes a problem; beyond 20 they are not kept. */
  problem(line: number, column: number | undefined, message: string): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    this.problems.push(column === undefined ? { line, message } : { line, column, message });
  }

  /**
   * Reads the fields of a line into `row`; says what is wrong and returns false if it is no row.
   */
  #readRow(): boolean {
    const lineStart = this.#at;
    const fields = this.row.length;
    for (let field = 0; field < fields; field += 1) {
      if (field > 0) {
        if (this.#text.charCodeAt(this.#at) !== COMMA) {
          const column = this.#at - lineStart + 1;
          this.problem(this.line, column, `the row has ${field} values; it must have ${fields}`);
          return false;
        }
        this.#at += 1;
      }
      this.#fieldStarts[field] = this.#at - lineStart + 1;
      if (!this.#readInteger(field)) return false;
    }
    if (this.#atLineEnd()) return true;
    const column = this.#at - lineStart + 1;
    this.problem(this.line, column, `the row has more than ${fields} values`);
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
      this.row[field] = negative ? -value : value;
      return true;
    }
    const wrong = this.#restOfLine(start).split(",", 1)[0].slice(0, 40);
    const range = `a whole number up to ${INT32_MAX}`;
    const name = nameOfField(field);
    this.problem(this.line, this.#fieldStarts[field], `${name} is "${wrong}"; it must be ${range}`);
    return false;
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
  }
}

function nameOfField(field: number): string {
  return field < FIRST_EXPERT ? PLACE_COLUMNS[field] : `e${field - FIRST_EXPERT}`;
}
