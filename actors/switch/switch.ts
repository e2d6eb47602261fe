/**
 * A switch: looks a packet's next hop up and sends it out. Leaf, spine and NVSwitch are three
 * configurations of it; rate, latency and output queue belong to the ports, which the kernel keeps.
 * Where there is a choice, links that are known to be down are avoided: flows that would take one
 * spread over the others, and all other flows stay where they are.
 */
import { violated } from "../../src/base/assert.ts";
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import { NEXT_HOP, type Packet, PSN, SOURCE } from "../../src/model/packet.ts";
import type { SwitchRouting } from "../../src/model/scenario.ts";
import type { SwitchRoutes, Topology } from "../../src/model/topology.ts";
import {
  ecmpUplinkOf,
  sprayUplinkOf,
  staticUplinkOf,
  uplinkPortOf,
} from "../../src/model/uplink.ts";
import { type RerouteClocks, RouteWatch } from "./route-watch.ts";

/**
 * How a switch with several ways up chooses. Static and ECMP: one way for a flow. Adaptive: for
 * each message the uplink with the least to send, and among equals the first from the static one
 * on. Spray: the next uplink for each packet of a flow.
 */
export type UplinkRule = SwitchRouting | "spray";

/** What a switch needs to avoid links that are down. */
export interface RerouteSpec extends RerouteClocks {
  readonly topology: Topology;
}

export class Switch implements Actor {
  readonly #routes: SwitchRoutes;
  readonly #portOf: Int16Array;
  readonly #rule: UplinkRule;
  readonly #reroute: RerouteSpec | undefined;
  #watch: RouteWatch | undefined;
  #isAvoiding = false;

  /** Without `reroute` the switch never avoids a link. */
  constructor(routes: SwitchRoutes, rule: UplinkRule, reroute?: RerouteSpec) {
    this.#routes = routes;
    this.#portOf = routes.portOf;
    this.#rule = rule;
    this.#reroute = reroute;
  }

  start(): void {}

  receive(context: ActorContext, _port: number, packet: Packet): void {
    const words = context.packets.words;
    const hop = words[packet + NEXT_HOP];
    const down = this.#portOf[hop];
    const port = down >= 0 ? down : this.#uplinkFor(context, packet);
    context.send(this.#isAvoiding ? this.#around(context, packet, port) : port, packet);
  }

  remind(context: ActorContext, _tag: number, value: number): void {
    this.#watch?.clockEnded(context, value);
    this.#isAvoiding = this.#watch?.isAvoiding === true;
  }

  affected(context: ActorContext): void {
    if (this.#reroute === undefined) return;
    this.#watch ??= new RouteWatch(context.self, this.#reroute.topology, this.#reroute);
    this.#watch.look(context);
    this.#isAvoiding = this.#watch.isAvoiding;
  }

  revived(context: ActorContext): void {
    this.#watch = undefined;
    this.affected(context);
  }

  #uplinkFor(context: ActorContext, packet: Packet): number {
    const words = context.packets.words;
    const source = words[packet + SOURCE];
    const target = words[packet + NEXT_HOP];
    if (this.#routes.uplinks.length === 0) {
      violated("route-exists", `switch ${context.self} has no way to actor ${target}`);
    }
    switch (this.#rule) {
      case "adaptive":
        return this.#leastBusy(context, target, this.#routes.uplinks);
      case "spray": {
        const { uplinks, numberOf } = this.#routes;
        const number = words[packet + PSN];
        return uplinks[sprayUplinkOf(numberOf[source], numberOf[target], number, uplinks.length)];
      }
      default:
        return uplinkPortOf(this.#routes, this.#rule, source, target);
    }
  }

  #leastBusy(context: ActorContext, target: number, uplinks: readonly number[]): number {
    const first = staticUplinkOf(this.#routes.numberOf[target], uplinks.length);
    let best = uplinks[first];
    let leastPs = context.backlogPs(best);
    for (let after = 1; after < uplinks.length && leastPs > 0; after += 1) {
      const port = uplinks[(first + after) % uplinks.length];
      const backlogPs = context.backlogPs(port);
      if (backlogPs < leastPs) {
        best = port;
        leastPs = backlogPs;
      }
    }
    return best;
  }

  /** The port to use where `usual` may be one to avoid; `usual` when there is no other. */
  #around(context: ActorContext, packet: Packet, usual: number): number {
    const words = context.packets.words;
    const watch = this.#watch as RouteWatch;
    const target = words[packet + NEXT_HOP];
    const { uplinks, numberOf, salt } = this.#routes;
    const number = numberOf[target];
    if (this.#portOf[target] >= 0) return watch.portLike(usual, number);
    const usable = watch.uplinksTo(target);
    if (usable.length === uplinks.length || usable.includes(usual)) return usual;
    const source = words[packet + SOURCE];
    switch (this.#rule) {
      case "adaptive":
        return this.#leastBusy(context, target, usable);
      case "spray":
        return usable[(numberOf[source] + number + words[packet + PSN]) % usable.length];
      case "ecmp":
        return usable[ecmpUplinkOf(salt + 1, source, target, usable.length)];
      default:
        return usable[Math.floor(number / uplinks.length) % usable.length];
    }
  }
}
