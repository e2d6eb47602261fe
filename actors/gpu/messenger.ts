/**
 * How a GPU's messages leave it: over NVLink to GPUs of its node, through its own NIC to ranks on
 * its plane, and over NVLink to the local owner of the plane for all others (PXN). With failover a
 * message that the transport gives back goes again, by a detour. It also passes on what other GPUs
 * send through this one.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import {
  DESTINATION,
  KIND,
  LAYER,
  NEXT_HOP,
  ORIGIN,
  type Packet,
  PacketFlag,
  requestsOf,
  SIZE_BYTES,
  SLOT,
  SOURCE,
} from "../../src/model/packet.ts";
import { DevicePort } from "../../src/model/topology.ts";
import { Bypass } from "./bypass.ts";
import { type Fallback, USUAL_WAY } from "./fallback.ts";
import type { Peers } from "./peers.ts";

/** Bytes of a message without token data: count, notice, probe. One 64-byte RDMA write. */
const CONTROL_BYTES = 64;

export class Messenger {
  readonly #peers: Peers;
  readonly usesNvlink: boolean;
  readonly #fallback: Fallback | undefined;
  readonly #bypass: Bypass;
  /** The lowest number of an exchange in this epoch; messages without token data carry it. */
  firstExchange = 0;

  /**
   * Without NVLink every message leaves by this rank's own NIC, straight to the receiver's. Without
   * a fallback nothing is sent a second time.
   */
  constructor(peers: Peers, usesNvlink: boolean, fallback?: Fallback) {
    this.#peers = peers;
    this.usesNvlink = usesNvlink;
    this.#fallback = fallback;
    this.#bypass = new Bypass(peers);
  }

  /** There is a new membership: who is out passes nothing on. */
  takeUp(firstExchange: number): void {
    this.firstExchange = firstExchange;
    if (this.usesNvlink) this.#bypass.look();
    this.#fallback?.beginAnew((gpu) => this.#bypass.wayTo(gpu));
  }

  /** May a message go twice, so that a receiver must expect duplicates? */
  get resends(): boolean {
    return this.#fallback !== undefined;
  }

  /** How long a message would wait at the fuller one of this GPU's ports, ps. */
  backlogPs(context: ActorContext): number {
    const nvlinkPs = this.nvlinkBacklogPs(context);
    const nicPs = context.backlogPs(DevicePort.gpuToNic);
    return nvlinkPs > nicPs ? nvlinkPs : nicPs;
  }

  nvlinkBacklogPs(context: ActorContext): number {
    return context.backlogPs(DevicePort.gpuToNvswitch);
  }

  /** Sends a message whose DESTINATION is another GPU by the way that is known to work. */
  post(context: ActorContext, packet: Packet): void {
    const words = context.packets.words;
    const destination = words[packet + DESTINATION];
    const peers = this.#peers;
    const way = this.#wayTo(destination);
    if (way !== USUAL_WAY) this.detour(context, packet, way);
    else if (!this.usesNvlink) this.#throughNic(context, packet, peers.nicOf(destination));
    else if (peers.isLocal(destination)) this.#overNvlink(context, packet, destination);
    else if (peers.ownsPlaneOf(destination)) {
      this.#throughNic(context, packet, peers.nicOf(destination));
    } else this.#overNvlink(context, packet, peers.relayTo(destination));
  }

  /**
   * Sends a message of this rank that came back once more, by a detour; false when none is left. A
   * part of what a failed queue pair gives back did arrive.
   */
  sendAgain(context: ActorContext, packet: Packet): boolean {
    const fallback = this.#fallback;
    if (fallback === undefined) return false;
    const words = context.packets.words;
    const destination = words[packet + DESTINATION];
    const rank = this.#peers.rankOf(destination);
    const hop = words[packet + NEXT_HOP];
    const unreached = hop === context.self ? words[packet + SOURCE] : hop;
    if (!fallback.next(context, rank, unreached)) return false;
    words[packet + KIND] &= ~PacketFlag.failed;
    words[packet + KIND] |= PacketFlag.ackRequest;
    this.detour(context, packet, fallback.wayTo(destination));
    return true;
  }

  /** The way that messages to a rank take now, as {@link Fallback} counts them. */
  wayTo(rank: number): number {
    return this.#wayTo(this.#peers.actorOf[rank]);
  }

  /**
   * What was sent to a rank by a way is lost: takes the next one, unless another is in use already.
   * False when none is left.
   */
  leave(context: ActorContext, rank: number, way: number): boolean {
    return this.#fallback?.leave(context, rank, way) ?? false;
  }

  /** Do messages to `rank` pass through `relay`, another rank of this node? */
  isReachedThrough(rank: number, relay: number): boolean {
    const peers = this.#peers;
    const gpu = peers.actorOf[rank];
    const way = this.#wayTo(gpu);
    if (way === USUAL_WAY) return this.usesNvlink && peers.isReachedThrough(rank, relay);
    return !peers.isLocal(gpu) && peers.detourTo(gpu, way) === peers.actorOf[relay];
  }

  /** On the usual way, do messages from `rank`, elsewhere, pass through `relay` of its node? */
  isReachedFrom(rank: number, relay: number): boolean {
    return this.usesNvlink && this.#peers.isReachedFrom(rank, relay);
  }

  /** Sends a message to the GPU in this one's place of another node, on their plane. */
  opposite(context: ActorContext, packet: Packet): void {
    const destination = context.packets.words[packet + DESTINATION];
    this.#throughNic(context, packet, this.#peers.nicOpposite(destination));
  }

  /** Sends a message round the receiver's own plane, by the `way`-th detour. */
  detour(context: ActorContext, packet: Packet, way: number): void {
    const destination = context.packets.words[packet + DESTINATION];
    const relay = this.#peers.detourTo(destination, way);
    if (this.#peers.isLocal(destination)) this.#overNvlink(context, packet, destination);
    else if (relay === context.self) {
      this.#throughNic(context, packet, this.#peers.nicOpposite(destination));
    } else this.#overNvlink(context, packet, relay);
  }

  /** Passes on a message for another GPU that came by here. */
  relay(context: ActorContext, packet: Packet): void {
    const destination = context.packets.words[packet + DESTINATION];
    if (this.#peers.isLocal(destination)) this.#overNvlink(context, packet, destination);
    else this.#throughNic(context, packet, this.#peers.nicOpposite(destination));
  }

  /**
   * Hands a message that the NIC gave up to the GPU of this node that made it, which finds the NIC
   * that could not be reached in SOURCE.
   */
  giveBack(context: ActorContext, packet: Packet): void {
    const { words } = context.packets;
    if (this.#fallback !== undefined) words[packet + SOURCE] = words[packet + NEXT_HOP];
    this.#overNvlink(context, packet, words[packet + ORIGIN]);
  }

  /** Makes a message without token data, which asks for an acknowledgement. */
  control(context: ActorContext, kind: number, destination: number, slot: number): Packet {
    const packet = context.packets.take(kind);
    const words = context.packets.words;
    words[packet + KIND] |= PacketFlag.ackRequest;
    words[packet + ORIGIN] = context.self;
    words[packet + DESTINATION] = destination;
    words[packet + SIZE_BYTES] = CONTROL_BYTES;
    words[packet + LAYER] = this.firstExchange;
    words[packet + SLOT] = slot;
    return packet;
  }

  #wayTo(gpu: number): number {
    return (this.#fallback ?? this.#bypass).wayTo(gpu);
  }

  #overNvlink(context: ActorContext, packet: Packet, gpu: number): void {
    context.packets.words[packet + NEXT_HOP] = gpu;
    context.send(DevicePort.gpuToNvswitch, packet);
  }

  #throughNic(context: ActorContext, packet: Packet, nic: number): void {
    context.packets.words[packet + NEXT_HOP] = nic;
    context.send(DevicePort.gpuToNic, packet, requestsOf(context.packets.words, packet));
  }
}
