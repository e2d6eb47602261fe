/**
 * The measures: what a probe can ask of a run. Each has a name, a unit, a meaning, and says whether
 * its value is a time of the model or a count. All are functions of the facts before an instant, so
 * they do not depend on where a run's windows end; those that need the run's totals are known at
 * its end only.
 */
import { latencyMeasures } from "./latency-measures.ts";
import type { Measure } from "./measure.ts";
import { recoveryMeasures } from "./recovery-measures.ts";
import { serviceMeasures } from "./service-measures.ts";
import { troubleMeasures } from "./trouble-measures.ts";

/** Every measure, in the order of the documentation. */
export const MEASURES: readonly Measure[] = [
  ...latencyMeasures,
  ...serviceMeasures,
  ...troubleMeasures,
  ...recoveryMeasures,
];

const BY_NAME: ReadonlyMap<string, Measure> = new Map(
  MEASURES.map((measure) => [measure.name, measure]),
);

/** The measure of that name; undefined: there is none. */
export function measureOf(name: string): Measure | undefined {
  return BY_NAME.get(name);
}
