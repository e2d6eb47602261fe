/**
 * The terms of a filter of events, `plane=2` or `since=5ms`: which there are, and how their values
 * are read. The command has them as options, the page as words in a box; both get the same errors.
 */
import { fitsGlob } from "../base/glob.ts";
import { didYouMean, nearest } from "../base/suggest.ts";
import { readTime, TIME_ADVICE, TIME_PATTERN } from "../model/time-text.ts";
import { FACT_CLASSES, SEVERITIES, type Severity } from "./catalogue-entry.ts";
import { FACT_TYPES } from "./fact-catalogue.ts";
import { JOURNAL_CLASSES, JOURNAL_ENTRIES } from "./journal-line.ts";

/** Numbers from the first to the last. */
export interface NumberSpan {
  readonly first: number;
  readonly last: number;
}

/** What a filter asks for; what is empty or missing asks for nothing. Times in ps. */
export interface EventFilterSpec {
  readonly actors: readonly string[];
  readonly kinds: readonly string[];
  readonly planes: readonly NumberSpan[];
  readonly nodes: readonly NumberSpan[];
  readonly layers: readonly NumberSpan[];
  readonly steps: readonly NumberSpan[];
  readonly sincePs?: number;
  readonly untilPs?: number;
  /** Names of faults whose surroundings are meant. */
  readonly around: readonly string[];
  readonly beforePs?: number;
  readonly afterPs?: number;
  /** At least this severity. */
  readonly level?: Severity;
  readonly faults: readonly string[];
  readonly texts: readonly string[];
}

/** Asks for nothing: everything passes. */
export const EVERYTHING: EventFilterSpec = {
  ...{ actors: [], kinds: [], planes: [], nodes: [], layers: [], steps: [] },
  ...{ around: [], faults: [], texts: [] },
};

/** One kind of term. */
export interface FilterTerm {
  readonly key: string;
  /** What it lets pass, in a line. */
  readonly about: string;
  readonly example: string;
  /** Whether it may be given several times. */
  readonly isList: boolean;
}

const list = (key: string, example: string, about: string): FilterTerm => ({
  ...{ key, about, example },
  isList: true,
});
const single = (key: string, example: string, about: string): FilterTerm => ({
  ...{ key, about, example },
  isList: false,
});

/**
 * Every kind of term. Several of one kind, or a list: any of them (of `text`: all of them); of
 * different kinds: all.
 */
export const FILTER_TERMS: readonly FilterTerm[] = [
  list("actor", "node1.*", "said by these actors; * is any run of characters"),
  list("kind", "qp.*,fault", "types or classes of facts; host and order, too"),
  list("plane", "2", "of these planes, or about something on them"),
  list("node", "0-3", "of these nodes, or about something in them"),
  list("layer", "3-5", "about these layers of the model"),
  list("step", "0", "about these forward passes"),
  single("since", "5ms", "at this virtual time or later"),
  single("until", "7ms", "at this virtual time or before"),
  list("around", "lost-nic", "near the onset, first consequences and end of a fault"),
  single("before", "1ms", "with around: so long before; default 2 ms"),
  single("after", "50ms", "with around: so long after; default 20 ms"),
  single("level", "warn", "at least this severity: info, warn, error"),
  list("fault", "lost-*", "that name these faults; * as above"),
  list("text", "retry", "whose sentence or line has this, in any case"),
];

/** Keys whose value is a time. */
export const TIME_KEYS: readonly string[] = ["since", "until", "before", "after"];

/** Why a filter cannot be read. */
export interface FilterProblem {
  readonly message: string;
  readonly hint: string;
}

/** A value, or why there is none. */
export type Reading<Value> =
  | { readonly ok: true; readonly value: Value }
  | ({ readonly ok: false } & FilterProblem);

/** Longest list of a term, and longest value, characters. */
const LIST_MAX = 1000;
const VALUE_MAX = 10_000;

/** Classes that `kind` takes besides types. */
const CLASSES: readonly string[] = [...FACT_CLASSES, ...JOURNAL_CLASSES];
const TYPES: readonly string[] = [...FACT_TYPES, ...Object.keys(JOURNAL_ENTRIES)];

/** Adds one term to a filter; the value is what stands behind `key=`. */
export function withTerm(
  spec: EventFilterSpec,
  key: string,
  value: string,
): Reading<EventFilterSpec> {
  if (value === "") return refused("expected a value, got nothing", exampleOf(key));
  if (value.length > VALUE_MAX) return refused(`expected at most ${VALUE_MAX} characters`, "");
  switch (key) {
    case "actor":
      return added(spec, "actors", readNames(value, ACTOR, "actor ids such as node1.gpu3, *.nic3"));
    case "kind":
      return added(spec, "kinds", readKinds(value));
    case "plane":
      return added(spec, "planes", readSpans(value, key));
    case "node":
      return added(spec, "nodes", readSpans(value, key));
    case "layer":
      return added(spec, "layers", readSpans(value, key));
    case "step":
      return added(spec, "steps", readSpans(value, key));
    case "since":
      return once(spec, "sincePs", readInstant(value));
    case "until":
      return once(spec, "untilPs", readInstant(value));
    case "before":
      return once(spec, "beforePs", readInstant(value));
    case "after":
      return once(spec, "afterPs", readInstant(value));
    case "level":
      return once(spec, "level", readLevel(value));
    case "fault":
      return added(spec, "faults", readNames(value, FAULT, "names of faults such as lost-nic"));
    case "around":
      return added(spec, "around", readNames(value, FAULT, "names of faults such as lost-nic"));
    case "text":
      return added(spec, "texts", { ok: true, value: [value] });
    default: {
      const keys = FILTER_TERMS.map((term) => term.key);
      const meant = didYouMean(key, keys) ?? `terms are ${keys.join(", ")}`;
      return refused(`unknown term ${quoted(key)}`, meant);
    }
  }
}

/** Relations between terms, once all are there; undefined: nothing is wrong. */
export function relationProblem(spec: EventFilterSpec): FilterProblem | undefined {
  const { sincePs, untilPs, around, beforePs, afterPs } = spec;
  if (sincePs !== undefined && untilPs !== undefined && sincePs > untilPs) {
    return { message: "since is later than until: nothing is in between", hint: "" };
  }
  if (around.length === 0 && (beforePs ?? afterPs) !== undefined) {
    const term = beforePs === undefined ? "after" : "before";
    return { message: `${term} goes with around`, hint: "name a fault with around" };
  }
  return undefined;
}

type ListKey = "actors" | "kinds" | "planes" | "nodes" | "layers" | "steps" | "faults";

function added<Key extends ListKey | "around" | "texts">(
  spec: EventFilterSpec,
  key: Key,
  more: Reading<EventFilterSpec[Key]>,
): Reading<EventFilterSpec> {
  if (!more.ok) return more;
  return { ok: true, value: { ...spec, [key]: [...spec[key], ...more.value] } };
}

function once<Key extends "sincePs" | "untilPs" | "beforePs" | "afterPs" | "level">(
  spec: EventFilterSpec,
  key: Key,
  reading: Reading<number | Severity>,
): Reading<EventFilterSpec> {
  if (!reading.ok) return reading;
  if (spec[key] !== undefined) return refused("given twice", "give it once");
  return { ok: true, value: { ...spec, [key]: reading.value } };
}

const ACTOR = /^[a-z0-9.*]{1,64}$/;
const FAULT = /^[a-zA-Z0-9._*?-]{1,64}$/;

function readNames(value: string, allowed: RegExp, expected: string): Reading<string[]> {
  const names = value.split(",");
  const wrong = names.find((name) => !allowed.test(name));
  if (wrong !== undefined) return refused(`expected ${expected}, got ${quoted(wrong)}`, "");
  return bounded(names);
}

function readKinds(value: string): Reading<string[]> {
  const kinds = value.split(",");
  for (const kind of kinds) {
    if (CLASSES.includes(kind) || TYPES.some((type) => fitsGlob(kind, type))) continue;
    const classes = `classes are ${CLASSES.join(", ")}; docs/event-log.md lists the types`;
    return refused(`no type or class of facts ${quoted(kind)}`, kindMeant(kind) ?? classes);
  }
  return bounded(kinds);
}

/** What may have been meant by a kind that is none. */
function kindMeant(kind: string): string | undefined {
  const families = [...new Set(TYPES.map((type) => type.slice(0, type.indexOf("."))))];
  if (families.includes(kind)) return `did you mean '${kind}.*'?`;
  if (!kind.endsWith(".*")) return didYouMean(kind, [...CLASSES, ...TYPES]);
  const family = nearest(kind.slice(0, -2), families);
  return family === undefined ? undefined : `did you mean '${family}.*'?`;
}

function readSpans(value: string, key: string): Reading<NumberSpan[]> {
  const spans: NumberSpan[] = [];
  for (const part of value.split(",")) {
    const ends = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part);
    if (ends === null) {
      const number = new RegExp(`^${key}(\\d{1,9})$`).exec(part)?.[1];
      const hint = number === undefined ? "" : `did you mean ${number}?`;
      return refused(`expected numbers such as 2, 0-3 or 1,5, got ${quoted(part)}`, hint);
    }
    const [first, last] = [Number(ends[1]), Number(ends[2] ?? ends[1])];
    if (first > last) return refused(`expected the smaller number first, got ${part}`, "");
    spans.push({ first, last });
  }
  return bounded(spans);
}

function readInstant(value: string): Reading<number> {
  if (!TIME_PATTERN.test(value)) {
    return refused(`expected a virtual time such as 5ms, got ${quoted(value)}`, TIME_ADVICE);
  }
  const time = readTime(value);
  if (!time.ok) return refused(time.message, "");
  return time.ps < 0 ? refused(`must be 0 or later, got ${value}`, "") : ok(time.ps);
}

function readLevel(value: string): Reading<Severity> {
  const level = SEVERITIES.find((one) => one === value);
  if (level !== undefined) return ok(level);
  const meant = value === "warning" ? "did you mean 'warn'?" : didYouMean(value, SEVERITIES);
  return refused(`expected one of ${SEVERITIES.join(", ")}, got ${quoted(value)}`, meant ?? "");
}

function bounded<Item>(list: Item[]): Reading<Item[]> {
  return list.length <= LIST_MAX ? ok(list) : refused(`expected at most ${LIST_MAX} in a list`, "");
}

function exampleOf(key: string): string {
  const example = FILTER_TERMS.find((term) => term.key === key)?.example;
  return example === undefined ? "" : `such as ${example}`;
}

function ok<Value>(value: Value): Reading<Value> {
  return { ok: true, value };
}

function refused(message: string, hint: string): { readonly ok: false } & FilterProblem {
  return { ok: false, message, hint };
}

/** A value in a message, cut at 80 characters. */
export function quoted(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value);
}
