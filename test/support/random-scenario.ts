/** Random scenarios as the swarm draws them, for tests that change something about them. */
import { makeDevice } from "../../actors/catalogue.ts";
import { SWARM_KINDS } from "../../scripts/swarm/draw-faults.ts";
import { drawCase } from "../../scripts/swarm/swarm-case.ts";
import type { Scenario } from "../../src/model/scenario.ts";

/** The fleet of a seed with all its faults; those that operators order are known from the start. */
export function randomScenario(seed: number): Scenario {
  const { fleet, plan } = drawCase(seed, { kinds: SWARM_KINDS }, makeDevice);
  const ordered = plan.orders.flatMap((order) => (order.type === "inject" ? [order.fault] : []));
  return { ...fleet, faults: [...plan.known, ...ordered] };
}
