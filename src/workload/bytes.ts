/**
 * Bytes of one token copy on the wire, by number format and kernel family of DeepEP. Payload as
 * DeepEP counts it: link headers are not in it.
 */
import type { NumberFormat, WorkloadSpec } from "../model/scenario.ts";

/** Numbers that share one scale in the FP8 and LogFMT formats. */
const BLOCK = 128;
/** An FP32 scale (FP8), or smallest number and step in 16 bits each (LogFMT). */
const SCALE_BYTES = 4;
/** Source place of the token in a low-latency message (an int4). */
const LOW_LATENCY_HEADER_BYTES = 16;

/**
 * A checksum of a token copy, a result or a sum on the wire, with end-to-end checks: 32 bits, as of
 * CRC-32C (RFC 3385). Assumed: no EP library sends one today.
 */
export const CHECKSUM_BYTES = 4;

/**
 * Bytes of one copy of a token with `hidden` numbers.
 *
 * - `fp8`: a byte a number and 4 bytes of scale for each begun block of 128 (deepseek-ai/DeepEP):
 *   7,392 at hidden 7,168; the low-latency kernels count 16 bytes of header too: 7,408.
 * - `bf16`: 2 bytes a number, in both protocols (DeepEP counts 14,336 at hidden 7,168).
 * - `logfmt-N` (arXiv 2505.09343, section 3.2): N bits a number and 4 bytes a block of 128 for its
 *   smallest number and its step: 9,184 at hidden 7,168 and 10 bits.
 *
 * Assumed: a low-latency copy in BF16 or LogFMT has no header, as no published count has one; and
 * LogFMT's 4 bytes a block.
 */
export function copyBytes(
  format: NumberFormat,
  protocol: WorkloadSpec["protocol"],
  hidden: number,
): number {
  if (format === "bf16") return 2 * hidden;
  const scaleBytes = Math.ceil(hidden / BLOCK) * SCALE_BYTES;
  if (format === "fp8") {
    return hidden + scaleBytes + (protocol === "low-latency" ? LOW_LATENCY_HEADER_BYTES : 0);
  }
  return Math.ceil((hidden * bitsOf(format)) / 8) + scaleBytes;
}

/** Bits a number of `logfmt-N`. */
function bitsOf(format: `logfmt-${number}`): number {
  return Number(format.slice("logfmt-".length));
}
