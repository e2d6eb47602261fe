/**
 * A switch: looks a packet's next hop up and sends it out. Leaf, spine and NVSwitch are three
 * configurations of it; rate, latency and output queue belong to the ports, which the kernel keeps.
 */
import { violated } from "../../src/base/assert.ts";
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import { NEXT_HOP, type Packet, PSN, SOURCE } from "../../src/model/packet.ts";
import type { SwitchRouting } from "../../src/model/scenario.ts";
import type { SwitchRoutes } from "../../src/model/topology.ts";
import { sprayUplinkOf, staticUplinkOf, uplinkPortOf } from "../../src/model/uplink.ts";

/**
 * How a switch with several ways up chooses. Static and ECMP: one way for a flow. Adaptive: for
 * each message the uplink with the least to send, and among equals the first from the static one
 * on. Spray: the next uplink for each packet of a flow.
 */
export type UplinkRule = SwitchRouting | "spray";

export class Switch implements Actor {
  readonly #routes: SwitchRoutes;
  readonly #portOf: Int16Array;
  readonly #rule: UplinkRule;

  constructor(routes: SwitchRoutes, rule: UplinkRule) {
    this.#routes = routes;
    this.#portOf = routes.portOf;
    this.#rule = rule;
  }

  start(): void {}

  receive(context: ActorContext, _port: number, packet: Packet): void {
    const words = context.packets.words;
    const hop = words[packet + NEXT_HOP];
    const down = this.#portOf[hop];
    context.send(down >= 0 ? down : this.#uplinkFor(context, packet), packet);
  }

  remind(): void {}

  #uplinkFor(context: ActorContext, packet: Packet): number {
    const words = context.packets.words;
    const source = words[packet + SOURCE];
    const target = words[packet + NEXT_HOP];
    if (this.#routes.uplinks.length === 0) {
      violated("route-exists", `switch ${context.self} has no way to actor ${target}`);
    }
    switch (this.#rule) {
      case "adaptive":
        return this.#leastBusy(context, target);
      case "spray": {
        const { uplinks, numberOf } = this.#routes;
        const number = words[packet + PSN];
        return uplinks[sprayUplinkOf(numberOf[source], numberOf[target], number, uplinks.length)];
      }
      default:
        return uplinkPortOf(this.#routes, this.#rule, source, target);
    }
  }

  #leastBusy(context: ActorContext, target: number): number {
    const { uplinks, numberOf } = this.#routes;
    const first = staticUplinkOf(numberOf[target], uplinks.length);
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
}
