/**
 * House rules about who imports whom: layers, one door per dependency, no cycles, no barrels. Each
 * rule takes all files and returns one message per offence: file, rule, remedy.
 */
import { codeOf, importsOf, type SourceFile, sourcesOf } from "./source-files.ts";

/** What the files below a folder may import besides their own folder. */
const LAYERS: readonly (readonly [folder: string, allowed: readonly string[]])[] = [
  ["src/base", []],
  ["src/model", ["src/base"]],
  ["src/hardware", ["src/base", "src/model"]],
  ["src/topology", ["src/base", "src/model"]],
  ["src/workload", ["src/base", "src/model"]],
  ["src/observe", ["src/base", "src/model"]],
  ["src/fault", ["src/base", "src/model", "src/topology"]],
  ["src/engine", ["src/base", "src/model", "src/topology", "src/workload", "src/fault"]],
  ["src/explain", ["src/base", "src/model", "src/fault", "src/engine"]],
  [
    "src/scenario",
    ["src/base", "src/model", "src/hardware", "src/topology", "src/workload", "src/fault"],
  ],
  [
    "src/drill",
    ["src/base", "src/model", "src/topology", "src/workload", "src/fault", "src/scenario"],
  ],
  ["src/chrome-trace", ["src/base", "src/model", "src/workload"]],
  ["src/report", ["src/base", "src/model", "src/workload"]],
  ["actors", ["src/base", "src/model"]],
  ["cluster", ["src"]],
  ["scripts/page", ["src"]],
  ["scripts", ["src", "actors", "cluster"]],
  ["test", ["src", "actors", "cluster", "scripts"]],
];

/** The one file that imports a package. Tests may import anything. */
const DOORS: Readonly<Record<string, string>> = {
  commander: "scripts/faultplane.ts",
  "lit-html": "scripts/page/lit.ts",
  msgpackr: "cluster/codec.ts",
  nanoid: "cluster/run-id.ts",
  "node:child_process": "cluster/process-launcher.ts",
  picocolors: "scripts/terminal/colour.ts",
  pino: "cluster/event-log.ts",
  "playwright-core": "scripts/test-page/page-tester.ts",
  "prom-client": "cluster/metrics-registry.ts",
  "pure-rand": "src/base/random.ts",
  rolldown: "scripts/build-page.ts",
  uplot: "scripts/page/charts/plot.ts",
  ws: "cluster/websocket-transport.ts",
  yaml: "src/scenario/yaml-text.ts",
  zod: "src/scenario/schema.ts",
};

/** Second doors, each with its reason. */
const SIDE_DOORS: Readonly<Record<string, readonly [path: string, reason: string]>> = {
  "node:child_process": [
    "scripts/bench/child-program.ts",
    "starts programs that are no part of a run: to compare with, and to test bugs",
  ],
  zod: ["src/scenario/field-kinds.ts", "kinds of field that the schema is made of"],
};

/** The only file outside the device folders of actors. */
const CATALOGUE = "actors/catalogue.ts";

const isBelow = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

/** Layers: every folder imports only what stands below it. */
export function layerRule(files: readonly SourceFile[]): string[] {
  return sourcesOf(files).flatMap((file) => {
    const layer = LAYERS.find(([folder]) => isBelow(file.path, folder));
    if (layer === undefined) {
      return [`${file.path}: no layer has this folder; add it to LAYERS in import-rules.ts`];
    }
    const [folder, allowed] = layer;
    return importsOf(file)
      .filter(({ isRelative }) => isRelative)
      .filter(({ target }) => ![folder, ...allowed].some((other) => isBelow(target, other)))
      .map(
        ({ line, target }) =>
          `${file.path}:${line}: ${folder} may not import ${target}; it may import ` +
          `${[folder, ...allowed].join(", ")}: move what both need into src/model or pass it in`,
      );
  });
}

/** Devices: one kind never imports another; only the catalogue names all kinds. */
export function deviceRule(files: readonly SourceFile[]): string[] {
  const kindOf = (path: string): string => path.split("/")[1];
  return sourcesOf(files, ["actors"])
    .filter(({ path }) => path !== CATALOGUE)
    .flatMap((file) =>
      importsOf(file)
        .filter(({ target }) => isBelow(target, "actors"))
        .filter(({ target }) => kindOf(target) !== kindOf(file.path))
        .map(
          ({ line, target }) =>
            `${file.path}:${line}: a device may not import ${target}, another kind; ` +
            "devices meet in packets: put what both know into src/model",
        ),
    );
}

/** Doors: a package is imported by one file; src and actors use nothing of Node. */
export function doorRule(files: readonly SourceFile[]): string[] {
  return sourcesOf(files, ["src", "actors", "cluster", "scripts"]).flatMap((file) =>
    importsOf(file)
      .filter(({ isRelative }) => !isRelative)
      .flatMap(({ line, target }) => {
        const where = `${file.path}:${line}`;
        const isPure = isBelow(file.path, "src") || isBelow(file.path, "actors");
        const door = SIDE_DOORS[target]?.[0] === file.path ? file.path : DOORS[target];
        if (target.startsWith("node:") && isPure) {
          return [`${where}: src and actors may not import ${target}; do it in cluster or scripts`];
        }
        if (door === file.path || (door === undefined && target.startsWith("node:"))) return [];
        if (door === undefined) {
          return [
            `${where}: ${target} has no door; add it to DOORS in import-rules.ts and to ` +
              "docs/decisions/0001-runtime-dependencies.md, or do without",
          ];
        }
        return [`${where}: only ${door} may import ${target}; use what that file exports`];
      }),
  );
}

/**
 * Doors lead somewhere: every door is used, and package.json lists exactly the packages with doors.
 */
export function dependencyRule(files: readonly SourceFile[]): string[] {
  const packageFile = files.find(({ path }) => path === "package.json");
  const { dependencies = {} } = JSON.parse(packageFile?.text ?? "{}") as {
    dependencies?: Record<string, string>;
  };
  const packages = Object.keys(DOORS).filter((name) => !name.startsWith("node:"));
  const undoored = Object.keys(dependencies)
    .filter((name) => !packages.includes(name))
    .map((name) => `package.json: dependency ${name} has no door; add one or remove it`);
  const unused = packages.flatMap((name) => {
    const door = files.find(({ path }) => path === DOORS[name]);
    if (door !== undefined && importsOf(door).some(({ target }) => target === name)) return [];
    return [`${DOORS[name]}: is the door of ${name} and does not import it; correct DOORS`];
  });
  return [...undoored, ...unused];
}

/** Relative imports name the file as it is on disk, ending in .ts. */
export function endingRule(files: readonly SourceFile[]): string[] {
  const paths = new Set(files.map(({ path }) => path));
  return sourcesOf(files).flatMap((file) =>
    importsOf(file)
      .filter(
        ({ isRelative, target }) => isRelative && !(target.endsWith(".ts") && paths.has(target)),
      )
      .map(
        ({ line, specifier }) =>
          `${file.path}:${line}: import of "${specifier}" names no .ts file; write the file's ` +
          "own name with its ending",
      ),
  );
}

/** No cycles, imports of types included. */
export function cycleRule(files: readonly SourceFile[]): string[] {
  const sources = sourcesOf(files);
  const graph = new Map(
    sources.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ isRelative }) => isRelative)
        .map(({ target }) => target),
    ]),
  );
  const done = new Set<string>();
  const messages: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const cycle = [...trail.slice(start), path].join(" -> ");
      messages.push(`${path}: imports itself in a circle, ${cycle}; move the shared part out`);
      return;
    }
    if (done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return messages;
}

/** No barrels: a file defines something, it does not only pass on. */
export function barrelRule(files: readonly SourceFile[]): string[] {
  return sourcesOf(files)
    .filter((file) => {
      const code = codeOf(file.text).replace(/^#!.*/, "");
      if (!/\bexport\b[^;]*\bfrom\b/.test(code)) return false;
      return code.replace(/\b(?:import|export)\b[^;]*\bfrom\s*"[^"]*";?/g, "").trim() === "";
    })
    .map(({ path }) => `${path}: only re-exports; import the files that define the things`);
}

/** No default exports, but where a tool asks for one. */
export function defaultExportRule(files: readonly SourceFile[]): string[] {
  return sourcesOf(files)
    .filter(({ text }) => /\bexport\s+default\b|\bas\s+default\b/.test(codeOf(text)))
    .map(({ path }) => `${path}: has a default export; export by name`);
}

/** Files that something outside the sources starts. */
const ENTRY = /^scripts\/(?:[^/]+|.*\/(?:[^/]+-)?main)\.ts$/;

/** Everything is in use: each source is reached from an entry point. */
export function reachRule(files: readonly SourceFile[]): string[] {
  const sources = new Map(
    sourcesOf(files, ["src", "actors", "cluster", "scripts"]).map((file) => [file.path, file]),
  );
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const file = sources.get(path);
    if (file === undefined || reached.has(path)) return;
    reached.add(path);
    for (const { isRelative, target } of importsOf(file)) if (isRelative) visit(target);
  };
  for (const path of sources.keys()) {
    if (ENTRY.test(path)) visit(path);
  }
  return [...sources.keys()]
    .filter((path) => !reached.has(path))
    .map((path) => `${path}: no entry point of scripts reaches it; use it or remove it`);
}
