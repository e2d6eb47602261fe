/** Packets' lines in the event log, for runs that ask for every packet. */
import type { FaultBoard } from "../model/actor.ts";
import type { Fact } from "../model/fact.ts";
import { NO_FAULT } from "../model/fault.ts";
import type { Packet, PacketPool } from "../model/packet.ts";
import type { Topology } from "../model/topology.ts";
import type { FactLog } from "./fact-log.ts";
import { noteOf } from "./packet-note.ts";

export interface PacketLogOptions {
  readonly topology: Topology;
  readonly packets: PacketPool;
  readonly faults: FaultBoard;
  readonly factLog: FactLog;
}

export class PacketLog {
  readonly #options: PacketLogOptions;

  constructor(options: PacketLogOptions) {
    this.#options = options;
  }

  /** Writes that a packet of a lane arrived at an actor, or which fault stopped it. */
  note(actor: number, atPs: number, lane: number, packet: Packet, cause = NO_FAULT): void {
    const { topology, packets, faults, factLog } = this.#options;
    const note = noteOf(topology, packets.words, packet, lane);
    const fact: Fact =
      cause === NO_FAULT
        ? { type: "packet.delivered", ...note }
        : { type: "packet.dropped", fault: faults.nameOf(cause), ...note };
    factLog.note(actor, atPs, fact);
  }
}
