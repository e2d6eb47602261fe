/**
 * What `faultplane explain` is asked for: a token of a rank in a layer, or the slowest one. Read
 * from the command line, and held against what the run has.
 */
import { rangesOf } from "../../src/base/ranges.ts";
import { didYouMean } from "../../src/base/suggest.ts";
import type { WantedExchange } from "../../src/explain/exchange-log.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { escapeText } from "../../src/scenario/problem.ts";
import { usageError } from "./option-values.ts";

/** The word that stands for the copy that took longest. */
export const SLOWEST = "slowest";

/** Options of `faultplane explain` that choose something. */
export interface ExplainChoice {
  readonly step?: number;
  readonly chain?: string;
  readonly copy?: number;
  /** Every copy, not only one. */
  readonly all?: true;
}

/** What was asked for, as it was written. */
export interface TokenWord {
  /** Id of the rank's GPU; undefined: of all ranks. */
  readonly rank: string | undefined;
  /** Undefined: the slowest. */
  readonly token: number | undefined;
  readonly layer: number;
}

/** What was asked for, as the run has it. */
export interface ExplainTarget {
  /** Actor index of the home rank's GPU; undefined: all ranks. */
  readonly home: number | undefined;
  readonly token: number | undefined;
  readonly layer: number;
  readonly wanted: WantedExchange;
  readonly copy: number | undefined;
}

/** Reads `node1.gpu3:17@12`, `node1.gpu3:slowest@12` or `slowest@12`. Throws E042. */
export function parseTokenWord(word: string): TokenWord {
  const match = /^(?:([^:@\s]+):)?(\d{1,9}|slowest)@(\d{1,9})$/.exec(word);
  const [, rank, token, layer] = match ?? [];
  if (match === null || (rank === undefined && token !== SLOWEST)) {
    throw usageError(
      "E042",
      `expected RANK:TOKEN@LAYER, RANK:slowest@LAYER or slowest@LAYER, got '${escapeText(word)}'`,
      "such as node1.gpu3:17@12: token 17 of node1.gpu3, counted from 0, in the model's layer 12",
    );
  }
  return { rank, token: token === SLOWEST ? undefined : Number(token), layer: Number(layer) };
}

/**
 * Looks up what was asked for in a run. Throws OperatingError E067 for a rank, token, layer, step,
 * chain or copy that the run does not have.
 */
export function targetIn(
  services: DeviceServices,
  { rank, token, layer }: TokenWord,
  { step = 0, chain, copy }: ExplainChoice,
): ExplainTarget {
  const { scenario, schedule } = services;
  const { workload, model } = scenario;
  const home = rank === undefined ? undefined : gpuOf(services, rank);
  if (home !== undefined && token !== undefined) checkToken(services, home, token);
  const place = workload.layers.indexOf(layer);
  const dense = model.first_k_dense_replace;
  const moe = rangesOf(workload.layers.filter((one) => one >= dense));
  if (place < 0) throw missing(`layer ${layer} is not run`, `layers with experts: ${moe}`);
  if (layer < dense) {
    const why = `layer ${layer} is dense: no token is sent anywhere in it`;
    throw missing(why, `layers with experts: ${moe === "" ? "none" : moe}`);
  }
  if (step >= workload.steps) {
    throw missing(`the run has no step ${step}`, `steps: ${rangesOf(upTo(workload.steps))}`);
  }
  const topK = model.num_experts_per_tok;
  if (copy !== undefined && copy >= topK) {
    throw missing(`a token has no copy ${copy}`, `copies: ${rangesOf(upTo(topK))}`);
  }
  const number = chain === undefined ? 0 : schedule.chains.indexOf(chain);
  if (number < 0) {
    const chains = schedule.chains.join(", ");
    throw missing(`the run has no chain '${escapeText(chain ?? "")}'`, `chains: ${chains}`);
  }
  return { home, token, layer, wanted: { step, place, chain: number }, copy };
}

function gpuOf({ topology, scenario }: DeviceServices, rank: string): number {
  const gpus = topology.actors.filter(({ kind }) => kind === "gpu").map(({ id }) => id);
  if (gpus.includes(rank)) return topology.indexOf(rank);
  const { nodes, gpusPerNode } = scenario.cluster;
  const meant = didYouMean(rank, gpus);
  throw missing(
    `there is no rank '${escapeText(rank)}'${meant === undefined ? "" : `; ${meant}`}`,
    `ranks: node0.gpu0 to node${nodes - 1}.gpu${gpusPerNode - 1}`,
  );
}

function checkToken({ topology, routing, scenario }: DeviceServices, home: number, token: number) {
  const { node, ordinal, id } = topology.actors[home];
  const number = node * scenario.cluster.gpusPerNode + ordinal;
  const tokens = routing.tokensOf(number % scenario.workload.epSize);
  if (token < tokens) return;
  const has = tokens === 0 ? "none" : rangesOf(upTo(tokens));
  throw missing(`${id} has no token ${token}`, `its tokens: ${has}`);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}

function missing(message: string, allowed: string) {
  return usageError("E067", message, allowed);
}
