/** The catalogue of facts as docs/event-log.md has to have it: tables in Markdown. */
import type { CatalogueEntry, FactField } from "../../src/observe/catalogue-entry.ts";
import { FACT_CATALOGUE } from "../../src/observe/fact-catalogue.ts";

/** The table of all types. */
export function typeTable(): string {
  const rows = Object.entries(FACT_CATALOGUE).map(
    ([type, { level, class: of, loudness, about }]) =>
      `| \`${type}\` | \`${level}\` | ${of} | ${loudness} | ${about} |`,
  );
  return ["| type | level | class | loudness | meaning |", rule(5), ...rows].join("\n");
}

/** The table of a type's fields. */
export function fieldTable({ fields }: CatalogueEntry): string {
  const rows = Object.entries<FactField>(fields).map(([name, field]) =>
    `| \`${name}\` | ${field.unit} | ${meaningOf(field)} |`.replace("|  |", "| |"),
  );
  return ["| field | unit | meaning |", rule(3), ...rows].join("\n");
}

function meaningOf({ about, words }: FactField): string {
  if (words === undefined) return about;
  const each = Object.entries(words).map(
    ([word, why]) => `\`${word}\`${why === "" ? "" : ` (${why})`}`,
  );
  return `${about}: ${each.join(", ")}`;
}

function rule(columns: number): string {
  return `|${" --- |".repeat(columns)}`;
}
