/** When each fault was in force, as far as the page knows: bands in the charts. Pure. */
import type { EventView } from "../../src/observe/view-api.ts";

export interface FaultSpan {
  readonly fault: string;
  readonly fromPs: number;
  /** Undefined: it still is. */
  untilPs: number | undefined;
}

/** Spans kept: the latest. */
const SPANS_MAX = 200;

export class FaultSpans {
  readonly #spans = new Map<string, FaultSpan & { readonly targets: Set<string> }>();

  get all(): readonly FaultSpan[] {
    return [...this.#spans.values()];
  }

  /** The same without overlaps, ascending: when anything was in force. */
  get union(): readonly Pick<FaultSpan, "fromPs" | "untilPs">[] {
    const sorted = this.all.toSorted((left, right) => left.fromPs - right.fromPs);
    const joined: { fromPs: number; untilPs: number | undefined }[] = [];
    for (const { fromPs, untilPs } of sorted) {
      const last = joined.at(-1);
      if (last === undefined || (last.untilPs !== undefined && last.untilPs < fromPs)) {
        joined.push({ fromPs, untilPs });
      } else if (last.untilPs !== undefined) {
        last.untilPs = untilPs === undefined ? undefined : Math.max(last.untilPs, untilPs);
      }
    }
    return joined;
  }

  /** Takes a line of the log, in any order that begins before it ends. */
  take(line: EventView): void {
    const { fact, fault, target, virtualTimePs } = line;
    if (typeof fault !== "string" || typeof target !== "string") return;
    if (fact === "fault.began") {
      const key = this.#openKey(fault) ?? `${fault} ${virtualTimePs}`;
      const span = this.#spans.get(key) ?? {
        ...{ fault, fromPs: virtualTimePs, untilPs: undefined, targets: new Set<string>() },
      };
      span.targets.add(target);
      this.#spans.set(key, span);
      const [oldest] = this.#spans.keys();
      if (this.#spans.size > SPANS_MAX) this.#spans.delete(oldest);
    } else if (fact === "fault.healed") {
      const span = this.#spans.get(this.#openKey(fault) ?? "");
      span?.targets.delete(target);
      if (span !== undefined && span.targets.size === 0) span.untilPs = virtualTimePs;
    }
  }

  #openKey(fault: string): string | undefined {
    for (const [key, span] of this.#spans) {
      if (span.fault === fault && span.untilPs === undefined) return key;
    }
    return undefined;
  }
}
