/**
 * A filter of events: which lines of the event log, and of the journal beside it, somebody wants to
 * see. Written as text, `actor=node1.* kind=qp.* plane=2 since=5ms level=warn`, or term by term.
 * Works on parsed lines, one by one and in the order of the log. Pure: the command and a page in a
 * browser filter alike.
 */
import { fitsGlob } from "../base/glob.ts";
import { TIME_UNITS_PS } from "../model/time-text.ts";
import { AroundFaults } from "./around-fault.ts";
import { type CatalogueEntry, SEVERITIES } from "./catalogue-entry.ts";
import { describeLine } from "./describe-line.ts";
import type { EventLine } from "./event-line.ts";
import { entryOf } from "./fact-catalogue.ts";
import {
  EVERYTHING,
  type EventFilterSpec,
  type NumberSpan,
  type Reading,
  relationProblem,
  TIME_KEYS,
  withTerm,
} from "./filter-terms.ts";
import { JOURNAL_CLASSES, journalEntryOf } from "./journal-line.ts";
import { type FleetShape, nodesOf, planesOf } from "./whereabouts.ts";

/** Surroundings of a fault when nobody says how large, ps: 2 ms before and 20 ms after. */
export const BEFORE_PS = 2e9;
export const AFTER_PS = 20e9;

/** One filter at work. It remembers what it saw of the faults that `around` names. */
export class EventFilter {
  readonly spec: EventFilterSpec;
  readonly #shape: FleetShape;
  readonly #around: AroundFaults | undefined;
  readonly #least: number;
  readonly #texts: readonly string[];

  /** Lets everything pass that fits each kind of term; `shape` is that of the run's cluster. */
  constructor(spec: EventFilterSpec, shape: FleetShape) {
    this.spec = spec;
    this.#shape = shape;
    const { around: faults, beforePs = BEFORE_PS, afterPs = AFTER_PS } = spec;
    this.#around =
      faults.length === 0 ? undefined : new AroundFaults({ faults, beforePs, afterPs });
    this.#least = spec.level === undefined ? 0 : SEVERITIES.indexOf(spec.level);
    this.#texts = spec.texts.map((text) => text.toLowerCase());
  }

  /**
   * Tells when a fault begins or ends, before its line comes, so that what comes before passes,
   * too; see {@link EventSieve} for when nobody knows.
   */
  expect(fault: string, atPs: number): void {
    this.#around?.expect(fault, atPs);
  }

  /** Grows with everything that is learnt about the surroundings of faults. */
  get known(): number {
    return this.#around?.known ?? 0;
  }

  /** Takes the next line of the log, and says whether it passes. */
  passes(line: EventLine): boolean {
    this.#around?.take(line);
    return this.isNear(line) && this.fits(line);
  }

  /** Whether a line is near the faults that `around` names, as far as is known by now. */
  isNear(line: EventLine): boolean {
    return this.#around?.isNear(line.virtualTimePs) ?? true;
  }

  /** Whether a line fits all terms but `around`. */
  fits(line: EventLine): boolean {
    const { virtualTimePs: atPs, level, actor, fact, fault } = line;
    const { spec } = this;
    if (atPs < (spec.sincePs ?? 0)) return false;
    if (spec.untilPs !== undefined && atPs > spec.untilPs) return false;
    if (this.#least > 0 && SEVERITIES.indexOf(level) < this.#least) return false;
    if (spec.kinds.length > 0 && !isAsked(spec.kinds, fact)) return false;
    if (spec.actors.length > 0) {
      if (isOfJournal(line) || !fitsAny(spec.actors, actor)) return false;
    }
    if (spec.faults.length > 0) {
      if (typeof fault !== "string" || !fitsAny(spec.faults, fault)) return false;
    }
    const entry = entryOf(fact) ?? journalEntryOf(fact);
    return (
      isNumbered(spec.layers, line, entry, "layer") &&
      isNumbered(spec.steps, line, entry, "step") &&
      this.#isOnPlane(line, entry) &&
      isInNode(spec.nodes, line, entry) &&
      this.#hasText(line)
    );
  }

  #isOnPlane(line: EventLine, entry: Fields | undefined): boolean {
    const { planes } = this.spec;
    if (planes.length === 0) return true;
    const isOn = (name: string): boolean =>
      planesOf(name, this.#shape).some((plane) => isWithin(planes, plane));
    if (namesIn(line, entry).some(isOn)) return true;
    return isNumbered(planes, line, entry, "plane");
  }

  #hasText(line: EventLine): boolean {
    if (this.#texts.length === 0) return true;
    const whole = `${describeLine(line)}\n${JSON.stringify(line)}`.toLowerCase();
    return this.#texts.every((text) => whole.includes(text));
  }
}

/** Whether any of the types and classes of a `kind` term means this type of fact. */
export function isAsked(kinds: readonly string[], type: string): boolean {
  const of = (entryOf(type) ?? journalEntryOf(type))?.class;
  return kinds.some((kind) => kind === of || fitsGlob(kind, type));
}

/**
 * Reads a filter from text: terms, separated by spaces, as {@link withTerm} has them. A value with
 * spaces stands in double quotes; a word that is no term is searched for, as with `text=`.
 */
export function parseEventFilter(text: string): Reading<EventFilterSpec> {
  let spec = EVERYTHING;
  const words = splitWords(text);
  if (!words.ok) return words;
  for (let place = 0; place < words.value.length; place += 1) {
    const { key, value } = words.value[place];
    // Times are written with a space everywhere else: 5 ms.
    const unit = words.value[place + 1];
    const isApart = TIME_KEYS.includes(key) && /^[\d.]+$/.test(value) && isUnit(unit);
    const next = withTerm(spec, key, isApart ? `${value} ${unit.value}` : value);
    if (!next.ok) return { ...next, message: `${key}=: ${next.message}` };
    spec = next.value;
    if (isApart) place += 1;
  }
  const problem = relationProblem(spec);
  return problem === undefined ? { ok: true, value: spec } : { ok: false, ...problem };
}

/** One term; a word by itself has the key `text` and is bare. */
interface Word {
  readonly key: string;
  readonly value: string;
  readonly isBare: boolean;
}

const WORD = /\s*(?:([a-zA-Z]+)=)?(?:"([^"]*)"|([^\s"]*))(?=\s|$)/y;

function splitWords(text: string): Reading<Word[]> {
  const words: Word[] = [];
  const whole = text.trim();
  let at = 0;
  while (at < whole.length) {
    WORD.lastIndex = at;
    const match = WORD.exec(whole);
    if (match === null || match[0] === "") {
      const from = whole.slice(at).trimStart().slice(0, 40);
      const message = `cannot read ${JSON.stringify(from)}: a quotation mark is missing, or too many`;
      return { ok: false, message, hint: 'write text="no answer"' };
    }
    const [, key, inQuotes, plain] = match;
    words.push({ key: key ?? "text", value: inQuotes ?? plain, isBare: key === undefined });
    at = WORD.lastIndex;
  }
  return { ok: true, value: words };
}

function isUnit(word: Word | undefined): word is Word {
  return word?.isBare === true && Object.hasOwn(TIME_UNITS_PS, word.value);
}

/** What is known of the fields of a line. */
type Fields = Pick<CatalogueEntry, "fields">;

/** Everything that a line is about: who says it, and every part of the fleet that it names. */
function namesIn(line: EventLine, entry: Fields | undefined): string[] {
  const names = [line.actor];
  for (const [name, { kind }] of Object.entries(entry?.fields ?? {})) {
    const value = line[name];
    if (kind === "actor" || kind === "link" || kind === "target") names.push(String(value));
    else if ((kind === "actors" || kind === "links") && Array.isArray(value)) {
      for (const one of value) names.push(String(one));
    }
  }
  return names;
}

function isInNode(
  spans: readonly NumberSpan[],
  line: EventLine,
  entry: Fields | undefined,
): boolean {
  if (spans.length === 0) return true;
  return namesIn(line, entry).some((name) => nodesOf(name).some((node) => isWithin(spans, node)));
}

/** Whether a field of this kind has one of the numbers; no numbers: none is asked for. */
function isNumbered(
  spans: readonly NumberSpan[],
  line: EventLine,
  entry: Fields | undefined,
  wanted: "layer" | "step" | "plane",
): boolean {
  if (spans.length === 0) return true;
  return Object.entries(entry?.fields ?? {}).some(
    ([name, { kind }]) => kind === wanted && isWithin(spans, Number(line[name])),
  );
}

/** Whether a number is in any of the spans. */
export function isWithin(spans: readonly NumberSpan[], number: number): boolean {
  return spans.some(({ first, last }) => number >= first && number <= last);
}

function fitsAny(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => fitsGlob(pattern, name));
}

function isOfJournal({ actor }: EventLine): boolean {
  return JOURNAL_CLASSES.some((name) => name === actor);
}
