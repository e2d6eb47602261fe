/** The JSON Schema of drills for editors is the one that the code has. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { drillJsonSchema } from "../../src/drill/drill-fields.ts";

it("docs/drill.schema.json is up to date; if not, run the script write-schema", () => {
  const committed = new URL("../../docs/drill.schema.json", import.meta.url);
  expect(JSON.parse(readFileSync(committed, "utf8"))).toEqual(
    JSON.parse(JSON.stringify(drillJsonSchema())),
  );
});
