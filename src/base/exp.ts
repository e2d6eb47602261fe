/**
 * Exponential and sigmoid from additions, multiplications and divisions only. Engines may differ
 * in the last bit of Math.exp, and a gate that reads one bit differently routes a token elsewhere.
 */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const INVERSE_LN2 = Math.LOG2E;
const scratch = new Float64Array(1);
const scratchWords = new Int32Array(scratch.buffer);

/** e^x for |x| <= 700, relative error below 1e-15; beyond that range it saturates. */
export function expOf(x: number): number {
  const clamped = x > 700 ? 700 : x < -700 ? -700 : x;
  const k = Math.floor(clamped * INVERSE_LN2 + 0.5);
  const r = clamped - k * LN2_HIGH - k * LN2_LOW;
  let sum = 1;
  for (let n = 14; n >= 1; n -= 1) sum = 1 + (sum * r) / n;
  scratchWords[0] = 0;
  scratchWords[1] = (k + 1023) << 20;
  return sum * scratch[0];
}

/** 1 / (1 + e^-x): the scoring function of DeepSeek-V3's gate (`scoring_func: sigmoid`). */
export function sigmoid(x: number): number {
  return 1 / (1 + expOf(-x));
}
