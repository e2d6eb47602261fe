/**
 * Orders in the journal: what was done to a run from outside, by a drill or by an operator, each
 * with its virtual instant. They are written before they act, so a replay can do the same. Notes
 * are observations: they act on nothing.
 */
import {
  FAULT_KINDS,
  type FaultHeal,
  type FaultLevel,
  type FaultSpec,
  INTERVENTION_KINDS,
} from "../src/model/fault.ts";

/** Who gave an order. */
export type Orderer = "drill" | "operator";

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

/** What is wrong with a line that claims to be an order; undefined: nothing. */
export function orderProblem(line: Fields): string | undefined {
  const problem = bodyProblem(line);
  if (problem !== undefined || isOrderer(line.by)) return problem;
  return `${line.record} without who ordered it (by: drill or operator)`;
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

function isOrderer(value: unknown): value is Orderer {
  return value === "drill" || value === "operator";
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
