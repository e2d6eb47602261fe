/**
 * What /proc tells of the processes of a run: who they are, by the entry point in their command
 * line, and how many sockets each has open. Only Linux.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** One process of a run. */
export interface RunProcess {
  readonly pid: number;
  readonly role: "agent" | "worker";
}

/** All processes that descend from one, agents and workers only. */
export function membersBelow(root: number): RunProcess[] {
  const parents = new Map<number, number>();
  for (const pid of processIds()) {
    const stat = textOf(pid, "stat");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields.length > 1 && fields[0] !== "Z") parents.set(pid, Number(fields[1]));
  }
  const found = new Set([root]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  found.delete(root);
  return [...found].flatMap((pid) => roleOf(pid));
}

/** Processes of the run with this id that are left, whoever their parent is by now. */
export function membersOf(runId: string): number[] {
  return processIds().filter((pid) => {
    const isMember = textOf(pid, "environ").includes(`FAULTPLANE_RUN_ID=${runId}\0`);
    return isMember && !textOf(pid, "stat").includes(") Z ");
  });
}

/** Sockets that a process has open; -1 when it is gone. */
export function socketsOf(pid: number): number {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).filter((name) => isSocket(`${folder}/${name}`)).length;
  } catch {
    return -1;
  }
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith("socket:");
  } catch {
    return false;
  }
}

function roleOf(pid: number): RunProcess[] {
  const command = textOf(pid, "cmdline");
  const isJoined = command.includes("faultplane.js\0join\0");
  if (isJoined || command.includes("agent-main.js")) return [{ pid, role: "agent" }];
  return command.includes("worker-main.js") ? [{ pid, role: "worker" }] : [];
}

function processIds(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Empty when the process is gone, or another user's. */
function textOf(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}
