/**
 * House rules about the repository as a whole: what stands at the top, which versions are taken,
 * and that facts and invariants are tested and written up. Each rule takes all files and returns
 * one message per offence: file, rule, remedy.
 */
import { codeOf, type SourceFile, sourcesOf } from "./source-files.ts";

/** Everything that may stand at the top of the repository. */
const TOP = new Set([
  ...["src", "actors", "cluster", "scripts", "test", "drills", "docs", ".ci"],
  ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "NOTICE"],
  ...[
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "tsconfig.node.json",
    "biome.json",
    "vitest.config.ts",
  ],
  ...[".gitignore", ".npmrc"],
]);

/** The top of the repository holds what was agreed on, and nothing else. */
export function topRule(files: readonly SourceFile[]): string[] {
  const names = new Set(files.map(({ path }) => path.split("/")[0]));
  return [...names]
    .filter((name) => !TOP.has(name))
    .map((name) => `${name}: not allowed at the top; move it into one of the folders`);
}

/** Oldest versions that may be installed, for what they mended. */
const FLOORS: Readonly<Record<string, string>> = {
  msgpackr: "2.1.2",
  ws: "8.23.0",
  yaml: "2.8.3",
};

/** Versions are exact, and not below the floors. */
export function versionRule(files: readonly SourceFile[]): string[] {
  const text = textOf(files, "package.json");
  if (text === undefined) return ["package.json: missing"];
  const manifest = JSON.parse(text) as Record<string, Record<string, string> | undefined>;
  const wanted = { ...manifest.dependencies, ...manifest.devDependencies };
  return Object.entries(wanted).flatMap(([name, version]) => {
    if (!/^\d+\.\d+\.\d+$/.test(version)) {
      return [`package.json: ${name} ${version} is no exact version; pin it`];
    }
    const floor = FLOORS[name];
    if (floor === undefined || !isBelow(version, floor)) return [];
    return [`package.json: ${name} ${version} is older than ${floor}; take a newer one`];
  });
}

function isBelow(version: string, floor: string): boolean {
  const [left, right] = [version, floor].map((text) => text.split(".").map(Number));
  const place = left.findIndex((part, index) => part !== right[index]);
  return place >= 0 && left[place] < right[place];
}

/** The lock file names no place to download from: everybody uses a registry of their own. */
export function lockRule(files: readonly SourceFile[]): string[] {
  const text = textOf(files, "package-lock.json");
  if (text === undefined) return ["package-lock.json: missing; run npm install"];
  return text.includes('"resolved"')
    ? ["package-lock.json: has resolved addresses; run npm install with the .npmrc of this folder"]
    : [];
}

/** A fact type and its fields. */
interface FactShape {
  readonly type: string;
  readonly fields: readonly string[];
}

const FACT_FILE = "src/model/fact.ts";

/** The fact types that src/model/fact.ts defines. */
export function factShapes(files: readonly SourceFile[]): FactShape[] {
  const text = textOf(files, FACT_FILE) ?? "";
  const fieldsOf = (part: string): string[] =>
    [...part.matchAll(/readonly (\w+)\??:/g)].map((match) => match[1]);
  const start = text.indexOf("export type Fact =");
  return text
    .slice(start, text.indexOf(";\n\n", start))
    .split(/readonly type:/)
    .slice(1)
    .map((part) => {
      const shared = [...part.matchAll(/& (\w+)/g)].flatMap(([, name]) =>
        fieldsOf(new RegExp(`interface ${name} \\{[^}]*`).exec(text)?.[0] ?? ""),
      );
      return { type: /"([^"]+)"/.exec(part)?.[1] ?? "", fields: [...fieldsOf(part), ...shared] };
    });
}

/** Every fact type is asserted by name in a test. */
export function factTestRule(files: readonly SourceFile[]): string[] {
  const tests = sourcesOf(files, ["test"])
    .filter(({ path }) => path.endsWith(".test.ts") && path !== "test/tidy.test.ts")
    .map(({ text }) => text)
    .join("\n");
  return factShapes(files)
    .filter(({ type }) => !tests.includes(`"${type}"`))
    .map(({ type }) => `${FACT_FILE}: no test names the fact "${type}"; assert it somewhere`);
}

const FACT_DOCUMENT = "docs/event-log.md";

/** Every fact type and field stands in the description of the event log. */
export function factDocumentRule(files: readonly SourceFile[]): string[] {
  const document = textOf(files, FACT_DOCUMENT) ?? "";
  return factShapes(files).flatMap(({ type, fields }) => {
    const section = document.split(/^### /m).find((part) => part.startsWith(`\`${type}\``));
    if (section === undefined) {
      return [`${FACT_DOCUMENT}: no section "### \`${type}\`"; describe the fact`];
    }
    return fields
      .filter((field) => !section.includes(`\`${field}\``))
      .map((field) => `${FACT_DOCUMENT}: ${type} lacks the field \`${field}\`; describe it`);
  });
}

const INVARIANT_DOCUMENT = "ARCHITECTURE.md";

/** Every run-time invariant stands in the table of ARCHITECTURE.md, and nothing else does. */
export function invariantRule(files: readonly SourceFile[]): string[] {
  const places = new Map<string, Set<string>>();
  for (const file of sourcesOf(files, ["src", "actors", "cluster", "scripts"])) {
    for (const match of codeOf(file.text).matchAll(/\bviolated\(\s*"/g)) {
      const rule = /[^"]*/.exec(file.text.slice(match.index + match[0].length))?.[0] ?? "";
      places.set(rule, (places.get(rule) ?? new Set()).add(file.path));
    }
  }
  const document = (textOf(files, INVARIANT_DOCUMENT) ?? "").split("## Run-time invariants").at(-1);
  const rows = new Map(
    [...(document ?? "").matchAll(/^\| `([a-z0-9-]+)` \| ([^|]*)\|/gm)].map((row) => [
      row[1],
      row[2],
    ]),
  );
  const missing = [...places].flatMap(([rule, paths]) =>
    [...paths]
      .filter((path) => !(rows.get(rule) ?? "").includes(`\`${path}\``))
      .map(
        (path) =>
          `${INVARIANT_DOCUMENT}: the invariant ${rule} of ${path} is not in the table; add it`,
      ),
  );
  const stale = [...rows.keys()]
    .filter((rule) => !places.has(rule))
    .map((rule) => `${INVARIANT_DOCUMENT}: no code checks the invariant ${rule}; remove the row`);
  return [...missing, ...stale];
}

/** Links between documents lead to files that exist. */
export function linkRule(files: readonly SourceFile[]): string[] {
  const paths = new Set(files.map(({ path }) => path));
  const exists = (path: string): boolean =>
    paths.has(path) || [...paths].some((other) => other.startsWith(`${path.replace(/\/$/, "")}/`));
  return files
    .filter(({ path }) => path.endsWith(".md"))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)]
        .map((match) => new URL(match[1], `file:///${path}`).pathname.slice(1))
        .filter((target) => !exists(target))
        .map((target) => `${path}: links to ${target}, which does not exist; correct the link`),
    );
}

function textOf(files: readonly SourceFile[], path: string): string | undefined {
  return files.find((file) => file.path === path)?.text;
}
