/**
 * A small HTTP server on loopback, for a browser and for Prometheus: exact paths, bounded requests,
 * and nothing for a page of another origin, whatever name leads it here (DNS rebinding). It knows
 * no run.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { LOOPBACK } from "./addresses.ts";
import { OperatingError, problemOf } from "./errors.ts";
import { cannotListen } from "./transport-errors.ts";

/** Connections at once: browsers take up to six each. */
const CONNECTIONS_MAX = 512;

/** Largest body of a request, bytes. */
const BODY_BYTES = 64 * 1024;

/** Answers are packed from this size on, bytes. */
const PACKED_FROM_BYTES = 1024;

const SETTINGS = {
  maxHeaderSize: 16 * 1024,
  connectionsCheckingInterval: 1000,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
};

/** Nothing but what this server itself sends may run, and nobody may frame it. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** A request as routes see it. */
export interface Asked {
  readonly query: URLSearchParams;
  header(name: string): string;
  /** The body as text. Rejects with a RequestError 413 when it is too large. */
  body(): Promise<string>;
}

/** How a route answers. */
export interface Reply {
  /** One whole answer. */
  send(status: number, type: string, body: string | Uint8Array, headers?: HeaderFields): void;
  /** An answer that goes on: the response, its head written. */
  stream(type: string): ServerResponse;
}

type HeaderFields = Readonly<Record<string, string>>;

export type Route = (asked: Asked, reply: Reply) => void | Promise<void>;

/** By method and path, such as `GET /api/run`. */
export type Routes = ReadonlyMap<string, Route>;

/** What is wrong with a request, for its sender. */
export class RequestError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** An open port. */
export interface HttpDoor {
  readonly port: number;
  /** Closes the port and hangs up on everybody. */
  close(): void;
}

/** Opens a port on loopback; 0: any free one. Rejects with an OperatingError (E043). */
export function openHttp(port: number, routes: Routes): Promise<HttpDoor> {
  return new Promise((resolve, reject) => {
    const server = createServer(SETTINGS);
    server.maxHeadersCount = 64;
    server.maxConnections = CONNECTIONS_MAX;
    server.on("clientError", (_error, socket) => socket.destroy());
    server.once("error", (error) => reject(cannotListen(error, LOOPBACK, port)));
    server.listen(port, LOOPBACK, () => {
      const own = portOf(server);
      server.removeAllListeners("error");
      server.on("error", () => undefined);
      const busy = new WeakSet<object>();
      server.on("request", (request, response) => {
        const { socket } = request;
        // No browser asks for more before it has its answer; whoever does is not waited for.
        if (busy.has(socket)) {
          socket.destroy();
          return;
        }
        busy.add(socket);
        response.once("close", () => busy.delete(socket));
        response.once("finish", () => busy.delete(socket));
        void answer(request, response, own, routes);
      });
      resolve({
        port: own,
        close: () => {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  port: number,
  routes: Routes,
): Promise<void> {
  // Who hangs up in the middle of an answer is nobody's trouble.
  response.on("error", () => undefined);
  const reply = replyTo(request, response);
  try {
    checkOrigin(request, port);
    const url = urlOf(request);
    const method = request.method === "HEAD" ? "GET" : (request.method ?? "");
    const route = routes.get(`${method} ${url.pathname}`);
    if (route === undefined) throw notFound(url.pathname, method, routes);
    const asked: Asked = {
      query: url.searchParams,
      header: (name) => String(request.headers[name] ?? ""),
      body: () => bodyOf(request),
    };
    await route(asked, reply);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else if (error instanceof RequestError) {
      reply.send(error.status, "text/plain; charset=utf-8", `${error.message}\n`);
    } else if (error instanceof OperatingError) {
      const body = JSON.stringify({ problems: [problemOf(error)] });
      reply.send(500, "application/json; charset=utf-8", body);
    } else reply.send(500, "text/plain; charset=utf-8", "something went wrong here\n");
  }
}

/** Refuses what another site's page has a browser send, and names that are not ours. */
function checkOrigin({ headers }: IncomingMessage, port: number): void {
  const names = [`127.0.0.1:${port}`, `localhost:${port}`];
  const { host = "", origin } = headers;
  if (!names.includes(host)) throw new RequestError(403, "this host name is not served here");
  const isOurs = origin === undefined || names.some((name) => origin === `http://${name}`);
  const site = headers["sec-fetch-site"] ?? "none";
  if (isOurs && (site === "none" || site === "same-origin")) return;
  throw new RequestError(403, "another site has no business here");
}

function urlOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? "", "http://localhost");
  } catch {
    throw new RequestError(400, "this is no path");
  }
}

function notFound(path: string, method: string, routes: Routes): RequestError {
  const others = [...routes.keys()].filter((key) => key.endsWith(` ${path}`));
  return others.length === 0
    ? new RequestError(404, "there is nothing here")
    : new RequestError(405, `${method} is not for this path`);
}

function replyTo(request: IncomingMessage, response: ServerResponse): Reply {
  const isHead = request.method === "HEAD";
  return {
    send: (status, type, body, headers = {}) => {
      const bytes = typeof body === "string" ? Buffer.from(body) : body;
      const takesGzip = String(request.headers["accept-encoding"] ?? "").includes("gzip");
      const isPacked = "content-encoding" in headers;
      const packs = takesGzip && !isPacked && bytes.length >= PACKED_FROM_BYTES;
      const sent = packs ? gzipSync(bytes, { level: 1 }) : bytes;
      response.writeHead(status, {
        ...HEADERS,
        "cache-control": "no-store",
        ...headers,
        ...(packs ? { "content-encoding": "gzip", vary: "accept-encoding" } : {}),
        "content-type": type,
        "content-length": sent.length,
      });
      response.end(isHead ? undefined : sent);
    },
    stream: (type) => {
      response.writeHead(200, { ...HEADERS, "cache-control": "no-store", "content-type": type });
      response.flushHeaders();
      if (isHead) response.end();
      return response;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES) throw new RequestError(413, "this request is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
