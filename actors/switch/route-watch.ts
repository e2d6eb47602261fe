/**
 * What a leaf or spine avoids, and when it begins and ends to. A port of its own that goes down it
 * sees at once, and heeds after the local clock. That a spine has lost its links to some other leaf
 * only the subnet manager can tell it, after its own, longer clock; without a local clock the
 * manager's serves for both. What comes and goes within a clock is never heeded. Links that the
 * operator reroutes are avoided, and used again, at once.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import type { Topology } from "../../src/model/topology.ts";
import { NextHops } from "./next-hops.ts";

/** How long a switch takes to heed a change of a port, ps; -1: it never does. */
export interface RerouteClocks {
  /** Of one of its own ports. */
  readonly localPs: number;
  /** Of any port of its plane (rails: of the network), through the subnet manager. */
  readonly managerPs: number;
}

type Cause = "local" | "manager" | "operator";
type Change = "avoided" | "taken-back";

/** One of the switch's ports; or, to a leaf, what all links of a spine to another leaf are. */
interface Way {
  /** It is down when all of these ports of an actor are. */
  readonly actor: number;
  readonly ports: readonly number[];
  /** Links of this switch that lead there. */
  readonly links: readonly string[];
  /** The leaf that it leads to, or "all". */
  readonly target: string;
  readonly clock: "local" | "manager";
  readonly delayPs: number;
  avoidedBy: Cause | undefined;
  /** Since when it has been otherwise than the switch heeds, ps; -1: it is not. */
  differsSincePs: number;
}

/** Values of reminders. */
const CLOCKS = ["local", "manager"] as const;

export class RouteWatch {
  /** Is anything avoided? */
  isAvoiding = false;
  readonly #hops: NextHops;
  readonly #ways: readonly Way[];
  /** By port of this switch. */
  readonly #own = new Map<number, Way>();
  /** By place of a leaf: what each spine has to it, in the order of the spines. */
  readonly #beyond: Way[][] = [];
  /** By place of a leaf: uplinks for targets there; made when asked for. */
  #usable: (readonly number[] | undefined)[] = [];

  constructor(self: number, topology: Topology, clocks: RerouteClocks) {
    const hops = new NextHops(self, topology);
    const { localPs, managerPs } = clocks;
    const isLocal = localPs >= 0;
    this.#hops = hops;
    for (const port of hops.ports) {
      this.#own.set(port, {
        actor: self,
        ports: [port],
        links: [hops.linkOf(port)],
        target: "all",
        clock: isLocal ? "local" : "manager",
        delayPs: isLocal ? localPs : managerPs,
        avoidedBy: undefined,
        differsSincePs: -1,
      });
    }
    if (hops.isLeaf) this.#beyond = hops.leaves.map((_, leaf) => this.#waysTo(leaf, managerPs));
    this.#ways = [...this.#own.values(), ...this.#beyond.flat()];
  }

  /** Looks at all ports anew: some changed, or this switch has just begun to work. */
  look(context: ActorContext): void {
    const changed: [Way, Change, Cause][] = [];
    const armed = new Set<Way["clock"]>();
    for (const way of this.#ways) {
      const before = way.avoidedBy;
      if (this.#lookAt(context, way)) armed.add(way.clock);
      if (before === undefined && way.avoidedBy === "operator") {
        changed.push([way, "avoided", "operator"]);
      } else if (before === "operator" && way.avoidedBy === undefined) {
        changed.push([way, "taken-back", "operator"]);
      }
    }
    for (const clock of armed) {
      const { delayPs } = this.#ways.find((way) => way.clock === clock) as Way;
      context.remindAfter(Math.max(1, delayPs), 0, CLOCKS.indexOf(clock));
    }
    this.#changed(context, changed);
  }

  /** A clock has run out: what it was started for is heeded, if it is still so. */
  clockEnded(context: ActorContext, value: number): void {
    const clock = CLOCKS[value];
    const changed: [Way, Change, Cause][] = [];
    for (const way of this.#ways) {
      if (way.clock !== clock || way.differsSincePs < 0) continue;
      if (context.nowPs - way.differsSincePs < way.delayPs) continue;
      way.differsSincePs = -1;
      changed.push([way, way.avoidedBy === undefined ? "avoided" : "taken-back", clock]);
      way.avoidedBy = way.avoidedBy === undefined ? clock : undefined;
    }
    this.#changed(context, changed);
  }

  /** Leaf: uplinks that may be used for a NIC; all of them when none would be left. */
  uplinksTo(nic: number): readonly number[] {
    const leaf = this.#hops.leafOf(nic);
    const known = this.#usable[leaf];
    if (known !== undefined) return known;
    const { ports, parallel } = this.#hops;
    const live = ports.filter((port, place) => {
      const beyond = this.#beyond[leaf][Math.floor(place / parallel)];
      return !this.#isAvoided(port) && beyond?.avoidedBy === undefined;
    });
    const usable = live.length === 0 ? ports : live;
    this.#usable[leaf] = usable;
    return usable;
  }

  /**
   * Spine: the port to use in place of `port`, which leads to the NIC with `number` on its plane.
   * Another link to the same leaf; the old one when there is none.
   */
  portLike(port: number, number: number): number {
    if (!this.#own.has(port) || !this.#isAvoided(port)) return port;
    const { parallel } = this.#hops;
    const first = port - (port % parallel);
    const links = Array.from({ length: parallel }, (_, link) => first + link);
    const live = links.filter((link) => !this.#isAvoided(link));
    return live.length === 0 ? port : live[Math.floor(number / parallel) % live.length];
  }

  /** What the spines above have to the leaf at a place; nothing to this one. */
  #waysTo(leaf: number, managerPs: number): Way[] {
    const hops = this.#hops;
    const { parallel } = hops;
    if (leaf === hops.own) return [];
    const ports = Array.from({ length: parallel }, (_, link) => leaf * parallel + link);
    return hops.spines.map((spine, place) => ({
      actor: spine,
      ports,
      links: ports.map((_, link) => hops.linkOf(hops.ports[place * parallel + link])),
      target: hops.idOf(hops.leaves[leaf]),
      clock: "manager",
      delayPs: managerPs,
      avoidedBy: undefined,
      differsSincePs: -1,
    }));
  }

  /** Notes how a way is now; true when its clock starts. */
  #lookAt({ faults, nowPs }: ActorContext, way: Way): boolean {
    const isDown = way.ports.every((port) => faults.isPortDown(way.actor, port));
    const differed = way.differsSincePs;
    way.differsSincePs = -1;
    if (isDown && way.ports.every((port) => faults.isRerouted(way.actor, port))) {
      way.avoidedBy = "operator";
      return false;
    }
    if (way.avoidedBy === "operator") {
      // A fault below the order that has ended: it has long been known.
      way.avoidedBy = isDown && way.delayPs >= 0 ? way.clock : undefined;
      return false;
    }
    if (way.delayPs < 0 || isDown === (way.avoidedBy !== undefined)) return false;
    way.differsSincePs = differed < 0 ? nowPs : differed;
    return differed < 0;
  }

  #isAvoided(port: number): boolean {
    return this.#own.get(port)?.avoidedBy !== undefined;
  }

  /** Says what is avoided or taken back from now on: a fact for each target and cause. */
  #changed(context: ActorContext, changed: readonly [Way, Change, Cause][]): void {
    if (changed.length === 0) return;
    this.#usable = [];
    this.isAvoiding = this.#ways.some((way) => way.avoidedBy !== undefined);
    const facts = new Map<
      string,
      { change: Change; cause: Cause; target: string; links: string[] }
    >();
    for (const [way, change, cause] of changed) {
      const key = `${change} ${cause} ${way.target}`;
      const fact = facts.get(key) ?? { change, cause, target: way.target, links: [] };
      fact.links.push(...way.links);
      facts.set(key, fact);
    }
    for (const fact of facts.values()) context.record({ type: "route.changed", ...fact });
  }
}
