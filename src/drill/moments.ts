/**
 * Faults of a drill whose onset is a phase of a layer. Their instants are found by running the
 * scenario, which is not done here: the drill gives the scenario to run, and takes the instants.
 */

import { shiftFault } from "../fault/shift-fault.ts";
import type { FaultSpec } from "../model/fault.ts";
import type { Scenario } from "../model/scenario.ts";
import { formatTime } from "../model/time.ts";
import type { Activity, Drill } from "./drill.ts";
import { methodClock } from "./method-clock.ts";

/**
 * Everything that the method does to the fleet, as faults with their instants of the run: what is
 * healed ends there. What a stop condition or fail-fast would cut is in it, too.
 */
export function plannedFaults({ method }: Drill): readonly FaultSpec[] {
  const { duePs } = methodClock(method);
  const faults = new Map<string, FaultSpec>();
  method.forEach((activity, index) => {
    if (activity.type !== "action") return;
    const { act } = activity;
    if ("since" in act) {
      const { fault } = act;
      faults.set(fault.name, act.since === "run" ? fault : shiftFault(fault, duePs[index]));
    } else if (act.func === "heal" || act.func === "unmask" || act.func === "undrain") {
      const fault = faults.get(act.fault);
      if (fault === undefined || fault.moment !== undefined) return;
      faults.set(fault.name, endedAt(fault, duePs[index]));
    }
  });
  return [...faults.values()];
}

/** The fault with an end no later than `atPs`; one that had not begun ends as it begins. */
function endedAt(fault: FaultSpec, atPs: number): FaultSpec {
  const healAtPs = Math.min(fault.healAtPs ?? atPs, Math.max(atPs, fault.atPs + 1));
  const levels = fault.levels?.filter((level) => level.atPs < healAtPs);
  return { ...fault, healAtPs, ...(levels === undefined ? {} : { levels }) };
}

/**
 * The scenario with everything that the method does; undefined when there is no moment in either.
 */
export function momentScenario(drill: Drill): Scenario | undefined {
  const { scenario } = drill;
  const faults = [...scenario.faults, ...plannedFaults(drill)];
  return faults.every(({ moment }) => moment === undefined) ? undefined : { ...scenario, faults };
}

/**
 * The drill with instants for moments: `resolved` are the faults of {@link momentScenario}, which
 * have their instants now. Fails when one begins before its action is due or after the drill.
 */
export function placeMoments(
  drill: Drill,
  resolved: readonly FaultSpec[],
): { readonly ok: true; readonly drill: Drill } | { readonly ok: false; readonly message: string } {
  const byName = new Map(resolved.map((fault) => [fault.name, fault]));
  const clock = methodClock(drill.method);
  for (const [index, activity] of drill.method.entries()) {
    const name = faultOf(activity)?.name;
    const isMoment = faultOf(activity)?.moment !== undefined;
    const atPs = name === undefined || !isMoment ? undefined : byName.get(name)?.atPs;
    if (atPs === undefined) continue;
    const duePs = clock.duePs[index];
    const stopPs = drill.stop.afterPs;
    if (atPs >= duePs && atPs < stopPs) continue;
    const limit = atPs < duePs ? `its action is due at ${formatTime(duePs)}` : "";
    const end = limit || `the drill ends at ${formatTime(stopPs)}`;
    return { ok: false, message: `fault ${name} at ${formatTime(atPs)}, ${end}` };
  }
  const placed = (activity: Activity): Activity => {
    const fault = faultOf(activity);
    const known = fault?.moment === undefined ? undefined : byName.get(fault.name);
    if (activity.type !== "action" || known === undefined || !("since" in activity.act)) {
      return activity;
    }
    return { ...activity, act: { ...activity.act, fault: known } };
  };
  const faults = drill.scenario.faults.map((fault) => byName.get(fault.name) ?? fault);
  return {
    ok: true,
    drill: {
      ...drill,
      scenario: { ...drill.scenario, faults },
      method: drill.method.map(placed),
      rollbacks: drill.rollbacks.map(placed),
    },
  };
}

/** What an activity injects; undefined: nothing. */
export function faultOf(activity: Activity): FaultSpec | undefined {
  return activity.type === "action" && "since" in activity.act ? activity.act.fault : undefined;
}
