/** Changes terms of a filter that is written as text, and leaves the others as they stand. Pure. */

/** Severities that the log can be cut down to; the empty one is everything. */
export const LEVELS = ["", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

/** The `level=` of a filter; several or another one: undefined. */
export function levelOf(filter: string): Level | undefined {
  const found = [...filter.matchAll(/(?:^|\s)level=(\S*)/g)].map(([, level]) => level);
  if (found.length === 0) return "";
  if (found.length > 1) return undefined;
  return found[0] === "info" ? "" : LEVELS.find((level) => level === found[0]);
}

/** The filter with this level, or without one. */
export function withLevel(filter: string, level: Level): string {
  return withTerm(filter, "level", level);
}

/** The filter with one term of this key; an empty value: with none. */
export function withTerm(filter: string, key: string, value: string): string {
  const term = new RegExp(`(^|\\s)${key}=(?:"[^"]*"|\\S*)`, "g");
  const rest = filter.replace(term, "$1").replace(/\s+/g, " ").trim();
  return value === "" ? rest : `${rest} ${key}=${value}`.trim();
}
