/**
 * The port through which operators reach a run that is up: on loopback, with a token of its own
 * that opens nothing else. Many may come at once; one that floods, sends nonsense or does not read
 * its answers loses its own connection and nothing more.
 */
import { randomBytes } from "node:crypto";
import { LOOPBACK } from "./addresses.ts";
import {
  type ControlAnswer,
  type ControlRequest,
  decodeRequest,
  encodeAnswer,
  REQUEST_BYTES,
} from "./control-messages.ts";
import { identityOf, type RunIdentity } from "./handshake.ts";
import type { Link } from "./link.ts";
import { AUTH_WITHIN_MS } from "./link-limits.ts";
import type { ControlAddress } from "./prepared-run.ts";
import { listen } from "./websocket-transport.ts";

/** Operators at once. */
const MOST_CONNECTIONS = 64;

/** Requests of one operator that wait for an answer. */
const MOST_WAITING = 16;

/** Bytes of answers that an operator may leave unread, behind the largest. */
const MOST_UNREAD_BYTES = 4 * 1024 * 1024;

/** Wall ms without a request after which an operator is sent away. */
const IDLE_MS = 60_000;

/** An open control port. */
export interface ControlServer {
  readonly address: ControlAddress;
  /** Hangs up on everybody once the answers that are due have been sent. */
  close(): Promise<void>;
}

/**
 * What both ends of a control link agree on. The scenario is none of an operator's business, so
 * nothing stands for it.
 */
export function controlIdentity(token: Uint8Array, runId: string): RunIdentity {
  return identityOf(token, runId, "");
}

/** Opens a free port; `ask` answers requests. Rejects with an OperatingError (E043). */
export async function openControl(
  runId: string,
  ask: (request: ControlRequest) => Promise<ControlAnswer>,
): Promise<ControlServer> {
  const token = randomBytes(32);
  const operators = new Set<Operator>();
  const listener = await listen({
    host: LOOPBACK,
    port: 0,
    identity: controlIdentity(token, runId),
    maxMessageBytes: REQUEST_BYTES,
    maxUnsentBytes: MOST_UNREAD_BYTES,
    maxConnections: MOST_CONNECTIONS,
    authWithinMs: AUTH_WITHIN_MS,
    admit: ({ role }) =>
      role === "control"
        ? undefined
        : { code: "not-expected", message: "this port is for operators" },
    accepted: (link) => {
      const operator = new Operator(link, ask);
      operators.add(operator);
      link.onClosed(() => {
        operator.gone();
        operators.delete(operator);
      });
    },
  });
  return {
    address: { port: listener.port, token: token.toString("hex") },
    close: async () => {
      await Promise.all([...operators].map((operator) => operator.answered));
      listener.close();
    },
  };
}

/** One connection: requests are answered in order. */
class Operator {
  /** Resolves when everything that was asked so far has been answered. */
  answered = Promise.resolve();
  readonly #link: Link;
  readonly #ask: (request: ControlRequest) => Promise<ControlAnswer>;
  readonly #idle: NodeJS.Timeout;
  #waiting = 0;

  constructor(link: Link, ask: (request: ControlRequest) => Promise<ControlAnswer>) {
    this.#link = link;
    this.#ask = ask;
    this.#idle = setTimeout(() => link.close(), IDLE_MS);
    link.onMessage((bytes) => this.#asked(bytes));
  }

  /** The connection has ended. */
  gone(): void {
    clearTimeout(this.#idle);
  }

  #asked(bytes: Uint8Array): void {
    this.#idle.refresh();
    const request = decodeRequest(bytes);
    if (request === undefined || this.#waiting >= MOST_WAITING) {
      this.#link.terminate();
      return;
    }
    this.#waiting += 1;
    const answer = this.#ask(request);
    this.answered = this.answered.then(async () => this.#answer(await answer));
  }

  #answer(answer: ControlAnswer): void {
    this.#waiting -= 1;
    this.#link.send(encodeAnswer(answer));
  }
}
