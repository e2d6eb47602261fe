/**
 * Steps and all-to-alls of a run as figures: how long they took over ranks, layers and steps, and
 * what that makes in tokens. Pure arithmetic on durations of virtual time; no file and no words.
 */
import type { Scenario } from "../src/model/scenario.ts";

/** Durations of many samples (one a rank, layer and step), ps; percentiles by nearest rank. */
export interface Percentiles {
  readonly samples: number;
  readonly p50Ps: number;
  readonly p99Ps: number;
  readonly worstPs: number;
}

/** Durations of the steps that ranks completed, ps. */
export interface StepTimes {
  /** Ranks and steps that were completed. */
  readonly samples: number;
  readonly meanPs: number;
  readonly worstPs: number;
}

/** What the rates of a step are made of. */
export interface StepWorkload {
  readonly phase: Scenario["workload"]["phase"];
  readonly pass: Scenario["workload"]["pass"];
  /** Tokens of one micro-batch on a GPU; with recorded routing the mean over ranks. */
  readonly tokensPerGpu: number;
  /** Micro-batches that a step finishes. */
  readonly microBatches: number;
  /** Multi-token prediction: tokens that a decode step yields on the mean for each sequence. */
  readonly acceptedTokensPerStep: number;
  /** Layers that run in a step, and layers of the model. */
  readonly layers: number;
  readonly modelLayers: number;
}

/** Steps as the report gives them; virtual time. */
export interface StepFigures extends StepTimes {
  /** Decode only: time per output token, mean step time / `acceptedTokensPerStep`. */
  readonly tpotPs?: number;
  /** `tokensPerGpu` x `microBatches` x `acceptedTokensPerStep` / mean step time. */
  readonly tokensPerSecondPerGpu: number;
}

/**
 * What a step of the scenario finishes. A training step takes one micro-batch forward and another
 * one backward, so it trains the tokens of one; a pass alone takes those of one through.
 */
export function stepWorkload({ model, workload, routing }: Scenario): StepWorkload {
  const { phase, pass, layers, acceptedTokensPerStep } = workload;
  const owned = routing.source === "file" ? routing.table.tokensOfRank : [workload.tokensPerGpu];
  return {
    phase,
    pass,
    tokensPerGpu: owned.reduce((sum, tokens) => sum + tokens, 0) / owned.length,
    microBatches: phase === "training" ? 1 : workload.microBatches,
    acceptedTokensPerStep,
    layers: layers.length,
    modelLayers: model.num_hidden_layers,
  };
}

/** Rates of the steps; undefined without steps, and for exchanges alone, which make no tokens. */
export function stepFigures(
  times: StepTimes | undefined,
  work: StepWorkload,
): StepFigures | undefined {
  if (times === undefined || times.meanPs === 0 || work.phase === "all-to-all") return undefined;
  const { tokensPerGpu, microBatches, acceptedTokensPerStep: accepted } = work;
  return {
    ...times,
    ...(work.phase === "decode" ? { tpotPs: times.meanPs / accepted } : {}),
    tokensPerSecondPerGpu: (tokensPerGpu * microBatches * accepted * 1e12) / times.meanPs,
  };
}

/** Mean and worst of durations, ps; undefined of none. */
export function stepTimes(durationsPs: readonly number[]): StepTimes | undefined {
  if (durationsPs.length === 0) return undefined;
  let sumPs = 0;
  let worstPs = 0;
  for (const durationPs of durationsPs) {
    sumPs += durationPs;
    if (durationPs > worstPs) worstPs = durationPs;
  }
  return { samples: durationsPs.length, meanPs: sumPs / durationsPs.length, worstPs };
}

/** Percentiles of durations, ps; undefined of none. The nearest rank of p % is ceil(p n / 100). */
export function percentiles(durationsPs: readonly number[]): Percentiles | undefined {
  const samples = durationsPs.length;
  if (samples === 0) return undefined;
  const sorted = Float64Array.from(durationsPs).sort();
  const at = (percent: number): number => sorted[Math.ceil((percent * samples) / 100) - 1];
  return { samples, p50Ps: at(50), p99Ps: at(99), worstPs: at(100) };
}
