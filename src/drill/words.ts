/**
 * Numbers and lists in the words of reports, the same on every host: no language settings.
 */
import { formatTime } from "../model/time.ts";

export { counted, grouped, listed } from "../base/words.ts";

/** `12.5 %`; small shares are not rounded to nothing. */
export function share(part: number, whole: number): string {
  if (whole === 0) return "-";
  const percent = (100 * part) / whole;
  if (percent === 0) return "0 %";
  return percent < 0.1 ? "< 0.1 %" : `${percent.toFixed(1)} %`;
}

/** A span of virtual time with its sign: `-1.200 ms`, `0 s`. */
export function signedTime(spanPs: number): string {
  if (spanPs === 0) return "0 s";
  return spanPs < 0 ? `-${formatTime(-spanPs)}` : formatTime(spanPs);
}
