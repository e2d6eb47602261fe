/**
 * Faults of the host layer: a process or a connection of the run itself is killed, stopped, slowed
 * or cut. They are no input of the model: what enters it is the loss that may follow, as a fault
 * `actors-lost`. Targets are labels of the run's own processes. Plain data.
 */

/** What can be done to the processes and connections of a run. */
export const HOST_FAULT_FUNCS = [
  "kill_worker",
  "stop_worker",
  "slow_worker",
  "kill_agent",
  "stop_agent",
  "lose_host",
  "cut_connection",
  "half_open",
] as const;

export type HostFaultFunc = (typeof HOST_FAULT_FUNCS)[number];

/** Which way bytes are held: what the worker (or the first of two) sends, what it is sent. */
export const DIRECTIONS = ["out", "in", "both"] as const;

export type Direction = (typeof DIRECTIONS)[number];

/** A worker by its placement's label; a host as `host0`; the connection between two workers. */
export type HostFaultTarget =
  | { readonly worker: string }
  | { readonly between: readonly [string, string] }
  | { readonly host: string };

/** One fault of the host layer. Times are wall time. */
export interface HostFault {
  readonly func: HostFaultFunc;
  /** Name of the drill's action. */
  readonly action: string;
  readonly target: HostFaultTarget;
  /** Its lease, ms: it ends by itself; missing for what kills or cuts. */
  readonly forMs?: number;
  /** slow_worker: time to wait before each window, ms. */
  readonly delayMs?: number;
  /** half_open. */
  readonly direction?: Direction;
}

/** What became of one, in a run that is over. */
export interface HostFaultRun {
  readonly layer: "host";
  readonly fault: HostFault;
  /** Where virtual time stood, ps. */
  readonly atPs: number;
  /** Wall time since the run began. */
  readonly wallSeconds: number;
  readonly done: boolean;
  /** How it went, or why it could not be carried out. */
  readonly detail: string;
  /** Names of the `actors-lost` that came of it. */
  readonly followedBy: readonly string[];
}

/** The labels in a target: one, or the two ends of a connection. */
export function hostTargetLabels(target: HostFaultTarget): readonly string[] {
  if ("worker" in target) return [target.worker];
  return "host" in target ? [target.host] : target.between;
}

/** `pack1`, `host0`, `pack0 and pack2`. */
export function hostTargetText(target: HostFaultTarget): string {
  return hostTargetLabels(target).join(" and ");
}

/** `stop_worker pack1 for 1 s of wall time`. */
export function hostFaultText({ func, target, forMs, delayMs, direction }: HostFault): string {
  const parts = [`${func} ${hostTargetText(target)}`];
  if (direction !== undefined) parts.push(`(${direction})`);
  if (delayMs !== undefined) parts.push(`by ${delayMs / 1000} s a window`);
  if (forMs !== undefined) parts.push(`for ${forMs / 1000} s of wall time`);
  return parts.join(" ");
}
