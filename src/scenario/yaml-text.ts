/**
 * YAML or JSON text to plain data with the place of every value and key. The only file that imports
 * yaml. Only plain data passes: no anchors, aliases, merge keys, tags or directives, nothing nested
 * deeper than 32, no duplicate or reserved key. Depth is measured on the token stream first,
 * because the composer recurses and hostile nesting ends the process in a way that cannot be
 * caught.
 */
import { isMap, isScalar, isSeq, Lexer, LineCounter, Parser, parseDocument } from "yaml";
import { escapeText, exitCodeOf, type Problem, type ProblemCode, quote, show } from "./problem.ts";
import { textOf } from "./utf8.ts";

/** Deepest nesting of lists and mappings. */
export const DEPTH_LIMIT = 32;

/** Keys and list places from the top of a document. */
export type DocumentPath = readonly (string | number)[];

/** A value's place, counted from 1, and how it was written. */
export interface Mark {
  readonly line: number;
  readonly column: number;
  /** The text of an unquoted scalar; undefined for anything else. */
  readonly plain?: string;
}

/** A document as plain data. */
export interface TextTree {
  readonly file: string;
  /** The top-level mapping. */
  readonly root: Readonly<Record<string, unknown>>;
  /** Place of the value at `path`, or of the nearest that exists above it. */
  valueMark(path: DocumentPath): Mark;
  /** Place of the key at the end of `path`, or of the nearest value that exists above it. */
  keyMark(path: DocumentPath): Mark;
}

/** What reading a text gives: a tree, or every problem of the text. */
export type TextResult =
  | { readonly ok: true; readonly tree: TextTree }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Keys that mean something to JavaScript objects. */
const RESERVED_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Lexemes that mark something and stand for no text: a scalar follows, document start, flow error.
 */
const MARKERS: ReadonlySet<string> = new Set(["\u001f", "\u0002", "\u0018"]);

/** Text of a path as people write it: `faults[0].target`. */
export function pathText(path: DocumentPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/** Reads the bytes of `file` as one document with a mapping at its top. */
export function readTree(bytes: Uint8Array, file: string): TextResult {
  const decoded = textOf(bytes);
  if (!decoded.ok) {
    const { code, message, hint } = decoded;
    const place = { file, line: 1, column: 1, path: "" };
    return { ok: false, problems: [{ code, ...place, message, hint, exitCode: exitCodeOf(code) }] };
  }
  const reader = new TreeReader(decoded.text, file);
  const tree = reader.read();
  return tree === undefined ? { ok: false, problems: reader.problems } : { ok: true, tree };
}

/** One reading of one text. */
class TreeReader {
  readonly problems: Problem[] = [];
  readonly #text: string;
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #values = new Map<string, Mark>();
  readonly #keys = new Map<string, Mark>();

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
    this.#lines.addNewLine(0);
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
      this.#lines.addNewLine(at + 1);
    }
  }

  /** The tree, or undefined with what is wrong in `problems`. */
  read(): TextTree | undefined {
    this.#checkTokens();
    if (this.problems.length > 0) return undefined;
    const document = parseDocument(this.#text, {
      version: "1.2",
      merge: false,
      prettyErrors: false,
      uniqueKeys: false,
      stringKeys: false,
    });
    for (const error of document.errors) this.#addSyntax(error.code, error.message, error.pos[0]);
    if (this.problems.length > 0) return undefined;
    const contents: unknown = document.contents;
    if (!isMap(contents)) {
      const isNothing = contents === null || (isScalar(contents) && contents.source === "");
      const found = isSeq(contents)
        ? "a list"
        : isScalar(contents)
          ? show(contents.value)
          : "nothing";
      const at = isNothing ? 0 : (document.contents?.range?.[0] ?? 0);
      const shown = isNothing ? "nothing" : found;
      this.#add("E004", at, "", `expected a mapping at top level, found ${shown}`);
      return undefined;
    }
    const root = this.#valueOf(contents, []) as Record<string, unknown>;
    if (this.problems.length > 0) return undefined;
    return {
      file: this.#file,
      root,
      valueMark: (path) => this.#values.get(pathText(path)) ?? this.#nearestMark(path),
      keyMark: (path) => this.#keys.get(pathText(path)) ?? this.#nearestMark(path),
    };
  }

  /** Depth, and what is not plain data, on the stream of tokens: no recursion, no composition. */
  #checkTokens(): void {
    const parser = new Parser();
    let at = 0;
    let isScalarText = false;
    for (const lexeme of new Lexer().lex(this.#text)) {
      for (const _ of parser.next(lexeme)) {
        // Finished documents and stray comments: the composer reads them again.
      }
      if (MARKERS.has(lexeme) && !isScalarText) {
        isScalarText = lexeme === "\u001f";
        continue;
      }
      if (!isScalarText && "&*!%".includes(lexeme[0])) {
        const what = `anchors, aliases and tags are not allowed, got ${quote(lexeme)}`;
        const message =
          lexeme[0] === "%" ? `directives are not allowed, got ${quote(lexeme)}` : what;
        this.#add("E007", at, "", message, "write the value out, or quote it");
      }
      isScalarText = false;
      if (parser.stack.filter(isCollectionToken).length > DEPTH_LIMIT) {
        const { line } = this.#lines.linePos(at);
        this.#add("E008", at, "", `nested deeper than ${DEPTH_LIMIT} at line ${line}`);
        return;
      }
      at += lexeme.length;
    }
  }

  /** Plain data of a node; what is not plain data becomes a problem. */
  #valueOf(node: unknown, path: DocumentPath): unknown {
    const range = (node as { range?: readonly number[] | null } | null)?.range;
    const place = this.#lines.linePos(range?.[0] ?? 0);
    const mark: Mark = { line: place.line, column: place.col };
    if (isMap(node)) {
      this.#values.set(pathText(path), mark);
      return this.#mappingOf(node.items, path);
    }
    this.#values.set(pathText(path), mark);
    if (isSeq(node)) return node.items.map((item, place) => this.#valueOf(item, [...path, place]));
    if (!isScalar(node)) return null;
    if (node.type === "PLAIN" && node.source !== undefined) {
      this.#values.set(pathText(path), { ...mark, plain: node.source });
    }
    return node.value;
  }

  /** An object of a mapping's pairs. */
  #mappingOf(items: readonly { key: unknown; value: unknown }[], path: DocumentPath): object {
    const found: Record<string, unknown> = {};
    const lines = new Map<string, number>();
    for (const { key, value } of items) {
      const at = (key as { range?: readonly number[] | null } | null)?.range?.[0] ?? 0;
      const place = this.#lines.linePos(at);
      if (!isScalar(key)) {
        this.#add("E012", at, pathText(path), "expected a plain key, got a list or mapping");
        continue;
      }
      const name = typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
      const here = [...path, name];
      if (name === "<<") {
        const message = "merge keys are not allowed, got '<<'";
        this.#add("E007", at, pathText(here), message, "write the keys out");
        continue;
      }
      if (RESERVED_KEYS.has(name)) {
        this.#add("E009", at, pathText(here), `key '${name}' is reserved`);
        continue;
      }
      const before = lines.get(name);
      if (before !== undefined) {
        const lines = `line ${before} and line ${place.line}`;
        this.#add("E006", at, pathText(here), `'${escapeText(name)}' given twice: ${lines}`);
        continue;
      }
      lines.set(name, place.line);
      this.#keys.set(pathText(here), { line: place.line, column: place.col });
      const plain = this.#valueOf(value, here);
      if (plain === null) {
        this.#values.set(pathText(here), { line: place.line, column: place.col });
      }
      found[name] = plain;
    }
    return found;
  }

  /** Place of the nearest value above `path`. */
  #nearestMark(path: DocumentPath): Mark {
    for (let length = path.length - 1; length > 0; length -= 1) {
      const text = pathText(path.slice(0, length));
      const mark = this.#keys.get(text) ?? this.#values.get(text);
      if (mark !== undefined) return mark;
    }
    return this.#values.get("") ?? { line: 1, column: 1 };
  }

  /** A complaint of the parser, with the line it is about. */
  #addSyntax(code: string, message: string, at: number): void {
    const { line, col } = this.#lines.linePos(at);
    if (code === "MULTIPLE_DOCS") {
      this.#add("E005", at, "", `one document per file; second starts at line ${line}`);
      return;
    }
    const start = this.#lines.lineStarts[line - 1];
    const end = this.#text.indexOf("\n", start);
    const text = this.#text.slice(start, end < 0 ? undefined : end).replace(/\r$/, "");
    const excerpt = [
      escapeText(text.replaceAll("\t", " ")),
      `${" ".repeat(Math.min(col, 80) - 1)}^`,
    ];
    this.#add("E035", at, "", `not valid YAML or JSON: ${escapeText(message)}`, undefined, excerpt);
  }

  #add(
    code: ProblemCode,
    at: number,
    path: string,
    message: string,
    hint?: string,
    excerpt?: readonly string[],
  ): void {
    const { line, col } = this.#lines.linePos(at);
    this.problems.push({
      code,
      file: this.#file,
      line,
      column: col,
      path,
      message,
      ...(excerpt === undefined ? {} : { excerpt }),
      ...(hint === undefined ? {} : { hint }),
      exitCode: exitCodeOf(code),
    });
  }
}

/** Whether a token on the parser's stack is a level of nesting. */
function isCollectionToken(token: { readonly type: string }): boolean {
  return (
    token.type === "block-map" || token.type === "block-seq" || token.type === "flow-collection"
  );
}
