/**
 * What a fault is resolved against: the cluster's parts, the model, the seed, the end of the run.
 */
import { TargetFinder } from "../fault/selectors.ts";
import type { Hardware } from "../model/hardware.ts";
import type { ModelShape } from "../model/model-shape.ts";
import type { Scenario, WorkloadSpec } from "../model/scenario.ts";
import { formatTime } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import type { DocumentPath } from "./yaml-text.ts";

export interface FaultContext {
  readonly hardware: Hardware;
  /** Undefined, like those below, when it has problems: what needs it is then taken on trust. */
  readonly targets: TargetFinder | undefined;
  readonly model: ModelShape | undefined;
  readonly workload: Pick<WorkloadSpec, "layers" | "steps"> | undefined;
  /** Decimal text; what a fault draws comes from streams of its own, by its name. */
  readonly seed: string;
  /** End of the run, ps, and as the user wrote it. */
  readonly timeLimitPs: number | undefined;
  readonly timeLimitText: string;
}

/** Where the mapping of a fault stands, and what it may leave out. */
export interface FaultPlace {
  /** In the document of the list of problems. */
  readonly path: DocumentPath;
  /** Name of a fault that has none. */
  readonly defaultName: string;
  /** Onset of a fault that gives none; undefined: it must give one. */
  readonly defaultAt?: string;
  /** May the onset be a phase of a layer? Default: yes. */
  readonly allowMoments?: boolean;
}

/** The context of a scenario that is known to be right. */
export function faultContextOf(scenario: Scenario, topology: Topology): FaultContext {
  const { hardware, model, workload, run } = scenario;
  return {
    hardware,
    targets: new TargetFinder(topology, { experts: model.n_routed_experts }),
    model,
    workload,
    seed: run.seed,
    timeLimitPs: run.timeLimitPs,
    timeLimitText: formatTime(run.timeLimitPs),
  };
}
