/**
 * Links over WebSockets: an HTTP server that does nothing but upgrade, the handshake on every
 * connection, and the sockets' settings. A stranger gets two seconds and a few KiB. The only file
 * that imports ws.
 */
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { isIPv6, type Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { ExitCode, messageOf, OperatingError, systemCodeOf } from "./errors.ts";
import {
  type Caller,
  type Challenge,
  decodeChallenge,
  encodeChallenge,
  encodeHello,
  encodeRefusal,
  HANDSHAKE_FRAME_BYTES,
  judgeAnswer,
  judgeHello,
  NONCE_BYTES,
  type Refusal,
  type RunIdentity,
} from "./handshake.ts";
import { isLoopback } from "./addresses.ts";
import type { DialOptions, Link, Listener, ListenOptions } from "./link.ts";

// By `require`: importing a CommonJS module from ESM starts Node's WebAssembly lexer, 6 MB in every
// worker.
const ws = createRequire(import.meta.url)("ws") as typeof import("ws");

/** Bytes a connection may send before it has proved itself: the upgrade request and one hello. */
const STRANGER_BYTES = 2 * HANDSHAKE_FRAME_BYTES;

/** Wall ms that a closing handshake or an opening one may take. */
const CLOSE_WITHIN_MS = 2000;
const OPEN_WITHIN_MS = 5000;

/**
 * Ticks in the time allowed for authentication. Ticks are counted, so a process that was busy
 * blames nobody.
 */
const AUTH_TICKS = 4;

/** WebSocket close codes: a message of the wrong type, a broken rule. */
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_POLICY = 1008;

const SHARED_SETTINGS = {
  perMessageDeflate: false,
  maxFragments: 64,
  maxBufferedChunks: 1024,
  closeTimeout: CLOSE_WITHIN_MS,
};

/** Opens a port. Rejects with an OperatingError (E043) when that is not possible. */
export function listen(options: ListenOptions): Promise<Listener> {
  const { host, authWithinMs } = options;
  const authenticated = new WeakSet<Socket>();
  /** In the order in which they came. */
  const sockets = new Set<Socket>();
  const upgrader = new ws.WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: options.maxMessageBytes,
    ...SHARED_SETTINGS,
  });
  const server = createServer(
    { maxHeaderSize: HANDSHAKE_FRAME_BYTES, connectionsCheckingInterval: 1000, keepAlive: false },
    (_request, response) => response.writeHead(426, { connection: "close" }).end(),
  );
  server.headersTimeout = 5000;
  server.requestTimeout = 10_000;
  server.maxHeadersCount = 64;
  server.on("clientError", (_error, socket) => socket.destroy());
  server.on("connection", (socket: Socket) => {
    socket.on("error", () => socket.destroy());
    sockets.add(socket);
    if (sockets.size > options.maxConnections) {
      // Whoever says nothing must not keep out who does: the stranger that waits longest goes.
      const [oldest] = [...sockets].filter((one) => !authenticated.has(one));
      sockets.delete(oldest);
      oldest.destroy();
      if (oldest === socket) return;
    }
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
      if (authenticated.has(socket)) clearInterval(timer);
      else if (ticks >= AUTH_TICKS) socket.destroy();
    }, authWithinMs / AUTH_TICKS);
    timer.unref();
    socket.on("close", () => {
      clearInterval(timer);
      sockets.delete(socket);
    });
  });
  server.on("upgrade", (request, socket: Socket, head) => {
    if (!isOwnHost(request, host)) {
      socket.destroy();
      return;
    }
    upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      greet(webSocket, socket, options, () => authenticated.add(socket));
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen(error, host, options.port)));
    server.listen(options.port, host, () => {
      const address = server.address();
      if (address === null || typeof address === "string") {
        reject(new Error("the server has no port"));
        return;
      }
      server.removeAllListeners("error");
      server.on("error", () => undefined);
      resolve({
        port: address.port,
        close: () => {
          server.close();
          for (const socket of sockets) socket.destroy();
        },
      });
    });
  });
}

/**
 * Dials a listener and proves itself. Rejects with an OperatingError: E047 when nobody answers,
 * E046 when refused.
 */
export function dial(options: DialOptions): Promise<Link> {
  const { host, port, caller } = options;
  const webSocket = new ws.WebSocket(`ws://${isIPv6(host) ? `[${host}]` : host}:${port}/`, {
    handshakeTimeout: OPEN_WITHIN_MS,
    followRedirects: false,
    maxPayload: options.maxMessageBytes,
    // Masks protect against confused proxies; between our own processes there are none, and zeros
    // cost nothing.
    generateMask: (mask) => {
      mask.fill(0);
    },
    ...SHARED_SETTINGS,
  });
  return new Promise((resolve, reject) => {
    let failure = "the connection was closed";
    let localAddress = "";
    webSocket.on("upgrade", ({ socket }) => {
      localAddress = plainAddress(socket);
    });
    const ownNonce = randomBytes(NONCE_BYTES);
    let challenge: Challenge | undefined;
    let identity: RunIdentity | undefined;
    const giveUp = (): void => {
      failure = `timed out after ${OPEN_WITHIN_MS / 1000} s`;
      webSocket.terminate();
    };
    webSocket.on("error", (error) => {
      failure = messageOf(error);
    });
    const deadline = setTimeout(giveUp, 2 * OPEN_WITHIN_MS);
    const closed = (): void => {
      clearTimeout(deadline);
      const hint = "is the coordinator still running?";
      const message = `cannot reach ${host}:${port} (${failure})`;
      reject(new OperatingError("E047", message, hint, ExitCode.unavailable));
    };
    const received = (data: RawData, isBinary: boolean): void => {
      const bytes = isBinary ? bytesOf(data) : new Uint8Array(0);
      if (challenge === undefined) {
        challenge = decodeChallenge(bytes);
        if (challenge !== undefined) {
          const { runId, nonce } = challenge;
          identity =
            typeof options.identity === "function" ? options.identity(runId) : options.identity;
          webSocket.send(encodeHello(identity, caller, nonce, ownNonce));
          return;
        }
      }
      clearTimeout(deadline);
      webSocket.off("message", received);
      webSocket.off("close", closed);
      const refusal =
        challenge === undefined || identity === undefined
          ? notAuthorised()
          : judgeAnswer(identity, caller, challenge.nonce, ownNonce, bytes);
      if (refusal === undefined) {
        resolve(new WebSocketLink(webSocket, caller, localAddress));
      } else {
        webSocket.terminate();
        reject(refused(refusal));
      }
    };
    webSocket.on("message", received);
    webSocket.on("close", closed);
  });
}

/** The accepting end's handshake on a fresh connection. */
function greet(
  webSocket: WebSocket,
  socket: Socket,
  options: ListenOptions,
  authenticated: () => void,
): void {
  webSocket.on("error", () => webSocket.terminate());
  const countBytes = (): void => {
    if (socket.bytesRead > STRANGER_BYTES) webSocket.terminate();
  };
  socket.on("data", countBytes);
  const nonce = randomBytes(NONCE_BYTES);
  webSocket.once("message", (data, isBinary) => {
    socket.off("data", countBytes);
    const bytes = isBinary ? bytesOf(data) : new Uint8Array(0);
    const outcome = judgeHello(options.identity, nonce, bytes);
    const refusal = outcome.refusal ?? options.admit(outcome.caller);
    if (outcome.refusal !== undefined || refusal !== undefined) {
      webSocket.send(encodeRefusal(refusal ?? notAuthorised()));
      webSocket.close(CLOSE_POLICY);
      return;
    }
    authenticated();
    webSocket.send(outcome.welcome);
    options.accepted(new WebSocketLink(webSocket, outcome.caller, plainAddress(socket)));
  });
  webSocket.send(encodeChallenge({ runId: options.identity.runId, nonce }));
}

/** A link on an open WebSocket whose handshake is done. ws has set TCP_NODELAY. */
class WebSocketLink implements Link {
  readonly caller: Caller;
  readonly localAddress: string;
  readonly #socket: WebSocket;
  #early: Uint8Array[] | undefined = [];
  #handler: (bytes: Uint8Array) => void;
  #closedHandler: ((reason: string) => void) | undefined;
  #closedBecause: string | undefined;
  #trouble: string | undefined;

  constructor(socket: WebSocket, caller: Caller, localAddress: string) {
    this.#socket = socket;
    this.caller = caller;
    this.localAddress = localAddress;
    this.#handler = (bytes) => this.#early?.push(bytes);
    socket.on("error", (error) => {
      this.#trouble = messageOf(error);
      socket.terminate();
    });
    socket.on("message", (data, isBinary) => {
      if (isBinary) this.#handler(bytesOf(data));
      else socket.close(CLOSE_UNSUPPORTED);
    });
    socket.on("close", (code) => {
      this.#closedBecause = this.#trouble ?? `connection closed (${code})`;
      this.#closedHandler?.(this.#closedBecause);
    });
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.readyState === ws.WebSocket.OPEN) this.#socket.send(bytes);
  }

  get unsentBytes(): number {
    return this.#socket.bufferedAmount;
  }

  onMessage(handler: (bytes: Uint8Array) => void): void {
    this.#handler = handler;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const bytes of early) handler(bytes);
  }

  onClosed(handler: (reason: string) => void): void {
    this.#closedHandler = handler;
    if (this.#closedBecause !== undefined) handler(this.#closedBecause);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.close();
  }

  terminate(): void {
    this.#socket.terminate();
  }
}

/** With `binaryType` left as it is, a message is one Buffer. */
function bytesOf(data: RawData): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw new Error("a message arrived in pieces");
}

/**
 * No browser page (they send an Origin) and no name that was pointed at this host (DNS rebinding).
 */
function isOwnHost(request: IncomingMessage, host: string): boolean {
  if (request.headers.origin !== undefined) return false;
  // Hosts know one another by many names; a page that was pointed here sends an Origin, too.
  if (!isLoopback(host)) return true;
  const name = request.headers.host?.replace(/:\d+$/, "");
  return name === host || name === "localhost";
}

/** An address as the system tells it, an IPv4 one without its IPv6 wrapping. */
function plainAddress(socket: Socket): string {
  return (socket.localAddress ?? "").replace(/^::ffff:/, "");
}

function notAuthorised(): Refusal {
  return { code: "not-authorised", message: "not authorised" };
}

/** The error at the dialling end. */
function refused(refusal: Refusal): OperatingError {
  const message = `coordinator refused: ${refusal.message}`;
  switch (refusal.code) {
    case "not-authorised":
      return new OperatingError("E046", message, "", ExitCode.notPermitted);
    case "not-expected":
    case "stale-incarnation":
      return new OperatingError("E046", message, "", ExitCode.tryAgain);
    default: {
      const hint = "run the same Faultplane and the same Node major everywhere";
      return new OperatingError("E046", message, hint, ExitCode.unavailable);
    }
  }
}

function cannotListen(error: Error, host: string, port: number): Error {
  switch (systemCodeOf(error)) {
    case "EADDRINUSE":
      return new OperatingError(
        "E043",
        `port ${port} is in use on ${host}; choose another or port 0 for any free one`,
        "",
        ExitCode.unavailable,
      );
    case "EACCES":
      return new OperatingError(
        "E043",
        `port ${port} on ${host} is not permitted; choose one above 1023 or port 0 for any free one`,
        "",
        ExitCode.unavailable,
      );
    default:
      return new OperatingError(
        "E043",
        `cannot listen on ${host}:${port} (${messageOf(error)})`,
        "",
        ExitCode.unavailable,
      );
  }
}
