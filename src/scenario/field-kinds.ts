/**
 * The kinds of field that a scenario file is made of, each with the error text of its own: numbers
 * in a range, words, quantities with units, layers, seeds. An error text that begins with a code
 * (`E013 ...`) is the problem's code and message as the user reads them. Beside schema.ts, the only
 * file that imports zod.
 */
import { z } from "zod";
import type { NumberFormat } from "../model/scenario.ts";
import { quote, show } from "./problem.ts";
import {
  BYTES_ADVICE,
  BYTES_PATTERN,
  FLOP_RATE_ADVICE,
  FLOP_RATE_PATTERN,
  RATE_ADVICE,
  RATE_PATTERN,
  readSeed,
  TIME_ADVICE,
  TIME_PATTERN,
} from "./quantity.ts";

/** What zod hands to a text of ours. */
export interface Issue {
  readonly input?: unknown;
}

/** A whole number within a range. */
export function whole(least: number, most: number) {
  const error = ({ input }: Issue): string => {
    if (typeof input !== "number") return `E012 expected integer, got ${show(input)}`;
    const isFraction = Number.isFinite(input) && !Number.isInteger(input);
    if (isFraction) return `E012 expected integer, got ${input}`;
    return `E013 must be ${least}..${most}, got ${input}`;
  };
  return z.number({ error }).int({ error }).min(least, { error }).max(most, { error });
}

/** Any number within a range. */
export function decimal(least: number, most: number) {
  const error = ({ input }: Issue): string =>
    typeof input === "number"
      ? `E013 must be ${least}..${most}, got ${input}`
      : `E012 expected number, got ${show(input)}`;
  return z.number({ error }).min(least, { error }).max(most, { error });
}

/** One of some words. `code` is E013 unless the word names something that has a code of its own. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  words: Words,
  code = "E013",
) {
  const allowed = words.length === 1 ? words[0] : `one of ${words.join(", ")}`;
  return z.enum(words, {
    error: ({ input }) => `${code} must be ${allowed}, got ${quote(input)}`,
  });
}

/** Text of 1 to `most` characters. */
export function text(most: number) {
  const error = ({ input }: Issue): string =>
    typeof input === "string"
      ? `E013 must be 1..${most} characters long, got ${input.length}`
      : `E012 expected string, got ${show(input)}`;
  return z.string({ error }).min(1, { error }).max(most, { error });
}

/** A rate with its unit, as text. */
export const rate = () => {
  const error = ({ input }: Issue): string => `E016 ${RATE_ADVICE}; got ${quote(input)}`;
  return z.string({ error }).regex(RATE_PATTERN, { error });
};

/** A rate of computation with its unit, as text. */
export const flopRate = () => {
  const error = ({ input }: Issue): string => `E016 ${FLOP_RATE_ADVICE}; got ${quote(input)}`;
  return z.string({ error }).regex(FLOP_RATE_PATTERN, { error });
};

/** A time with its unit, as text. */
export const time = () => {
  const error = ({ input }: Issue): string => {
    const isPower = typeof input === "string" && /^-?[\d.]+e[+-]?\d+ ?[a-z]+$/i.test(input);
    const how = isPower ? ", and digits without an exponent" : "";
    return `E016 ${TIME_ADVICE}${how}; got ${quote(input)}`;
  };
  return z.string({ error }).regex(TIME_PATTERN, { error });
};

/** Bytes with their unit, as text. */
export const bytes = () => {
  const error = ({ input }: Issue): string => `E016 ${BYTES_ADVICE}; got ${quote(input)}`;
  return z.string({ error }).regex(BYTES_PATTERN, { error });
};

/** True or false. */
export const flag = () =>
  z.boolean({ error: ({ input }: Issue) => `E012 expected true or false, got ${show(input)}` });

/** A time that comes, or `never`. */
export const timeOrNever = () => {
  const error = ({ input }: Issue): string => `E016 ${TIME_ADVICE}, or never; got ${quote(input)}`;
  return z.union([z.string({ error }).regex(TIME_PATTERN, { error }), z.literal("never")], {
    error,
  });
};

/** One of several kinds of value; the complaint is that of the nearest, or of the first. */
export const either = <const Kinds extends readonly [z.ZodType, ...z.ZodType[]]>(...kinds: Kinds) =>
  z.union(kinds);

/** A list of `least` to `most` values of a kind. */
export function list<Kind extends z.ZodType>(kind: Kind, least: number, most: number) {
  const error = ({ input }: Issue): string =>
    Array.isArray(input)
      ? `E013 must be a list of ${least === most ? least : `${least}..${most}`}, got ${input.length}`
      : `E012 expected list, got ${show(input)}`;
  return z.array(kind, { error }).min(least, { error }).max(most, { error });
}

/** Text that matches a pattern, told by `advice` with its code. */
export function pattern(expression: RegExp, advice: string, noText = advice) {
  return z
    .string({ error: ({ input }: Issue) => `${noText}, got ${show(input)}` })
    .regex(expression, { error: ({ input }: Issue) => `${advice}, got ${quote(input)}` });
}

/** A number format of a token copy. */
export const format = () => {
  const error = ({ input }: Issue): string =>
    `E013 must be fp8, bf16 or logfmt-N with N of 2..16, got ${quote(input)}`;
  return z
    .string({ error })
    .regex(/^(?:fp8|bf16|logfmt-(?:[2-9]|1[0-6]))$/, { error })
    .transform((name) => name as NumberFormat);
};

/** `{a: ...}` that refuses keys it does not know. */
export function mapping<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const error = ({ input }: Issue): string | undefined =>
    typeof input === "object" && input !== null && !Array.isArray(input)
      ? undefined
      : `E012 expected mapping, got ${show(input)}`;
  return z.strictObject(shape, { error });
}

const layersText = /^\d{1,5}-\d{1,5}$/;
const layersError = {
  error: ({ input }: Issue) =>
    `E012 write layers as a range "0-60" or a list [0, 23, 47], got ${show(input)}`,
};
const layerNumber = z
  .number(layersError)
  .int(layersError)
  .min(0, layersError)
  .max(65_535, layersError);
/** Layers: a range or a list. */
export const layers = () =>
  z.union(
    [
      z.string(layersError).regex(layersText, layersError),
      z.array(layerNumber, layersError).min(1, layersError).max(65_536, layersError),
    ],
    layersError,
  );

const seedError = {
  error: ({ input }: Issue) =>
    typeof input === "number" && Number.isInteger(input) && input > Number.MAX_SAFE_INTEGER
      ? "E014 write seeds above 2^53 as a quoted string"
      : `E013 expected 0..2^64-1 in decimal, got ${quote(input)}`,
};

const speedError = {
  error: ({ input }: Issue) => `E013 must be max or a number > 0, got ${quote(input)}`,
};

/** A seed: a number, or text when a number cannot hold it. */
export const seed = () =>
  z.union(
    [
      z.number(seedError).int(seedError).min(0, seedError),
      z
        .string(seedError)
        .regex(/^\d{1,20}$/, seedError)
        .refine((seed) => readSeed(seed) !== undefined, seedError),
    ],
    seedError,
  );

/** Virtual seconds per wall second, or max. */
export const speed = () =>
  z.union([z.literal("max", speedError), z.number(speedError).positive(speedError)], speedError);

/**
 * A mapping whose keys are checked elsewhere. `reference`: the schema of those, for editors, as a
 * path beside this file's schema.
 */
export function anyMapping(reference?: string) {
  const error = ({ input }: Issue): string => `E012 expected mapping, got ${show(input)}`;
  const kind = z.record(z.string(), z.unknown(), { error });
  return reference === undefined ? kind : kind.meta({ $ref: reference });
}

/** Any value; it is checked elsewhere, and `schema` says what editors may expect. */
export const anyValue = (schema: z.core.JSONSchema.BaseSchema) => z.unknown().meta({ ...schema });

/** JSON Schema (draft 7) of what a file may hold, for editors. */
export function jsonSchemaOf(kind: z.ZodType): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(kind, { io: "input", target: "draft-07" });
}
