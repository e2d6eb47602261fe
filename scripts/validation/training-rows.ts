/**
 * The training step of arXiv 2505.09343, Table 4: 2,048 GPUs, PP16, EP64, 15,360 sequences of 4,096
 * tokens. One MoE layer of an EP group is emulated forward, backward and overlapped; a step is put
 * together from those times as DualPipe orders them. Nothing of the table is fitted.
 *
 * DualPipe (deepseek-ai/DualPipe, dualpipe.py) with P stages and M micro-batches of both directions
 * together: the rank at distance r from the middle, r = 0 .. P/2 - 1, runs 3 P/2 - 1 - r forward
 * chunks alone, as many backward ones, and M less that overlapped pairs, and P - 1 - r weight
 * passes by themselves; the bubble is (P/2 - 1) (F&B + B - 3 W) (DeepSeek-V3, arXiv 2412.19437,
 * table 2). Means over r are compared. Left out: pipeline transfers, the optimizer, dense layers'
 * shape.
 */
import { makeDevice } from "../../actors/catalogue.ts";
import { expectWhole, makeLocalRun } from "../../src/engine/local-run.ts";
import { type ClusterSpec, DEFAULT_NETWORK, type WorkloadSpec } from "../../src/model/scenario.ts";
import { PS_PER_S } from "../../src/model/time.ts";
import { computeTimes } from "../../src/workload/compute-time.ts";
import { deepseekScenario, MOE_LAYER } from "../deepseek-scenario.ts";
import type { Progress } from "./exchange-rows.ts";
import { rowOf, Source, type ValidationRow } from "./row.ts";

const STAGES = 16;
const LAYERS = 61;
const SEQUENCES = 15_360;
const SEQUENCE_TOKENS = 4_096;
const GPUS = 2_048;
const EP_SIZE = 64;
const SECONDS_A_DAY = 86_400;
/** Micro-batches of one sequence that a pipeline gets in a step. */
const MICRO_BATCHES = SEQUENCES / (GPUS / STAGES);

/** Table 4, seconds: multi-plane and multi-rail; the step without its optimizer. */
const TABLE_4 = {
  mpft: { step: 19.926 - 0.29, F: 1.13, B: 1.99, W: 0.48, pairs: 13.95, bubble: 2.06, day: 272.8 },
  mrft: { step: 19.946 - 0.31, F: 1.13, B: 1.99, W: 0.48, pairs: 14.0, bubble: 2.03, day: 272.52 },
} as const;

/** Times of one layer and micro-batch, ps. */
export interface LayerTimes {
  readonly forwardPs: number;
  readonly backwardPs: number;
  readonly weightsPs: number;
  readonly overlappedPs: number;
}

/** Emulates one layer, and the second of two overlapped ones. */
export function layerTimes(network: ClusterSpec["network"], progress: Progress): LayerTimes {
  const take = (pass: WorkloadSpec["pass"], layers: number): number => {
    progress(`training layer, EP${EP_SIZE}, ${network}, ${pass}, ${layers} layers`);
    return stepPs(network, pass, layers);
  };
  const scenario = trainingScenario(network, "forward", 1);
  const compute = computeTimes(scenario.model, scenario.hardware, scenario.workload);
  const copies = scenario.workload.tokensPerGpu * scenario.model.num_experts_per_tok;
  const weights = compute["mlp-weights"];
  return {
    forwardPs: take("forward", 1),
    backwardPs: take("backward", 1),
    weightsPs: compute["attention-weights"].fixedPs + weights.fixedPs + weights.perCopyPs * copies,
    overlappedPs: take("overlapped", 2) - take("overlapped", 1),
  };
}

/** One step of an EP group that trains `layers` MoE layers on one micro-batch a direction. */
export function trainingScenario(
  network: ClusterSpec["network"],
  pass: WorkloadSpec["pass"],
  layers: number,
) {
  return deepseekScenario({
    title: `training, EP${EP_SIZE}, ${network}, ${pass}`,
    cluster: {
      nodes: EP_SIZE / 8,
      gpusPerNode: 8,
      planes: 8,
      switchPorts: 64,
      ...DEFAULT_NETWORK,
      network,
    },
    workload: {
      phase: "training",
      protocol: "normal",
      grain: "message",
      pass,
      tokensPerGpu: SEQUENCE_TOKENS,
      epSize: EP_SIZE,
      layers: Array.from({ length: layers }, (_, layer) => MOE_LAYER + layer),
    },
  });
}

/** Mean over the ranks. */
function stepPs(
  network: ClusterSpec["network"],
  pass: WorkloadSpec["pass"],
  layers: number,
): number {
  let sumPs = 0;
  const totals = makeLocalRun(trainingScenario(network, pass, layers), {
    devices: makeDevice,
    committed: ({ facts }) => {
      for (const { fact } of facts) if (fact.type === "step.completed") sumPs += fact.durationPs;
      return true;
    },
  }).run();
  expectWhole(totals);
  return sumPs / EP_SIZE;
}

/** Rows of both networks. */
export function trainingRows(progress: Progress): ValidationRow[] {
  return (["mpft", "mrft"] as const).flatMap((network) => {
    const parts = stepOf(layerTimes(network, progress));
    const published = TABLE_4[network];
    const row = (what: keyof typeof parts, name: string, unit: string): ValidationRow =>
      rowOf({
        group: "training step",
        name: `${network.toUpperCase()} ${name}`,
        unit,
        published: published[what],
        emulated: parts[what],
        source: `${Source.paper}, Table 4`,
      });
    return [
      row("F", "1F", "s"),
      row("B", "1B", "s"),
      row("W", "1W", "s"),
      row("pairs", "1F1B", "s"),
      row("bubble", "bubble", "s"),
      row("step", "step without optimizer", "s"),
      row("day", "tokens a day", "1e9"),
    ];
  });
}

/** A step's parts, seconds, and tokens a day, 1e9; the published optimizer time is not in it. */
export function stepOf(times: LayerTimes): Record<keyof (typeof TABLE_4)["mpft"], number> {
  const chunk = (ps: number): number => (ps * LAYERS) / STAGES / PS_PER_S;
  const half = STAGES / 2;
  const meanDistance = (half - 1) / 2;
  const alone = 3 * half - 1 - meanDistance;
  const F = alone * chunk(times.forwardPs);
  const B = alone * chunk(times.backwardPs);
  const W = (STAGES - 1 - meanDistance) * chunk(times.weightsPs);
  const pairs = (MICRO_BATCHES - alone) * chunk(times.overlappedPs);
  const bubblePs = times.overlappedPs + times.backwardPs - 3 * times.weightsPs;
  const bubble = (half - 1) * chunk(bubblePs);
  // Backward chunks whose weight pass is taken by itself must not count it twice.
  const step = F + B + pairs + bubble;
  const day = (SEQUENCES * SEQUENCE_TOKENS * SECONDS_A_DAY) / step / 1e9;
  return { step, F, B: B - W, W, pairs, bubble, day };
}
