/**
 * How copies and results of an exchange travel: one of DeepEP's two families of kernels. A protocol
 * serves one chain of one rank. Posting is cut into parts, so that the GPU can stop while its ports
 * are busy and go on later.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import type { Packet } from "../../src/model/packet.ts";
import type { HomeSide } from "./home-side.ts";
import type { Inbox } from "./inbox.ts";
import type { Messenger } from "./messenger.ts";
import type { Payloads } from "./payloads.ts";
import type { Peers } from "./peers.ts";

/** What a protocol works with. */
export interface ProtocolParts {
  readonly services: DeviceServices;
  readonly peers: Peers;
  readonly messenger: Messenger;
  readonly home: HomeSide;
  readonly payloads: Payloads;
  /** The inbox that collects an exchange. */
  inboxOf(exchange: number): Inbox;
}

export interface Protocol {
  /** Lays out the copies of the exchange that the home side has opened; returns the parts. */
  prepareCopies(): number;
  postCopies(context: ActorContext, part: number): void;
  /** How long what is posted next would wait at this GPU's ports, ps. */
  backlogPs(context: ActorContext, phase: "copies" | "results"): number;
  /** Lays out the results for what an inbox holds; returns the parts. */
  prepareResults(inbox: Inbox): number;
  postResults(context: ActorContext, part: number): void;
  /** A message with copies or results from a rank that is not masked; it ends here. */
  received(context: ActorContext, packet: Packet, rank: number): void;
  /** Sends open copies to a rank once more: some of them did not come. */
  sendAgain(context: ActorContext, rank: number): void;
  /** Copies that came before, and whose results were sent: these did not come. */
  receivedAgain(context: ActorContext, packet: Packet, rank: number): void;
  /** Does anybody's result wait here for a rank of this node? */
  awaits(rank: number): boolean;
  /** Does anybody's result wait here at all? */
  readonly isWaiting: boolean;
  /** A rank was given up. */
  dropRank(context: ActorContext, rank: number, fault: number): void;
  /** Forgets everything: no exchange is under way. */
  forget(): void;
}
