/**
 * The fleet by where things belong: nodes with their GPUs and NICs, planes with their leaves and
 * spines, and the lanes between any two actors. Made once, from what the server tells of the run;
 * everything that draws or explains the fleet asks here. Pure.
 */
import type { RunView } from "../../../src/observe/view-api.ts";

/** One node's actors, by number; GPU i has NIC i. */
export interface NodeParts {
  readonly gpus: readonly number[];
  readonly nics: readonly number[];
  /** -1: none. */
  readonly nvswitch: number;
}

/** One plane's switches, by number. */
export interface PlaneParts {
  readonly leaves: readonly number[];
  readonly spines: readonly number[];
}

/** All links between two actors; there may be several in parallel. */
export interface Bundle {
  /** Of the two actors the one nearer to a GPU. */
  readonly lower: number;
  readonly upper: number;
  readonly links: readonly string[];
  /** Lanes from `lower` to `upper`, and back. */
  readonly up: readonly number[];
  readonly down: readonly number[];
}

/** From a GPU outwards; of two ends of a link the lower one comes first. */
const TIERS: Readonly<Record<string, number>> = {
  gpu: 0,
  nvswitch: 1,
  nic: 1,
  leaf: 2,
  spine: 3,
  controller: 4,
};

export class FleetIndex {
  readonly run: RunView;
  readonly nodes: readonly NodeParts[];
  readonly planes: readonly PlaneParts[];
  /** Spines that all planes share. */
  readonly sharedSpines: readonly number[];
  /** -1: none. */
  readonly controller: number;
  /** Ordered by lower actor, then by upper one. */
  readonly bundles: readonly Bundle[];
  /** `planes` or `rails`, as the network calls them. */
  readonly planeWord: "plane" | "rail";
  /** GPUs in the order in which they fill EP groups. */
  readonly #gpus: readonly number[];
  readonly #byId: ReadonlyMap<string, number>;
  readonly #ofActor: readonly number[][];
  readonly #byLink: ReadonlyMap<string, number>;

  constructor(run: RunView) {
    this.run = run;
    const { actors, cluster } = run;
    this.planeWord = cluster.network === "mrft" ? "rail" : "plane";
    this.#byId = new Map(actors.id.map((id, actor) => [id, actor]));
    const nodes = Array.from({ length: cluster.nodes }, () => ({
      ...{ gpus: [] as number[], nics: [] as number[], nvswitch: -1 },
    }));
    const planes = Array.from({ length: cluster.planes }, () => ({
      ...{ leaves: [] as number[], spines: [] as number[] },
    }));
    const sharedSpines: number[] = [];
    for (const [actor, kind] of actors.kind.entries()) {
      const node = nodes[actors.node[actor]];
      const plane = planes[actors.plane[actor]];
      if (kind === "gpu") node?.gpus.push(actor);
      else if (kind === "nic") node?.nics.push(actor);
      else if (kind === "nvswitch" && node !== undefined) node.nvswitch = actor;
      else if (kind === "leaf") plane?.leaves.push(actor);
      else if (kind === "spine") (plane?.spines ?? sharedSpines).push(actor);
    }
    for (const { gpus, nics } of nodes) {
      for (const list of [gpus, nics]) {
        list.sort((left, right) => actors.ordinal[left] - actors.ordinal[right]);
      }
    }
    this.#gpus = [...actors.id.keys()].filter((actor) => actors.kind[actor] === "gpu");
    this.nodes = nodes;
    this.planes = planes;
    this.sharedSpines = sharedSpines;
    this.controller = actors.kind.indexOf("controller");
    this.bundles = bundlesOf(run);
    const ofActor: number[][] = actors.id.map(() => []);
    const byLink = new Map<string, number>();
    for (const [place, { lower, upper, links }] of this.bundles.entries()) {
      ofActor[lower].push(place);
      ofActor[upper].push(place);
      for (const link of links) byLink.set(link, place);
    }
    this.#ofActor = ofActor;
    this.#byLink = byLink;
  }

  /** Number of an actor; -1: there is none of this id. */
  actorOf(id: string): number {
    return this.#byId.get(id) ?? -1;
  }

  /** GPUs that have a logical expert in some layer. */
  holdersOf(expert: number): readonly number[] {
    const { experts } = this.run;
    return this.#gpus.filter((_, rank) => experts[rank % experts.length].includes(expert));
  }

  /** Logical experts that a GPU has in some layer, ascending; none: it is no GPU. */
  expertsOf(actor: number): readonly number[] {
    const rank = this.#gpus.indexOf(actor);
    return rank < 0 ? [] : this.run.experts[rank % this.run.experts.length];
  }

  /** Places in {@link bundles} of an actor's links. */
  bundlesOf(actor: number): readonly number[] {
    return this.#ofActor[actor] ?? [];
  }

  /** Place in {@link bundles} of a link by its id; -1: there is none. */
  bundleOf(link: string): number {
    return this.#byLink.get(link) ?? -1;
  }

  /** Place in {@link bundles} of the links between two actors; -1: none. */
  between(one: number, other: number): number {
    const found = this.bundlesOf(one).find((place) => {
      const { lower, upper } = this.bundles[place];
      return lower === other || upper === other;
    });
    return found ?? -1;
  }
}

function bundlesOf({ actors, lanes }: RunView): Bundle[] {
  const bundles = new Map<string, Bundle & { links: string[]; up: number[]; down: number[] }>();
  for (const [lane, from] of lanes.from.entries()) {
    const to = lanes.to[lane];
    const isUp = TIERS[actors.kind[from]] <= TIERS[actors.kind[to]];
    const [lower, upper] = isUp ? [from, to] : [to, from];
    const key = `${lower} ${upper}`;
    const bundle = bundles.get(key) ?? { lower, upper, links: [], up: [], down: [] };
    bundles.set(key, bundle);
    if (isUp) {
      bundle.up.push(lane);
      bundle.links.push(lanes.link[lane]);
    } else bundle.down.push(lane);
  }
  return [...bundles.values()].sort(
    (left, right) => left.lower - right.lower || left.upper - right.upper,
  );
}
