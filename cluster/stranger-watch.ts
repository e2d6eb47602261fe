/**
 * Connections that have not proved themselves: how many there may be, how long, and how many
 * failures a second are worth an answer and a line in a log. It makes nothing of what they send.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { MEMBER_NAME } from "./tls-material.ts";

/** A connection that was turned away, for whoever keeps a log. */
export interface TurnedAway {
  /** Why, in words. */
  readonly why: string;
  /** Where it came from, as far as that can still be told. */
  readonly address: string;
  /** How many more there were since the last of these, about which nothing was said. */
  readonly unsaid: number;
}

export interface StrangerRules {
  /** Connections at once, proved ones included. */
  readonly maxConnections: number;
  /** How long one may take to prove itself, wall ms. */
  readonly authWithinMs: number;
  readonly turnedAway?: ((notice: TurnedAway) => void) | undefined;
}

/**
 * Ticks in the time allowed for authentication. Ticks are counted, so a process that was busy
 * blames nobody.
 */
const AUTH_TICKS = 4;

/** Failed authentications a second that are answered, and refusals a second that are told. */
const FAILURES_A_SECOND = 10;

/** All connections of one listener. */
export class StrangerWatch {
  readonly #rules: StrangerRules;
  /** By {@link nameOf}, in the order in which they came. */
  readonly #strangers = new Map<string, Socket>();
  readonly #proved = new Map<string, Socket>();
  readonly #answers = new PerSecond(FAILURES_A_SECOND);
  readonly #notices = new PerSecond(FAILURES_A_SECOND);
  #unsaid = 0;

  constructor(rules: StrangerRules) {
    this.#rules = rules;
  }

  /**
   * Takes a fresh TCP connection in. With one too many the stranger that has waited longest goes:
   * whoever says nothing must not keep out who does.
   */
  came(socket: Socket): void {
    const name = nameOf(socket);
    socket.on("error", () => socket.destroy());
    if (name === undefined) {
      socket.destroy();
      return;
    }
    this.#strangers.set(name, socket);
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
      if (this.#proved.has(name)) clearInterval(timer);
      else if (ticks >= AUTH_TICKS) this.#drop(socket, "it did not prove itself in time");
    }, this.#rules.authWithinMs / AUTH_TICKS);
    timer.unref();
    socket.on("close", () => {
      clearInterval(timer);
      this.#strangers.delete(name);
      this.#proved.delete(name);
    });
    if (this.#strangers.size + this.#proved.size <= this.#rules.maxConnections) return;
    const [oldest] = this.#strangers;
    this.#strangers.delete(oldest[0]);
    this.#drop(oldest[1], "too many connections; it had waited longest");
  }

  /** The connection that `socket` is, or is inside of, has proved itself. */
  proved(socket: Socket): void {
    const name = nameOf(socket);
    const connection = name === undefined ? undefined : this.#strangers.get(name);
    if (name === undefined || connection === undefined) return;
    this.#strangers.delete(name);
    this.#proved.set(name, connection);
  }

  /** Whether one more failed authentication gets an answer; those beyond the rate are cut off. */
  mayAnswer(): boolean {
    return this.#answers.take();
  }

  /** Tells why a connection was turned away, unless too many were just now. */
  tell(why: string, socket: Socket): void {
    const { turnedAway } = this.#rules;
    if (turnedAway === undefined) return;
    if (!this.#notices.take()) {
      this.#unsaid += 1;
      return;
    }
    const unsaid = this.#unsaid;
    this.#unsaid = 0;
    turnedAway({ why, address: socket.remoteAddress ?? "an address that is gone", unsaid });
  }

  /** Drops every connection. */
  dropAll(): void {
    for (const socket of [...this.#strangers.values(), ...this.#proved.values()]) socket.destroy();
  }

  #drop(socket: Socket, why: string): void {
    this.tell(why, socket);
    socket.destroy();
  }
}

/**
 * Whether an upgrade was asked for by one of our processes: they call each other by one name
 * whatever the address, so no name that was pointed at this host passes (DNS rebinding), and no
 * browser page does (they send an Origin).
 */
export function isOurUpgrade(request: IncomingMessage): boolean {
  return request.headers.origin === undefined && request.headers.host === MEMBER_NAME;
}

/** At most `most` a second. */
class PerSecond {
  readonly #most: number;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  take(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#sinceMs >= 1000) {
      this.#sinceMs = nowMs;
      this.#taken = 0;
    }
    this.#taken += 1;
    return this.#taken <= this.#most;
  }
}

/**
 * The other end's address and port: the same for a TCP connection and for the TLS inside it, and
 * no two open connections of a listener share it. Undefined once it is closed.
 */
function nameOf(socket: Socket): string | undefined {
  const { remoteAddress, remotePort } = socket;
  return remotePort === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}
