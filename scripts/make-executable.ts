/**
 * The last step of a build: what package.json names as commands can be executed, as npx does in a
 * clone. The compiler does not set that; a rebuild keeps it.
 */
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "./commands/package-files.ts";

const root = packageRoot();
const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly bin: Readonly<Record<string, string>>;
};
for (const path of Object.values(bin)) chmodSync(join(root, path), 0o755);
