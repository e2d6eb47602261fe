/**
 * What a drill would do, without doing it: its targets, how far they reach, how long it takes, and
 * what ends what. From the drill and the topology alone.
 */
import { CATALOGUE, isFaultName } from "../fault/catalogue.ts";
import { EffectFinder } from "../fault/effects.ts";
import { shiftFault } from "../fault/shift-fault.ts";
import type { FaultSpec } from "../model/fault.ts";
import type { Topology } from "../model/topology.ts";
import { type Blast, BlastFinder } from "./blast.ts";
import type { Activity, Drill } from "./drill.ts";
import { type PlannedHostFault, planHostFault } from "./host-plan.ts";
import { methodClock } from "./method-clock.ts";

/** A fault as it would come; instants of the run, ps. */
export interface PlannedFault {
  readonly name: string;
  readonly kind: string;
  readonly targets: readonly string[];
  /** With a phase of a layer as its onset, 0: the instant is found when the drill is run. */
  readonly atPs: number;
  readonly isMoment: boolean;
  readonly endsAtPs?: number;
  /** `lease`, `action 'x'`, `rollback 'x'`, or `end of the run`. */
  readonly endedBy: string;
  /** What the catalogue says of its kind. */
  readonly about: string;
}

export interface PlannedAction {
  readonly name: string;
  readonly func: string;
  readonly duePs: number;
  readonly fault?: PlannedFault;
  readonly blast?: Blast;
  /** A real fault, of processes of the run. */
  readonly host?: PlannedHostFault;
}

export interface DrillPlan {
  readonly title: string;
  /** Faults of the scenario itself, then the method's activities in their order. */
  readonly actions: readonly PlannedAction[];
  readonly rollbacks: readonly { readonly name: string; readonly ends: readonly string[] }[];
  readonly strategies: Drill["strategies"];
  readonly methodEndPs: number;
  readonly stopAfterPs: number;
}

/** The plan of a drill over so many hosts. */
export function planDrill(drill: Drill, topology: Topology, hosts = 1): DrillPlan {
  const { scenario, method, rollbacks } = drill;
  const clock = methodClock(method);
  const finder = new BlastFinder(scenario, topology, new EffectFinder(topology));
  const planned = (fault: FaultSpec, index: number): Pick<PlannedAction, "fault" | "blast"> => {
    const plan = plannedFault(drill, fault, index);
    const leasePs = (fault.healAtPs ?? Infinity) - fault.atPs;
    const endsPs = (plan.endsAtPs ?? Infinity) - plan.atPs;
    return { fault: plan, blast: finder.of(fault, Math.min(leasePs, endsPs)) };
  };
  const own = scenario.faults.map((fault): PlannedAction => {
    const { name, atPs } = fault;
    return { name, func: "scenario", duePs: atPs, ...planned(fault, -1) };
  });
  const actions = method.map((activity, index): PlannedAction => {
    const duePs = clock.duePs[index];
    const { name } = activity;
    if (activity.type === "probe") return { name, func: activity.measure, duePs };
    const { act } = activity;
    const { func } = act;
    if ("host" in act) {
      return { name, func, duePs, host: planHostFault(act.host, drill, topology, hosts) };
    }
    if (!("since" in act)) return { name, func, duePs };
    const isShifted = act.since === "due" && act.fault.moment === undefined;
    const fault = isShifted ? shiftFault(act.fault, duePs) : act.fault;
    return { name, func, duePs, ...planned(fault, index) };
  });
  return {
    title: drill.title,
    actions: [...own, ...actions],
    rollbacks: rollbacks.map((activity) => ({
      name: activity.name,
      ends: [endOf(activity)].flatMap((name) => name ?? []),
    })),
    strategies: drill.strategies,
    methodEndPs: clock.endPs,
    stopAfterPs: drill.stop.afterPs,
  };
}

/** Name of the fault that an activity ends; undefined: none. */
function endOf(activity: Activity): string | undefined {
  if (activity.type === "probe") return undefined;
  const { act } = activity;
  return act.func === "heal" || act.func === "unmask" || act.func === "undrain"
    ? act.fault
    : undefined;
}

/** `index`: place of its action in the method; -1: the scenario has it. */
function plannedFault(drill: Drill, fault: FaultSpec, index: number): PlannedFault {
  const { name, kind, targets, atPs, healAtPs, moment } = fault;
  const { method, rollbacks, strategies } = drill;
  const clock = methodClock(method);
  const healer = method.findIndex((activity, place) => place > index && endOf(activity) === name);
  const healedPs = healer < 0 ? Infinity : Math.max(clock.duePs[healer], atPs);
  const rollback = rollbacks.findIndex((activity) => endOf(activity) === name);
  const isRolledBack = rollback >= 0 && strategies.rollbacks !== "never";
  const rolledPs = isRolledBack ? clock.endPs + methodClock(rollbacks).duePs[rollback] : Infinity;
  const isMoment = moment !== undefined;
  const about = isFaultName(kind) ? CATALOGUE[kind].about : "An operator's act.";
  const base = { name, kind, targets, atPs, isMoment, about };
  const leasePs = isMoment ? Infinity : (healAtPs ?? Infinity);
  const firstPs = Math.min(healedPs, rolledPs, leasePs);
  if (firstPs === Infinity) {
    const isLeased = healAtPs !== undefined;
    return { ...base, endedBy: isLeased ? "lease" : "end of the run" };
  }
  if (firstPs === leasePs) return { ...base, endsAtPs: firstPs, endedBy: "lease" };
  const endedBy =
    firstPs === healedPs
      ? `action '${method[healer].name}'`
      : `rollback '${rollbacks[rollback].name}'`;
  return { ...base, endsAtPs: firstPs, endedBy };
}
