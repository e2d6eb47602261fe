/**
 * Gate scores of approximately normal logits, drawn many at a time. A drawn logit is one of 262,141
 * values, so its exponential comes from a table: scoring was most of the cost of routing. The
 * scores are those of gate.ts on the same logits but for the last bits of rounding.
 */
import { expOf } from "../base/exp.ts";
import type { RandomStream } from "../base/random.ts";
import type { ModelShape } from "../model/model-shape.ts";

/**
 * Sums of four uniform whole numbers in 0..65,535: mean and 1 / standard deviation, sqrt((2^32 - 1)
 * / 3).
 */
const SUMS = 262_141;
const SUM_MEAN = 131_070;
const SUM_TO_UNIT = 1 / 37_837.22723720648;

/** Place of a drawn logit in 0..262,140: the sum of four uniform 16-bit numbers. */
function drawSum(stream: RandomStream): number {
  const first = stream.word();
  const second = stream.word();
  return (first & 0xffff) + (first >>> 16) + (second & 0xffff) + (second >>> 16);
}

/**
 * Approximately standard normal (four uniform numbers, centred, at unit variance); within +-3.47.
 */
export function drawNormal(stream: RandomStream): number {
  return (drawSum(stream) - SUM_MEAN) * SUM_TO_UNIT;
}

/** Draws the scores of one token. */
export interface ScoreDraw {
  /**
   * Fills `scores` (one an expert, before any bias) from logits drawNormal() + offset.
   * `negatedPowers` holds e^-offset of each expert.
   */
  draw(stream: RandomStream, negatedPowers: Float64Array, scores: Float64Array): void;
}

/** Makes a draw with the model's scoring function; builds its table, 2 MB, at once. */
export function makeScoreDraw(scoring: ModelShape["scoring_func"]): ScoreDraw {
  const table = new Float64Array(SUMS);
  for (let sum = 0; sum < SUMS; sum += 1) table[sum] = expOf((SUM_MEAN - sum) * SUM_TO_UNIT);
  if (scoring === "sigmoid") {
    return {
      draw(stream, negatedPowers, scores) {
        for (let expert = 0; expert < scores.length; expert += 1) {
          scores[expert] = 1 / (1 + table[drawSum(stream)] * negatedPowers[expert]);
        }
      },
    };
  }
  return {
    draw(stream, negatedPowers, scores) {
      let sum = 0;
      for (let expert = 0; expert < scores.length; expert += 1) {
        scores[expert] = 1 / (table[drawSum(stream)] * negatedPowers[expert]);
        sum += scores[expert];
      }
      for (let expert = 0; expert < scores.length; expert += 1) scores[expert] /= sum;
    },
  };
}
