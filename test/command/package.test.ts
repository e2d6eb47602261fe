/** What `npm pack` would ship: all that the command needs, and nothing that only we need. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { COMMAND, program } from "./command.ts";

const ROOT = resolve(import.meta.dirname, "../..");
let shipped: readonly string[] = [];

beforeAll(async () => {
  // Without its scripts it packs what is built.
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const home = mkdtempSync(join(tmpdir(), "faultplane-npm-"));
  const environment = { HOME: home, npm_config_update_notifier: "false" };
  const said = await program("npm", args, ROOT, environment);
  rmSync(home, { recursive: true, force: true });
  expect(said.exitCode, said.stderr).toBe(0);
  const [{ files }]: { files: { path: string }[] }[] = JSON.parse(said.stdout);
  shipped = files.map(({ path }) => path);
});

/** Scripts for those who work on the project. */
const NOT_SHIPPED =
  /^((bench|swarm|bug-bank|hostile|kills|page|test-page)\/|(build|test)-page\.ts$)/;

describe("a build", () => {
  it("makes the command executable, as npx in a clone needs it", async () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const step = "dist/scripts/make-executable.js";
    expect(scripts.build).toContain(`node ${step}`);
    expect(scripts.prepare).toBe("npm run -s build");
    chmodSync(COMMAND, 0o644);
    await program(process.execPath, [join(ROOT, step)], ROOT);
    expect(statSync(COMMAND).mode & 0o777).toBe(0o755);
    const said = await program(COMMAND, ["--version"], ROOT);
    expect(said.exitCode, said.stderr).toBe(0);
  });
});

describe("the package", () => {
  it.each(["src", "actors", "cluster", "scripts"])("has every built file of %s", (name) => {
    const sources = readdirSync(join(ROOT, name), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && !NOT_SHIPPED.test(path))
      .map((path) => `dist/${name}/${path.replace(/ts$/, "js")}`);
    expect(sources.length).toBeGreaterThan(3);
    for (const path of sources) expect(shipped).toContain(path);
  });

  it("has the command, validation, drills with their models, documents and licence", () => {
    for (const path of [
      "dist/scripts/faultplane.js",
      "dist/scripts/commands/validate.js",
      "dist/scripts/validation/all-to-all.js",
      "drills/default.yaml",
      "drills/models/deepseek-v3.json",
      "docs/scenario.schema.json",
      "README.md",
      "LICENSE",
      "NOTICE",
    ]) {
      expect(shipped).toContain(path);
    }
  });

  it("has no benchmarks, swarm, bug bank, tests or sources", () => {
    const others =
      /\/(bench|swarm|bug-bank|hostile|kills|test-page)\/|^dist\/test|\.ts$|tsbuildinfo/;
    expect(shipped.filter((path) => others.test(path))).toEqual([]);
  });
});
