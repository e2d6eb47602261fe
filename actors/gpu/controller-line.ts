/** What a rank says to the controller, and reads from it, over its management link. */
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { ORDER_ABORT, ORDER_FAULT, ORDER_RANKS, ORDER_STEP } from "../../src/model/membership.ts";
import {
  DESTINATION,
  LAYER,
  ORIGIN,
  PAYLOAD_HIGH,
  PAYLOAD_LOW,
  type Packet,
  PacketKind,
  PSN,
  SIZE_BYTES,
  SLOT,
  TOKEN,
} from "../../src/model/packet.ts";
import { DevicePort } from "../../src/model/topology.ts";

/** Bytes of a report: headers of Ethernet, IP and TCP, and its words. */
const REPORT_BYTES = 96;

/** A new membership. */
export interface Membership {
  readonly epoch: number;
  /** The step that is next. */
  readonly step: number;
  /** By rank: IS_IN, COMES_IN, or the fault for which it is out. */
  readonly members: Int32Array;
}

/** What an order says. */
export interface OrderText extends Membership {
  readonly isAbort: boolean;
  /** How often the controller has begun anew. */
  readonly life: number;
  /** What is lost by it is lost to this fault. */
  readonly fault: number;
}

/** What a rank has to say. */
export interface ReportText {
  /** One of Report in model/membership.ts. */
  readonly what: number;
  readonly epoch: number;
  /** A rank or a step. */
  readonly about: number;
  readonly fault: number;
  /** The last epoch that it was ordered into. */
  readonly ordered: number;
  /** Does its own hardware say that it is cut off? */
  readonly isSick: boolean;
}

export class ControllerLine {
  /** Actor index of the controller. */
  readonly #controller: number;
  readonly #ranks: number;

  constructor({ topology }: DeviceServices, ranks: number) {
    this.#controller = topology.actors.findIndex(({ kind }) => kind === "controller");
    this.#ranks = ranks;
  }

  /** Reads an order; the packet is left alone. */
  read(context: ActorContext, packet: Packet): OrderText {
    const { words, cargo } = context.packets;
    const first = cargo.first(context.packets.cargoOf(packet));
    const ranks = first + ORDER_RANKS;
    return {
      epoch: words[packet + LAYER],
      step: cargo.words[first + ORDER_STEP],
      life: words[packet + TOKEN],
      isAbort: cargo.words[first + ORDER_ABORT] !== 0,
      fault: cargo.words[first + ORDER_FAULT],
      members: cargo.words.slice(ranks, ranks + this.#ranks),
    };
  }

  say(context: ActorContext, { what, epoch, about, fault, ordered, isSick }: ReportText): void {
    const packet = context.packets.take(PacketKind.report);
    const { words } = context.packets;
    words[packet + ORIGIN] = context.self;
    words[packet + DESTINATION] = this.#controller;
    words[packet + SIZE_BYTES] = REPORT_BYTES;
    words[packet + SLOT] = what;
    words[packet + LAYER] = epoch;
    words[packet + TOKEN] = about;
    words[packet + PSN] = fault;
    words[packet + PAYLOAD_LOW] = Number(isSick);
    words[packet + PAYLOAD_HIGH] = ordered;
    context.send(DevicePort.gpuToController, packet);
  }
}
