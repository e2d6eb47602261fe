/**
 * What is wrong with what, by the state of the fleet: the marks that the picture puts on actors and
 * links. A mark has a form of its own, so it is told without its colour. Pure.
 */
import type { RunView, StateView } from "../../src/observe/view-api.ts";

/** From bad to less bad: the first that applies is drawn. */
export const MARKS = ["down", "impaired", "masked", "out"] as const;
export type Mark = (typeof MARKS)[number];

/** What each mark means, for the legend. */
export const MARK_WORDS: Readonly<Record<Mark, string>> = {
  down: "down (a fault stops it)",
  impaired: "impaired (a fault slows, flaps or spoils it)",
  masked: "given up by other ranks",
  out: "out: trapped, or left its group",
};

/** Kinds that stop what they hit. */
const STOPPING = [
  "gpu-dead",
  "hbm-uncorrectable",
  "node-crash",
  "process-hang",
  "nic-down",
  "link-down",
  "switch-down",
  "plane-down",
  "controller-down",
  "actors-lost",
];

export interface FleetMarks {
  /** By actor number. */
  readonly actors: ReadonlyMap<number, Mark>;
  /** By id of a link. */
  readonly links: ReadonlyMap<string, Mark>;
  /** By actor number: names of faults that hit it. */
  readonly faults: ReadonlyMap<number, readonly string[]>;
}

/** The marks of one state. */
export function marksOf(run: RunView, state: StateView): FleetMarks {
  const finder = new ActorFinder(run);
  const actors = new Map<number, Mark>();
  const links = new Map<string, Mark>();
  const faults = new Map<number, string[]>();
  const mark = (actor: number, one: Mark): void => {
    const known = actors.get(actor);
    if (known === undefined || MARKS.indexOf(one) < MARKS.indexOf(known)) actors.set(actor, one);
  };
  for (const { rank } of state.masked) for (const actor of finder.of(rank)) mark(actor, "masked");
  for (const rank of [...state.out, ...state.trapped]) {
    for (const actor of finder.of(rank)) mark(actor, "out");
  }
  for (const { fault, kind, targets, permille } of state.faults) {
    // A flap that pauses hits nothing for now.
    const one: Mark = STOPPING.includes(kind) && permille > 0 ? "down" : "impaired";
    for (const target of targets) {
      const link = linkOf(target);
      if (link !== undefined) links.set(link, one);
      for (const actor of finder.of(target)) {
        mark(actor, link === undefined ? one : "impaired");
        faults.set(actor, [...(faults.get(actor) ?? []), fault]);
      }
    }
  }
  return { actors, links, faults };
}

/** The link that a target is, or is one direction of. */
function linkOf(target: string): string | undefined {
  if (target.includes("--")) return target;
  if (!target.includes("->")) return undefined;
  const [one = "", other = ""] = target.split("->");
  return [one, other].sort().join("--");
}

/** Finds the actors that a target names. */
class ActorFinder {
  readonly #actors: RunView["actors"];
  readonly #byId: ReadonlyMap<string, number>;

  constructor({ actors }: RunView) {
    this.#actors = actors;
    this.#byId = new Map(actors.id.map((id, actor) => [id, actor]));
  }

  of(target: string): readonly number[] {
    const exact = this.#byId.get(target);
    if (exact !== undefined) return [exact];
    const node = /^node(\d+)$/.exec(target)?.[1];
    if (node !== undefined)
      return this.#where((actor) => this.#actors.node[actor] === Number(node));
    const plane = /^plane(\d+)$/.exec(target)?.[1];
    if (plane !== undefined) {
      return this.#where(
        (actor) =>
          this.#actors.plane[actor] === Number(plane) &&
          ["leaf", "spine"].includes(this.#actors.kind[actor]),
      );
    }
    return target.split(/--|->/).flatMap((end) => {
      const actor = this.#byId.get(end.replace(/\.\d+$/, "")) ?? this.#byId.get(end);
      return actor === undefined ? [] : [actor];
    });
  }

  #where(isOne: (actor: number) => boolean): number[] {
    return [...this.#actors.id.keys()].filter(isOne);
  }
}

/**
 * How much actors are used, thousandths: a NIC by its busiest lane to the network, a GPU by its
 * busiest NVLink lane, a switch by the mean of its lanes.
 */
export function useOfActors(run: RunView, permille: Uint16Array): Uint16Array {
  const { actors, lanes } = run;
  const use = new Uint16Array(actors.id.length);
  const sums = new Float64Array(actors.id.length);
  const counts = new Uint32Array(actors.id.length);
  for (const [lane, from] of lanes.from.entries()) {
    const to = lanes.to[lane];
    for (const [one, other] of [
      [from, to],
      [to, from],
    ]) {
      const [kind, far] = [actors.kind[one], actors.kind[other]];
      if (kind === "nic" || kind === "gpu") {
        const counts = kind === "nic" ? far !== "gpu" : far === "nvswitch";
        if (counts) use[one] = Math.max(use[one], permille[lane]);
      } else {
        sums[one] += permille[lane];
        counts[one] += 1;
      }
    }
  }
  for (const [actor, count] of counts.entries()) {
    if (count > 0) use[actor] = Math.round(sums[actor] / count);
  }
  return use;
}
