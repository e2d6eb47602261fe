/** What to try after a run: whole commands with real paths, to be copied. */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import type { RunReport } from "../../cluster/report.ts";
import { packageRoot } from "./package-files.ts";

/** `path` is the scenario as it was given; undefined: the default one. */
export function nextSteps(report: RunReport, path: string | undefined): string[] {
  const command = process.env.npm_lifecycle_event === undefined ? "faultplane" : "npx faultplane";
  const again = path === undefined ? `${command} run` : `${command} run ${fileWord(path)}`;
  const steps = [
    [`${command} replay ${shellWord(report.runDir)}`, "run it again from its folder, and compare"],
  ];
  const other = otherDrill(path);
  if (other !== undefined) steps.push([`${command} run ${shellWord(other)}`, "another fault"]);
  if (report.placement !== "actor") {
    steps.push([
      `${again} --placement actor`,
      "each GPU, NIC and switch a process: the same digest",
    ]);
  }
  if (report.speed === "max") {
    const wallSeconds = Math.ceil(report.virtualTimeNs / 1e9 / 0.01);
    const why = `a hundred times slower than life: ${wallSeconds} s of wall time`;
    steps.push([`${again} --speed 0.01`, why]);
  }
  const width = Math.max(...steps.map(([text]) => text.length));
  return steps.map(([text, why]) => `${text.padEnd(Math.min(width, 60))}  # ${why}`);
}

/** Drills of the package that break something, besides the default one. */
const FAULT_DRILLS = ["gpu-dead.yaml", "nic-flap.yaml", "link-down.yaml"];

/** A drill of the package that breaks something and was not just run. */
function otherDrill(path: string | undefined): string | undefined {
  const name = FAULT_DRILLS.find((drill) => path === undefined || !path.endsWith(drill));
  const absolute = join(packageRoot(), "drills", name ?? "");
  if (name === undefined || !existsSync(absolute)) return undefined;
  const short = relative(".", absolute);
  return short.startsWith("..") ? absolute : short;
}

/** A file name for a shell, never to be taken for an option. */
function fileWord(path: string): string {
  return shellWord(path.startsWith("-") ? `./${path}` : path);
}

/** `word` quoted for a POSIX shell when it has to be. */
export function shellWord(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
