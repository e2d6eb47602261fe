/**
 * Where the files of this package are, however it was installed: found from this module upwards,
 * never from the folder that the user stands in.
 */
import { existsSync } from "node:fs";
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
export function processMains(): { agentMain: string; workerMain: string } {
  const scripts = join(packageRoot(), "dist", "scripts");
  return {
    agentMain: join(scripts, "agent-main.js"),
    workerMain: join(scripts, "worker-main.js"),
  };
}
