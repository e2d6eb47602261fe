/**
 * A worker's links to its peers: one for each worker that shares a lane with it, dialled by the one
 * with the lower number. They carry data frames, which are opaque here.
 */
import type { Caller, Refusal } from "./handshake.ts";
import type { Link, Listener } from "./link.ts";
import { type Invitation, LOOPBACK } from "./membership.ts";
import { dial, listen } from "./websocket-transport.ts";
import type { Configuration } from "./wire.ts";

/** Largest data frame: what one worker sends to another in one window. */
const DATA_MESSAGE_BYTES = 256 * 1024 * 1024;

/**
 * More connections than a worker has peers; strangers among them are dropped when their time is up.
 */
const MOST_CONNECTIONS = 4096;

const AUTH_WITHIN_MS = 2000;

/** Takes a data frame and the number of the worker whose link it came by. */
export type FrameHandler = (peer: number, bytes: Uint8Array) => void;

/** The data links of one worker. */
export class PeerMesh {
  readonly #invitation: Invitation;
  readonly #handler: FrameHandler;
  readonly #links: (Link | undefined)[] = [];
  #listener: Listener | undefined;
  #missing: number | undefined;
  #complete: (() => void) | undefined;

  private constructor(invitation: Invitation, handler: FrameHandler) {
    this.#invitation = invitation;
    this.#handler = handler;
  }

  /** Opens a port for peers. */
  static async open(invitation: Invitation, handler: FrameHandler): Promise<PeerMesh> {
    const mesh = new PeerMesh(invitation, handler);
    mesh.#listener = await listen({
      host: LOOPBACK,
      port: 0,
      identity: invitation.identity,
      maxMessageBytes: DATA_MESSAGE_BYTES,
      maxConnections: MOST_CONNECTIONS,
      authWithinMs: AUTH_WITHIN_MS,
      admit: (caller) => mesh.#admit(caller),
      accepted: (link) => mesh.#add(link.caller.worker, link),
    });
    return mesh;
  }

  get port(): number {
    return (this.#listener as Listener).port;
  }

  /** Resolves when there is a link to every one of `peers`; dials those with higher numbers. */
  connect(peers: Configuration["peers"]): Promise<void> {
    const { identity, worker } = this.#invitation;
    const caller: Caller = { role: "peer", worker };
    this.#missing = peers.filter((peer) => this.#links[peer.worker] === undefined).length;
    return new Promise((resolve, reject) => {
      this.#complete = resolve;
      for (const peer of peers) {
        if (peer.worker < worker) continue;
        const { port } = peer;
        dial({ host: LOOPBACK, port, identity, caller, maxMessageBytes: DATA_MESSAGE_BYTES }).then(
          (link) => this.#add(peer.worker, link),
          reject,
        );
      }
      if (this.#missing === 0) resolve();
    });
  }

  /** Sends a frame to a peer. A peer that is gone gets none: the coordinator ends the run. */
  send(peer: number, bytes: Uint8Array): void {
    this.#links[peer]?.send(bytes);
  }

  /**
   * Reads what peers sent from now on, or leaves it with the operating system: frames nobody needs
   * yet wake nobody.
   */
  setReading(peer: number, reading: boolean): void {
    const link = this.#links[peer];
    if (reading) link?.resume();
    else link?.pause();
  }

  #admit(caller: Caller): Refusal | undefined {
    const expected =
      caller.role === "peer" &&
      caller.worker >= 0 &&
      caller.worker < this.#invitation.worker &&
      this.#links[caller.worker] === undefined;
    return expected ? undefined : { code: "not-expected", message: "this peer is not expected" };
  }

  #add(peer: number, link: Link): void {
    this.#links[peer] = link;
    link.onMessage((bytes) => this.#handler(peer, bytes));
    link.pause();
    if (this.#missing === undefined) return;
    this.#missing -= 1;
    if (this.#missing === 0) this.#complete?.();
  }
}
