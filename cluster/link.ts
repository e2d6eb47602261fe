/**
 * A link between two processes of a run: whole binary messages, in order, both ways, after both
 * ends have proved that they hold the token. What workers, agent and coordinator are written
 * against; it knows no socket library.
 */
import type { Caller, Refusal, RunIdentity } from "./handshake.ts";
import type { TurnedAway } from "./stranger-watch.ts";
import type { TlsMaterial } from "./tls-material.ts";

/** An authenticated link. */
export interface Link {
  /** Who dialled it. */
  readonly caller: Caller;
  /** Address of this end, by which the other end's host can reach this one. */
  readonly localAddress: string;
  /**
   * Sends one message; the bytes must not change afterwards. Silently nothing once the link is
   * closed. Drops the connection when the other end has left too much unread.
   */
  send(bytes: Uint8Array): void;
  /** Bytes that were sent and that the other end has not taken yet. */
  readonly unsentBytes: number;
  /** Calls `handler` for every message, those that came before the call included. */
  onMessage(handler: (bytes: Uint8Array) => void): void;
  /** Calls `handler` once when the link is gone, at once if it is already. */
  onClosed(handler: (reason: string) => void): void;
  /** Leaves what arrives with the operating system until `resume`: it wakes nobody. */
  pause(): void;
  resume(): void;
  /** Closes after what was sent. */
  close(): void;
  /** Drops the connection at once. */
  terminate(): void;
}

/** An open port. */
export interface Listener {
  readonly port: number;
  /** Stops listening and drops every connection. */
  close(): void;
}

/** What both ends of a link choose. */
export interface LinkSettings {
  /** Proves each end to the other and hides what is said; must be given beyond this machine. */
  readonly tls?: TlsMaterial | undefined;
  /** The operator has said that TLS is not needed, though `host` is beyond this machine. */
  readonly insecure?: boolean | undefined;
  /** Largest message that is taken, bytes. */
  readonly maxMessageBytes: number;
  /**
   * Bytes that the other end may leave unread behind the largest message it was sent; more, and it
   * is cut off. `maxMessageBytes` when not given.
   */
  readonly maxUnsentBytes?: number | undefined;
}

export interface ListenOptions extends LinkSettings {
  /** An address of this host; loopback unless the operator said otherwise. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly identity: RunIdentity;
  /** At once; one more, and the one that has waited longest without proving itself is dropped. */
  readonly maxConnections: number;
  /** How long a connection may take to prove itself, wall ms. */
  readonly authWithinMs: number;
  /** Who is expected; called once the token is proved. A refusal goes back to the caller. */
  admit(caller: Caller): Refusal | undefined;
  accepted(link: Link): void;
  /** Called for connections that came to nothing, ten times a second at most. */
  turnedAway?(notice: TurnedAway): void;
}

export interface DialOptions extends LinkSettings {
  readonly host: string;
  readonly port: number;
  /** The run; or what makes its identity from its id, for who has yet to learn that. */
  readonly identity: RunIdentity | ((runId: string) => RunIdentity);
  readonly caller: Caller;
}
