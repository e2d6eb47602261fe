/** Faults as they were in force: when each began on its first target and ended on its last. */
import type { Fact } from "../model/fact.ts";

/** One fault; instants in ps. */
export interface FaultSpan {
  readonly name: string;
  readonly kind: string;
  readonly targets: readonly string[];
  readonly fromPs: number;
  /** Missing: it was in force to the end. */
  readonly toPs?: number;
  /** How hard it hit from an instant on, in thousandths; empty: whole all the time. */
  readonly levels: readonly { readonly atPs: number; readonly permille: number }[];
}

/** Most changes of one fault that are kept. */
const LEVELS_MAX = 60;

interface Held {
  readonly name: string;
  readonly kind: string;
  readonly targets: Set<string>;
  readonly open: Set<string>;
  readonly fromPs: number;
  toPs: number | undefined;
  readonly levels: { atPs: number; permille: number }[];
}

export class FaultSpans {
  readonly #held = new Map<string, Held>();

  take(
    atPs: number,
    fact: Extract<Fact, { type: "fault.began" | "fault.changed" | "fault.healed" }>,
  ): void {
    const { fault: name, kind, target } = fact;
    let held = this.#held.get(name);
    if (held === undefined) {
      const sets = { targets: new Set<string>(), open: new Set<string>() };
      held = { name, kind, ...sets, fromPs: atPs, toPs: undefined, levels: [] };
      this.#held.set(name, held);
    }
    held.targets.add(target);
    switch (fact.type) {
      case "fault.began":
        held.open.add(target);
        held.toPs = undefined;
        return;
      case "fault.healed":
        held.open.delete(target);
        if (held.open.size === 0) held.toPs = atPs;
        return;
      default: {
        const last = held.levels.at(-1);
        const { permille } = fact;
        // Each target says it.
        if (last?.permille === permille || held.levels.length === LEVELS_MAX) return;
        held.levels.push({ atPs, permille });
      }
    }
  }

  /** In the order of their onsets. */
  spans(): FaultSpan[] {
    return [...this.#held.values()].map(({ name, kind, targets, fromPs, toPs, levels }) => ({
      ...{ name, kind, targets: [...targets], fromPs, levels },
      ...(toPs === undefined ? {} : { toPs }),
    }));
  }
}
