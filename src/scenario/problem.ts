/**
 * What is wrong with a file that a user gave, and how it is told: code, place, what was found, what
 * is allowed. Text from the file is printed only through `show`, so that it cannot move the cursor,
 * turn the line around or fill the screen.
 */
import { escapeControls } from "../base/escape.ts";

/**
 * Exit codes of the command, after sysexits: 65 bad data, 66 no input, 77 not permitted, 78
 * configuration.
 */
export type ProblemExitCode = 65 | 66 | 77 | 78;

/**
 * One thing that is wrong. `line` and `column` count from 1; `path` is empty for the file as a
 * whole.
 */
export interface Problem {
  readonly code: ProblemCode;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Where in the document: `cluster.planes`, `faults[0].target`. */
  readonly path: string;
  readonly message: string;
  /** Lines of the file that help to see it, printed below the message. */
  readonly excerpt?: readonly string[];
  /** What to do next. */
  readonly hint?: string;
  readonly exitCode: ProblemExitCode;
}

/** Exit code of each problem; a code keeps its meaning for ever. */
const EXIT_CODES = {
  /** A file cannot be read. */
  E001: 66,
  /** A file is too large. */
  E002: 65,
  /** Bytes that are no UTF-8 text. */
  E003: 65,
  /** The document is no mapping. */
  E004: 65,
  /** More than one document. */
  E005: 65,
  /** A key given twice. */
  E006: 65,
  /** Anchors, aliases, merge keys, tags, directives. */
  E007: 65,
  /** Nested too deeply. */
  E008: 65,
  /** A reserved key. */
  E009: 65,
  /** An unknown key. */
  E010: 78,
  /** A missing key. */
  E011: 78,
  /** A value of another type. */
  E012: 78,
  /** A value out of range. */
  E013: 78,
  /** A seed that a number cannot hold. */
  E014: 78,
  /** A name that reads as a number. */
  E015: 78,
  /** A quantity without a clear unit. */
  E016: 78,
  /** A bandwidth that is not positive. */
  E017: 78,
  /** A latency too short for lookahead. */
  E018: 78,
  /** Counts that do not divide or fit. */
  E019: 78,
  /** A switch or node with too few ports. */
  E020: 78,
  /** Names given twice, or not well formed. */
  E021: 78,
  /** Links or nodes that lead nowhere. */
  E022: 78,
  /** Too large for memory. */
  E023: 78,
  /** A placement that does not work. */
  E024: 78,
  /** A time that the run never reaches, or cannot express. */
  E025: 78,
  /** An unknown fault kind or target. */
  E026: 78,
  /** More hit than a cap allows. */
  E027: 77,
  /** A heal that heals nothing. */
  E028: 78,
  /** A drill without an end. */
  E029: 78,
  /** An unknown measure, or a tolerance that nothing can meet. */
  E030: 78,
  /** A real fault without consent. */
  E031: 77,
  /** A real fault that names a stranger. */
  E032: 77,
  /** A path that leaves the folder of the file. */
  E034: 77,
  /** Not valid YAML or JSON. */
  E035: 65,
  /** Not a valid routing file. */
  E036: 65,
  /** Not a valid loads file. */
  E037: 65,
} as const satisfies Record<string, ProblemExitCode>;

/** The codes in use. */
export type ProblemCode = keyof typeof EXIT_CODES;

/** Whether `code` is one of ours. */
export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(EXIT_CODES, code);
}

/** Exit code that belongs to `code`. */
export function exitCodeOf(code: ProblemCode): ProblemExitCode {
  return EXIT_CODES[code];
}

/** Most problems that are printed; the rest is counted. */
export const PROBLEMS_SHOWN = 20;

/** Longest piece of a user's text that is printed, characters. */
const SHOWN_LENGTH = 80;

/** `text` with everything that could disturb a terminal as \uXXXX, cut at 80 characters. */
export function escapeText(text: string): string {
  const cut = Array.from(text.slice(0, SHOWN_LENGTH * 2 + 2));
  const short = cut.length > SHOWN_LENGTH ? `${cut.slice(0, SHOWN_LENGTH).join("")}...` : text;
  return escapeControls(short);
}

/** A value from a file as it reads in a message: `string "8"`, `true`, `1.5`, `a list`. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "string") return `string "${escapeText(value)}"`;
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "a mapping";
  return escapeText(String(value));
}

/** Like {@link show}, for where only text is expected: `"400GB"`. */
export function quote(value: unknown): string {
  return typeof value === "string" ? `"${escapeText(value)}"` : show(value);
}

/**
 * `error[E010] file.yaml:4:3 cluster.plains: message`, then excerpt and hint on lines of their own.
 */
export function formatProblem(problem: Problem): string {
  const path = problem.path === "" ? "" : ` ${escapeText(problem.path)}`;
  const place = `${escapeText(problem.file)}:${problem.line}:${problem.column}${path}`;
  const lines = [`error[${problem.code}] ${place}: ${problem.message}`];
  for (const line of problem.excerpt ?? []) lines.push(`  | ${line}`);
  if (problem.hint !== undefined) lines.push(`  hint: ${problem.hint}`);
  return lines.join("\n");
}

/**
 * All problems as one text, at most {@link PROBLEMS_SHOWN} of them, then how many more there are.
 */
export function formatProblems(problems: readonly Problem[]): string {
  const lines = problems.slice(0, PROBLEMS_SHOWN).map(formatProblem);
  const more = problems.length - PROBLEMS_SHOWN;
  if (more > 0) lines.push(`and ${more} more`);
  return lines.join("\n");
}
