/**
 * What is wrong with what, by the state of the fleet: the marks that the picture puts on actors and
 * links. Each mark has a form of its own, so it is told without its colour. Pure.
 */
import type { FaultView, MaskedRankView, StateView } from "../../../src/observe/view-api.ts";
import { elementsOf, type FleetElement } from "./element.ts";
import type { FleetIndex } from "./fleet-index.ts";

/** From bad to less bad: of several the first is drawn. */
export const MARKS = ["dead", "flapping", "impaired", "steered", "out"] as const;
export type Mark = (typeof MARKS)[number];

/** What each mark means, for the legend and for people. */
export const MARK_WORDS: Readonly<Record<Mark | "masked", string>> = {
  dead: "dead",
  flapping: "flapping",
  impaired: "slow or lossy",
  steered: "drained, rerouted",
  out: "out, trapped",
  masked: "masked",
};

/** Kinds that stop what they hit, that come and go, and that keep work away from it. */
const MARK_OF: Readonly<Record<string, Mark>> = {
  "gpu-dead": "dead",
  "hbm-uncorrectable": "dead",
  "node-crash": "dead",
  "process-hang": "dead",
  "nic-down": "dead",
  "link-down": "dead",
  "switch-down": "dead",
  "plane-down": "dead",
  "controller-down": "dead",
  "actors-lost": "dead",
  "nic-flap": "flapping",
  drained: "steered",
  rerouted: "steered",
};

/** The mark of a fault: of one that pauses, what it will be again. */
export function markOf({ kind, permille }: Pick<FaultView, "kind" | "permille">): Mark {
  const mark = MARK_OF[kind] ?? "impaired";
  return mark === "dead" && permille === 0 ? "flapping" : mark;
}

export interface FleetMarks {
  /** By actor number. */
  readonly actors: ReadonlyMap<number, Mark>;
  /** By place in the index's bundles. */
  readonly bundles: ReadonlyMap<number, Mark>;
  /** By actor number: who masks it. */
  readonly masked: ReadonlyMap<number, MaskedRankView>;
}

/** The marks of one state. */
export function marksOf(index: FleetIndex, state: StateView): FleetMarks {
  const actors = new Map<number, Mark>();
  const bundles = new Map<number, Mark>();
  const put = (marks: Map<number, Mark>, place: number, mark: Mark): void => {
    const known = marks.get(place);
    if (known === undefined || MARKS.indexOf(mark) < MARKS.indexOf(known)) marks.set(place, mark);
  };
  for (const name of [...state.out, ...state.trapped]) {
    const actor = index.actorOf(name);
    if (actor >= 0) put(actors, actor, "out");
  }
  for (const fault of state.faults) {
    // An operator's mask is seen where ranks mask.
    if (fault.kind === "masked") continue;
    const mark = markOf(fault);
    for (const target of fault.targets) {
      for (const element of elementsOf(target, index)) {
        if (element.type === "links") put(bundles, element.bundle, mark);
        else for (const actor of actorsOf(element, index)) put(actors, actor, mark);
      }
    }
  }
  const masked = new Map(state.masked.map((mask) => [index.actorOf(mask.rank), mask] as const));
  return { actors, bundles, masked };
}

/** Actors that an element consists of: of a plane its switches, of a node all that is in it. */
export function actorsOf(element: FleetElement, index: FleetIndex): readonly number[] {
  switch (element.type) {
    case "actor":
      return [element.actor];
    case "links": {
      const { lower, upper } = index.bundles[element.bundle];
      return [lower, upper];
    }
    case "node": {
      const { gpus, nics, nvswitch } = index.nodes[element.node];
      return [...gpus, ...nics, ...(nvswitch < 0 ? [] : [nvswitch])];
    }
    case "plane": {
      const { leaves, spines } = index.planes[element.plane];
      return [...leaves, ...spines];
    }
  }
}

/** Faults in force that hit an element, a part of it, or what it is part of. */
export function faultsOn(
  element: FleetElement,
  state: StateView,
  index: FleetIndex,
): readonly FaultView[] {
  const own = new Set(actorsOf(element, index));
  return state.faults.filter(({ targets }) =>
    targets
      .flatMap((target) => elementsOf(target, index))
      .some((hit) => {
        if (hit.type === "links" && element.type === "links") return hit.bundle === element.bundle;
        if (hit.type === "links") {
          if (element.type === "plane") return isOnPlane(hit.bundle, element.plane, index);
          return actorsOf(hit, index).some((actor) => own.has(actor));
        }
        if (element.type === "links") return false;
        return actorsOf(hit, index).some((actor) => own.has(actor));
      }),
  );
}

function isOnPlane(bundle: number, plane: number, index: FleetIndex): boolean {
  const { lower, upper } = index.bundles[bundle];
  const { kind, plane: planes } = index.run.actors;
  return kind[upper] !== "nvswitch" && (planes[upper] === plane || planes[lower] === plane);
}
