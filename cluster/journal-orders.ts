/**
 * Orders in the journal: what was done to a run from outside, by a drill, by an operator or by the
 * loss of a process, each with its virtual instant. They are written before they act, so a replay
 * can do the same. Notes and what hosts did are observations: they act on nothing.
 */
import {
  FAULT_KINDS,
  type FaultHeal,
  type FaultLevel,
  type FaultSpec,
  INTERVENTION_KINDS,
} from "../src/model/fault.ts";

/** Who gave an order; `host`: nobody, a process was lost with the actors that it held. */
export type Orderer = "drill" | "operator" | "host";

/** What can happen to the hosts of a run. */
export const HOST_EVENTS = [
  "worker-lost",
  "worker-replaced",
  "agent-lost",
  "agent-joined",
  "host-fault",
  "resumed",
] as const;

export type HostEvent = (typeof HOST_EVENTS)[number];

/** What happened to a host or a process of the run: for people; a replay passes over it. */
export interface HostRecord {
  readonly record: "host";
  readonly event: HostEvent;
  /** Where virtual time stood. */
  readonly atPs: number;
  /** A sentence. */
  readonly detail: string;
}

/** The loss of actors, as the journal has it: `targets` are gone from `atPs` on. */
export type ActorsLostOrder = {
  readonly record: "fault";
  readonly by: "host";
  readonly kind: "actors-lost";
} & Pick<FaultSpec, "name" | "atPs" | "targets">;

/** One order, as the journal has it. */
export type JournalOrder =
  | ({ readonly record: "fault"; readonly by: Orderer } & FaultSpec)
  | ({ readonly record: "heal"; readonly by: Orderer } & FaultHeal)
  /** Ends the run: everything before the instant has happened, nothing at it or later. */
  | {
      readonly record: "stop";
      readonly by: Orderer;
      readonly atPs: number;
      readonly reason: string;
    }
  /** Paused, resumed, other speed, diagnosed: for people; a replay passes over it. */
  | { readonly record: "note"; readonly by: Orderer; readonly atPs: number; readonly text: string };

/** The faults among `orders`, as they were given. */
export function faultsOf(orders: readonly JournalOrder[]): FaultSpec[] {
  return orders.flatMap((order) => {
    if (order.record !== "fault") return [];
    const { record: _, by: __, ...fault } = order;
    return [fault];
  });
}

/** The heals among `orders`. */
export function healsOf(orders: readonly JournalOrder[]): FaultHeal[] {
  return orders.flatMap((order) =>
    order.record === "heal" ? [{ fault: order.fault, atPs: order.atPs }] : [],
  );
}

type Fields = Readonly<Record<string, unknown>>;

/** Whether others may act on a record only when it survives a loss of power: what was lost. */
export function mustSurvive(record: JournalOrder | HostRecord): boolean {
  return record.record === "host" || (record.record === "fault" && record.by === "host");
}

/**
 * What is wrong with a line that claims to be an order or an observation of a host; undefined:
 * nothing.
 */
export function orderProblem(line: Fields): string | undefined {
  const problem = bodyProblem(line);
  if (problem !== undefined || line.record === "host") return problem;
  if (line.by === "host" || line.kind === "actors-lost") return lossProblem(line);
  if (line.by === "drill" || line.by === "operator") return undefined;
  return `${line.record} without who ordered it (by: drill, operator or host)`;
}

/** Processes are lost, and nothing else is by a host; nobody else loses them. */
function lossProblem(line: Fields): string | undefined {
  if (line.record !== "fault" || line.kind !== "actors-lost") {
    return `${line.record} by host, which only loses actors (fault of kind actors-lost)`;
  }
  if (line.by !== "host") return "loss of actors that is not by host";
  if (["healAtPs", "parameters", "levels"].some((key) => line[key] !== undefined)) {
    return "loss of actors with more than its name, targets and instant";
  }
  return undefined;
}

function bodyProblem(line: Fields): string | undefined {
  switch (line.record) {
    case "fault":
      return faultProblem(line);
    case "heal":
      return isText(line.fault) && isInstant(line.atPs)
        ? undefined
        : "heal without its fault or instant";
    case "stop":
      return isText(line.reason) && isInstant(line.atPs)
        ? undefined
        : "stop without its reason or instant";
    case "note":
      return isText(line.text) && isInstant(line.atPs)
        ? undefined
        : "note without its text or instant";
    case "host":
      return isHostEvent(line.event) && isText(line.detail) && isInstant(line.atPs)
        ? undefined
        : `host without its event (${HOST_EVENTS.join(", ")}), detail or instant`;
    default:
      return `unknown record ${JSON.stringify(line.record)}`;
  }
}

const KINDS: readonly unknown[] = [...FAULT_KINDS, ...INTERVENTION_KINDS, "actors-lost"];

function faultProblem(line: Fields): string | undefined {
  const { name, kind, atPs, healAtPs, targets, parameters, levels } = line;
  if (!isText(name) || !KINDS.includes(kind) || !isInstant(atPs) || !isNames(targets)) {
    return "fault without its name, kind, targets or instant";
  }
  if (healAtPs !== undefined && !(isInstant(healAtPs) && healAtPs > atPs)) {
    return "fault that begins before the run, or heals before it begins";
  }
  if (parameters !== undefined && !isParameters(parameters)) {
    return "fault with a parameter that is no number";
  }
  if (levels !== undefined && !areLevels(levels, atPs)) {
    return "fault whose levels do not ascend from its onset, or are not 0..1000";
  }
  return undefined;
}

function isHostEvent(value: unknown): boolean {
  return HOST_EVENTS.some((event) => event === value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isInstant(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isText);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isParameters(value: unknown): boolean {
  return (
    isFields(value) &&
    Object.entries(value).every(([name, part]) =>
      name === "silent" ? part === true : Number.isFinite(part) && Number(part) >= 0,
    )
  );
}

function areLevels(value: unknown, onsetPs: number): boolean {
  if (!Array.isArray(value)) return false;
  let beforePs = onsetPs - 1;
  for (const level of value as readonly FaultLevel[]) {
    if (!isFields(level) || !isInstant(level.atPs) || level.atPs <= beforePs) return false;
    if (!isInstant(level.permille) || level.permille > 1000) return false;
    beforePs = level.atPs;
  }
  return true;
}
