/**
 * When a fleet served again after each fault: the instant by which every rank in service (neither
 * given up by most, nor dead, nor finished) has completed a layer that it began after the onset. It
 * is what the measure `time_to_serve_again_ms` of drills says, kept in a space that does not grow
 * with the run.
 */
import { EffectFinder } from "../src/fault/effects.ts";
import type { Fact, FactRecord } from "../src/model/fact.ts";
import { type FaultKind, INTERVENTION_KINDS } from "../src/model/fault.ts";
import type { Scenario } from "../src/model/scenario.ts";
import type { Topology } from "../src/model/topology.ts";

/** A fault that the fleet has to cope with; ranks by actor. */
interface Outage {
  readonly onsetPs: number;
  /** Ranks in service that have not served yet. */
  readonly left: Set<number>;
  hasServed: boolean;
  /** When the last of them was crossed off, ps. */
  lastPs: number;
}

export class ServingAgain {
  readonly #topology: Topology;
  readonly #effects: EffectFinder;
  readonly #most: number;
  readonly #epSize: number;
  readonly #ranks: readonly number[];
  readonly #outages = new Map<string, Outage>();
  /** Those that are not over. */
  readonly #open = new Set<Outage>();
  /** Ranks that have given a rank up. */
  readonly #maskers = new Map<number, Set<number>>();
  readonly #dead = new Set<number>();
  readonly #finished = new Set<number>();

  constructor(scenario: Scenario, topology: Topology) {
    const { actors } = topology;
    this.#topology = topology;
    this.#effects = new EffectFinder(topology);
    this.#epSize = scenario.workload.epSize;
    this.#most = (this.#epSize - 1) / 2;
    this.#ranks = actors.flatMap(({ kind }, actor) => (kind === "gpu" ? [actor] : []));
  }

  /** Takes facts in the order of the log. */
  take(records: readonly FactRecord[]): void {
    for (const { atPs, actor, fact } of records) this.#take(atPs, actor, fact);
  }

  /** The instant for a fault, ps; undefined: it never came, or there was no such fault. */
  servedAtPs(fault: string): number | undefined {
    const outage = this.#outages.get(fault);
    if (outage === undefined || outage.left.size > 0 || !outage.hasServed) return undefined;
    return outage.lastPs;
  }

  #take(atPs: number, actor: number, fact: Fact): void {
    switch (fact.type) {
      case "layer.completed":
        for (const outage of this.#open) {
          if (atPs - fact.durationPs < outage.onsetPs) continue;
          outage.hasServed = true;
          this.#crossOff(outage, actor, atPs);
        }
        return;
      case "fault.began":
      case "fault.healed":
        this.#fault(atPs, fact);
        return;
      case "rank.masked":
        this.#mask(atPs, actor, this.#topology.indexOf(fact.rank));
        return;
      case "rank.excluded":
        this.#exclude(atPs, this.#topology.indexOf(fact.rank));
        return;
      case "ranks.resumed":
        this.#resume(fact.members);
        return;
      case "rank.finished":
        this.#finished.add(actor);
        this.#out(actor, atPs);
        return;
      default:
    }
  }

  #fault(atPs: number, fact: Extract<Fact, { type: "fault.began" | "fault.healed" }>): void {
    const { fault: name, kind, target } = fact;
    if ((INTERVENTION_KINDS as readonly string[]).includes(kind)) return;
    const spec = { name, kind: kind as FaultKind, targets: [target], atPs };
    const { actorEffect, actors } = this.#effects.effectsOf(spec);
    const isOnset = fact.type === "fault.began";
    for (const actor of actorEffect === "dead" ? actors : []) {
      if (!isOnset) this.#dead.delete(actor);
      else {
        this.#dead.add(actor);
        this.#out(actor, atPs);
      }
    }
    if (!isOnset || this.#outages.has(name)) return;
    const left = new Set(this.#ranks.filter((rank) => this.#isInService(rank)));
    const outage = { onsetPs: atPs, left, hasServed: false, lastPs: atPs };
    this.#outages.set(name, outage);
    this.#open.add(outage);
  }

  #mask(atPs: number, by: number, rank: number): void {
    const maskers = this.#maskers.get(rank) ?? new Set();
    this.#maskers.set(rank, maskers);
    maskers.add(by);
    if (maskers.size > this.#most) this.#out(rank, atPs);
  }

  /** All of its group give a rank up, and it gives up nobody. */
  #exclude(atPs: number, rank: number): void {
    const first = this.#ranks.indexOf(rank);
    const start = first - (first % this.#epSize);
    for (const other of this.#ranks.slice(start, start + this.#epSize)) {
      this.#maskers.get(other)?.delete(rank);
      if (other !== rank) this.#mask(atPs, other, rank);
    }
  }

  /** These ranks work together from now on, and are not finished. */
  #resume(members: readonly string[]): void {
    const ranks = members.map((id) => this.#topology.indexOf(id));
    for (const rank of ranks) {
      this.#finished.delete(rank);
      for (const by of ranks) this.#maskers.get(rank)?.delete(by);
    }
  }

  #isInService(rank: number): boolean {
    if (this.#dead.has(rank) || this.#finished.has(rank)) return false;
    return (this.#maskers.get(rank)?.size ?? 0) <= this.#most;
  }

  /** A rank is out of service: nobody waits for it. */
  #out(rank: number, atPs: number): void {
    for (const outage of this.#open) this.#crossOff(outage, rank, atPs);
  }

  #crossOff(outage: Outage, rank: number, atPs: number): void {
    if (outage.left.delete(rank)) outage.lastPs = atPs;
    if (outage.left.size === 0 && outage.hasServed) this.#open.delete(outage);
  }
}
