/**
 * Small readers that messages are taken apart with. They look and never convert: what is not
 * exactly of the kind that is expected is refused, with its place in the message and what was found
 * there. Nothing is allocated for what is in order. Wire.ts has the hot messages, message-shapes.ts
 * the others.
 */
import { violated } from "../src/base/assert.ts";
import { NEVER_PS } from "../src/model/time.ts";

/** Longest text in a message, characters: who sends one cuts it. */
export const TEXT_CHARACTERS_MAX = 4096;

/** Characters of a text that a refusal shows. */
const SHOWN_CHARACTERS = 40;

/**
 * Undefined when a value is in order; otherwise what is wrong, as it follows the path to the value:
 * `.atPs: expected a time, found -1`.
 */
export type Check = (value: unknown) => string | undefined;

/** Throws the InvariantError that names a place in a message. */
export function refuse(path: string, expected: string, found: unknown): never {
  violated("messages-are-known", `${path}${unlike(expected, found)}`);
}

/** Like {@link refuse}, unless `problem`, of a {@link Check} of the value there, is undefined. */
export function refuseFor(problem: string | undefined, path: string): void {
  if (problem !== undefined) violated("messages-are-known", path + problem);
}

/** A whole number from 0 to 2^53 - 1; not -0. */
export function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

/** A whole number of 32 bits with a sign; not -0. */
export function isWord(value: unknown): value is number {
  return typeof value === "number" && Object.is(value | 0, value);
}

// The readers below return `value` when it is what they are named after. The place of a value is
// `path`, or `path[index]field` inside a list; it is put together only for a refusal.

/** A count, a number of something, or an index. */
export function whole(value: unknown, path: string, index = -1, field = ""): number {
  if (!isWhole(value)) refuse(placed(path, index, field), "a whole number", value);
  return value;
}

/** 32 bits of a hash. */
export function word(value: unknown, path: string, index = -1, field = ""): number {
  if (!isWord(value)) refuse(placed(path, index, field), "a number of 32 bits", value);
  return value;
}

/** An instant, ps. */
export function time(value: unknown, path: string, index = -1, field = ""): number {
  if (!isWhole(value)) refuse(placed(path, index, field), "a time", value);
  return value;
}

/** An instant, ps, or NEVER_PS. */
export function timeOrNever(value: unknown, path: string): number {
  if (value !== NEVER_PS && !isWhole(value)) refuse(path, "a time or never", value);
  return value as number;
}

/** A text of at most {@link TEXT_CHARACTERS_MAX} characters. */
export function text(value: unknown, path: string): string {
  refuseFor(aText(value), path);
  return value as string;
}

/** Contents of a frame or of a message for somebody else. */
export function bytes(value: unknown, path: string, index = -1, field = ""): Uint8Array {
  if (!(value instanceof Uint8Array)) refuse(placed(path, index, field), "bytes", value);
  return value;
}

/** A list, of any length. */
export function list(value: unknown, path: string, index = -1, field = ""): unknown[] {
  if (!Array.isArray(value)) refuse(placed(path, index, field), "a list", value);
  return value;
}

/** A flat list of records of `stride` values each. */
export function records(value: unknown, stride: number, path: string): unknown[] {
  const flat = list(value, path);
  if (flat.length % stride !== 0) refuse(path, `a multiple of ${stride} values`, flat.length);
  return flat;
}

/** A list of whole numbers. */
export function wholes(value: unknown, path: string): number[] {
  const numbers = list(value, path);
  for (let place = 0; place < numbers.length; place += 1) whole(numbers[place], path, place);
  return numbers as number[];
}

/** A list of frames. */
export function frames(value: unknown, path: string, index = -1, field = ""): Uint8Array[] {
  const all = list(value, path, index, field);
  for (let place = 0; place < all.length; place += 1) {
    if (all[place] instanceof Uint8Array) continue;
    refuse(`${placed(path, index, field)}[${place}]`, "bytes", all[place]);
  }
  return all as Uint8Array[];
}

/** Checks a count, a number of something, or an index. */
export const aWhole: Check = (value) =>
  isWhole(value) ? undefined : unlike("a whole number", value);

/** Checks a whole number of 32 bits with a sign. */
export const aWord: Check = (value) =>
  isWord(value) ? undefined : unlike("a number of 32 bits", value);

/** Checks an instant, ps. */
export const aTime: Check = (value) => (isWhole(value) ? undefined : unlike("a time", value));

/** Checks a finite number that is not negative; for factors and rates. */
export const aNumber: Check = (value) =>
  typeof value === "number" && value >= 0 && value < NEVER_PS && !Object.is(value, -0)
    ? undefined
    : unlike("a number that is not negative", value);

/** Checks a text of at most {@link TEXT_CHARACTERS_MAX} characters. */
export const aText: Check = (value) => {
  if (typeof value !== "string") return unlike("a text", value);
  if (value.length <= TEXT_CHARACTERS_MAX) return undefined;
  return unlike(`at most ${TEXT_CHARACTERS_MAX} characters`, value.length);
};

/** Checks a string of bytes. */
export const someBytes: Check = (value) =>
  value instanceof Uint8Array ? undefined : unlike("bytes", value);

/** Checks one of some words, or one of some other constants. */
export function oneOf(allowed: readonly unknown[]): Check {
  const known = new Set(allowed);
  const expected = allowed.length <= 4 ? allowed.map(shown).join(" or ") : "a known word";
  return (value) => (known.has(value) ? undefined : unlike(expected, value));
}

/** Checks null, or what `check` does. */
export function orNull(check: Check): Check {
  return (value) => (value === null ? undefined : check(value));
}

/** Checks a list of at most `most` values. */
export function listOf(check: Check, most = Number.POSITIVE_INFINITY): Check {
  return (value) => {
    if (!Array.isArray(value)) return unlike("a list", value);
    if (value.length > most) return unlike(`at most ${most} values`, value.length);
    for (let place = 0; place < value.length; place += 1) {
      const problem = check(value[place]);
      if (problem !== undefined) return `[${place}]${problem}`;
    }
    return undefined;
  };
}

/** Checks a map from names to values. */
export function mapOf(check: Check): Check {
  return (value) => {
    if (!isRecord(value)) return unlike("a map", value);
    for (const [key, part] of Object.entries(value)) {
      const problem = check(part);
      if (problem !== undefined) return `.${shown(key)}${problem}`;
    }
    return undefined;
  };
}

/** Checks a record that has exactly these fields; the `optional` ones may be absent. */
export function recordOf(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  const needed = Object.entries(required);
  const allowed = Object.entries(optional);
  return (value) => {
    if (!isRecord(value)) return unlike("a record", value);
    let fields = needed.length;
    for (let place = 0; place < needed.length; place += 1) {
      const problem = needed[place][1](value[needed[place][0]]);
      if (problem !== undefined) return `.${needed[place][0]}${problem}`;
    }
    for (let place = 0; place < allowed.length; place += 1) {
      const found = value[allowed[place][0]];
      if (found === undefined) continue;
      fields += 1;
      const problem = allowed[place][1](found);
      if (problem !== undefined) return `.${allowed[place][0]}${problem}`;
    }
    for (const _ in value) fields -= 1;
    if (fields === 0) return undefined;
    const stray = Object.keys(value).find(
      (key) => !(Object.hasOwn(required, key) || Object.hasOwn(optional, key)),
    );
    return `.${shown(stray)}: expected no such field`;
  };
}

/** Is a value a plain record, and no list and no bytes? */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  return !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** What follows the path of a value that is not what was expected. */
export function unlike(expected: string, found: unknown): string {
  return `: expected ${expected}, found ${shown(found)}`;
}

/** A text that fits a message: its beginning, if it is too long. */
export function shortened(long: string): string {
  if (long.length <= TEXT_CHARACTERS_MAX) return long;
  return `${long.slice(0, TEXT_CHARACTERS_MAX - 4).replace(/\p{Surrogate}$/u, "")} ...`;
}

function placed(path: string, index: number, field: string): string {
  return index < 0 ? path : `${path}[${index}]${field}`;
}

/** For people; short, whatever it is. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "string") return JSON.stringify(value.slice(0, SHOWN_CHARACTERS));
  if (Array.isArray(value)) return "a list";
  if (value instanceof Uint8Array) return "bytes";
  return typeof value === "object" && value !== null ? "a record" : String(value);
}

/** Throws unless a message has exactly `count` parts, its tag included. */
export function exactly(parts: readonly unknown[], count: number, path: string): void {
  if (parts.length !== count) refuse(path, `${count} parts`, parts.length);
}
