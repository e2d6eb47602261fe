/**
 * Writes docs/scenario.schema.json, the JSON Schema that editors check scenario files with. Run it
 * after a change of src/scenario/schema.ts; a test holds the committed file to it.
 */
import { writeFileSync } from "node:fs";
import { scenarioJsonSchema } from "../src/scenario/schema.ts";

const target = process.argv[2] ?? "docs/scenario.schema.json";
writeFileSync(target, `${JSON.stringify(scenarioJsonSchema(), undefined, 2)}\n`);
process.stdout.write(`wrote ${target}\n`);
