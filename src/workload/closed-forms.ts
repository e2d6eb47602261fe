/**
 * Published closed forms of expert-parallel communication, each with its inputs as parameters:
 * limits and expectations to hold an emulated run against. Nothing of the emulator rests on them.
 */
import { PS_PER_S } from "../model/time.ts";

/** Inputs of {@link decodeLimit}. */
export interface DecodeLimitInput {
  /** Bytes a number of a dispatched copy and of a result. */
  readonly dispatchBytesPerNumber: number;
  readonly combineBytesPerNumber: number;
  readonly tokensPerDevice: number;
  /** Copies of a token that cross the network: top-k and shared experts. */
  readonly copiesPerToken: number;
  readonly hiddenSize: number;
  /** Of one device, one way. */
  readonly bytesPerSecond: number;
  readonly layers: number;
}

/** What communication alone allows. */
export interface DecodeLimit {
  /** Dispatch and combine of one micro-batch in one layer, whole ps. */
  readonly exchangePs: number;
  /** Time per output token: two micro-batches in every layer, whole ps. */
  readonly timePerOutputTokenPs: number;
  /** Of one request. */
  readonly tokensPerSecond: number;
}

/** The inputs of arXiv 2505.09343, section 2.3.2, for a 400 Gb/s NIC a GPU. */
export const PUBLISHED_DECODE: DecodeLimitInput = {
  dispatchBytesPerNumber: 1,
  combineBytesPerNumber: 2,
  tokensPerDevice: 32,
  copiesPerToken: 9,
  hiddenSize: 7_000,
  bytesPerSecond: 50e9,
  layers: 61,
};

/**
 * The least time per output token of decode, when two micro-batches hide all compute behind
 * communication (arXiv 2505.09343, section 2.3.2): (dispatch + combine) bytes x tokens x copies x
 * hidden / bandwidth, twice a layer. With {@link PUBLISHED_DECODE}: 120.96 us, 14.76 ms, 67 tokens
 * a second (67.8); with 900 GB/s: 6.72 us, 0.82 ms, about 1,200.
 */
export function decodeLimit(input: DecodeLimitInput): DecodeLimit {
  const bytesPerNumber = input.dispatchBytesPerNumber + input.combineBytesPerNumber;
  const copies = input.tokensPerDevice * input.copiesPerToken;
  const bytes = bytesPerNumber * copies * input.hiddenSize;
  const exchangePs = Math.round((bytes * PS_PER_S) / input.bytesPerSecond);
  const timePerOutputTokenPs = 2 * exchangePs * input.layers;
  return { exchangePs, timePerOutputTokenPs, tokensPerSecond: PS_PER_S / timePerOutputTokenPs };
}

/**
 * Network time of one token whose `topK` experts lie on `distinctNodes` other nodes, when one copy
 * takes `copyPs` (arXiv 2505.09343, section 4.3): 8t with a copy an expert (t is `copyPs`), Mt with
 * one copy a node that NVLink spreads there; node-limited routing holds M at 4 or below.
 */
export function tokenNetworkPs(
  copyPs: number,
  topK: number,
  distinctNodes: number,
): { readonly copyPerExpertPs: number; readonly copyPerNodePs: number } {
  return { copyPerExpertPs: topK * copyPs, copyPerNodePs: Math.min(topK, distinctNodes) * copyPs };
}

/** Inputs of {@link expectedNodes}. */
export interface ExpectedNodesInput {
  readonly experts: number;
  /** Nodes that the experts divide over evenly. */
  readonly nodes: number;
  readonly topK: number;
  /** Nodes that a token may choose from; `nodes` or more: no limit. */
  readonly nodeLimit: number;
}

/**
 * Expected number of nodes that hold at least one of a token's experts, when all experts are
 * equally likely and a node is as good as its best expert, as in the tests of DeepEP's normal
 * kernels. With 256 experts, top-8 and 4 of 2, 4, 8, 16 nodes: 1.993, 3.614, 3.983, 4.000.
 *
 * Derivation: take experts by falling score. The first `nodeLimit` different nodes to show up are
 * the allowed ones, and nobody else's expert comes before the last of these has shown up. So the
 * number wanted is min(nodeLimit, nodes among the first top-k experts without a limit); and after m
 * draws that met d nodes, the next expert is on a new node with probability (nodes - d) x experts a
 * node / (experts - m).
 */
export function expectedNodes({ experts, nodes, topK, nodeLimit }: ExpectedNodesInput): number {
  const perNode = experts / nodes;
  /** By number of nodes met: its probability after the draws so far. */
  let chances = [1];
  for (let drawn = 0; drawn < topK; drawn += 1) {
    const next = new Array<number>(chances.length + 1).fill(0);
    chances.forEach((chance, met) => {
      const isNew = ((nodes - met) * perNode) / (experts - drawn);
      next[met] += chance * (1 - isNew);
      next[met + 1] += chance * isNew;
    });
    chances = next;
  }
  return chances.reduce((sum, chance, met) => sum + chance * Math.min(met, nodeLimit), 0);
}
