/**
 * A worker's links to its peers: one for each worker that shares a lane with it, dialled by the one
 * with the lower number. They carry data frames, which are opaque here. A peer may be replaced by
 * another process; then its link is made anew.
 */
import { messageOf } from "./errors.ts";
import type { Caller, Refusal } from "./handshake.ts";
import { securityFor } from "./host-security.ts";
import type { Link, Listener } from "./link.ts";
import { AUTH_WITHIN_MS, MOST_CONNECTIONS } from "./link-limits.ts";
import type { Invitation } from "./membership.ts";
import type { PeerAddress } from "./messages.ts";
import { TcpProxy } from "./tcp-proxy.ts";
import { dial, listen } from "./websocket-transport.ts";

/** Largest data frame: what one worker sends to another in one window. */
const DATA_MESSAGE_BYTES = 256 * 1024 * 1024;

/** A busy host may miss a call: how often a peer is dialled, and wall ms in between. */
const DIAL_TRIES = 3;
const DIAL_AGAIN_MS = 500;

export interface PeerMeshOptions {
  /** A data frame, and the number of the worker whose link it came by. */
  frame(peer: number, bytes: Uint8Array): void;
  /** There is a link to every peer now. */
  complete(): void;
  /** A peer cannot be reached, or its link has closed. */
  unreachable(peer: PeerAddress, reason: string): void;
}

interface Peer {
  readonly address: PeerAddress;
  link: Link | undefined;
  /** Frames that it was to get before there was a link. */
  waiting: Uint8Array[];
}

/** The data links of one worker. */
export class PeerMesh {
  readonly #invitation: Invitation;
  readonly #options: PeerMeshOptions;
  readonly #peers = new Map<number, Peer>();
  /** Links of peers that were not expected yet when they came. */
  readonly #early = new Map<number, Link>();
  readonly #proxies = new Map<number, TcpProxy>();
  #listener: Listener | undefined;
  #isOver = false;

  private constructor(invitation: Invitation, options: PeerMeshOptions) {
    this.#invitation = invitation;
    this.#options = options;
  }

  /** Opens a port for peers. */
  static async open(invitation: Invitation, options: PeerMeshOptions): Promise<PeerMesh> {
    const mesh = new PeerMesh(invitation, options);
    mesh.#listener = await listen({
      host: invitation.address,
      port: 0,
      ...securityFor(invitation.security),
      identity: invitation.identity,
      maxMessageBytes: DATA_MESSAGE_BYTES,
      maxConnections: MOST_CONNECTIONS,
      authWithinMs: AUTH_WITHIN_MS,
      admit: (caller) => mesh.#admit(caller),
      accepted: (link) => mesh.#accepted(link),
    });
    const { address, proxiedPeers = [] } = invitation;
    for (const peer of new Set(proxiedPeers)) {
      mesh.#proxies.set(peer, await TcpProxy.open(address, { host: address, port: mesh.port }));
    }
    return mesh;
  }

  /** Ports by which peers with a proxy are to dial, by their numbers. */
  get proxyPorts(): (readonly [number, number])[] {
    return [...this.#proxies].map(([peer, { port }]) => [peer, port]);
  }

  /** The proxy before this worker through which a peer dials it. */
  proxyOf(peer: number): TcpProxy | undefined {
    return this.#proxies.get(peer);
  }

  /** Lets all proxies carry again. */
  heal(): void {
    for (const proxy of this.#proxies.values()) proxy.heal();
  }

  get port(): number {
    return (this.#listener as Listener).port;
  }

  /** Makes links to all of `peers`: dials those with higher numbers, awaits the others. */
  connect(peers: readonly PeerAddress[]): void {
    for (const address of peers) this.#expect(address);
    this.#tellIfComplete();
  }

  /** A peer is another process now: drops the link to the old one and makes one to the new. */
  replace(address: PeerAddress): void {
    const old = this.#peers.get(address.worker);
    this.#expect(address);
    old?.link?.terminate();
  }

  /**
   * Sends a frame to a peer. A peer that is gone gets none: the coordinator replaces it, and we are
   * asked again.
   */
  send(peer: number, bytes: Uint8Array): void {
    const { link, waiting } = this.#peers.get(peer) as Peer;
    if (link === undefined) waiting.push(bytes);
    else link.send(bytes);
  }

  /** Which process of a peer it is that there is, or will be, a link to. */
  incarnationOf(peer: number): number {
    return (this.#peers.get(peer) as Peer).address.incarnation;
  }

  /**
   * Reads what peers sent from now on, or leaves it with the operating system: frames nobody needs
   * yet wake nobody.
   */
  setReading(peer: number, reading: boolean): void {
    const link = this.#peers.get(peer)?.link;
    if (reading) link?.resume();
    else link?.pause();
  }

  /** The run is over: links may close. */
  close(): void {
    this.#isOver = true;
  }

  #expect(address: PeerAddress): void {
    const peer: Peer = { address, link: undefined, waiting: [] };
    this.#peers.set(address.worker, peer);
    const early = this.#early.get(address.worker);
    this.#early.delete(address.worker);
    if (early?.caller.incarnation === address.incarnation) this.#add(peer, early);
    else early?.terminate();
    if (address.worker > this.#invitation.number) this.#dial(peer);
  }

  #dial(peer: Peer, triesLeft = DIAL_TRIES): void {
    if (this.#peers.get(peer.address.worker) !== peer) return;
    const { identity, number, incarnation, security } = this.#invitation;
    const { worker, host, port } = peer.address;
    const caller: Caller = { role: "peer", number, incarnation };
    dial({
      host,
      port,
      ...securityFor(security),
      identity,
      caller,
      maxMessageBytes: DATA_MESSAGE_BYTES,
    }).then(
      (link) => {
        if (this.#peers.get(worker) !== peer) link.terminate();
        else this.#add(peer, link);
      },
      (error) => {
        if (triesLeft <= 1) this.#lost(peer, messageOf(error));
        else setTimeout(() => this.#dial(peer, triesLeft - 1), DIAL_AGAIN_MS);
      },
    );
  }

  /** A worker with a lower number, in an incarnation that is not older than the one we know. */
  #admit({ role, number, incarnation }: Caller): Refusal | undefined {
    const isPeer = role === "peer" && number >= 0 && number < this.#invitation.number;
    const known = this.#peers.get(number);
    if (isPeer && known !== undefined && incarnation < known.address.incarnation) {
      return { code: "stale-incarnation", message: "this peer was replaced" };
    }
    const isNew = known === undefined || incarnation > known.address.incarnation;
    if (isPeer && (isNew || known.link === undefined)) return undefined;
    return { code: "not-expected", message: "this peer is not expected" };
  }

  #accepted(link: Link): void {
    const { number, incarnation } = link.caller;
    const peer = this.#peers.get(number);
    if (peer !== undefined && peer.address.incarnation === incarnation) this.#add(peer, link);
    else {
      link.pause();
      this.#early.get(number)?.terminate();
      this.#early.set(number, link);
    }
  }

  #add(peer: Peer, link: Link): void {
    const { worker } = peer.address;
    peer.link = link;
    link.onMessage((bytes) => {
      if (this.#peers.get(worker) === peer) this.#options.frame(worker, bytes);
    });
    link.onClosed((reason) => this.#lost(peer, reason));
    link.pause();
    for (const bytes of peer.waiting.splice(0)) link.send(bytes);
    this.#tellIfComplete();
  }

  #lost(peer: Peer, reason: string): void {
    if (this.#isOver || this.#peers.get(peer.address.worker) !== peer) return;
    this.#options.unreachable(peer.address, reason);
  }

  #tellIfComplete(): void {
    for (const { link } of this.#peers.values()) if (link === undefined) return;
    this.#options.complete();
  }
}
