/**
 * Faults as the fleet had them: a row for each, a span for each of its targets from its begin to
 * its end, and a mark across all rows when it begins and when it is over. Beside them stand the
 * orders that were given while the run was up, and what happened to its own processes.
 */
import type { Fact } from "../model/fact.ts";
import { SpanLanes } from "./span-lanes.ts";
import type { TraceText, Track } from "./trace-event.ts";
import type { Tracks } from "./tracks.ts";

/** A line of the journal, as a mark. */
export interface TraceNote {
  readonly atPs: number;
  /** Of the model: what was ordered; of the hosts: what happened to processes. */
  readonly about: "orders" | "hosts";
  readonly text: string;
}

/** A fault on one of its targets. */
interface Held {
  readonly fault: string;
  readonly kind: string;
  readonly target: string;
  readonly fromPs: number;
}

/** Rows of the process of faults: orders, hosts, then each fault with some of its own. */
const NOTE_PLACES = { orders: 0, hosts: 1 } as const;
const FIRST_FAULT = 10;
const ROWS_OF_FAULT = 8;
/** Faults with rows of their own; any more share the last ones. */
const FAULTS_MAX = 10_000;

export type FaultFact = Extract<Fact, { type: "fault.began" | "fault.changed" | "fault.healed" }>;

export class FaultTracks {
  readonly #text: TraceText;
  readonly #tracks: Tracks;
  /** By fault and target. */
  readonly #held = new Map<string, Held>();
  readonly #faults = new Map<string, { readonly place: number; readonly lanes: SpanLanes }>();
  /** What was marked across all rows: a fault's begin and end, each instant once. */
  #marked = "";

  constructor(text: TraceText, tracks: Tracks) {
    this.#text = text;
    this.#tracks = tracks;
  }

  take(atPs: number, fact: FaultFact): void {
    const { fault, kind, target } = fact;
    const key = `${fault}\n${target}`;
    switch (fact.type) {
      case "fault.began":
        this.#end(key, atPs);
        this.#held.set(key, { fault, kind, target, fromPs: atPs });
        this.#mark(atPs, fact, "begins");
        return;
      case "fault.healed":
        this.#end(key, atPs);
        this.#mark(atPs, fact, "ends");
        return;
      default: {
        const { permille } = fact;
        const name = `${kind} at ${permille / 10} %`;
        const track = this.#rowOf(fault, 0);
        const args = { fault, kind, target, permille };
        this.#text.instant(track, { name, category: "fault", atPs, args });
      }
    }
  }

  /** A line of the journal. */
  note({ atPs, about, text }: TraceNote): void {
    const track = this.#tracks.fault(NOTE_PLACES[about], about);
    this.#text.instant(track, { name: text, category: about, atPs });
  }

  finish(endPs: number): void {
    for (const key of [...this.#held.keys()]) this.#end(key, endPs, true);
  }

  #mark(atPs: number, { fault, kind, target }: FaultFact, what: string): void {
    const mark = `${atPs} ${fault} ${what}`;
    if (mark === this.#marked) return;
    this.#marked = mark;
    const args = { fault, kind, target };
    const event = { name: `${fault} ${what}`, category: "fault", atPs, args };
    this.#text.instant(this.#rowOf(fault, 0), event, true);
  }

  #end(key: string, toPs: number, isStillHeld = false): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.#held.delete(key);
    const { fault, kind, target, fromPs } = held;
    const lane = this.#faultOf(fault).lanes.place(fromPs, toPs) ?? ROWS_OF_FAULT - 1;
    const ended = isStillHeld ? "no: the trace ends here" : "yes";
    this.#text.slice(this.#rowOf(fault, lane), {
      name: `${kind} ${target}`,
      ...{ category: "fault", fromPs, toPs },
      args: { fault, kind, target, ended },
    });
  }

  #rowOf(fault: string, lane: number): Track {
    const place = FIRST_FAULT + this.#faultOf(fault).place * ROWS_OF_FAULT + lane;
    return this.#tracks.fault(place, lane === 0 ? fault : `${fault} (${lane + 1})`);
  }

  #faultOf(fault: string): { readonly place: number; readonly lanes: SpanLanes } {
    let found = this.#faults.get(fault);
    if (found === undefined) {
      const place = Math.min(this.#faults.size, FAULTS_MAX);
      found = { place, lanes: new SpanLanes(ROWS_OF_FAULT) };
      this.#faults.set(fault, found);
    }
    return found;
  }
}
