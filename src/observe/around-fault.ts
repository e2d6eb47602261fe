/**
 * What is near a fault: the spans of virtual time around its onset, its first consequences and its
 * end, learnt from the lines as they come.
 *
 * A consequence is the first line of each type that names the fault as its cause, and the first
 * trouble at all (`warn` or worse, of the fleet) after its onset: timeouts name no cause. So is the
 * first layer that any rank begins and completes after that: the fleet serves again.
 */
import { fitsGlob } from "../base/glob.ts";
import type { EventLine } from "./event-line.ts";
import { entryOf } from "./fact-catalogue.ts";

/** What is asked for. */
export interface AroundSpec {
  /** Names of faults, or patterns. */
  readonly faults: readonly string[];
  /** How long before and after an onset, a consequence and an end, ps. */
  readonly beforePs: number;
  readonly afterPs: number;
}

interface Span {
  readonly fromPs: number;
  readonly untilPs: number;
}

/** Lines are given in the order of the log. */
export class AroundFaults {
  readonly #spec: AroundSpec;
  /** Ascending, without overlaps. */
  readonly #spans: Span[] = [];
  /** Faults that began and that no trouble has followed. */
  readonly #quiet = new Set<string>();
  /** All of those, and of those that trouble has followed. */
  readonly #begun = new Set<string>();
  /** When trouble began that no layer was begun and completed after, ps. */
  #troubles: number[] = [];
  /** Fault and type of consequences that came. */
  readonly #seen = new Set<string>();
  #known = 0;

  constructor(spec: AroundSpec) {
    this.#spec = spec;
  }

  /** Grows with every span that is learnt. */
  get known(): number {
    return this.#known;
  }

  /** A fault is known to begin or to end at an instant, before its line comes. */
  expect(fault: string, atPs: number): void {
    if (this.#isMeant(fault)) this.#add(atPs);
  }

  /** Learns from the next line. */
  take(line: EventLine): void {
    const { virtualTimePs: atPs, fault, fact } = line;
    const entry = entryOf(fact);
    if (entry === undefined) return;
    const isMeant = typeof fault === "string" && this.#isMeant(fault);
    if (entry.class === "fault") {
      if (!isMeant || fact === "fault.changed") return;
      if (fact === "fault.began" && !this.#begun.has(fault)) {
        this.#begun.add(fault);
        this.#quiet.add(fault);
      }
      this.expect(fault, atPs);
      return;
    }
    if (line.level !== "info" && this.#quiet.size > 0) {
      this.#quiet.clear();
      this.#troubles.push(atPs);
      this.#add(atPs);
    }
    if (fact === "layer.completed" && this.#troubles.length > 0) {
      this.#served(atPs, atPs - Number(line.durationPs));
    }
    if (!isMeant || entry.class === "packet") return;
    const key = `${fact} ${fault}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#add(atPs);
  }

  /** A layer was completed at an instant, and begun at another. */
  #served(atPs: number, begunPs: number): void {
    const left = this.#troubles.filter((troublePs) => !(begunPs >= troublePs));
    if (left.length === this.#troubles.length) return;
    this.#troubles = left;
    this.#add(atPs);
  }

  /** Whether an instant is near, as far as is known. */
  isNear(atPs: number): boolean {
    for (let place = this.#spans.length - 1; place >= 0; place -= 1) {
      const { fromPs, untilPs } = this.#spans[place];
      if (atPs >= fromPs) return atPs <= untilPs;
    }
    return false;
  }

  #isMeant(fault: string): boolean {
    return this.#spec.faults.some((pattern) => fitsGlob(pattern, fault));
  }

  #add(atPs: number): void {
    this.#known += 1;
    const fromPs = atPs - this.#spec.beforePs;
    const untilPs = atPs + this.#spec.afterPs;
    const spans = this.#spans;
    // Most are at the end: time goes on.
    let end = spans.length;
    while (end > 0 && spans[end - 1].fromPs > untilPs) end -= 1;
    let first = end;
    while (first > 0 && spans[first - 1].untilPs >= fromPs) first -= 1;
    const met = spans.slice(first, end);
    const joined = {
      fromPs: Math.min(fromPs, ...met.map((span) => span.fromPs)),
      untilPs: Math.max(untilPs, ...met.map((span) => span.untilPs)),
    };
    spans.splice(first, end - first, joined);
  }
}
