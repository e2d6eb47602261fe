/**
 * Waits until a run has come to a phase, as far as that can be seen from outside: by the processes
 * that there are, the sockets that they have, and what stands in the run's own files.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { RunFile } from "../../cluster/run-folder.ts";
import type { KillPhase } from "./kill-case.ts";
import { membersBelow, type RunProcess, socketsOf } from "./process-table.ts";

/** Sockets of a process that has done nothing: standard error and the channel to its parent. */
const SOCKETS_AT_BIRTH = 2;

/** What a run looks like from outside. */
export interface RunView {
  readonly members: readonly RunProcess[];
  /** Texts of its event log and journal; empty before there are any. */
  readonly events: string;
  readonly journal: string;
}

/** Looks at the run in `folder`; all its processes descend from this one. */
export function viewOf(folder: string): RunView {
  return {
    members: membersBelow(process.pid),
    events: fileOf(folder, RunFile.events),
    journal: fileOf(folder, RunFile.journal),
  };
}

/** Has the run, which will have `workers` workers, come to the phase? */
export function isInPhase(phase: KillPhase, view: RunView, workers: number): boolean {
  const ofWorkers = view.members.filter(({ role }) => role === "worker");
  const open = ofWorkers.map(({ pid }) => socketsOf(pid) - SOCKETS_AT_BIRTH);
  switch (phase) {
    case "spawn":
      return ofWorkers.length > 0;
    case "before-auth":
      return ofWorkers.length === workers;
    // A port for peers, and the link to the agent.
    case "after-auth":
      return open.some((count) => count >= 2);
    case "topology-exchange":
      return open.some((count) => count >= 3);
    case "first-window":
      return open.length === workers && open.every((count) => count >= 3);
    case "mid-dispatch":
      return lastFactIs(view.events, "layer.completed");
    case "mid-combine":
      return lastFactIs(view.events, "dispatch.completed");
    case "during-recovery":
      return view.journal.includes('"worker-lost"');
    case "shutdown":
      return view.events.includes('"rank.finished"');
    case "in-replay":
      return true;
  }
}

/** What comes next is told by what was done last. */
function lastFactIs(events: string, fact: string): boolean {
  const lines = events.trimEnd().split("\n");
  return lines.length > 10 && (lines.at(-1)?.includes(`"fact":"${fact}"`) ?? false);
}

function fileOf(folder: string, name: string): string {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
