/**
 * The recovery controller: a process beside the fleet that hears over management links which ranks
 * gave each other up, and orders what is to be done about it. It looks after each EP group by
 * itself (group-recovery.ts). It knows only what ranks tell it, and that who does not answer is
 * gone.
 */
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import {
  LAYER,
  PAYLOAD_HIGH,
  PAYLOAD_LOW,
  type Packet,
  PSN,
  SLOT,
  TOKEN,
} from "../../src/model/packet.ts";
import { GroupRecovery } from "./group-recovery.ts";

export class Controller implements Actor {
  readonly #services: DeviceServices;
  readonly #epSize: number;
  #groups: readonly GroupRecovery[];
  /** How often its process has begun anew; whoever starts it tells it. */
  #life = 0;

  constructor(services: DeviceServices) {
    this.#services = services;
    this.#epSize = services.scenario.workload.epSize;
    this.#groups = this.#freshGroups();
  }

  start(): void {}

  /** A new process: it learns what it has to from what ranks say. */
  revived(): void {
    this.#life += 1;
    this.#groups = this.#freshGroups();
  }

  receive(context: ActorContext, port: number, packet: Packet): void {
    const { words } = context.packets;
    const report = {
      rank: port % this.#epSize,
      what: words[packet + SLOT],
      epoch: words[packet + LAYER],
      about: words[packet + TOKEN],
      fault: words[packet + PSN],
      ordered: words[packet + PAYLOAD_HIGH],
      isSick: words[packet + PAYLOAD_LOW] !== 0,
    };
    context.packets.free(packet);
    this.#groups[Math.floor(port / this.#epSize)].reported(context, report);
  }

  #freshGroups(): GroupRecovery[] {
    const { cluster } = this.#services.scenario;
    const groups = (cluster.nodes * cluster.gpusPerNode) / this.#epSize;
    return Array.from(
      { length: groups },
      (_, group) => new GroupRecovery(this.#services, group, this.#life),
    );
  }

  /** A group's clock has run out. */
  remind(context: ActorContext, _tag: number, group: number): void {
    this.#groups[group].clock(context);
  }
}
