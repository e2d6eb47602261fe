/**
 * A legitimate link beside hostile ones: it sends a message every few milliseconds, has it sent
 * back, and knows the longest that one took. What hostile connections cost is theirs alone as long
 * as this link lives and is answered in time.
 */
import { randomBytes } from "node:crypto";
import { LOOPBACK } from "../../cluster/addresses.ts";
import { identityOf, type RunIdentity } from "../../cluster/handshake.ts";
import type { Link, Listener, ListenOptions } from "../../cluster/link.ts";
import type { TurnedAway } from "../../cluster/stranger-watch.ts";
import { dial, listen } from "../../cluster/websocket-transport.ts";

/** Wall ms between an answer and the next message. */
const PAUSE_MS = 5;

/** The role of the witness; every other caller is hostile. */
const WITNESS = { role: "agent", number: -1, incarnation: 0 } as const;

/** A listener under attack, with its witness. */
export class Witness {
  readonly port: number;
  readonly identity: RunIdentity;
  /** Links of others that proved themselves. */
  readonly others: Link[] = [];
  /** What the listener said about connections that came to nothing. */
  readonly turnedAway: TurnedAway[] = [];
  /** Longest time from a message to its answer, wall ms. */
  worstMs = 0;
  /** Messages that were answered. */
  answered = 0;
  /** Why the link is gone, when it is. */
  lost: string | undefined;
  #listener: Listener | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(identity: RunIdentity, listener: Listener) {
    this.identity = identity;
    this.port = listener.port;
    this.#listener = listener;
  }

  /** Opens a port on loopback and links the witness to it. `settings` replace a coordinator's. */
  static async open(settings: Partial<ListenOptions> = {}): Promise<Witness> {
    const identity = identityOf(randomBytes(32), "hostile-run", "abcdef");
    let witness: Witness | undefined;
    const listener = await listen({
      host: LOOPBACK,
      port: 0,
      identity,
      maxMessageBytes: 1024 * 1024,
      maxConnections: 33,
      authWithinMs: 2000,
      admit: () => undefined,
      accepted: (link) => {
        if (link.caller.role === WITNESS.role) link.onMessage((bytes) => link.send(bytes));
        else witness?.others.push(link);
      },
      turnedAway: (notice) => witness?.turnedAway.push(notice),
      ...settings,
    });
    witness = new Witness(identity, listener);
    await witness.#begin(settings.tls);
    return witness;
  }

  /** Resolves when the next message has been answered. */
  async answers(): Promise<void> {
    const before = this.answered;
    while (this.answered <= before + 1 && this.lost === undefined) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#listener?.close();
  }

  async #begin(tls: ListenOptions["tls"]): Promise<void> {
    const { port, identity } = this;
    const maxMessageBytes = 1024 * 1024;
    const link = await dial({
      host: LOOPBACK,
      port,
      identity,
      caller: WITNESS,
      maxMessageBytes,
      tls,
    });
    const message = randomBytes(64);
    let sentMs = 0;
    const send = (): void => {
      sentMs = performance.now();
      link.send(message);
    };
    link.onClosed((reason) => {
      this.lost = reason;
    });
    link.onMessage(() => {
      this.worstMs = Math.max(this.worstMs, performance.now() - sentMs);
      this.answered += 1;
      this.#timer = setTimeout(send, PAUSE_MS);
    });
    send();
  }
}
