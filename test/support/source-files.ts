/**
 * The repository as the house rules see it: every file with its text, and a small scanner that
 * tells code from comments and strings and finds imports. It knows just enough TypeScript for that,
 * since TypeScript 7 has no programmatic interface.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";

/** One file; `path` is relative to the top of the repository. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** An import, export-from, dynamic import or require. */
export interface Import {
  readonly line: number;
  /** As written. */
  readonly specifier: string;
  /** Path of the imported file for relative imports, else the package's name. */
  readonly target: string;
  readonly isRelative: boolean;
}

/** Folders that are never part of the repository. */
const NOT_OURS = new Set([".git", "node_modules", "dist", "coverage"]);

/** Files that are tracked or would be: what git ignores is not looked at. */
export function readRepository(): SourceFile[] {
  const paths = existsSync(".git") ? gitPaths() : pathsBelow("");
  return paths.sort().map((path) => ({ path, text: readFileSync(path, "utf8") }));
}

function gitPaths(): string[] {
  const listed = execFileSync("git", ["ls-files", "-z", "-co", "--exclude-standard"], {
    encoding: "utf8",
  });
  return [...new Set(listed.split("\0"))].filter((path) => path !== "" && existsSync(path));
}

/** For a copy that is no clone. */
function pathsBelow(folder: string): string[] {
  return readdirSync(folder === "" ? "." : folder, { withFileTypes: true })
    .filter(({ name }) => !NOT_OURS.has(name))
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      return entry.isDirectory() ? pathsBelow(path) : [path];
    });
}

/** TypeScript sources below the given folders; all of them by default. */
export function sourcesOf(
  files: readonly SourceFile[],
  folders: readonly string[] = ["src", "actors", "cluster", "scripts", "test"],
): SourceFile[] {
  return files.filter(
    ({ path }) => path.endsWith(".ts") && folders.some((folder) => path.startsWith(`${folder}/`)),
  );
}

/** 1-based line of a place in a text. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) {
    line += 1;
  }
  return line;
}

/** Characters after which a slash begins a regular expression. */
const BEFORE_EXPRESSION = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\breturn|\btypeof|\bcase|=>)\s*$/;

/**
 * The code of a text: comments, regular expressions and the insides of strings are replaced by
 * spaces, one for one, so that places and lines stay. What stands in `${...}` is code.
 */
export function codeOf(text: string): string {
  return blanked(text, " ", " ");
}

/** The text without its regular expressions and the insides of its strings; lines stay. */
export function withoutLiterals(text: string): string {
  return blanked(text, "", undefined);
}

/**
 * Puts something in the place of each character of literals and of comments; undefined: leaves it.
 */
function blanked(text: string, forLiterals: string, forComments: string | undefined): string {
  const out = text.split("");
  const replace = (from: number, until: number, character: string | undefined): void => {
    if (character === undefined) return;
    for (let at = from; at < until; at += 1) if (out[at] !== "\n") out[at] = character;
  };
  const blank = (from: number, until: number): void => replace(from, until, forLiterals);
  /** Depth of braces at which each open template continues. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  const endOfTemplate = (from: number): number => {
    let place = from;
    while (place < text.length && text[place] !== "`") {
      if (text[place] === "\\") place += 1;
      else if (text[place] === "$" && text[place + 1] === "{") {
        templates.push(depth);
        depth += 1;
        return place + 2;
      }
      place += 1;
    }
    return place + 1;
  };
  while (at < text.length) {
    const character = text[at];
    const two = text.slice(at, at + 2);
    let end = at + 1;
    if (two === "//" || two === "/*") {
      const close = two === "//" ? text.indexOf("\n", at) : text.indexOf("*/", at + 2) + 2;
      end = close < 2 ? text.length : close;
      replace(at, end, forComments);
    } else if (character === '"' || character === "'") {
      while (end < text.length && text[end] !== character) end += text[end] === "\\" ? 2 : 1;
      blank(at + 1, end);
      end += 1;
    } else if (character === "`") {
      end = endOfTemplate(at + 1);
      blank(at + 1, end - 1);
    } else if (character === "{") depth += 1;
    else if (character === "}") {
      depth -= 1;
      if (templates.at(-1) === depth) {
        templates.pop();
        end = endOfTemplate(at + 1);
        blank(at + 1, end - 1);
      }
    } else if (
      character === "/" &&
      BEFORE_EXPRESSION.test(out.slice(Math.max(0, at - 40), at).join(""))
    ) {
      end = endOfExpression(text, at);
      blank(at, end);
    }
    at = end;
  }
  return out.join("");
}

/** End of the regular expression that begins at a slash, flags included. */
function endOfExpression(text: string, from: number): number {
  let isClass = false;
  for (let at = from + 1; at < text.length && text[at] !== "\n"; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "[") isClass = true;
    else if (text[at] === "]") isClass = false;
    else if (text[at] === "/" && !isClass) {
      let end = at + 1;
      while (/[a-z]/.test(text[end] ?? "")) end += 1;
      return end;
    }
  }
  return from + 1;
}

const IMPORT = /\bfrom\s*"|\bimport\s*\(?\s*"|\brequire\s*\(\s*"|\bcreateRequire\([^)]*\)\(\s*"/g;

/** Every import of a file, of types too. */
export function importsOf(file: SourceFile): Import[] {
  return [...codeOf(file.text).matchAll(IMPORT)].map((match) => {
    const start = match.index + match[0].length;
    const specifier = file.text.slice(start, file.text.indexOf('"', start));
    const isRelative = specifier.startsWith(".");
    return {
      line: lineAt(file.text, match.index),
      specifier,
      isRelative,
      target: isRelative ? posix.join(posix.dirname(file.path), specifier) : packageOf(specifier),
    };
  });
}

/** `ws` of `ws/x`, `@scope/name` of `@scope/name/x`; Node's own modules keep their whole name. */
function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
