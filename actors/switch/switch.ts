/**
 * A switch: looks a packet's next hop up and sends it out. Leaf, spine and NVSwitch are three
 * configurations of it; rate, latency and output queue belong to the ports, which the kernel keeps.
 */
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import { NEXT_HOP, type Packet, PSN, SOURCE } from "../../src/model/packet.ts";
import type { SwitchRoutes } from "../../src/model/topology.ts";
import { uplinkOf } from "../../src/model/uplink.ts";

/** How a switch with several ways up chooses: one per flow, or one per packet. */
export type SwitchRouting = "static" | "spray";

export class Switch implements Actor {
  readonly #portOf: Int16Array;
  readonly #uplinks: readonly number[];
  readonly #numberOf: Int32Array;
  readonly #spray: boolean;

  constructor(routes: SwitchRoutes, routing: SwitchRouting) {
    this.#portOf = routes.portOf;
    this.#uplinks = routes.uplinks;
    this.#numberOf = routes.numberOf;
    this.#spray = routing === "spray";
  }

  start(): void {}

  receive(context: ActorContext, _port: number, packet: Packet): void {
    const words = context.packets.words;
    const hop = words[packet + NEXT_HOP];
    let port = this.#portOf[hop];
    if (port < 0) {
      const from = this.#numberOf[words[packet + SOURCE]];
      const number = this.#spray ? words[packet + PSN] : 0;
      port = this.#uplinks[uplinkOf(from, this.#numberOf[hop], number, this.#uplinks.length)];
    }
    context.send(port, packet);
  }

  remind(): void {}
}
