/**
 * What ranks do: a slice for each step, layer, dispatch, combine and computation on the rows of
 * their GPUs, and an arrow from each dispatch to its combine. Facts come when something has ended,
 * and say how long it took; so a slice is written at its end.
 */
import type { Fact } from "../model/fact.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Schedule } from "../model/schedule.ts";
import { makeSchedule } from "../workload/schedules.ts";
import { ComputeSlices } from "./compute-slices.ts";
import { nanoseconds, type TraceText, type Track } from "./trace-event.ts";
import { GpuRows, type Tracks } from "./tracks.ts";

/** A dispatch whose combine is still to come. */
interface Dispatched {
  readonly track: Track;
  readonly fromPs: number;
  readonly atPs: number;
  readonly step: number;
  readonly layer: number;
}

/** Facts about the work of ranks. */
export type WorkFact = Extract<
  Fact,
  {
    type:
      | "dispatch.completed"
      | "combine.completed"
      | "layer.completed"
      | "step.completed"
      | "step.restarted";
  }
>;

export class RankTracks {
  readonly #text: TraceText;
  readonly #tracks: Tracks;
  readonly #schedule: Schedule;
  readonly #placeOf: ReadonlyMap<number, number>;
  /** One row holds everything: there is one chain, whose layers come one after another. */
  readonly #isOneRow: boolean;
  /** By chain: its layers may overlap, since weight gradients are computed aside. */
  readonly #overlaps: readonly boolean[];
  readonly #dispatched = new Map<string, Dispatched>();
  readonly #compute: ComputeSlices;

  constructor(text: TraceText, tracks: Tracks, scenario: Scenario) {
    this.#text = text;
    this.#tracks = tracks;
    this.#schedule = makeSchedule(scenario);
    this.#placeOf = new Map(scenario.workload.layers.map((layer, place) => [layer, place]));
    const { ops, chains } = this.#schedule;
    this.#overlaps = chains.map((_, chain) =>
      ops.some((op) => op.chain === chain && op.compute?.endsWith("-weights") === true),
    );
    this.#isOneRow = chains.length === 1 && !this.#overlaps[0];
    this.#compute = new ComputeSlices(this.#schedule, scenario.workload.layers);
  }

  take(atPs: number, actor: number, fact: WorkFact): void {
    switch (fact.type) {
      case "dispatch.completed":
      case "combine.completed":
        this.#exchange(atPs, actor, fact);
        return;
      case "layer.completed": {
        const { layer, step, chain, durationPs } = fact;
        this.#compute.layerEnded(actor, { ...fact, atPs });
        this.#text.slice(this.#rowOf(actor, chain, layer), {
          name: `layer ${layer}`,
          category: "layer",
          fromPs: atPs - durationPs,
          toPs: atPs,
          args: { layer, step, chain },
        });
        return;
      }
      case "step.completed":
        this.#flush(actor);
        this.#text.slice(this.#tracks.gpu(actor, GpuRows.main), {
          name: `step ${fact.step}`,
          category: "step",
          fromPs: atPs - fact.durationPs,
          toPs: atPs,
          args: { step: fact.step },
        });
        return;
      default:
        this.#flush(actor);
    }
  }

  /** The trace is over: writes the computations of steps that were not completed. */
  finish(): void {
    for (const actor of this.#compute.actors()) this.#flush(actor);
  }

  #exchange(
    atPs: number,
    actor: number,
    fact: Extract<Fact, { type: "dispatch.completed" | "combine.completed" }>,
  ): void {
    const { layer, step, chain, durationPs } = fact;
    const isDispatch = fact.type === "dispatch.completed";
    const fromPs = atPs - durationPs;
    const track = this.#rowOf(actor, chain, layer);
    const counts = isDispatch
      ? { received: fact.received }
      : { combined: fact.combined, masked: fact.masked };
    const name = isDispatch ? "dispatch" : "combine";
    this.#compute.exchanged(actor, { kind: name, layer, chain, fromPs, atPs });
    this.#text.slice(track, {
      ...{ name, category: name, fromPs, toPs: atPs },
      args: { layer, step, chain, ...counts },
    });
    const key = `${actor} ${chain}`;
    if (isDispatch) {
      this.#dispatched.set(key, { track, fromPs, atPs, step, layer });
      return;
    }
    const before = this.#dispatched.get(key);
    this.#dispatched.delete(key);
    if (before === undefined || before.step !== step || before.layer !== layer) return;
    // An arrow needs a slice at both ends, and one of no length is none.
    if (!hasLength(before.fromPs, before.atPs) || !hasLength(fromPs, atPs)) return;
    const from = { track: before.track, atPs: before.fromPs };
    this.#text.arrow("exchange", from, { track, atPs: fromPs });
  }

  #flush(actor: number): void {
    for (const { name, layer, chain, fromPs, toPs } of this.#compute.take(actor)) {
      const track = this.#rowOf(actor, chain, layer);
      this.#text.slice(track, { name, category: "compute", fromPs, toPs, args: { layer, chain } });
    }
  }

  /** The row that a layer of a chain is on. */
  #rowOf(actor: number, name: string, layer: number): Track {
    if (this.#isOneRow) return this.#tracks.gpu(actor, GpuRows.main);
    const chain = Math.max(0, this.#schedule.chains.indexOf(name));
    const isSecond = this.#overlaps[chain] && (this.#placeOf.get(layer) ?? 0) % 2 === 1;
    const place = 1 + 2 * chain + Number(isSecond);
    return this.#tracks.gpu(actor, { place, name: isSecond ? `${name} (2)` : name });
  }
}

function hasLength(fromPs: number, toPs: number): boolean {
  return nanoseconds(toPs) > nanoseconds(fromPs);
}
