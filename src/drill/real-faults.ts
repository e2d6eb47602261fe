/**
 * Real faults in other words than ours (host-acts.ts): as kinds of fault, as functions of other
 * tools, by providers that run something. They are refused, and told how it is written.
 */
import { HOST_FAULT_FUNCS } from "../model/host-fault.ts";
import { escapeText } from "../scenario/problem.ts";
import type { ProblemList } from "../scenario/problem-list.ts";
import type { DocumentPath } from "../scenario/yaml-text.ts";

/** What people call real faults, as functions. */
const REAL_FUNC =
  /^(?:kill|stop|terminate|cut|pause|suspend)(?:[_-](?:process|worker|agent|host))?$/;

/** And as kinds: `process-kill`, `real-kill`, `kill_worker`. */
const REAL_KIND =
  /^(?:(?:process|worker|agent|host|real)[_-])?(?:kill|stop|terminate|suspend)(?:[_-].*)?$|^real[_-]/;

/** Providers of Chaos Toolkit that run something on this machine, or reach out of it. */
const REAL_PROVIDERS = ["process", "python", "http"];

const HINT = `real faults are actions of their own: ${HOST_FAULT_FUNCS.join(", ")}`;

/** Is a function one that breaks real things? */
export function isRealFunc(func: string): boolean {
  return REAL_FUNC.test(func);
}

/**
 * Whether what is to be injected is a process of this machine, by its kind or by its target; if so,
 * with a problem.
 */
export function refuseRealKind(
  name: string,
  given: Readonly<Record<string, unknown>>,
  path: DocumentPath,
  problems: ProblemList,
): boolean {
  const { kind, target, pid, command } = given;
  const isPid = typeof target === "string" && /^pid\b/.test(target);
  if (pid !== undefined || command !== undefined || isPid) {
    const key = isPid ? "target" : pid === undefined ? "command" : "pid";
    refusePid([...path, key], problems);
    return true;
  }
  if (typeof kind !== "string" || !REAL_KIND.test(kind)) return false;
  refuse(`${kind} of`, name, [...path, "kind"], problems);
  return true;
}

/** Refuses a function that breaks real things. */
export function refuseRealFunc(
  name: string,
  func: string,
  given: Readonly<Record<string, unknown>>,
  path: DocumentPath,
  problems: ProblemList,
): void {
  if (given.pid !== undefined || given.command !== undefined) refusePid(path, problems);
  else refuse(`${func.split(/[_-]/)[0]}s`, name, path, problems);
}

/** Refuses activities whose provider is the host; returns where they stand. */
export function refuseRealProviders(root: unknown, problems: ProblemList): DocumentPath[] {
  const found: DocumentPath[] = [];
  for (const list of ["method", "rollbacks"]) {
    const activities = fieldOf(root, list);
    if (!Array.isArray(activities)) continue;
    activities.forEach((activity, index) => {
      const type = fieldOf(fieldOf(activity, "provider"), "type");
      if (!REAL_PROVIDERS.includes(type as string)) return;
      const path = [list, index, "provider"];
      found.push(path);
      const name = fieldOf(activity, "name");
      const words = type === "http" ? "reaches out of the emulated fleet" : "starts a program";
      const who = escapeText(typeof name === "string" ? name : "?");
      const message = `'${who}' ${words}, which no drill may`;
      problems.add("E031", [...path, "type"], message, { hint: HINT });
    });
  }
  return found;
}

function refusePid(path: DocumentPath, problems: ProblemList): void {
  problems.add("E032", path, "real faults take process labels, not pids or commands");
}

function refuse(words: string, name: string, path: DocumentPath, problems: ProblemList): void {
  const message = `'${escapeText(name)}' ${escapeText(words)} a real process; rerun with --allow-real-faults`;
  problems.add("E031", path, message, { hint: HINT });
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
