/**
 * The agent between its workers and the coordinator: workers join it as they would join the
 * coordinator, and it passes their messages on. A window's reports travel together, when the last
 * one is there, so that a window costs the coordinator one message a host; but none waits long for
 * one that does not come. It understands nothing but the tags of what it passes on.
 */
import { LOOPBACK } from "./addresses.ts";
import type { Caller, Refusal, RunIdentity } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Link, Listener } from "./link.ts";
import { AUTH_WITHIN_MS, EXPLAIN_WITHIN_MS, MOST_CONNECTIONS } from "./link-limits.ts";
import { CONTROL_MESSAGE_BYTES } from "./membership.ts";
import { type Envelope, Tag } from "./messages.ts";
import { listen } from "./websocket-transport.ts";
import { encodeEnvelopes, encodeMessage, encodeTag, tagOf } from "./wire.ts";

/** Wall ms between two looks for reports that wait for others. */
const PASS_ON_EVERY_MS = 1000;

export interface AgentRelayOptions {
  readonly identity: RunIdentity;
  /** To the coordinator. */
  readonly control: Link;
  readonly silenceLimitSeconds: number;
  /** Is this process one of this host's? */
  isExpected(worker: number, incarnation: number): boolean;
}

interface JoinedWorker {
  readonly incarnation: number;
  readonly link: Link;
  readonly heartbeat: Heartbeat;
  /** A report is due from it. */
  owes: boolean;
}

/** The meeting point of one host's workers. */
export class AgentRelay {
  readonly #options: AgentRelayOptions;
  readonly #workers = new Map<number, JoinedWorker>();
  #listener: Listener | undefined;
  #outgoing: Envelope[] = [];
  /** How many workers owe a report. */
  #due = 0;
  #isOver = false;
  readonly #timer: NodeJS.Timeout;

  private constructor(options: AgentRelayOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#flush(), PASS_ON_EVERY_MS);
  }

  /** Opens a port on loopback. */
  static async open(options: AgentRelayOptions): Promise<AgentRelay> {
    const relay = new AgentRelay(options);
    relay.#listener = await listen({
      host: LOOPBACK,
      port: 0,
      identity: options.identity,
      maxMessageBytes: CONTROL_MESSAGE_BYTES,
      maxConnections: MOST_CONNECTIONS,
      authWithinMs: AUTH_WITHIN_MS,
      admit: (caller) => relay.#admit(caller),
      accepted: (link) => relay.#accepted(link),
    });
    return relay;
  }

  get port(): number {
    return (this.#listener as Listener).port;
  }

  /** From now on nobody's silence means anything. */
  stopWatching(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    for (const { heartbeat } of this.#workers.values()) heartbeat.stop();
  }

  /** Hands messages of the coordinator to their workers; those for the dead go nowhere. */
  deliver(envelopes: readonly Envelope[]): void {
    for (const { worker, incarnation, bytes } of envelopes) {
      const joined = this.#workers.get(worker);
      if (joined?.incarnation !== incarnation) continue;
      const tag = tagOf(bytes);
      if ((tag === Tag.grant || tag === Tag.begin) && !joined.owes) {
        joined.owes = true;
        this.#due += 1;
      }
      joined.link.send(bytes);
    }
  }

  /** The process has ended: nothing is due from it any more. */
  workerGone(worker: number, incarnation: number): void {
    const joined = this.#workers.get(worker);
    if (joined?.incarnation !== incarnation) return;
    joined.heartbeat.stop();
    this.#workers.delete(worker);
    if (joined.owes) this.#paid(joined);
    // What it said last goes before the news of its end.
    this.#flush();
  }

  #admit({ role, number, incarnation }: Caller): Refusal | undefined {
    const isExpected = role === "worker" && this.#options.isExpected(number, incarnation);
    if (isExpected && !this.#workers.has(number)) return undefined;
    return { code: "not-expected", message: "this process is not expected" };
  }

  #accepted(link: Link): void {
    const { number: worker, incarnation } = link.caller;
    const beat = encodeTag(Tag.heartbeat);
    const lost = (): void => this.#silent(worker, incarnation);
    const heartbeat = new Heartbeat({
      beat: () => link.send(beat),
      silent: lost,
      limitSeconds: this.#options.silenceLimitSeconds,
    });
    const joined: JoinedWorker = { incarnation, link, heartbeat, owes: false };
    this.#workers.set(worker, joined);
    link.onClosed(() => {
      heartbeat.stop();
      // Whoever started the process usually learns of its end by itself.
      setTimeout(lost, EXPLAIN_WITHIN_MS);
    });
    link.onMessage((bytes) => {
      heartbeat.heard();
      const tag = tagOf(bytes);
      if (tag === Tag.heartbeat) return;
      this.#outgoing.push({ worker, incarnation, bytes });
      if (tag === Tag.report && joined.owes) this.#paid(joined);
      if (this.#due === 0 || tag !== Tag.report) this.#flush();
    });
  }

  #paid(joined: JoinedWorker): void {
    joined.owes = false;
    this.#due -= 1;
    if (this.#due === 0) this.#flush();
  }

  #silent(worker: number, incarnation: number): void {
    if (this.#isOver || this.#workers.get(worker)?.incarnation !== incarnation) return;
    this.#options.control.send(encodeMessage(Tag.silent, worker, incarnation));
  }

  #flush(): void {
    if (this.#outgoing.length === 0) return;
    const envelopes = this.#outgoing;
    this.#outgoing = [];
    this.#options.control.send(encodeEnvelopes(envelopes));
  }
}
