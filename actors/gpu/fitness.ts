/** Whether a rank that is out of the group could be in: does an operator or its hardware object? */
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { NO_FAULT } from "../../src/model/fault.ts";
import { DevicePort } from "../../src/model/topology.ts";
import type { Peers } from "./peers.ts";

export class Fitness {
  /** Does anything that the group exchanges cross NICs? */
  readonly #needsNic: boolean;
  readonly #nic: number;
  readonly #nicPorts: number;

  constructor({ topology, scenario }: DeviceServices, peers: Peers) {
    const { intraNode, protocol } = scenario.workload;
    this.#needsNic = peers.nodes > 1 || (intraNode === "rdma" && protocol === "low-latency");
    this.#nic = peers.nicOf(peers.actorOf[peers.rank]);
    this.#nicPorts = topology.actors[this.#nic].ports - DevicePort.nicToLeaf;
  }

  isFit(context: ActorContext): boolean {
    const { maskedBy, drainedBy, isHung } = context.faults.conditionOf(context.self);
    if (isHung || maskedBy !== NO_FAULT || drainedBy !== NO_FAULT) return false;
    return !this.isCutOff(context);
  }

  /** Do all ports of its NIC say that they are down? */
  isCutOff(context: ActorContext): boolean {
    if (!this.#needsNic) return false;
    for (let port = 0; port < this.#nicPorts; port += 1) {
      if (!context.faults.isPortDown(this.#nic, DevicePort.nicToLeaf + port)) return false;
    }
    return true;
  }
}
