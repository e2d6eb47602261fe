/**
 * Everything in a cluster that a fault can hit, by kind and name, with the failure domains that
 * each is in. Made from the topology alone; lists are made when they are first asked for.
 */
import type { ActorPlace, Lane, Topology } from "../model/topology.ts";
import { TARGET_KINDS, type TargetKind } from "./catalogue-entry.ts";

/** Failure domains: what fails together. */
export const DOMAINS = ["plane", "leaf", "spine", "node"] as const;
export type Domain = (typeof DOMAINS)[number];

/** Values of each domain that a target is in: `plane` has `3`, `leaf` has `plane3.leaf0`. */
export type Membership = Readonly<Record<Domain, readonly string[]>>;

/** The name of one direction of a link: `node2.nic3->plane3.leaf0`, `.k` for a parallel link. */
export function directionName({ actors }: Topology, lane: Lane): string {
  const from = actors[lane.from].id;
  const to = actors[lane.to].id;
  return `${from}->${to}${suffixOf(lane.link, from, to)}`;
}

/** What comes after the two ends in a link's id. */
function suffixOf(link: string, from: string, to: string): string {
  return link.slice(from.length + "--".length + to.length);
}

const NOWHERE: Membership = { plane: [], leaf: [], spine: [], node: [] };

export class TargetIndex {
  readonly #topology: Topology;
  readonly #experts: number;
  readonly #byKind = new Map<TargetKind, ReadonlyMap<string, Membership>>();
  #aliases: ReadonlyMap<string, string> | undefined;
  #nicDomains: ReadonlyMap<number, Membership> | undefined;

  /** `experts`: logical experts of the model; 0 when they are not known. */
  constructor(topology: Topology, experts: number) {
    this.#topology = topology;
    this.#experts = experts;
  }

  /** Names of a kind in the order of the topology, each with its domains. */
  ofKind(kind: TargetKind): ReadonlyMap<string, Membership> {
    let found = this.#byKind.get(kind);
    if (found === undefined) {
      found = new Map(this.#listed(kind));
      this.#byKind.set(kind, found);
    }
    return found;
  }

  /** A link's ends the other way round, and the link's own id. */
  get linkAliases(): ReadonlyMap<string, string> {
    this.#aliases ??= new Map(
      this.#fabricLanes.map((lane) => {
        const from = this.#topology.actors[lane.from].id;
        const to = this.#topology.actors[lane.to].id;
        return [`${from}--${to}${suffixOf(lane.link, from, to)}`, lane.link];
      }),
    );
    return this.#aliases;
  }

  /** The first kind that has that name. */
  kindOf(name: string): TargetKind | undefined {
    if (name.includes("--")) return this.linkAliases.has(name) ? "link" : undefined;
    if (name.includes("->")) return this.ofKind("direction").has(name) ? "direction" : undefined;
    return TARGET_KINDS.find(
      (kind) => kind !== "link" && kind !== "direction" && this.ofKind(kind).has(name),
    );
  }

  *#listed(kind: TargetKind): Iterable<[string, Membership]> {
    const { actors } = this.#topology;
    switch (kind) {
      case "node":
        for (const node of numbersOf(actors, (actor) => actor.node)) {
          yield [`node${node}`, { ...NOWHERE, node: [String(node)] }];
        }
        return;
      case "plane":
        for (const plane of numbersOf(actors, (actor) => actor.plane)) {
          yield [`plane${plane}`, { ...NOWHERE, plane: [String(plane)] }];
        }
        return;
      case "expert":
        for (let expert = 0; expert < this.#experts; expert += 1) {
          yield [`expert${expert}`, NOWHERE];
        }
        return;
      case "link":
        for (const lane of this.#fabricLanes) {
          const from = actors[lane.from].id;
          if (lane.link.startsWith(`${from}--`)) yield [lane.link, this.#domainsOfLane(lane)];
        }
        return;
      case "direction":
        for (const lane of this.#fabricLanes) {
          yield [directionName(this.#topology, lane), this.#domainsOfLane(lane)];
        }
        return;
      default:
        for (const [place, actor] of actors.entries()) {
          if (actor.kind === kind) yield [actor.id, this.#domainsOf(actor, place)];
        }
    }
  }

  /** Lanes that a fault can be on: management links are no part of the fabric. */
  get #fabricLanes(): readonly Lane[] {
    const { actors, lanes } = this.#topology;
    return lanes.filter(({ from, to }) =>
      [from, to].every((end) => actors[end].kind !== "controller"),
    );
  }

  /** A switch is in its own domain; NICs and GPUs are in those of the leaves above them. */
  #domainsOf(actor: ActorPlace, place: number): Membership {
    if (actor.kind === "gpu" || actor.kind === "nic") return this.#nicDomainsOf(place);
    if (actor.kind === "controller") return NOWHERE;
    const plane = actor.plane < 0 ? [] : [String(actor.plane)];
    if (actor.kind === "leaf") return { ...NOWHERE, plane, leaf: [actor.id] };
    if (actor.kind === "spine") return { ...NOWHERE, plane, spine: [actor.id] };
    return { ...NOWHERE, node: [String(actor.node)] };
  }

  /** Only links of the network have domains: what joins the parts of a node breaks with them. */
  #domainsOfLane(lane: Lane): Membership {
    const { actors } = this.#topology;
    const ends = [actors[lane.from], actors[lane.to]];
    const switches = ends.filter(({ kind }) => kind === "leaf" || kind === "spine");
    if (switches.length === 0) return NOWHERE;
    const planes = switches.filter(({ plane }) => plane >= 0).map(({ plane }) => String(plane));
    return {
      plane: [...new Set(planes)],
      leaf: switches.filter(({ kind }) => kind === "leaf").map(({ id }) => id),
      spine: switches.filter(({ kind }) => kind === "spine").map(({ id }) => id),
      node: ends.filter(({ node }) => node >= 0).map(({ node }) => String(node)),
    };
  }

  #nicDomainsOf(actor: number): Membership {
    this.#nicDomains ??= this.#joinNics();
    return this.#nicDomains.get(actor) ?? NOWHERE;
  }

  /** Domains of every NIC, and of the GPU that it belongs to. */
  #joinNics(): ReadonlyMap<number, Membership> {
    const { actors, lanes } = this.#topology;
    const found = new Map<number, Membership>();
    const leavesOf = new Map<number, ActorPlace[]>();
    for (const lane of lanes) {
      if (actors[lane.from].kind !== "nic" || actors[lane.to].kind !== "leaf") continue;
      const leaves = leavesOf.get(lane.from) ?? [];
      leaves.push(actors[lane.to]);
      leavesOf.set(lane.from, leaves);
    }
    for (const lane of lanes) {
      const leaves = leavesOf.get(lane.from);
      if (leaves === undefined || actors[lane.to].kind !== "gpu") continue;
      const domains: Membership = {
        plane: leaves.map(({ plane }) => String(plane)),
        leaf: leaves.map(({ id }) => id),
        spine: [],
        node: [String(actors[lane.from].node)],
      };
      found.set(lane.from, domains);
      found.set(lane.to, domains);
    }
    return found;
  }
}

/** Different numbers from 0 up, ascending. */
function numbersOf(
  actors: readonly ActorPlace[],
  numberOf: (actor: ActorPlace) => number,
): readonly number[] {
  const numbers = new Set(actors.map(numberOf).filter((number) => number >= 0));
  return [...numbers].sort((left, right) => left - right);
}
