/**
 * Builds the page: its modules, uPlot and lit-html into one file, and the two files beside it, in
 * dist/page. Does nothing when the page is newer than everything that it is made of.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const source = join(root, "scripts", "page");
const target = join(root, "dist", "page");

/** What the page's style is made of, in this order: what comes later stands over what came. */
const STYLES = [
  ...["base", "controls", "head", "time", "panels", "fleet", "charts", "log", "faults"],
  ...["dialogs", "narrow"],
];

/** Newest change of any file of a folder, ms. */
function newestOf(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return Math.max(...names.map((name) => statSync(join(folder, name)).mtimeMs));
}

function isUpToDate(): boolean {
  try {
    const made = Math.min(
      ...["page.js", "page.css", "index.html"].map((name) => statSync(join(target, name)).mtimeMs),
    );
    const own = [source, join(root, "src"), join(root, "package-lock.json")];
    return own.every(
      (path) => made > (statSync(path).isDirectory() ? newestOf(path) : statSync(path).mtimeMs),
    );
  } catch {
    return false;
  }
}

if (!isUpToDate()) {
  const { rolldown } = await import("rolldown");
  mkdirSync(target, { recursive: true });
  const bundle = await rolldown({ input: join(source, "main.ts"), platform: "browser" });
  await bundle.write({ file: join(target, "page.js"), format: "esm", minify: true });
  await bundle.close();
  const require = createRequire(import.meta.url);
  const charts = readFileSync(require.resolve("uplot/dist/uPlot.min.css"), "utf8");
  const own = STYLES.map((name) => readFileSync(join(source, "style", `${name}.css`), "utf8"));
  writeFileSync(join(target, "page.css"), [charts, ...own].join("\n"));
  writeFileSync(join(target, "index.html"), readFileSync(join(source, "index.html")));
}
