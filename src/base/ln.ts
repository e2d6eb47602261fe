/**
 * Natural logarithm from additions, multiplications and divisions only, as exp.ts does for the
 * exponential: engines may differ in the last bit of Math.log, and a draw that falls on the other
 * side of a table's boundary routes a token elsewhere. Must not call any Math.log variant.
 */
import { violated } from "./assert.ts";

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** 2^54: lifts a subnormal number into the normal range. */
const LIFT = 18014398509481984;
/** Terms of the series; the first one left out is below 2^-60 of the sum. */
const TERMS = 12;
const scratch = new Float64Array(1);
const scratchWords = new Int32Array(scratch.buffer);

/**
 * ln x for a positive finite x, relative error below 1e-15; exactly 0 at 1. Throws InvariantError
 * otherwise. x = m 2^k with m around 1, and ln m = 2 artanh((m - 1) / (m + 1)) as a series.
 */
export function lnOf(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) violated("ln-domain", `ln of ${x}`);
  const subnormal = x < 2.2250738585072014e-308;
  scratch[0] = subnormal ? x * LIFT : x;
  let k = ((scratchWords[1] >>> 20) & 0x7ff) - 1022 - (subnormal ? 54 : 0);
  scratchWords[1] = (scratchWords[1] & 0x000fffff) | (1022 << 20);
  let m = scratch[0];
  if (m < Math.SQRT1_2) {
    m += m;
    k -= 1;
  }
  const s = (m - 1) / (m + 1);
  const square = s * s;
  let sum = 0;
  for (let n = TERMS; n >= 1; n -= 1) sum = (sum + 1 / (2 * n + 1)) * square;
  return k * LN2_HIGH + (k * LN2_LOW + 2 * s * sum + 2 * s);
}
