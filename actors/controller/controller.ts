/**
 * The recovery controller: a process beside the fleet that hears over management links which ranks
 * gave each other up, and orders what is to be done about it. It looks after each EP group by
 * itself (group-recovery.ts). It knows only what ranks tell it, and that who does not answer is
 * gone.
 */
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { LAYER, PAYLOAD_LOW, type Packet, PSN, SLOT, TOKEN } from "../../src/model/packet.ts";
import { GroupRecovery } from "./group-recovery.ts";

export class Controller implements Actor {
  readonly #epSize: number;
  readonly #groups: readonly GroupRecovery[];

  constructor(services: DeviceServices) {
    const { cluster, workload } = services.scenario;
    this.#epSize = workload.epSize;
    const groups = (cluster.nodes * cluster.gpusPerNode) / workload.epSize;
    this.#groups = Array.from({ length: groups }, (_, group) => new GroupRecovery(services, group));
  }

  start(): void {}

  receive(context: ActorContext, port: number, packet: Packet): void {
    const { words } = context.packets;
    const report = {
      rank: port % this.#epSize,
      what: words[packet + SLOT],
      epoch: words[packet + LAYER],
      about: words[packet + TOKEN],
      fault: words[packet + PSN],
      isSick: words[packet + PAYLOAD_LOW] !== 0,
    };
    context.packets.free(packet);
    this.#groups[Math.floor(port / this.#epSize)].reported(context, report);
  }

  /** A group's clock has run out. */
  remind(context: ActorContext, _tag: number, group: number): void {
    this.#groups[group].clock(context);
  }
}
