/**
 * One run, one kill -9, and what has to hold afterwards: the run ends, nothing is left of it, the
 * loss is written down once, a replay is equal, and where nothing was to be lost, nothing was.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseJournal } from "../../cluster/journal.ts";
import { RunFile } from "../../cluster/run-folder.ts";
import { type StartedProgram, startProgram } from "../bench/child-program.ts";
import type { KillCase } from "./kill-case.ts";
import { isInPhase, viewOf } from "./phase-watch.ts";
import { membersOf } from "./process-table.ts";

/** Wall ms that a run may take before it counts as hung. */
const RUN_WITHIN_MS = 180_000;

/** Wall ms in which nothing of a run may be left once its coordinator is gone. */
const GONE_WITHIN_MS = 5000;

/** Wall ms between two looks. */
const LOOK_EVERY_MS = 3;

/** Ports of loopback that cases take in turn. */
const FIRST_PORT = 29_500;
const PORTS = 1000;

/** What a kill came to. */
export interface KillResult {
  /** Was somebody hit while it mattered? */
  readonly isHit: boolean;
  /** What did not hold, each a sentence. */
  readonly problems: readonly string[];
  /** Wall seconds until everything was over. */
  readonly wallSeconds: number;
}

/** What all kills of one session share. */
export interface KillPlan {
  /** The built command. */
  readonly command: string;
  readonly scenario: string;
  /** Of the run that nobody disturbs. */
  readonly digest: string;
  readonly workers: number;
  /** Hosts of each run, all on this machine. */
  readonly hosts: number;
  /** Where run folders go. */
  readonly folder: string;
}

/** Performs one case. */
export async function killOnce(plan: KillPlan, one: KillCase): Promise<KillResult> {
  const startedMs = performance.now();
  const folder = join(plan.folder, `run-${one.number}`);
  const problems: string[] = [];
  const settings = ["--out", folder, "--on-worker-loss", one.policy, "--json", "--quiet"];
  const others: StartedProgram[] = [];
  const run = command(plan, [...startWords(plan, one), ...settings]);
  for (let host = 1; host < plan.hosts; host += 1) {
    others.push(command(plan, ["join", endpointOf(one), "--quiet"]));
  }
  let isHit: boolean;
  if (one.phase === "in-replay") {
    await allEnded([run, ...others], problems);
    isHit = await killReplay(plan, folder, one);
  } else {
    isHit = await killMember(plan, run, folder, one);
    await allEnded([run, ...others], problems);
  }
  const runId = /"runId":"([^"]+)"/.exec(viewOf(folder).journal)?.[1];
  if (runId !== undefined) await expectGone(runId, problems);
  if (one.role === "coordinator" && one.phase !== "in-replay") {
    await takeUp(plan, folder, problems);
  } else if (isHit) checkRecord(folder, one, problems);
  if (!isHit || one.phase === "in-replay") await checkUndisturbed(run, folder, problems);
  await checkReplay(plan, folder, one, problems);
  rmSync(folder, { recursive: true, force: true });
  return { isHit, problems, wallSeconds: (performance.now() - startedMs) / 1000 };
}

/** Words that start the run. */
function startWords(plan: KillPlan, one: KillCase): string[] {
  if (plan.hosts === 1) return ["run", plan.scenario];
  const where = ["--nnodes", String(plan.hosts), "--rdzv-endpoint", endpointOf(one)];
  return ["up", plan.scenario, ...where];
}

/** Where the hosts of a case meet: each at a port of its own, so that none meets a straggler. */
function endpointOf({ number }: KillCase): string {
  return `127.0.0.1:${FIRST_PORT + (number % PORTS)}`;
}

async function allEnded(programs: readonly StartedProgram[], problems: string[]): Promise<void> {
  for (const program of programs) await ended(program, problems);
}

/** The command with these words. */
export function command(plan: Pick<KillPlan, "command">, words: readonly string[]): StartedProgram {
  return startProgram(process.execPath, [plan.command, ...words]);
}

/** Waits for the phase and kills; false: the run was over before. */
async function killMember(
  plan: KillPlan,
  run: StartedProgram,
  folder: string,
  one: KillCase,
): Promise<boolean> {
  if (one.phase === "during-recovery" && !(await killWorker(plan, run, folder, "mid-dispatch"))) {
    return false;
  }
  for (;;) {
    if (run.isOver) return false;
    const view = viewOf(folder);
    const hasRole =
      one.role === "coordinator" || view.members.some(({ role }) => role === one.role);
    if (hasRole && isInPhase(one.phase, view, plan.workers)) break;
    await wait(LOOK_EVERY_MS);
  }
  await wait(one.delayMs);
  return hit(run, folder, one);
}

/** Kills the first worker when the run is in a phase. */
function killWorker(
  plan: KillPlan,
  run: StartedProgram,
  folder: string,
  phase: KillCase["phase"],
): Promise<boolean> {
  const first = {
    number: 0,
    role: "worker",
    phase,
    policy: "fault",
    which: 0,
    delayMs: 0,
  } as const;
  return killMember(plan, run, folder, first);
}

function hit(run: StartedProgram, folder: string, one: KillCase): boolean {
  if (run.isOver) return false;
  if (one.role === "coordinator") return killed(run.pid);
  const members = viewOf(folder).members.filter(({ role }) => role === one.role);
  return members.length > 0 && killed(members[Math.floor(one.which * members.length)].pid);
}

function killed(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}

async function killReplay(plan: KillPlan, folder: string, one: KillCase): Promise<boolean> {
  const replay = command(plan, ["replay", folder, "--quiet"]);
  await wait(150 + 5 * one.delayMs);
  const isHit = !replay.isOver && killed(replay.pid);
  await replay.ended;
  return isHit;
}

/** Waits for the end of a run, and ends one that hangs. */
async function ended(run: StartedProgram, problems: string[]): Promise<void> {
  const late = wait(RUN_WITHIN_MS, "late", { ref: false });
  if ((await Promise.race([run.ended, late])) !== "late") return;
  problems.push(`the run hung: not over after ${RUN_WITHIN_MS / 1000} s`);
  run.kill();
  await run.ended;
}

async function expectGone(runId: string, problems: string[]): Promise<void> {
  const untilMs = performance.now() + GONE_WITHIN_MS;
  for (;;) {
    const left = membersOf(runId);
    if (left.length === 0) return;
    if (performance.now() > untilMs) {
      problems.push(`processes were left: ${left.join(", ")}`);
      for (const pid of left) killed(pid);
      return;
    }
    await wait(50);
  }
}

/**
 * A run whose coordinator was killed goes on, and ends as the one that nobody disturbed, or, when
 * it had lost actors before, as its own replay says.
 */
async function takeUp(plan: KillPlan, folder: string, problems: string[]): Promise<void> {
  if (!existsSync(join(folder, RunFile.journal))) return;
  const { code, stdout, stderr } = await command(plan, ["replay", folder, "--quiet", "--json"])
    .ended;
  const isEmpty = stderr.includes("E054");
  if (code !== 0 && !isEmpty) problems.push(`replay of what there is: exit code ${code}`);
  if (/"end":"finished"/.test(viewOf(folder).journal)) return;
  const resumed = await command(plan, ["resume", folder, "--quiet", "--json"]).ended;
  const digest = digestIn(resumed.stdout);
  const { orders, end } = parseJournal(viewOf(folder).journal);
  const expected = orders.length === 0 ? plan.digest : end?.digest;
  if (digest !== expected || end?.end !== "finished") {
    problems.push(`resume: exit code ${resumed.code}, digest ${digest}: ${stdout.slice(0, 200)}`);
  }
}

/** Whom nobody hit has come to its end: a run that cannot even begin proves nothing. */
async function checkUndisturbed(
  run: StartedProgram,
  folder: string,
  problems: string[],
): Promise<void> {
  if (/"end":"finished"/.test(viewOf(folder).journal)) return;
  const { code, stderr } = await run.ended;
  problems.push(`nobody was hit, and the run failed: exit code ${code}: ${stderr.slice(-300)}`);
}

/** One loss, one record; and no more than that. */
function checkRecord(folder: string, one: KillCase, problems: string[]): void {
  const text = viewOf(folder).journal;
  if (text === "") return;
  const losses = [...text.matchAll(/"event":"(?:worker|agent)-lost"/g)].length;
  const expected = one.phase === "in-replay" ? 0 : one.phase === "during-recovery" ? 2 : 1;
  // At the very end a process may go before or after it was told to.
  const least = one.phase === "shutdown" ? 0 : expected;
  if (losses < least || losses > expected) problems.push(`${losses} loss records, not ${expected}`);
  const { end } = parseJournal(text);
  if (end?.end !== "finished") problems.push(`the run ended: ${end?.end ?? "without an end"}`);
}

async function checkReplay(
  plan: KillPlan,
  folder: string,
  one: KillCase,
  problems: string[],
): Promise<void> {
  const text = viewOf(folder).journal;
  if (text === "") return;
  const { code, stderr } = await command(plan, ["replay", folder, "--quiet"]).ended;
  if (code !== 0) problems.push(`replay: exit code ${code}: ${stderr.slice(-200)}`);
  const { end, orders } = parseJournal(text);
  const isUndisturbed = one.policy === "recover" || orders.length === 0;
  if (end !== undefined && isUndisturbed && end.digest !== plan.digest) {
    problems.push(`digest ${end.digest}, not ${plan.digest}`);
  }
}

function digestIn(json: string): string {
  return /"digest":"([0-9a-f]+)"/.exec(json)?.[1] ?? "none";
}
