/**
 * `npm run kills -- [--count N] [--seed S] [--from K] [--hosts H]`: runs a small scenario N times
 * over real processes, kills one of them each time, and says what came of it. Hosts beyond the
 * first are `faultplane join` on this machine. Exit code 1 when anything did not hold. Linux only.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { streamOf } from "../../src/base/random.ts";
import { packageRoot } from "../commands/package-files.ts";
import { drawCase, type KillCase, PHASES, ROLES } from "./kill-case.ts";
import { command, type KillPlan, type KillResult, killOnce } from "./kill-run.ts";

/** Two nodes of four GPUs, paced so that phases last for tens of milliseconds. */
const SCENARIO = `title: kills
model: deepseek-v3.json
hardware: h800-infiniband
cluster: {nodes: 2, gpusPerNode: 4, planes: 4, switchPorts: 8}
workload: {phase: decode, protocol: low-latency, tokensPerGpu: 4, steps: 2, layers: [3, 4, 5, 6]}
transport: {ackTimeoutExponent: 10, retryCount: 3, waitTimeout: 20 ms}
run: {seed: 7, placement: node, lagBudget: 600 s, speed: 0.001}
`;

/** Processes of that: two nodes, four planes. */
const WORKERS = 6;

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "200" },
    from: { type: "string", default: "0" },
    seed: { type: "string", default: "1" },
    hosts: { type: "string", default: "1" },
  },
});
const [count, from, hosts] = [Number(values.count), Number(values.from), Number(values.hosts)];
if (![count, from, hosts].every(Number.isSafeInteger) || count < 1 || from < 0 || hosts < 1) {
  process.stderr.write("usage: kills [--count N] [--seed S] [--from K] [--hosts H]\n");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "faultplane-kills-"));
try {
  process.exitCode = await perform();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function perform(): Promise<number> {
  const root = packageRoot();
  const scenario = join(folder, "kills.yaml");
  writeFileSync(scenario, SCENARIO);
  copyFileSync(join(root, "drills/models/deepseek-v3.json"), join(folder, "deepseek-v3.json"));
  mkdirSync(join(folder, "runs"));
  const program = join(root, "dist/scripts/faultplane.js");
  const single = ["run", scenario, "--placement", "single", "--speed", "max", "--quiet", "--json"];
  const undisturbed = await command({ command: program }, [
    ...single,
    "--out",
    join(folder, "undisturbed"),
  ]).ended;
  const digest = /"digest":"([0-9a-f]+)"/.exec(undisturbed.stdout)?.[1];
  if (digest === undefined) throw new Error(`the undisturbed run failed: ${undisturbed.stderr}`);
  const plan: KillPlan = {
    command: program,
    scenario,
    digest,
    workers: WORKERS,
    hosts,
    folder: join(folder, "runs"),
  };
  process.stdout.write(`seed ${values.seed}, undisturbed digest ${digest}\n`);
  const results: { readonly one: KillCase; readonly result: KillResult }[] = [];
  for (let number = from; number < from + count; number += 1) {
    const one = drawCase(number, streamOf(values.seed, `kill ${number}`));
    const result = await killOnce(plan, one);
    results.push({ one, result });
    const { role, phase, policy, delayMs } = one;
    const what = result.isHit ? "" : ", over before it was hit";
    const outcome = result.problems.length === 0 ? "ok" : `FAILED ${result.problems.join("; ")}`;
    const seconds = result.wallSeconds.toFixed(1);
    process.stdout.write(
      `${number}: kill -9 ${role}, ${phase} + ${delayMs} ms, ${policy}: ${outcome} (${seconds} s${what})\n`,
    );
  }
  process.stdout.write(summary(results));
  return results.some(({ result }) => result.problems.length > 0) ? 1 : 0;
}

/** A table of hits by role and phase, and the sum. */
function summary(
  results: readonly { readonly one: KillCase; readonly result: KillResult }[],
): string {
  const lines = ["", `${"phase".padEnd(20)}${ROLES.map((role) => role.padStart(14)).join("")}`];
  for (const phase of PHASES) {
    const cells = ROLES.map((role) => {
      const mine = results.filter(({ one }) => one.role === role && one.phase === phase);
      const hits = mine.filter(({ result }) => result.isHit).length;
      const failed = mine.filter(({ result }) => result.problems.length > 0).length;
      const text = mine.length === 0 ? "-" : `${hits}${failed > 0 ? ` (${failed} failed)` : ""}`;
      return text.padStart(14);
    });
    lines.push(`${phase.padEnd(20)}${cells.join("")}`);
  }
  const hits = results.filter(({ result }) => result.isHit).length;
  const failed = results.filter(({ result }) => result.problems.length > 0).length;
  lines.push("", `${results.length} runs, ${hits} kills that hit, ${failed} failed`, "");
  return lines.join("\n");
}
