/** The JSON Schema for editors is the one that the code has. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { scenarioJsonSchema } from "../../src/scenario/schema.ts";

it("docs/scenario.schema.json is up to date; if not, run the script write-schema", () => {
  const committed = new URL("../../docs/scenario.schema.json", import.meta.url);
  expect(JSON.parse(readFileSync(committed, "utf8"))).toEqual(
    JSON.parse(JSON.stringify(scenarioJsonSchema())),
  );
});
