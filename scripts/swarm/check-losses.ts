/**
 * What the swarm asks of a seed whose worker processes are lost on the way. A run that recovers
 * equals the undisturbed one; one whose fleet has to cope equals its replay, in one process, with
 * the losses as faults that were known from the start.
 */
import { faultsOf, healsOf, type JournalOrder } from "../../cluster/journal-orders.ts";
import type { RandomStream } from "../../src/base/random.ts";
import { streamOf } from "../../src/base/random.ts";
import type { DeviceFactory } from "../../src/model/device.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { scenarioHash } from "../../src/scenario/scenario-hash.ts";
import { type RunByWire, runByWire } from "./by-wire.ts";
import {
  type CrashedRun,
  type LossMoments,
  type LossPolicy,
  runWithLosses,
} from "./crashed-run.ts";
import { chance, pick } from "./draw.ts";
import { directorOf } from "./orders.ts";
import { replayed } from "./replayed.ts";
import { type Problem, runProblems } from "./run-problems.ts";
import { differences } from "./same-run.ts";
import type { SwarmCase } from "./swarm-case.ts";

/** Any frame has a worker take part, some frames do, and none ever does. */
const CREDIT_BYTES = [0, 2_000, 1_000_000_000];
/** Most windows with losses in a run. */
const LOSSES_MAX = 3;

/** A run with losses, and what does not hold of it. */
export interface CheckedLosses {
  readonly problems: readonly Problem[];
  readonly policy: LossPolicy;
  readonly run: CrashedRun;
  readonly orders: readonly JournalOrder[];
}

/** Runs a case undisturbed, with losses, and where those are faults once more from its record. */
export function checkLosses(
  drawn: SwarmCase,
  scenario: Scenario,
  makeDevices: () => DeviceFactory,
  eventsMax: number,
): CheckedLosses {
  const random = streamOf(scenario.run.seed, "swarm-losses");
  const policy = pick(random, ["recover", "fault"] as const);
  const first = directorOf(drawn.plan, scenario);
  const undisturbed = runByWire(scenario, {
    ...{ devices: makeDevices(), placement: "single", eventsMax },
    ...(first !== undefined && { director: first }),
  });
  const { salt: _, ...spread } = drawn.spread;
  const second = directorOf(drawn.plan, scenario);
  const orders: JournalOrder[] = second?.journal ?? [];
  const run = runWithLosses(scenario, {
    ...spread,
    ...{ devices: makeDevices(), policy, random, eventsMax },
    losses: drawMoments(undisturbed, random),
    creditBytes: pick(random, CREDIT_BYTES),
    ordered: (fault) => orders.push({ record: "fault", by: "host", ...fault }),
    ...(second !== undefined && { director: second }),
  });
  if (policy === "recover") {
    const problems = [
      ...differences("recovery", undisturbed, run),
      ...run.violations.map((detail) => ({ check: "violation", detail })),
    ];
    if (JSON.stringify(orders) !== JSON.stringify(first?.journal ?? [])) {
      problems.push({ check: "orders", detail: "the director ordered something else" });
    }
    return { problems, policy, run, orders };
  }
  const again = replayed(scenario, orders, scenarioHash(scenario), makeDevices());
  const faults = [...scenario.faults, ...faultsOf(orders)];
  const mayStop = orders.some(({ record }) => record === "stop");
  return {
    problems: [
      ...runProblems(run, { faults, heals: healsOf(orders), mayStop }),
      ...differences("replay", run, again),
    ],
    policy,
    run,
    orders,
  };
}

/** At instants at which something happens, anywhere, at the very beginning, or at the end. */
function drawMoments({ facts, virtualTimePs }: RunByWire, random: RandomStream): LossMoments {
  const instants: number[] = [];
  for (let left = 1 + random.below(LOSSES_MAX); left > 0; left -= 1) {
    const draw = random.below(100);
    if (draw < 10) instants.push(-1);
    else if (draw < 30 || facts.length === 0) {
      instants.push(Math.floor(virtualTimePs * random.unit()));
    } else instants.push(pick(random, facts).atPs);
  }
  instants.sort((left, right) => left - right);
  return { instants, atEnd: chance(random, 15) };
}
