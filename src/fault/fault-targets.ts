/**
 * What the targets of faults stand for in one cluster: actors and lanes by the ids that a resolved
 * fault has. Its tables are made when they are first asked for.
 */
import { violated } from "../base/assert.ts";
import type { ActorKind, Lane, Topology } from "../model/topology.ts";
import { directionName } from "./target-index.ts";

export class FaultTargets {
  readonly #topology: Topology;
  readonly #actorOf: ReadonlyMap<string, number>;
  readonly #lanesOfLink = new Map<string, number[]>();
  #directions: ReadonlyMap<string, readonly number[]> | undefined;

  constructor(topology: Topology) {
    this.#topology = topology;
    this.#actorOf = new Map(topology.actors.map(({ id }, index) => [id, index]));
    topology.lanes.forEach(({ link }, lane) => {
      const lanes = this.#lanesOfLink.get(link);
      if (lanes === undefined) this.#lanesOfLink.set(link, [lane]);
      else lanes.push(lane);
    });
  }

  isLink(target: string): boolean {
    return this.#lanesOfLink.has(target);
  }

  /** The actors that an id names: a device, all of a node, or the switches of a plane. */
  actorsOf(target: string): readonly number[] {
    const actor = this.#actorOf.get(target);
    if (actor !== undefined) return [actor];
    const [domain, number] = domainOf(target);
    return domain === "node"
      ? this.#actorsWhere((place) => place.node === number)
      : this.#actorsWhere(({ kind, plane }) => isSwitch(kind) && plane === number);
  }

  /** Both lanes of a link. */
  linkLanes(link: string): readonly number[] {
    return this.#lanesOfLink.get(link) ?? noTarget(link);
  }

  /** The lane of a direction `a->b` or, of one of several links, `a->b.k`. */
  directionLanes(direction: string): readonly number[] {
    this.#directions ??= new Map(
      this.#topology.lanes.map((lane, number) => [directionName(this.#topology, lane), [number]]),
    );
    return this.#directions.get(direction) ?? noTarget(direction);
  }

  /** Lanes between a NIC and the switches of the network, both ways. */
  networkLanesOf(nic: string): readonly number[] {
    const actor = this.#deviceOf(nic);
    return this.#lanesWhere((lane) => this.#joins(lane, actor, isSwitch));
  }

  /** Lanes between a NIC and its GPU, both ways. */
  busLanesOf(nic: string): readonly number[] {
    const actor = this.#deviceOf(nic);
    return this.#lanesWhere((lane) => this.#joins(lane, actor, (kind) => kind === "gpu"));
  }

  /** Lanes between the NVSwitch and a GPU, or all GPUs of a node, both ways. */
  nvlinkLanesOf(target: string): readonly number[] {
    const gpus = this.actorsOf(target).filter((actor) => this.#kindOf(actor) === "gpu");
    return this.#lanesWhere((lane) =>
      gpus.some((gpu) => this.#joins(lane, gpu, (kind) => kind === "nvswitch")),
    );
  }

  /** Lanes of all links that a switch of a plane has. */
  planeLanes(plane: string): readonly number[] {
    const [domain, number] = domainOf(plane);
    if (domain !== "plane") noTarget(plane);
    const { actors } = this.#topology;
    const isOfPlane = (actor: number): boolean =>
      isSwitch(actors[actor].kind) && actors[actor].plane === number;
    return this.#lanesWhere(({ from, to }) => isOfPlane(from) || isOfPlane(to));
  }

  /** Lanes that begin or end at a device. */
  lanesAt(target: string): readonly number[] {
    const actor = this.#deviceOf(target);
    return this.#lanesWhere(({ from, to }) => from === actor || to === actor);
  }

  /** Lanes that begin or end at any actor of a target. */
  lanesAround(target: string): readonly number[] {
    const actors = new Set(this.actorsOf(target));
    return this.#lanesWhere(({ from, to }) => actors.has(from) || actors.has(to));
  }

  /** Does a lane lead to a NIC? */
  endsAtNic(lane: number): boolean {
    return this.#kindOf(this.#topology.lanes[lane].to) === "nic";
  }

  /** The lanes given and those of the same links the other way, ascending. */
  bothWays(lanes: readonly number[]): number[] {
    const all = lanes.flatMap((lane) => this.linkLanes(this.#topology.lanes[lane].link));
    return [...new Set(all)].sort((left, right) => left - right);
  }

  /** The GPUs that go out of service with a target: a GPU itself, those of a node. */
  gpusBehind(target: string): readonly number[] {
    return this.actorsOf(target).filter((actor) => this.#kindOf(actor) === "gpu");
  }

  /** See EffectFinder. */
  reporterOf(target: string): number {
    if (/^expert\d+$/.test(target)) return this.#first(({ kind }) => kind === "gpu", target);
    const lanes = this.#lanesOfLink.get(target);
    if (lanes !== undefined) return this.#topology.lanes[lanes[0]].from;
    if (target.includes("->")) return this.#topology.lanes[this.directionLanes(target)[0]].from;
    return this.actorsOf(target)[0] ?? noTarget(target);
  }

  #kindOf(actor: number): ActorKind {
    return this.#topology.actors[actor].kind;
  }

  #deviceOf(id: string): number {
    return this.#actorOf.get(id) ?? noTarget(id);
  }

  #joins({ from, to }: Lane, actor: number, isOther: (kind: ActorKind) => boolean): boolean {
    if (from === actor) return isOther(this.#kindOf(to));
    return to === actor && isOther(this.#kindOf(from));
  }

  #actorsWhere(matches: (place: Topology["actors"][number]) => boolean): number[] {
    return this.#topology.actors.flatMap((place, actor) => (matches(place) ? [actor] : []));
  }

  #first(matches: (place: Topology["actors"][number]) => boolean, target: string): number {
    return this.#actorsWhere(matches)[0] ?? noTarget(target);
  }

  #lanesWhere(matches: (lane: Lane) => boolean): number[] {
    return this.#topology.lanes.flatMap((lane, number) => (matches(lane) ? [number] : []));
  }
}

function isSwitch(kind: ActorKind): boolean {
  return kind === "leaf" || kind === "spine";
}

/** `node2` or `plane3` taken apart. */
function domainOf(target: string): [domain: "node" | "plane", number: number] {
  const match = /^(node|plane)(\d+)$/.exec(target);
  return match === null ? noTarget(target) : [match[1] as "node" | "plane", Number(match[2])];
}

function noTarget(target: string): never {
  return violated("fault-target", `${target} is nothing that a fault can hit here`);
}
