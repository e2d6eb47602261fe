/**
 * A whole run in this process, as the swarm makes them: under any placement, grants and reports
 * through the real codec, with our devices unless a test brings its own.
 */
import { makeDevice } from "../../actors/catalogue.ts";
import { type RunByWire, type RunByWireOptions, runByWire } from "../../scripts/swarm/by-wire.ts";
import type { Scenario } from "../../src/model/scenario.ts";

export type InMemoryResult = RunByWire;
export type InMemoryOptions = Partial<RunByWireOptions>;

/** Runs a scenario to its end. */
export function runInMemory(scenario: Scenario, options: InMemoryOptions = {}): InMemoryResult {
  return runByWire(scenario, { devices: makeDevice, ...options });
}
