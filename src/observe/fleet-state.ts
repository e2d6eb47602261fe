/**
 * The state of the fleet by the facts so far: faults in force and how hard they hit, ranks that are
 * masked, out, trapped or done. Facts that say how far work has come are not for here: there are
 * many of them, and the view series adds them up.
 */
import type { FactRecord } from "../model/fact.ts";
import { MaskBoard, type MaskedRank } from "./mask-board.ts";

/** A fault that has begun and has not ended on all its targets. */
export interface ForceState {
  readonly fault: string;
  readonly kind: string;
  readonly targets: readonly string[];
  readonly atPs: number;
  /** How hard it hits, thousandths of what it says. */
  readonly permille: number;
}

interface Force {
  readonly kind: string;
  readonly atPs: number;
  readonly targets: Map<string, number>;
}

/** Does a fact change the state of the fleet? */
export function isStateFact({ fact }: FactRecord): boolean {
  switch (fact.type) {
    case "fault.began":
    case "fault.changed":
    case "fault.healed":
    case "rank.masked":
    case "rank.trapped":
    case "rank.excluded":
    case "rank.admitted":
    case "ranks.resumed":
    case "rank.finished":
      return true;
    default:
      return false;
  }
}

/** Listens to the facts for which {@link isStateFact} is true, in the order of the log. */
export class FleetState {
  readonly #actorIds: readonly string[];
  readonly #forces = new Map<string, Force>();
  readonly #masks = new MaskBoard();
  readonly #trapped = new Set<string>();
  readonly #finished = new Set<number>();

  /** `actorIds` by actor index. */
  constructor(actorIds: readonly string[]) {
    this.#actorIds = actorIds;
  }

  get faults(): ForceState[] {
    return [...this.#forces].map(([fault, { kind, atPs, targets }]) => ({
      fault,
      kind,
      targets: [...targets.keys()],
      atPs,
      permille: Math.max(...targets.values()),
    }));
  }

  get masked(): MaskedRank[] {
    return this.#masks.masked;
  }

  /** Ranks that more than half of the others of their group, of `groupSize`, have given up. */
  givenUp(groupSize: number): number {
    return this.#masks.givenUp(groupSize);
  }

  get out(): readonly string[] {
    return this.#masks.out;
  }

  get trapped(): readonly string[] {
    return [...this.#trapped];
  }

  get ranksFinished(): number {
    return this.#finished.size;
  }

  take(record: FactRecord): void {
    const { atPs, actor, fact } = record;
    if (fact.type === "ranks.resumed") {
      for (const member of fact.members) this.#trapped.delete(member);
    }
    if (this.#masks.take(record)) return;
    switch (fact.type) {
      case "fault.began": {
        const { fault, kind, target } = fact;
        const force = this.#forces.get(fault) ?? { kind, atPs, targets: new Map() };
        this.#forces.set(fault, force);
        force.targets.set(target, 1000);
        return;
      }
      case "fault.changed":
        this.#forces.get(fact.fault)?.targets.set(fact.target, fact.permille);
        return;
      case "fault.healed":
        this.#healed(fact.fault, fact.target);
        return;
      case "rank.trapped":
        this.#trapped.add(this.#actorIds[actor]);
        return;
      case "rank.finished":
        this.#finished.add(actor);
        this.#trapped.delete(this.#actorIds[actor]);
        return;
      default:
    }
  }

  #healed(fault: string, target: string): void {
    const force = this.#forces.get(fault);
    if (force === undefined) return;
    force.targets.delete(target);
    if (force.targets.size > 0) return;
    this.#forces.delete(fault);
  }
}
