/**
 * The clocks of a drill's report: how long after the onset of a fault something came about. With
 * several faults each has clocks of its own, since a mix of two outages says nothing about either.
 */
import { formatTime, PS_PER_MS } from "../model/time.ts";
import type { MeasuredRun } from "./comparison.ts";
import { recoveryMeasures } from "./recovery-measures.ts";
import type { RunSeries } from "./run-series.ts";
import { listed } from "./words.ts";

/** A clock: how long after the onset of a fault something came about. */
export interface DrillClock {
  readonly name: string;
  /** Whose onset it counts from; missing when the run had one fault only. */
  readonly fault?: string;
  /** ps of virtual time; missing when it never did. */
  readonly spanPs?: number;
  readonly about: string;
}

/** The recovery measures as clocks, by measure and then by onset; with the twin to compare. */
export function clocksOf({ series, end }: MeasuredRun, healthy: RunSeries): DrillClock[] {
  const onsets = series.faults.during(0, Infinity);
  const faults = onsets.length === 1 ? [undefined] : onsets;
  const toPs = end.virtualTimePs + 1;
  return recoveryMeasures.flatMap(({ name, about, read }) =>
    faults.map((fault): DrillClock => {
      const asked = fault === undefined ? {} : { fault };
      const { value } = read({ run: series, healthy, fromPs: 0, toPs, arguments: asked, end });
      const spanPs = value === undefined ? {} : { spanPs: Math.round(value * PS_PER_MS) };
      return { name: name.replace(/_ms$/, "").replaceAll("_", " "), about, ...asked, ...spanPs };
    }),
  );
}

/** Each clock in a few words; of several faults the worst, and whose it is. */
export function clockWords(clocks: readonly DrillClock[]): string[] {
  return [...new Set(clocks.map(({ name }) => name))].map((name) => {
    const own = clocks.filter((clock) => clock.name === name);
    const worstPs = own.reduce((worst, { spanPs = Infinity }) => Math.max(worst, spanPs), 0);
    const worst = own.filter(({ spanPs = Infinity }) => spanPs === worstPs);
    const names = worst.flatMap(({ fault }) => fault ?? []);
    const whose = names.length === 0 ? "" : ` (${listed(names)})`;
    return `${name} ${worstPs === Infinity ? "never" : formatTime(worstPs)}${whose}`;
  });
}
