/**
 * Follows the fleet layer by layer from what its ranks say: when a layer is done everywhere, how
 * long it took, and whether that is worth a line. Steps and layers have the numbers of the event
 * log; how far the run is is counted from 1 beside them. Pure.
 */

import { counted, listed } from "../base/words.ts";
import type { Fact } from "../model/fact.ts";
import { formatTime } from "../model/time.ts";

/** Lines are written for the first layers with experts and without, then for every tenth. */
const FIRST_LAYERS = 2;
const EVERY_LAYERS = 10;
/** A layer that takes this many times the median is always worth a line. */
const SLOW_FACTOR = 2;

interface OpenLayer {
  readonly position: number;
  /** By rank that completed it: how long it took, ps. */
  readonly durations: Map<string, number>;
  readonly dispatches: number[];
  readonly combines: number[];
  masked: number;
}

/** Chain, step and layer of a position, and which layer of its step it is, from 0. */
interface Place {
  readonly chain: number;
  readonly step: number;
  readonly place: number;
  readonly layer: number;
}

/** What the fleet is expected to do. */
export interface FleetPlan {
  /** Actor ids of all GPUs. */
  readonly gpus: readonly string[];
  /** Model layers of a step, ascending. */
  readonly layers: readonly number[];
  readonly steps: number;
  /** Names of the schedule's chains. */
  readonly chains: readonly string[];
  /** Retransmissions before a queue pair fails. */
  readonly retries: number;
}

/** A layer that is done everywhere, in words. */
export interface LayerNews {
  readonly step: number;
  readonly layer: number;
  readonly text: string;
}

/** Whether somebody wants to hear of a layer, worth a line or not. */
export type IsAwaited = (step: number, layer: number) => boolean;

/** Counts the ranks that have completed each layer. */
export class LayerProgress {
  readonly #plan: FleetPlan;
  readonly #isAwaited: IsAwaited;
  readonly #placeOf: Map<number, number>;
  readonly #live: Set<string>;
  readonly #dead = new Set<string>();
  readonly #maskers = new Map<string, Set<string>>();
  readonly #open = new Map<number, OpenLayer>();
  readonly #medians: number[] = [];
  #done = 0;
  #lastMasked = 0;
  #dense = 0;
  #sparse = 0;

  /** `isAwaited`: layers that are always worth a line. */
  constructor(plan: FleetPlan, isAwaited: IsAwaited = () => false) {
    this.#plan = plan;
    this.#isAwaited = isAwaited;
    this.#placeOf = new Map(plan.layers.map((layer, place) => [layer, place]));
    this.#live = new Set(plan.gpus);
  }

  /** Layers of the whole run, all steps and chains. */
  get total(): number {
    return this.#plan.layers.length * this.#plan.steps * this.#plan.chains.length;
  }

  /** The furthest layer that is done on every rank still expected, counted from 1; 0 = none. */
  get done(): number {
    return this.#done;
  }

  /** Ranks that live and are not cut off from the rest. */
  get expected(): number {
    return this.#live.size;
  }

  /** Takes one fact; returns what it is cause to tell. */
  take(actor: string, fact: Fact): LayerNews[] {
    switch (fact.type) {
      case "dispatch.completed":
        this.#layer(fact).dispatches.push(fact.durationPs);
        return [];
      case "combine.completed": {
        const layer = this.#layer(fact);
        layer.combines.push(fact.durationPs);
        layer.masked += fact.masked;
        return [];
      }
      case "layer.completed":
        this.#layer(fact).durations.set(actor, fact.durationPs);
        return this.#close();
      case "fault.began":
        if (fact.kind !== "gpu-dead" && fact.kind !== "actors-lost") return [];
        if (!this.#plan.gpus.includes(fact.target)) return [];
        this.#live.delete(fact.target);
        this.#dead.add(fact.target);
        return this.#close();
      case "rank.excluded":
        this.#live.delete(fact.rank);
        return this.#close();
      case "ranks.resumed":
        for (const member of fact.members) {
          this.#live.add(member);
          this.#dead.delete(member);
          this.#maskers.delete(member);
        }
        return [];
      case "rank.masked":
        return this.#maskedBy(fact.rank, actor) ? this.#close() : [];
      default:
        return [];
    }
  }

  /** Whether `rank` is now cut off: half of the others have given it up. */
  #maskedBy(rank: string, masker: string): boolean {
    const maskers = this.#maskers.get(rank) ?? new Set<string>();
    maskers.add(masker);
    this.#maskers.set(rank, maskers);
    return maskers.size * 2 >= this.#plan.gpus.length && this.#live.delete(rank);
  }

  #layer(fact: { step: number; layer: number; chain: string }): OpenLayer {
    const { layers, chains } = this.#plan;
    const place = this.#placeOf.get(fact.layer) ?? fact.layer;
    const turn = fact.chain === "backward" ? layers.length - 1 - place : place;
    const chain = chains.indexOf(fact.chain);
    const position = (fact.step * layers.length + turn) * chains.length + chain + 1;
    let open = this.#open.get(position);
    if (open === undefined) {
      open = { position, durations: new Map(), dispatches: [], combines: [], masked: 0 };
      this.#open.set(position, open);
    }
    return open;
  }

  #close(): LayerNews[] {
    const news: LayerNews[] = [];
    const ready = [...this.#open.values()].filter((layer) => this.#isDone(layer));
    for (const layer of ready.sort((left, right) => left.position - right.position)) {
      this.#open.delete(layer.position);
      const place = this.#placeIn(layer.position);
      const isAwaited = this.#isAwaited(place.step, place.layer);
      // Behind the furthest: of a step that is done again, or of a chain that is late.
      const isBehind = layer.position <= this.#done;
      if (isBehind && !isAwaited) continue;
      const expected = this.#live.size > 0 ? this.#live : layer.durations.keys();
      const durations = [...expected].map((rank) => layer.durations.get(rank) ?? 0);
      const took = medianOf(durations);
      const isWorth = !isBehind && this.#isWorth(layer, took);
      if (!isWorth && !isAwaited) continue;
      news.push({ ...place, text: this.#describe(layer, place, durations) });
    }
    return news;
  }

  /** Counts a layer as the furthest that is done; says whether it is worth a line. */
  #isWorth(layer: OpenLayer, took: number): boolean {
    this.#done = layer.position;
    const usual = medianOf(this.#medians);
    this.#medians.push(took);
    const hadMasked = this.#lastMasked > 0;
    this.#lastMasked = layer.masked;
    return (
      this.#isFirst(layer.dispatches.length > 0) ||
      layer.position % EVERY_LAYERS === 0 ||
      layer.position === this.total ||
      (this.#medians.length > 2 * FIRST_LAYERS && took > SLOW_FACTOR * usual) ||
      layer.masked > 0 !== hadMasked
    );
  }

  /** Whether every rank that is still expected has completed the layer. */
  #isDone({ durations }: OpenLayer): boolean {
    if (durations.size === 0 || durations.size < this.#live.size) return false;
    for (const rank of this.#live) if (!durations.has(rank)) return false;
    return true;
  }

  #isFirst(hasExperts: boolean): boolean {
    const seen = hasExperts ? ++this.#sparse : ++this.#dense;
    return seen <= FIRST_LAYERS;
  }

  /** Where in the run the layer of a position is. */
  #placeIn(position: number): Place {
    const { layers, chains } = this.#plan;
    const chain = (position - 1) % chains.length;
    const turn = (position - 1 - chain) / chains.length;
    const step = Math.floor(turn / layers.length);
    const place = turn - step * layers.length;
    const isBackward = chains[chain] === "backward";
    return { chain, step, place, layer: layers[isBackward ? layers.length - 1 - place : place] };
  }

  #describe(
    layer: OpenLayer,
    { chain, step, place, layer: number }: Place,
    all: readonly number[],
  ): string {
    const { layers, steps, chains } = this.#plan;
    const parts: string[] = [];
    if (layer.dispatches.length > 0)
      parts.push(`dispatch ${formatTime(medianOf(layer.dispatches))}`);
    if (layer.combines.length > 0) parts.push(`combine ${formatTime(medianOf(layer.combines))}`);
    const detail = parts.length > 0 ? ` (median ${parts.join(", ")})` : "";
    const masked = layer.masked > 0 ? `, ${counted(layer.masked, "assignment")} masked` : "";
    const inStep = steps > 1 ? `step ${step}, ${step + 1}/${steps}; ` : "";
    const ofChain = chains.length > 1 ? `${chains[chain]} ` : "";
    const name = `${inStep}${ofChain}layer ${number}, ${place + 1}/${layers.length}`;
    const [took, most] = [medianOf(all), all.reduce((one, other) => Math.max(one, other), 0)];
    const longest = most > SLOW_FACTOR * took ? `, at most ${formatTime(most)}` : "";
    return `${name} done on ${this.#ranksOf()}: ${formatTime(took)}${longest}${detail}${masked}`;
  }

  /** `4 ranks`, or `3 of 4 ranks (dead: node1.gpu1)` when not all are waited for. */
  #ranksOf(): string {
    const { gpus } = this.#plan;
    const left = gpus.filter((rank) => !this.#live.has(rank));
    if (left.length === 0) return counted(gpus.length, "rank");
    const dead = left.filter((rank) => this.#dead.has(rank));
    const cutOff = left.filter((rank) => !this.#dead.has(rank));
    const why: string[] = [];
    if (dead.length > 0) why.push(`dead: ${listed(dead)}`);
    if (cutOff.length > 0) why.push(`cut off: ${listed(cutOff)}`);
    return `${this.#live.size} of ${counted(gpus.length, "rank")} (${why.join("; ")})`;
  }
}

/** The middle value (the upper of two); 0 of nothing. */
export function medianOf(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)];
}
