/**
 * A GPU: the process of one rank (rank.ts), and what its hardware and proxies do for others: pass
 * on what they send through it. While the process hangs the GPU begins nothing, says nothing and
 * still passes on; what is for the rank itself is kept until it goes on. Without a process, after a
 * trap or a restart of the device, it does nothing at all.
 */
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { DESTINATION, KIND, ORIGIN, type Packet, PacketFlag } from "../../src/model/packet.ts";
import { Fallback } from "./fallback.ts";
import { Held } from "./held.ts";
import type { MaskClocks } from "./mask-policy.ts";
import { Messenger } from "./messenger.ts";
import { Peers } from "./peers.ts";
import { Rank } from "./rank.ts";

export class Gpu implements Actor {
  readonly #messenger: Messenger;
  readonly #rank: Rank;
  readonly #held = new Held();
  #isHung = false;

  constructor(self: number, services: DeviceServices, clocks: MaskClocks) {
    const { scenario, topology } = services;
    const { workload, recovery } = scenario;
    const isNormal = workload.protocol === "normal";
    const peers = new Peers(self, topology, scenario.cluster, workload.epSize);
    const hasFailover = recovery.failover === "nvlink" && !isNormal;
    const fallback = hasFailover
      ? new Fallback(peers, (actor) => topology.actors[actor].id)
      : undefined;
    const usesNvlink = isNormal || workload.intraNode === "nvlink";
    this.#messenger = new Messenger(peers, usesNvlink, fallback);
    this.#rank = new Rank({ services, peers, messenger: this.#messenger, clocks });
  }

  start(context: ActorContext): void {
    this.#rank.start(context);
  }

  receive(context: ActorContext, _port: number, packet: Packet): void {
    const { words } = context.packets;
    const hasFailed = (words[packet + KIND] & PacketFlag.failed) !== 0;
    const endsAt = words[packet + (hasFailed ? ORIGIN : DESTINATION)];
    if (this.#rank.isGone) context.packets.free(packet);
    else if (endsAt !== context.self) {
      if (hasFailed) this.#messenger.giveBack(context, packet);
      else this.#messenger.relay(context, packet);
    } else if (this.#isHung) this.#held.message(packet);
    else this.#rank.arrived(context, packet);
  }

  remind(context: ActorContext, tag: number, value: number): void {
    if (!this.#isHung) this.#rank.reminded(context, tag, value);
    else if (!this.#rank.missed(tag)) this.#held.reminder(tag, value);
  }

  affected(context: ActorContext): void {
    const condition = context.faults.conditionOf(context.self);
    const goesOn = this.#isHung && !condition.isHung;
    this.#isHung = condition.isHung;
    this.#rank.takeCondition(condition);
    if (goesOn) {
      this.#held.release(context, this.#rank);
      this.#rank.resumed(context);
    }
    if (!this.#isHung) this.#rank.heed(context);
  }

  /** Works again, and knows nothing. */
  revived(context: ActorContext): void {
    const condition = context.faults.conditionOf(context.self);
    this.#isHung = condition.isHung;
    this.#held.drop(context);
    this.#rank.takeCondition(condition);
    this.#rank.reborn(context);
  }
}
