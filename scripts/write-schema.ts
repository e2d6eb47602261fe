/**
 * Writes the JSON Schemas that editors check files with, docs/scenario.schema.json and
 * docs/drill.schema.json, and that of a line of the event log, docs/events.schema.json. Run it
 * after a change of the schemas in src/scenario or src/drill or of the catalogue of facts; tests
 * hold the committed files to them.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { drillJsonSchema } from "../src/drill/drill-fields.ts";
import { eventJsonSchema } from "../src/observe/event-schema.ts";
import { scenarioJsonSchema } from "../src/scenario/schema.ts";

const folder = process.argv[2] ?? "docs";
const schemas = {
  scenario: scenarioJsonSchema(),
  drill: drillJsonSchema(),
  events: eventJsonSchema(),
};
for (const [name, schema] of Object.entries(schemas)) {
  const target = join(folder, `${name}.schema.json`);
  writeFileSync(target, `${JSON.stringify(schema, undefined, 2)}\n`);
  process.stdout.write(`wrote ${target}\n`);
}
