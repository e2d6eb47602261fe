/**
 * What each kind of fact carries, as checks: facts come from other processes and go into the event
 * log as they are. The catalogue of facts says what their fields are.
 */
import type { FactField, FieldKind } from "../src/observe/catalogue-entry.ts";
import { FACT_CATALOGUE } from "../src/observe/fact-catalogue.ts";
import {
  aText,
  aTime,
  aWhole,
  aWord,
  type Check,
  isRecord,
  listOf,
  oneOf,
  recordOf,
  unlike,
} from "./message-readers.ts";

const CHECK_OF: Readonly<Record<Exclude<FieldKind, "choice">, Check>> = {
  count: aWhole,
  plane: aWhole,
  layer: aWhole,
  step: aWhole,
  time: aTime,
  // Words of packets as they are.
  word: aWord,
  actor: aText,
  link: aText,
  target: aText,
  fault: aText,
  text: aText,
  actors: listOf(aText),
  links: listOf(aText),
  counts: listOf(aWhole),
};

function checkOf({ kind, words = {} }: FactField): Check {
  return kind === "choice" ? oneOf(Object.keys(words)) : CHECK_OF[kind];
}

const CHECKS: ReadonlyMap<unknown, Check> = new Map(
  Object.entries(FACT_CATALOGUE).map(([type, { fields }]) => {
    const checks = Object.entries<FactField>(fields).map(([name, field]) => [name, checkOf(field)]);
    return [type, recordOf({ type: oneOf([type]), ...Object.fromEntries(checks) })];
  }),
);

/** Checks that a value is a fact of a known kind with all its fields and no other. */
export const aFact: Check = (value) => {
  if (!isRecord(value)) return unlike("a fact", value);
  const check = CHECKS.get(value.type);
  return check === undefined ? `.type${unlike("a kind of fact", value.type)}` : check(value);
};
