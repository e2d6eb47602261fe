/**
 * A line of the event log after `JSON.parse`: whether it is one, and the fact that it tells. Lines
 * come from files that anybody may have written to, so every field is looked at. A type that the
 * catalogue does not know (a later version's) is taken as it is; so is a field or a word.
 */
import type { Fact } from "../model/fact.ts";
import { type FactField, SEVERITIES, type Severity } from "./catalogue-entry.ts";
import { fieldsOf } from "./fact-catalogue.ts";

/** One parsed line of events.ndjson. The fields of the fact stand beside these. */
export interface EventLine {
  readonly level: Severity;
  readonly virtualTimePs: number;
  readonly actor: string;
  /** Which of this actor's facts it is. */
  readonly index: number;
  /** Type of the fact. */
  readonly fact: string;
  readonly [field: string]: unknown;
}

/** What is wrong with a value that claims to be a line; undefined: nothing. */
export function lineProblem(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return "not a JSON object";
  }
  const line = value as Readonly<Record<string, unknown>>;
  if (typeof line.fact !== "string") return "no 'fact'";
  if (typeof line.actor !== "string") return "no 'actor'";
  if (!isWhole(line.virtualTimePs)) return "no 'virtualTimePs'";
  if (!isWhole(line.index)) return "no 'index'";
  if (!SEVERITIES.some((level) => level === line.level)) {
    return `no 'level' of ${SEVERITIES.join(", ")}`;
  }
  const fields = fieldsOf(line.fact);
  if (fields === undefined) return undefined;
  for (const [name, field] of fields) {
    if (!isOf(field, line[name])) return `${line.fact} without its '${name}'`;
  }
  return undefined;
}

/**
 * The fact of a line that has no problem; undefined when the catalogue does not know its type, or
 * one of its words.
 */
export function factOf(line: EventLine): Fact | undefined {
  const fields = fieldsOf(line.fact);
  if (fields === undefined) return undefined;
  const fact: Record<string, unknown> = { type: line.fact };
  for (const [name, { words }] of fields) {
    const value = line[name];
    if (words !== undefined && !Object.hasOwn(words, String(value))) return undefined;
    fact[name] = value;
  }
  return fact as unknown as Fact;
}

function isOf({ kind }: FactField, value: unknown): boolean {
  switch (kind) {
    case "count":
    case "time":
    case "plane":
    case "layer":
    case "step":
      return isWhole(value);
    case "word":
      return Number.isSafeInteger(value);
    case "actor":
    case "link":
    case "target":
    case "fault":
    case "text":
    case "choice":
      return typeof value === "string";
    case "actors":
    case "links":
      return Array.isArray(value) && value.every((one) => typeof one === "string");
    case "counts":
      return Array.isArray(value) && value.every(isWhole);
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
