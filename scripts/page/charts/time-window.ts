/** The span of virtual time that charts and slider show: all of the run, or a part of it. Pure. */

/** Shortest span that is shown, ps. */
const SPAN_MIN_PS = 1e6;

export interface TimeWindow {
  readonly fromPs: number;
  /** Undefined: the end of the run, which may be moving. */
  readonly untilPs: number | undefined;
}

export const WHOLE_RUN: TimeWindow = { fromPs: 0, untilPs: undefined };

/** Its ends, for a run that has come to `endPs`. */
export function endsOf(
  { fromPs, untilPs }: TimeWindow,
  endPs: number,
): readonly [fromPs: number, untilPs: number] {
  const until = Math.max(untilPs ?? endPs, fromPs + SPAN_MIN_PS);
  return [fromPs, until];
}

/**
 * Shows `factor` times as much; what is at `aroundPs` stays where it is. A window that touches the
 * end of the run goes on doing so.
 */
export function zoomed(
  window: TimeWindow,
  { factor, aroundPs, endPs }: { factor: number; aroundPs: number; endPs: number },
): TimeWindow {
  const [from, until] = endsOf(window, endPs);
  const around = Math.min(until, Math.max(from, aroundPs));
  const span = Math.max(SPAN_MIN_PS, (until - from) * factor);
  const share = (around - from) / (until - from);
  const fromPs = Math.max(0, Math.round(around - share * span));
  const untilPs = Math.round(fromPs + span);
  if (untilPs < endPs) return { fromPs, untilPs };
  return fromPs === 0 ? WHOLE_RUN : { fromPs, untilPs: undefined };
}

/** Moves by a share of its length, within the run. */
export function moved(window: TimeWindow, share: number, endPs: number): TimeWindow {
  const [from, until] = endsOf(window, endPs);
  const span = until - from;
  const fromPs = Math.round(Math.min(Math.max(0, endPs - span), Math.max(0, from + share * span)));
  const untilPs = fromPs + span;
  if (untilPs < endPs) return { fromPs, untilPs };
  return fromPs === 0 ? WHOLE_RUN : { fromPs, untilPs: undefined };
}

/** The window that shows an instant: itself, or one as long around it. */
export function showing(window: TimeWindow, atPs: number, endPs: number): TimeWindow {
  const [from, until] = endsOf(window, endPs);
  if (atPs >= from && atPs <= until) return window;
  return moved(window, (atPs - (from + until) / 2) / (until - from), endPs);
}
