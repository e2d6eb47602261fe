/**
 * When each fault was in force, as far as the page knows: from the log of a run that was read, and
 * from the states of the fleet while it goes on. Bands in the charts and on the slider. Pure.
 */
import type { EventView, StateView } from "../../../src/observe/view-api.ts";

export interface FaultSpan {
  readonly fault: string;
  readonly fromPs: number;
  /** Undefined: it still is. */
  readonly untilPs: number | undefined;
}

/** Spans kept: the latest. */
const SPANS_MAX = 300;

interface OpenSpan extends FaultSpan {
  untilPs: number | undefined;
  readonly targets: Set<string>;
}

export class FaultSpans {
  #spans: OpenSpan[] = [];

  /** In the order of their onsets. */
  get all(): readonly FaultSpan[] {
    return this.#spans;
  }

  /** The same without overlaps, ascending: when anything was in force. */
  get union(): readonly Pick<FaultSpan, "fromPs" | "untilPs">[] {
    const joined: { fromPs: number; untilPs: number | undefined }[] = [];
    for (const { fromPs, untilPs } of this.#spans) {
      const last = joined.at(-1);
      if (last === undefined || (last.untilPs !== undefined && last.untilPs < fromPs)) {
        joined.push({ fromPs, untilPs });
      } else if (last.untilPs !== undefined) {
        last.untilPs = untilPs === undefined ? undefined : Math.max(last.untilPs, untilPs);
      }
    }
    return joined;
  }

  /** Takes all lines about faults of a log, in its order, in place of what was known. */
  takeLog(lines: readonly EventView[]): void {
    this.#spans = [];
    for (const { fact, fault, target, virtualTimePs } of lines) {
      if (typeof fault !== "string" || typeof target !== "string") continue;
      if (fact === "fault.began") this.#began(fault, target, virtualTimePs);
      else if (fact === "fault.healed") {
        const span = this.#openOf(fault);
        span?.targets.delete(target);
        if (span !== undefined && span.targets.size === 0) span.untilPs = virtualTimePs;
      }
    }
  }

  /** Takes the state of the fleet as it is now: what is in force, and what is no more. */
  takeState({ atPs, faults }: StateView): void {
    const inForce = new Map(faults.map((fault) => [fault.fault, fault]));
    for (const span of this.#spans) {
      const isSeen = span.untilPs === undefined && span.fromPs <= atPs;
      if (isSeen && !inForce.has(span.fault)) span.untilPs = atPs;
    }
    for (const { fault, atPs: fromPs, targets } of faults) {
      if (this.#openOf(fault) !== undefined) continue;
      // The log that was read may have the same span as one that has ended: it was healed since.
      if (this.#spans.some((span) => span.fault === fault && span.fromPs === fromPs)) continue;
      for (const target of targets) this.#began(fault, target, fromPs);
    }
  }

  #began(fault: string, target: string, fromPs: number): void {
    const open = this.#openOf(fault);
    if (open !== undefined) {
      open.targets.add(target);
      return;
    }
    this.#spans.push({ fault, fromPs, untilPs: undefined, targets: new Set([target]) });
    this.#spans.sort((left, right) => left.fromPs - right.fromPs);
    if (this.#spans.length > SPANS_MAX) this.#spans.shift();
  }

  #openOf(fault: string): OpenSpan | undefined {
    return this.#spans.find((span) => span.fault === fault && span.untilPs === undefined);
  }
}
