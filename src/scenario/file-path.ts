/** Paths that a scenario names: always below the folder of the scenario, whoever wrote it. */

/** Why `path` may not be read, or undefined. Allowed are relative paths of plain segments. */
export function pathProblem(path: string): string | undefined {
  const rule = "path must stay under the folder of this file";
  if (path.startsWith("/") || path.startsWith("\\") || /^[A-Za-z]:/.test(path)) {
    return `${rule}; it is absolute`;
  }
  if (path.split(/[/\\]/).includes("..")) return `${rule}; it has '..'`;
  if (path.startsWith("-")) return `${rule}; it begins with '-'`;
  if (/[\p{Cc}\\]/u.test(path)) return `${rule}; it has a backslash or control character`;
  return undefined;
}

/** Last segment of a path without its extension: `models/deepseek-v3.json` is `deepseek-v3`. */
export function stemOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(0, dot) : name;
}
