/** The catalogue of facts: complete, and the same in the documentation, the schema and the log. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { EventLines } from "../../cluster/event-log.ts";
import type { Fact } from "../../src/model/fact.ts";
import type { FactType } from "../../src/observe/catalogue-entry.ts";
import { type EventLine, factOf, lineProblem } from "../../src/observe/event-line.ts";
import { eventJsonSchema } from "../../src/observe/event-schema.ts";
import {
  CATALOGUE_VERSION,
  FACT_CATALOGUE,
  FACT_TYPES,
  levelOf,
} from "../../src/observe/fact-catalogue.ts";
import { fieldTable, typeTable } from "../support/fact-document.ts";
import { factShapes } from "../support/package-rules.ts";
import { readRepository } from "../support/source-files.ts";

const read = (name: string): string =>
  readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");

/** A fact of each type, with the first allowed value for each field. */
function exampleOf(type: FactType): Fact {
  const fields = Object.entries(FACT_CATALOGUE[type].fields).map(([name, { kind, words }]) => {
    if (words !== undefined) return [name, Object.keys(words)[0]];
    if (kind === "actors" || kind === "links") return [name, ["node0.gpu0"]];
    if (kind === "counts") return [name, [3]];
    const isText = ["actor", "link", "target", "fault", "text"].includes(kind);
    return [name, isText ? "node0.gpu0" : 7];
  });
  return { type, ...Object.fromEntries(fields) } as Fact;
}

/** The line that the event log has for a fact. */
function lineOf(fact: Fact): Record<string, unknown> {
  const lines = new EventLines(["node0.gpu0"]);
  const [line] = lines.of([{ atPs: 5e9, actor: 0, index: 2, fact }]);
  return JSON.parse(line);
}

describe("the catalogue", () => {
  it("has every type and field of src/model/fact.ts, and no other", () => {
    const shapes = factShapes(readRepository()).map(
      ({ type, fields }) => [type, [...fields].sort()] as const,
    );
    expect(
      Object.entries(FACT_CATALOGUE).map(([type, { fields }]) => [
        type,
        Object.keys(fields).sort(),
      ]),
    ).toEqual(expect.arrayContaining(shapes));
    expect(shapes.length).toBe(FACT_TYPES.length);
  });

  it("gives the levels that logs have had since before there was a catalogue", () => {
    const ofLevel = (level: string): string[] =>
      FACT_TYPES.filter((type) => levelOf(exampleOf(type)) === level);
    expect(ofLevel("error")).toEqual(["combine.mismatched"]);
    expect(ofLevel("warn").sort()).toEqual([
      ...["copy.corrupted", "experts.missing", "fault.began", "fault.changed", "qp.failed"],
      ...["qp.timed-out", "rank.masked", "rank.trapped", "rank.wait-timed-out"],
    ]);
  });

  it("is the one of docs/event-log.md: types, levels, classes, fields, units, meanings", () => {
    const document = read("event-log.md");
    expect(document).toContain(`\n${typeTable()}\n`);
    expect(document).toContain(`version ${CATALOGUE_VERSION} of the catalogue`);
    for (const [type, entry] of Object.entries(FACT_CATALOGUE)) {
      const section = document.split(/^#+ /m).find((part) => part.startsWith(`\`${type}\`\n`));
      expect(section, type).toContain(`\n${fieldTable(entry)}\n`);
    }
  });
});

describe("docs/events.schema.json", () => {
  const committed = JSON.parse(read("events.schema.json"));

  it("is up to date; if not, run the script write-schema", () => {
    expect(committed).toEqual(JSON.parse(JSON.stringify(eventJsonSchema())));
    expect(committed.title).toContain(CATALOGUE_VERSION);
  });

  // What knows of later versions needs "not", which zod does not have.
  const [later, ...known] = [...committed.anyOf].reverse();
  const schema = z.fromJSONSchema({ ...committed, anyOf: known });

  it.each(FACT_TYPES)("takes %s as the event log writes it, and nothing less", (type) => {
    const fact = exampleOf(type);
    const line = lineOf(fact);
    expect(schema.safeParse(line).error).toBeUndefined();
    expect(lineProblem(line)).toBeUndefined();
    expect(factOf(line as EventLine)).toMatchObject(fact);
    const names = Object.keys(line).filter((name) => name !== "virtualTime");
    for (const name of names) {
      const { [name]: _, ...less } = line;
      expect(schema.safeParse(less).success, name).toBe(false);
      expect(lineProblem(less), name).toContain(`'${name}'`);
      if (name === "fact") continue;
      const value = line[name];
      const wrong = { ...line, [name]: typeof value === "number" ? 0.5 : 5 };
      expect(schema.safeParse(wrong).success, name).toBe(false);
      expect(lineProblem(wrong), name).toBeDefined();
    }
  });

  it("takes types and fields of later versions, and so does whoever reads lines", () => {
    const line = lineOf(exampleOf("qp.failed"));
    expect(schema.safeParse({ ...line, news: 1 }).success).toBe(true);
    expect(later.properties).toEqual({ fact: { not: { enum: FACT_TYPES } } });
    const mended = { ...line, fact: "qp.mended" };
    expect(lineProblem({ ...mended, news: 1 })).toBeUndefined();
    expect(factOf(mended as unknown as EventLine)).toBeUndefined();
    const word = { ...lineOf(exampleOf("rank.masked")), reason: "tired" };
    expect(lineProblem(word)).toBeUndefined();
    expect(factOf(word as unknown as EventLine)).toBeUndefined();
  });

  it.each([null, 5, "line", [], {}])("does not take %j for a line", (value) => {
    expect(schema.safeParse(value).success).toBe(false);
    expect(lineProblem(value)).toBeDefined();
  });
});
