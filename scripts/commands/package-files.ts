/**
 * Where the files of this package are, however it was installed: found from this module upwards,
 * never from the folder that the user stands in.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with our package.json. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json")) && folder !== dirname(folder)) {
    folder = dirname(folder);
  }
  return folder;
}

/** The scenario of `faultplane run` without arguments. */
export function defaultScenario(): string {
  return join(packageRoot(), "drills", "default.yaml");
}

/** The built entry points of the other processes of a run. */
export function processMains(): { agentMain: string; workerMain: string; keeperMain: string } {
  const scripts = join(packageRoot(), "dist", "scripts");
  return {
    agentMain: join(scripts, "agent-main.js"),
    workerMain: join(scripts, "worker-main.js"),
    keeperMain: join(scripts, "keeper-main.js"),
  };
}

/** What decides how a run goes; tests and tools do not. */
const BUILD_FOLDERS = ["src", "actors", "cluster"];

/**
 * Fingerprint of this program, 16 hexadecimal digits: equal on all hosts of a run, since one that
 * computes otherwise would not fail but give another result.
 */
export function buildFingerprint(): string {
  const hash = createHash("sha256");
  const dist = join(packageRoot(), "dist");
  for (const folder of BUILD_FOLDERS) {
    const names = readdirSync(join(dist, folder), { recursive: true, encoding: "utf8" });
    for (const name of names.filter((one) => one.endsWith(".js")).sort()) {
      hash.update(`${folder}/${name}\n`).update(readFileSync(join(dist, folder, name)));
    }
  }
  return hash.digest("hex").slice(0, 16);
}
