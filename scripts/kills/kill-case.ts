/**
 * Which process of a run is killed, when, and what that is to mean: drawn from a seed, evenly over
 * the roles and the phases of a run.
 */
import type { RandomStream } from "../../src/base/random.ts";

/** Who can be killed. */
export const ROLES = ["coordinator", "agent", "worker"] as const;

export type KillRole = (typeof ROLES)[number];

/**
 * When: a process has just been started; it runs and has not joined; it has joined; links between
 * workers are being made; all are linked; a dispatch or a combine is under way; a process lost
 * before is being replaced; the first ranks have finished; a finished run is replayed.
 */
export const PHASES = [
  "spawn",
  "before-auth",
  "after-auth",
  "topology-exchange",
  "first-window",
  "mid-dispatch",
  "mid-combine",
  "during-recovery",
  "shutdown",
  "in-replay",
] as const;

export type KillPhase = (typeof PHASES)[number];

/** One kill. */
export interface KillCase {
  readonly number: number;
  readonly role: KillRole;
  readonly phase: KillPhase;
  readonly policy: "fault" | "recover";
  /** Which of several processes with the role, 0..1. */
  readonly which: number;
  /** Wall ms between the sign of the phase and the kill. */
  readonly delayMs: number;
}

/** A replay is one process, and a recovery is not the coordinator's own. */
function canHit(role: KillRole, phase: KillPhase): boolean {
  return phase !== "in-replay" || role === "coordinator";
}

const PAIRS = ROLES.flatMap((role) =>
  PHASES.filter((phase) => canHit(role, phase)).map((phase) => ({ role, phase })),
);

/** The case with this number: every pair of role and phase comes up in turn. */
export function drawCase(number: number, random: RandomStream): KillCase {
  const { role, phase } = PAIRS[number % PAIRS.length];
  const policy = random.below(2) === 0 ? "fault" : "recover";
  const which = random.unit();
  const delayMs = random.below(40);
  return { number, role, phase, policy, which, delayMs };
}
