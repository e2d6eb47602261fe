/**
 * Counts of what a cluster consists of, for the `topology` command and for checks against the
 * published figures. Plain data; how it is printed is not decided here.
 */
import { unreachable } from "../base/assert.ts";
import type { PlacementName } from "../model/scenario.ts";
import type { ActorKind, Topology } from "../model/topology.ts";
import { lookaheadOf, placeActors } from "./placement.ts";

/** Devices of one network plane; or of one rail, which has no spines of its own. */
export interface PlaneCensus {
  readonly plane: number;
  /** NICs with a port on the plane. */
  readonly nics: number;
  readonly leaves: number;
  readonly spines: number;
}

/** Links (both directions count as one) by what they join. */
export interface LinkCensus {
  readonly gpuNvswitch: number;
  readonly gpuNic: number;
  readonly nicLeaf: number;
  readonly leafSpine: number;
  readonly total: number;
}

/** What a placement of this cluster would give. */
export interface PlacementCensus {
  readonly placement: PlacementName;
  readonly workers: number;
  /** Smallest latency between two workers, ps; Infinity when nothing crosses. */
  readonly lookaheadPs: number;
}

/** What there is in a cluster; a controller and its links are no part of it. */
export interface Census {
  readonly actors: number;
  readonly gpus: number;
  readonly nics: number;
  readonly nvswitches: number;
  readonly leaves: number;
  readonly spines: number;
  /** Spines among them that the leaves of all planes (then called rails) share: MRFT. */
  readonly sharedSpines: number;
  /** By plane number. */
  readonly planes: readonly PlaneCensus[];
  readonly links: LinkCensus;
  readonly placements: readonly PlacementCensus[];
}

/** Counts `topology`; `packWorkers` (1..actors) is what placement `pack` is tried with. */
export function takeCensus(topology: Topology, packWorkers = 2): Census {
  const count = (kind: ActorKind, plane?: number): number =>
    topology.actors.filter(
      (actor) => actor.kind === kind && (plane === undefined || actor.plane === plane),
    ).length;
  const planes = Math.max(...topology.actors.map((actor) => actor.plane)) + 1;
  const nicsOf = Array.from({ length: planes }, () => 0);
  for (const { from, to } of topology.lanes) {
    const { kind, plane } = topology.actors[to];
    if (topology.actors[from].kind === "nic" && kind === "leaf") nicsOf[plane] += 1;
  }
  const names: readonly PlacementName[] = ["actor", "node", "pack", "single"];
  return {
    actors: topology.actors.length - count("controller"),
    gpus: count("gpu"),
    nics: count("nic"),
    nvswitches: count("nvswitch"),
    leaves: count("leaf"),
    spines: count("spine"),
    sharedSpines: count("spine", -1),
    planes: Array.from({ length: planes }, (_, plane) => ({
      plane,
      nics: nicsOf[plane],
      leaves: count("leaf", plane),
      spines: count("spine", plane),
    })),
    links: countLinks(topology),
    placements: names.map((placement) => {
      const placed = placeActors(topology, placement, packWorkers);
      const lookaheadPs = lookaheadOf(topology, placed);
      return { placement, workers: placed.workers.length, lookaheadPs };
    }),
  };
}

/** Counts the lane that leaves the device named second, so that each link counts once. */
function countLinks(topology: Topology): LinkCensus {
  const links = { gpuNvswitch: 0, gpuNic: 0, nicLeaf: 0, leafSpine: 0 };
  for (const lane of topology.lanes) {
    const from = topology.actors[lane.from].kind;
    const to = topology.actors[lane.to].kind;
    switch (from) {
      // Management links are no part of the fabric.
      case "gpu":
      case "controller":
        break;
      case "nvswitch":
        links.gpuNvswitch += 1;
        break;
      case "nic":
        if (to === "gpu") links.gpuNic += 1;
        break;
      case "leaf":
        if (to === "nic") links.nicLeaf += 1;
        break;
      case "spine":
        links.leafSpine += 1;
        break;
      default:
        unreachable(from);
    }
  }
  const { gpuNvswitch, gpuNic, nicLeaf, leafSpine } = links;
  return { ...links, total: gpuNvswitch + gpuNic + nicLeaf + leafSpine };
}
