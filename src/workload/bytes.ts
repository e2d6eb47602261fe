/**
 * Bytes of one token copy on the wire, by number format and kernel family of DeepEP. Payload as
 * DeepEP counts it: link headers are not in it.
 */

/** Numbers that share one scale in the FP8 and LogFMT formats. */
const BLOCK = 128;
const SCALE_BYTES = 4;
/** Source place of the token in a low-latency message (an int4). */
const LOW_LATENCY_HEADER_BYTES = 16;

/** Bytes of the FP32 scales: one for each 128 numbers, or part of 128. */
function scaleBytes(hidden: number): number {
  return Math.ceil(hidden / BLOCK) * SCALE_BYTES;
}

/** FP8 copy of the low-latency kernels: numbers, scales, 16-byte header. 7,408 at hidden 7,168. */
export function lowLatencyFp8Bytes(hidden: number): number {
  return hidden + scaleBytes(hidden) + LOW_LATENCY_HEADER_BYTES;
}

/** FP8 copy of the normal kernels: numbers and scales. 7,392 at hidden 7,168. */
export function normalFp8Bytes(hidden: number): number {
  return hidden + scaleBytes(hidden);
}

/** BF16 copy, the format of combine. 14,336 at hidden 7,168. */
export function bf16Bytes(hidden: number): number {
  return 2 * hidden;
}

/**
 * LogFMT copy with `bits` bits a number and 4 bytes a block of 128 for its range (two 16-bit
 * numbers: smallest and step). 9,184 at hidden 7,168 and 10 bits: 8,960 + 224.
 */
export function logFmtBytes(hidden: number, bits: number): number {
  return Math.ceil((hidden * bits) / 8) + scaleBytes(hidden);
}
