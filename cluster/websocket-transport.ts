/**
 * Links over WebSockets: an HTTP or HTTPS server that does nothing but upgrade, the handshake on
 * every connection, and the sockets' settings. A stranger gets two seconds and a few KiB. The only
 * file that imports ws.
 */
import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { checkServerIdentity, type TLSSocket } from "node:tls";
import type { RawData, WebSocket } from "ws";
import { checkDialling, checkListening } from "./address-rule.ts";
import { messageOf, systemCodeOf } from "./errors.ts";
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
import type { DialOptions, Link, LinkSettings, Listener, ListenOptions } from "./link.ts";
import { isOurUpgrade, StrangerWatch } from "./stranger-watch.ts";
import { MEMBER_NAME, tlsOptions } from "./tls-material.ts";
import { type DialStage, tlsWordsOf } from "./tls-words.ts";
import { cannotListen, cannotReach, refused } from "./transport-errors.ts";

// By `require`: importing a CommonJS module from ESM starts Node's WebAssembly lexer, 6 MB in every
// worker.
const ws = createRequire(import.meta.url)("ws") as typeof import("ws");

/** Bytes that a connection may send between its upgrade and its proof: one hello. */
const STRANGER_BYTES = HANDSHAKE_FRAME_BYTES + 64;

/** Wall ms that a closing handshake or an opening one may take. */
const CLOSE_WITHIN_MS = 2000;
const OPEN_WITHIN_MS = 5000;

/** WebSocket close codes: a message of the wrong type, a broken rule. */
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_POLICY = 1008;

/** First byte of a TLS record that opens a handshake. */
const TLS_HANDSHAKE = 0x16;

/** With one same text whatever was wrong. */
const NOT_AUTHORISED: Refusal = { code: "not-authorised", message: "not authorised" };

/** Settings of ws at both ends. Compression is off: a few bytes would become a GiB. */
const SHARED_SETTINGS = {
  perMessageDeflate: false,
  skipUTF8Validation: false,
  maxFragments: 64,
  maxBufferedChunks: 1024,
  maxPendingAutoPongs: 60,
  closeTimeout: CLOSE_WITHIN_MS,
};

/** Settings of the HTTP server, which sees one short request a connection. */
const HTTP_SETTINGS = {
  maxHeaderSize: HANDSHAKE_FRAME_BYTES,
  connectionsCheckingInterval: 1000,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAlive: false,
};

/**
 * Opens a port. Rejects with an OperatingError: E043 when that is not possible, E044 when it would
 * be open to other machines without TLS.
 */
export function listen(options: ListenOptions): Promise<Listener> {
  const { host, port, insecure = false, tls } = options;
  return new Promise((resolve, reject) => {
    checkListening({ host, hasTls: tls !== undefined, insecure });
    const watch = new StrangerWatch(options);
    const server = makeServer(options, watch);
    server.once("error", (error) => reject(cannotListen(error, host, port)));
    server.listen(port, host, () => {
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
          watch.dropAll();
        },
      });
    });
  });
}

/** The server, with every listener that it needs before its first connection. */
function makeServer(options: ListenOptions, watch: StrangerWatch): Server {
  const upgrader = new ws.WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: options.maxMessageBytes,
    ...SHARED_SETTINGS,
  });
  const server =
    options.tls === undefined ? createServer(HTTP_SETTINGS) : makeTlsServer(options.tls, watch);
  server.maxHeadersCount = 64;
  server.on("connection", (socket: Socket) => watch.came(socket));
  server.on("request", (_request, response) => {
    response.writeHead(426, { connection: "close" }).end();
  });
  server.on("clientError", (error: Error & { rawPacket?: Uint8Array }, socket: Socket) => {
    const isTls = error.rawPacket?.[0] === TLS_HANDSHAKE;
    if (isTls) watch.tell("TLS to a plain port", socket);
    else if (systemCodeOf(error).startsWith("HPE_")) watch.tell("it spoke no HTTP", socket);
    // In plain text, so that a client of TLS knows what it talks to.
    if (isTls && socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    else socket.destroy();
  });
  server.on("upgrade", (request, socket: Socket, head) => {
    if (!isOurUpgrade(request)) {
      watch.tell("its upgrade was not one of ours: wrong Host, or an Origin", socket);
      socket.destroy();
      return;
    }
    upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      greet(webSocket, socket, options, watch);
    });
  });
  return server;
}

/** An HTTPS server that takes nobody without a certificate of our authority. */
function makeTlsServer(tls: NonNullable<ListenOptions["tls"]>, watch: StrangerWatch): Server {
  const server = createTlsServer({
    ...HTTP_SETTINGS,
    ...tlsOptions(tls),
    requestCert: true,
    handshakeTimeout: OPEN_WITHIN_MS,
  });
  server.on("tlsClientError", (error, socket) => {
    // Of a certificate that Node rejects, the reason is in the socket and not in the error.
    const code = String(socket.authorizationError ?? systemCodeOf(error));
    const why = tlsWordsOf(code, messageOf(error));
    watch.tell(why ?? "it broke off the TLS handshake", socket);
  });
  server.on("secureConnection", (socket) => {
    const problem = checkServerIdentity(MEMBER_NAME, socket.getPeerCertificate());
    if (problem === undefined && socket.authorized) return;
    watch.tell("a certificate with another name", socket);
    socket.destroy();
  });
  return server;
}

/**
 * Dials a listener and proves itself. Rejects with an OperatingError: E044 when that would go to
 * another machine without TLS, E047 when nobody answers, E046 when refused.
 */
export function dial(options: DialOptions): Promise<Link> {
  const { host, port, caller, insecure = false, tls } = options;
  return new Promise((resolve, reject) => {
    checkDialling({ host, hasTls: tls !== undefined, insecure });
    let stage: DialStage = tls === undefined ? "plain" : "tls";
    const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const webSocket = new ws.WebSocket(`${tls === undefined ? "ws" : "wss"}://${place}/`, {
      ...(tls === undefined ? {} : { ...tlsOptions(tls), servername: MEMBER_NAME }),
      headers: { Host: MEMBER_NAME },
      handshakeTimeout: OPEN_WITHIN_MS,
      followRedirects: false,
      maxPayload: options.maxMessageBytes,
      // Masks protect against confused proxies; between our own processes there are none, and zeros
      // cost nothing.
      generateMask: (mask) => {
        mask.fill(0);
      },
      finishRequest: (request) => {
        request.once("socket", (socket: TLSSocket) => {
          socket.once("secureConnect", () => {
            stage = "secure";
          });
        });
        request.end();
      },
      ...SHARED_SETTINGS,
    });
    let failure: Error | undefined;
    const ownNonce = randomBytes(NONCE_BYTES);
    let localAddress = "";
    webSocket.on("upgrade", ({ socket }) => {
      localAddress = plainAddress(socket);
    });
    let challenge: Challenge | undefined;
    let identity: RunIdentity | undefined;
    webSocket.on("error", (error) => {
      failure ??= error;
    });
    webSocket.on("open", () => {
      stage = "open";
    });
    const deadline = setTimeout(() => {
      failure = new Error(`timed out after ${(2 * OPEN_WITHIN_MS) / 1000} s`);
      webSocket.terminate();
    }, 2 * OPEN_WITHIN_MS);
    const closed = (): void => {
      clearTimeout(deadline);
      failure ??= new Error("the connection was closed");
      reject(cannotReach(place, failure, stage));
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
          ? NOT_AUTHORISED
          : judgeAnswer(identity, caller, challenge.nonce, ownNonce, bytes);
      if (refusal === undefined) {
        resolve(new WebSocketLink(webSocket, caller, localAddress, options));
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
  watch: StrangerWatch,
): void {
  webSocket.on("error", () => webSocket.terminate());
  let received = 0;
  const countBytes = (chunk: Uint8Array): void => {
    received += chunk.length;
    if (received > STRANGER_BYTES) webSocket.terminate();
  };
  socket.on("data", countBytes);
  const nonce = randomBytes(NONCE_BYTES);
  webSocket.once("message", (data, isBinary) => {
    socket.off("data", countBytes);
    const bytes = isBinary ? bytesOf(data) : new Uint8Array(0);
    const outcome = judgeHello(options.identity, nonce, bytes);
    const refusal = outcome.refusal ?? options.admit(outcome.caller);
    if (outcome.refusal !== undefined || refusal !== undefined) {
      const { code, message } = refusal ?? NOT_AUTHORISED;
      watch.tell(message, socket);
      if (code === "not-authorised" && !watch.mayAnswer()) {
        webSocket.terminate();
        return;
      }
      webSocket.send(encodeRefusal({ code, message }));
      webSocket.close(CLOSE_POLICY);
      return;
    }
    watch.proved(socket);
    webSocket.send(outcome.welcome);
    options.accepted(new WebSocketLink(webSocket, outcome.caller, plainAddress(socket), options));
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
  /** Bytes that may wait behind the largest message, and its size. */
  readonly #maxUnsentBytes: number;
  #largestBytes = 0;

  constructor(socket: WebSocket, caller: Caller, localAddress: string, settings: LinkSettings) {
    this.#socket = socket;
    this.caller = caller;
    this.localAddress = localAddress;
    this.#maxUnsentBytes = settings.maxUnsentBytes ?? settings.maxMessageBytes;
    this.#handler = (bytes) => this.#early?.push(bytes);
    socket.on("error", (error) => {
      this.#trouble ??= messageOf(error);
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
    if (this.#socket.readyState !== ws.WebSocket.OPEN) return;
    const unsent = this.unsentBytes;
    if (unsent > this.#maxUnsentBytes + this.#largestBytes) {
      this.#trouble = `the other end does not read: ${Math.round(unsent / 2 ** 20)} MiB wait`;
      this.#socket.terminate();
      return;
    }
    if (bytes.length > this.#largestBytes) this.#largestBytes = bytes.length;
    this.#socket.send(bytes);
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

/** An address as the system tells it, an IPv4 one without its IPv6 wrapping. */
function plainAddress(socket: Socket): string {
  return (socket.localAddress ?? "").replace(/^::ffff:/, "");
}
