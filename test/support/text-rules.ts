/**
 * House rules about what a file says: names that model code may not use, escape hatches of the type
 * checker, opening comments, sizes, words that belong to one machine. Each rule takes all files and
 * returns one message per offence: file, rule, remedy.
 */
import { codeOf, lineAt, type SourceFile, sourcesOf, withoutLiterals } from "./source-files.ts";

/** Members of Math that give the same bits in every engine. */
const MATH =
  "abs|ceil|clz32|floor|fround|imul|max|min|round|sign|sqrt|trunc|PI|SQRT1_2|SQRT2|LN2|LOG2E|E";

/** What src and actors may not name, and what to do instead. */
const FORBIDDEN: readonly (readonly [what: string, pattern: RegExp, remedy: string])[] = [
  ["the host's clock", /\b(?:Date|performance|hrtime)\b/g, "use context.nowPs"],
  [
    "a timer of the host",
    /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/g,
    "use context.remindAfter",
  ],
  ["the process", /(?<![.\w])(?:process|globalThis|console|require)\b/g, "pass in what is needed"],
  ["asynchrony", /\b(?:async|await|Promise)\b/g, "handlers run to their end; do I/O in cluster"],
  ["host randomness", /\bMath\.random\b|\bcrypto\b/g, "use context.random"],
  [
    "arithmetic that differs between engines",
    new RegExp(`\\bMath\\.(?!(?:${MATH}|random)\\b)\\w+`, "g"),
    "use src/base/exp.ts or ln.ts, or add exactly rounded arithmetic there",
  ],
  ["arithmetic that differs between engines", /\*\*/g, "multiply, or shift"],
  [
    "the host's language",
    /\b(?:localeCompare|toLocale\w+|Intl)\b/g,
    "compare with < or with compareNatural of src/topology",
  ],
];

/** Model code sees no host: forbidden names in src and actors. */
export function pureRule(files: readonly SourceFile[]): string[] {
  return sourcesOf(files, ["src", "actors"]).flatMap((file) => {
    const code = codeOf(file.text);
    return FORBIDDEN.flatMap(([what, pattern, remedy]) =>
      [...code.matchAll(pattern)].map(
        (match) =>
          `${file.path}:${lineAt(code, match.index)}: ${match[0]} is ${what}, which model code ` +
          `may not see; ${remedy}`,
      ),
    );
  });
}

/** The type checker is not switched off. */
export function typeRule(files: readonly SourceFile[]): string[] {
  return sourcesOf(files).flatMap((file) => {
    const code = codeOf(file.text);
    const anys = [...code.matchAll(/(?<![.\w])any\b(?!\s*[:(])/g)].map(
      ({ index }) => `${file.path}:${lineAt(code, index)}: type any; say what it is, or unknown`,
    );
    const ignored = [...file.text.matchAll(/@ts-(?:ignore|nocheck|expect-error)/g)].map(
      ({ index, 0: word }) => `${file.path}:${lineAt(code, index)}: ${word}; mend the type`,
    );
    return [...anys, ...ignored];
  });
}

/** Every file opens with a comment: what it is, why it exists, what it must not do. */
export function openingRule(files: readonly SourceFile[]): string[] {
  return sourcesOf(files)
    .filter(({ text }) => !/^(?:#![^\n]*\n)?\/\*\*/.test(text))
    .map(({ path }) => `${path}: does not open with a block comment; say what the file is`);
}

/** Longest file, in lines, by the first folder that fits. */
const LINES_MAX: readonly (readonly [prefix: string, lines: number])[] = [
  ["src/", 300],
  ["actors/", 300],
  ["test/", 600],
  ["", 400],
];

/** Files that are tables, and may be longer: path and reason. */
const TABLES: Readonly<Record<string, string>> = {};

/** Files stay short. */
export function sizeRule(files: readonly SourceFile[]): string[] {
  return sourcesOf(files).flatMap(({ path, text }) => {
    const lines = text.split("\n").length - 1;
    const most = LINES_MAX.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 0;
    if (lines <= most || TABLES[path] !== undefined) return [];
    return [`${path}: ${lines} lines, at most ${most}; split it by noun`];
  });
}

const WIDTH_MAX = 100;

/** Lines fit on a screen, what stands in strings not counted: that is searched for, and not cut. */
export function widthRule(files: readonly SourceFile[]): string[] {
  return sourcesOf(files).flatMap(({ path, text }) =>
    withoutLiterals(text)
      .split("\n")
      .map((line, place) => [place + 1, [...line].length] as const)
      .filter(([, width]) => width > WIDTH_MAX)
      .map(
        ([line, width]) =>
          `${path}:${line}: ${width} columns, at most ${WIDTH_MAX}; ` +
          "wrap the comment or run `npx biome check --write`",
      ),
  );
}

/** Work that is left lying is not in the sources. */
export function leftoverRule(files: readonly SourceFile[]): string[] {
  const word = new RegExp(`\\b(?:${["TO", "DO"].join("")}|${["FIX", "ME"].join("")})\\b`, "g");
  return sourcesOf(files).flatMap(({ path, text }) =>
    [...text.matchAll(word)].map(
      ({ index, 0: mark }) => `${path}:${lineAt(text, index)}: ${mark}; do it, or open an issue`,
    ),
  );
}

/** Names that mean something on one machine only. Written in parts, so that this file passes. */
const LOCAL: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["a folder beside the repository", new RegExp(["\\.\\.", "shared\\b"].join("/"))],
  ["a path of one machine", new RegExp(["(?<![\\w.~-])", "(?:work|root)", ""].join("/"))],
  ["somebody's home folder", new RegExp(["(?<![\\w.~-])", "(?:home|Users)", "[a-z]"].join("/"))],
  ["a registry", new RegExp(["registry\\.", "npmjs|", "npm", "mirror|verd", "accio"].join(""))],
];

/** Files name nothing that only one machine has. */
export function localRule(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => !path.endsWith(".csv"))
    .flatMap(({ path, text }) =>
      text
        .split("\n")
        .flatMap((line, place) =>
          LOCAL.filter(([, pattern]) => pattern.test(line)).map(
            ([what]) => `${path}:${place + 1}: names ${what}; leave it out`,
          ),
        ),
    );
}
