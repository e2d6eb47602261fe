/**
 * Reads a recorded per-token routing file (CSV: `step,layer,token,seq,src_rank,e0,...`) into the
 * table that a scenario carries: keeps only the step and layers that run, and checks that they
 * agree with each other and with the model. Finds all problems it can before it gives up; it never
 * guesses a value and never opens a file.
 */
import { violated } from "../base/assert.ts";
import { rangesOf } from "../base/ranges.ts";
import type { RecordedRouting } from "../model/scenario.ts";
import { FIRST_EXPERT, type RoutingCsvProblem, RoutingRowReader } from "./routing-row-reader.ts";
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

/** The table, with notes for people on what was derived; or every problem found, 1 to 20. */
export type RoutingCsvResult =
  | { readonly ok: true; readonly table: RecordedRouting; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problems: readonly RoutingCsvProblem[] };

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
  readonly #reader: RoutingRowReader;
  readonly #options: RoutingCsvOptions;
  readonly #rowsOfLayer = new Map<number, LayerRows>();
  readonly #stepsSeen = new Set<number>();
  readonly #layersSeen = new Set<number>();
  /** The line that named an expert last. */
  readonly #lineOfExpert: Int32Array;

  constructor(text: string, options: RoutingCsvOptions) {
    this.#reader = new RoutingRowReader(text, options.topK);
    this.#options = options;
    this.#lineOfExpert = new Int32Array(options.experts);
    for (const layer of options.layers) {
      const rows = { tokens: [], sequences: [], sourceRanks: [], lines: [], experts: [] };
      this.#rowsOfLayer.set(layer, rows);
    }
  }

  get problems(): readonly RoutingCsvProblem[] {
    return this.#reader.problems;
  }

  readHeader(): boolean {
    return this.#reader.readHeader();
  }

  readRows(): void {
    while (this.#reader.nextRow()) this.#keepRow();
  }

  /** Checks the row that was read and, if the run needs it, keeps it. */
  #keepRow(): void {
    const { step, experts, epSize, topK } = this.#options;
    const { row, line } = this.#reader;
    for (let field = 0; field < FIRST_EXPERT; field += 1) {
      const least = field < 3 ? 0 : -1;
      if (row[field] < least) this.#reader.fieldProblem(field, `it must be at least ${least}`);
    }
    this.#stepsSeen.add(row[0]);
    if (row[0] !== step) return;
    this.#layersSeen.add(row[1]);
    const rows = this.#rowsOfLayer.get(row[1]);
    if (rows === undefined) return;
    if (row[4] >= epSize) {
      this.#reader.fieldProblem(4, `the EP group has ranks 0 to ${epSize - 1} (-1: not known)`);
    }
    for (let field = FIRST_EXPERT; field < row.length; field += 1) {
      const expert = row[field];
      if (expert < 0 || expert >= experts) {
        this.#reader.fieldProblem(field, `the model has experts 0 to ${experts - 1}`);
      } else if (this.#lineOfExpert[expert] === line) {
        this.#reader.fieldProblem(
          field,
          "the row names that expert before; the experts of a token differ",
        );
      } else this.#lineOfExpert[expert] = line;
    }
    rows.tokens.push(row[2]);
    rows.sequences.push(row[3]);
    rows.sourceRanks.push(row[4]);
    rows.lines.push(line);
    for (let choice = 0; choice < topK; choice += 1) rows.experts.push(row[FIRST_EXPERT + choice]);
  }

  /**
   * Relations between layers: all there and, if every row was right, with the same tokens of the
   * same owners.
   */
  checkLayers(): void {
    const { layers, step } = this.#options;
    const rowsAreRight = this.problems.length === 0;
    if (!this.#stepsSeen.has(step)) {
      const known = rangesOf(this.#stepsSeen);
      this.#reader.problem(
        1,
        undefined,
        `there is no step ${step}; the file has ${known || "none"}`,
      );
      return;
    }
    const missing = layers.filter((layer) => !this.#layersSeen.has(layer));
    if (missing.length > 0) {
      const known = rangesOf(this.#layersSeen);
      const message = `there is no row of layer ${rangesOf(missing)} in step ${step}`;
      this.#reader.problem(1, undefined, `${message}; the file has layers ${known}`);
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
        this.#reader.problem(line, undefined, `layer ${layer} has token ${token} twice`);
        continue;
      }
      seen.add(token);
      if (layer === first) firstRows.set(token, row);
      const firstRow = firstRows.get(token);
      if (firstRow === undefined) {
        const message = `layer ${layer} has token ${token}, which layer ${first} does not have`;
        this.#reader.problem(line, undefined, message);
      } else if (
        rows.sequences[row] !== firstLayer.sequences[firstRow] ||
        rows.sourceRanks[row] !== firstLayer.sourceRanks[firstRow]
      ) {
        const message = `token ${token} has another seq or src_rank in layer ${layer}`;
        this.#reader.problem(line, undefined, `${message} than in layer ${first}`);
      }
    }
    if (seen.size !== firstRows.size) {
      const counts = `layer ${layer} has ${seen.size} tokens and layer ${first} has`;
      const line = rows.lines[rows.lines.length - 1];
      this.#reader.problem(
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
}
