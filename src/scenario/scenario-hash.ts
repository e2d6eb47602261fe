/**
 * A scenario's fingerprint: equal for scenarios that give the same run. How the run is carried out
 * (placement, workers, speed, lag budget) is left out, since the result does not depend on it.
 */
import { avalanche32, hashString, hex64, mix32 } from "../base/hash.ts";
import type { Scenario } from "../model/scenario.ts";

const HIGH_SEED = 0x5ca1ab1e;
const LOW_SEED = 0x0ddba11;

/** 16 hexadecimal digits. */
export function scenarioHash(scenario: Scenario): string {
  const { seed, timeLimitPs } = scenario.run;
  const text = canonicalJson({ ...scenario, run: { seed, timeLimitPs } });
  return hex64(hashString(text, HIGH_SEED), hashString(text, LOW_SEED));
}

/** JSON with sorted keys and without undefined values; bytes appear as their length and hash. */
export function canonicalJson(value: unknown): string {
  if (value instanceof Uint8Array) return `{"bytes":${value.length},"hash":"${hashBytes(value)}"}`;
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([left], [right]) => (left < right ? -1 : 1));
  const parts = entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`);
  return `{${parts.join(",")}}`;
}

/** Hash of bytes, 16 hexadecimal digits. */
function hashBytes(bytes: Uint8Array): string {
  let high = HIGH_SEED;
  let low = LOW_SEED;
  for (const byte of bytes) {
    high = mix32(high, byte);
    low = mix32(low, byte);
  }
  return hex64(avalanche32(high), avalanche32(low));
}
