/**
 * The JSON Schema (draft 7) of a line of events.ndjson, made from the catalogue of facts. It lets
 * other types of facts and other fields pass, as later versions may have them.
 */
import { type FactField, type FieldKind, SEVERITIES } from "./catalogue-entry.ts";
import { CATALOGUE_VERSION, FACT_CATALOGUE, FACT_TYPES } from "./fact-catalogue.ts";

type Schema = Readonly<Record<string, unknown>>;

const COUNT = { type: "integer", minimum: 0 };
const TEXT = { type: "string" };
const TEXTS = { type: "array", items: TEXT };

const SCHEMA_OF: Readonly<Record<Exclude<FieldKind, "choice">, Schema>> = {
  count: COUNT,
  time: COUNT,
  plane: COUNT,
  layer: COUNT,
  step: COUNT,
  word: { type: "integer" },
  actor: TEXT,
  link: TEXT,
  target: TEXT,
  fault: TEXT,
  text: TEXT,
  actors: TEXTS,
  links: TEXTS,
  counts: { type: "array", items: COUNT },
};

/** What every line has. */
const FRAME = {
  level: { enum: SEVERITIES, description: "Severity." },
  virtualTimePs: { ...COUNT, description: "When it happened, in virtual time; ps." },
  virtualTime: { ...TEXT, description: "The same for people." },
  actor: { ...TEXT, description: "Who says it." },
  index: {
    ...COUNT,
    description: "Which of this actor's facts it is, from 0; packets are not counted.",
  },
  fact: { ...TEXT, description: "Type of the fact." },
};

/** The schema of one line. */
export function eventJsonSchema(): Schema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: `A line of events.ndjson; catalogue of facts ${CATALOGUE_VERSION}`,
    type: "object",
    properties: FRAME,
    required: Object.keys(FRAME),
    anyOf: [
      ...FACT_TYPES.map(ofType),
      {
        description: "A type of a later version.",
        type: "object",
        properties: { fact: { not: { enum: FACT_TYPES } } },
      },
    ],
  };
}

function ofType(type: (typeof FACT_TYPES)[number]): Schema {
  const { level, about, fields } = FACT_CATALOGUE[type];
  const described = Object.entries<FactField>(fields).map(([name, field]) => [
    name,
    ofField(field),
  ]);
  return {
    description: about,
    type: "object",
    properties: {
      fact: { const: type },
      level: { const: level },
      ...Object.fromEntries(described),
    },
    required: Object.keys(fields),
  };
}

function ofField({ kind, unit, about, words }: FactField): Schema {
  const schema = kind === "choice" ? { enum: Object.keys(words ?? {}) } : SCHEMA_OF[kind];
  return { ...schema, description: unit === "" ? about : `${about}; ${unit}` };
}
