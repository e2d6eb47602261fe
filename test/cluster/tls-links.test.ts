/**
 * Links under TLS over real sockets (H12): only two holders of certificates of one authority get
 * through, each end says why the other did not, and there is no way down to a plain connection.
 */
import { randomBytes } from "node:crypto";
import { request } from "node:https";
import { createServer as createPlainServer, type Socket } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { OperatingError } from "../../cluster/errors.ts";
import { identityOf } from "../../cluster/handshake.ts";
import type { DialOptions, Link, Listener, ListenOptions } from "../../cluster/link.ts";
import { MEMBER_NAME, type TlsMaterial } from "../../cluster/tls-material.ts";
import { dial, listen } from "../../cluster/websocket-transport.ts";
import { testAuthority } from "../support/certificates.ts";

const IDENTITY = identityOf(randomBytes(32), "run-1", "abcdef");
const ours = testAuthority("ours");
const theirs = testAuthority("theirs");
const member = ours.member();
const listeners: { close(): unknown }[] = [];

afterAll(() => {
  ours.remove();
  theirs.remove();
});
afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close();
});

interface Open {
  readonly port: number;
  readonly links: Link[];
  /** Resolves with why the next connection was turned away. */
  readonly turnedAway: Promise<string>;
}

async function open(tls: TlsMaterial | undefined, settings: Partial<ListenOptions> = {}) {
  const links: Link[] = [];
  let tell: (why: string) => void = () => undefined;
  const turnedAway = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const listener: Listener = await listen({
    host: "127.0.0.1",
    port: 0,
    tls,
    identity: IDENTITY,
    maxMessageBytes: 1_000_000,
    maxConnections: 10,
    authWithinMs: 2000,
    admit: () => undefined,
    accepted: (link) => links.push(link),
    turnedAway: ({ why }) => tell(why),
    ...settings,
  });
  listeners.push(listener);
  return { port: listener.port, links, turnedAway } satisfies Open;
}

function call(port: number, settings: Partial<DialOptions>): Promise<Link> {
  const caller = { role: "worker", number: 3, incarnation: 0 } as const;
  const maxMessageBytes = 1_000_000;
  return dial({
    host: "127.0.0.1",
    port,
    identity: IDENTITY,
    caller,
    maxMessageBytes,
    ...settings,
  });
}

async function failureOf(call: Promise<unknown>): Promise<string> {
  const outcome = await call.catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(OperatingError);
  const { code, exitCode, message } = outcome as OperatingError;
  return `${code} ${exitCode} ${message.replace(/\d+\.0\.0\.1:\d+/, "HOST")}`;
}

/** Legitimate traffic goes on: what a hostile connection costs is its own. */
async function expectAlive({ port, links }: Open, tls: TlsMaterial): Promise<void> {
  const near = await call(port, { tls });
  const heard = new Promise<Uint8Array>((resolve) => near.onMessage(resolve));
  links.at(-1)?.send(Uint8Array.of(42));
  expect([...(await heard)]).toEqual([42]);
  near.close();
}

describe("a link under TLS", () => {
  it("carries messages between two members, whatever the address is called", async () => {
    for (const host of ["127.0.0.1", "localhost", "127.0.0.2"]) {
      const { port, links } = await open(member, {
        host: host === "localhost" ? "127.0.0.1" : host,
      });
      const near = await call(port, { host, tls: ours.member() });
      const heard = new Promise<Uint8Array>((resolve) => links[0].onMessage(resolve));
      near.send(Uint8Array.of(1, 2, 3));
      expect([...(await heard)]).toEqual([1, 2, 3]);
    }
  });

  it("still wants the token", async () => {
    const { port, links } = await open(member);
    const identity = { ...IDENTITY, token: randomBytes(32) };
    expect(await failureOf(call(port, { tls: member, identity }))).toBe(
      "E046 77 coordinator refused: not authorised",
    );
    expect(links).toEqual([]);
  });

  const otherCa = "a certificate of another CA";
  const judged = "it did not accept our certificate: of another CA, or expired";
  it.each([
    ["of another authority", () => theirs.member(), otherCa, "it broke off the TLS handshake"],
    ["of another authority that knows ours", () => mixed(theirs.member()), judged, otherCa],
    ["expired", () => ours.member({ days: -1 }), judged, "a certificate that has expired"],
    ["with another name", () => ours.member({ name: "x.internal" }), judged, /another name/],
    ["for servers", () => ours.member({ usages: "serverAuth" }), judged, /another purpose/],
    ["self-signed", () => ours.member({ selfSigned: true }), judged, "a self-signed certificate"],
  ])("is refused to a caller's certificate %s", async (_kind, make, near, far) => {
    const server = await open(member);
    const failure = await failureOf(call(server.port, { tls: make() }));
    expect(failure).toBe(`E046 77 no TLS with HOST: ${near}`);
    expect(await server.turnedAway).toMatch(far);
    expect(server.links).toEqual([]);
    await expectAlive(server, member);
  });

  it.each([
    ["of another authority", () => theirs.member(), otherCa],
    ["expired", () => ours.member({ days: -1 }), "a certificate that has expired"],
    ["with another name", () => ours.member({ name: "x.internal" }), /with another name/],
    ["for clients", () => ours.member({ usages: "clientAuth" }), /for another purpose/],
    ["self-signed", () => ours.member({ selfSigned: true }), "a self-signed certificate"],
  ])("is refused to a server's certificate %s", async (_kind, make, near) => {
    const server = await open(make());
    const failure = await failureOf(call(server.port, { tls: member }));
    expect(failure).toMatch("E046 77 no TLS with HOST: ");
    expect(failure).toMatch(near);
    expect(await server.turnedAway).toBe("it broke off the TLS handshake");
    expect(server.links).toEqual([]);
  });

  it("is refused to who has no certificate, and the request is not even read", async () => {
    const server = await open(member);
    const { port } = server;
    const headers = { host: MEMBER_NAME };
    const error = await new Promise<Error>((resolve, reject) => {
      const asked = request({ port, ca: ours.ca, servername: MEMBER_NAME, headers });
      asked.on("error", resolve);
      asked.on("response", () => reject(new Error("it was answered")));
      asked.end();
    });
    expect(error.message).toMatch(/certificate required/);
    expect(await server.turnedAway).toBe("no certificate");
    await expectAlive(server, member);
  });

  it.each(["TLSv1", "TLSv1.1", "TLSv1.2"] as const)("is refused to %s", async (version) => {
    const server = await open(member);
    const { ca, certificate: cert, key } = member;
    const error = await new Promise<Error>((resolve, reject) => {
      const versions = { minVersion: version, maxVersion: version };
      const ciphers = "DEFAULT@SECLEVEL=0";
      const settings = { port: server.port, ca, cert, key, servername: MEMBER_NAME, ciphers };
      const socket = connect({ ...settings, ...versions }, () => reject(new Error("connected")));
      socket.on("error", resolve);
    });
    expect(error.message).toMatch(/protocol version|unsupported protocol/);
    expect(await server.turnedAway).toBe("a version of TLS before 1.3");
    await expectAlive(server, member);
  });

  it("is not made with a server of an older TLS", async () => {
    const { ca, certificate: cert, key } = member;
    const server = createServer({ ca, cert, key, requestCert: true, maxVersion: "TLSv1.2" });
    server.on("tlsClientError", () => undefined);
    expect(await failureOf(call(await portOf(server), { tls: member }))).toBe(
      "E046 77 no TLS with HOST: a version of TLS before 1.3",
    );
  });

  it("never falls back: a plain call to a TLS port comes to nothing", async () => {
    const server = await open(member);
    expect(await failureOf(call(server.port, {}))).toBe(
      "E047 69 cannot reach HOST (it hung up without a word, " +
        "as a TLS port does on a plain connection)",
    );
    expect(await server.turnedAway).toBe("a plain connection to a TLS port");
    await expectAlive(server, member);
  });

  it("never falls back: a TLS call to a plain port comes to nothing", async () => {
    const server = await open(undefined);
    expect(await failureOf(call(server.port, { tls: member }))).toBe(
      "E046 77 no TLS with HOST: TLS to a plain port",
    );
    expect(await server.turnedAway).toBe("TLS to a plain port");
  });

  it("cuts off who begins TLS and then says nothing", async () => {
    const server = await open(member, { authWithinMs: 40 });
    const { ca, certificate: cert, key } = member;
    const settings = { port: server.port, ca, cert, key, servername: MEMBER_NAME };
    const socket: TLSSocket = connect(settings);
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.on("close", resolve));
    expect(await server.turnedAway).toBe("it did not prove itself in time");
  });

  it("gives up on a server that accepts and then says nothing", async () => {
    const held: Socket[] = [];
    const server = createPlainServer((socket) => {
      held.push(socket);
      socket.on("error", () => undefined);
      socket.once("data", () => socket.destroy());
    });
    expect(await failureOf(call(await portOf(server), { tls: member }))).toMatch(
      /^E046 77 no TLS with HOST: it broke off the TLS handshake/,
    );
  });
});

describe("an address beyond this machine", () => {
  it("is not listened on without TLS, and not dialled", async () => {
    expect(await failureOf(open(undefined, { host: "0.0.0.0" }))).toBe(
      "E044 77 refusing to listen beyond this machine without TLS (on 0.0.0.0)",
    );
    expect(await failureOf(call(7000, { host: "192.0.2.1" }))).toBe(
      "E044 77 refusing to talk beyond this machine without TLS (to 192.0.2.1)",
    );
  });

  it("is listened on with TLS, or when the operator takes the risk", async () => {
    for (const settings of [{ tls: member }, { insecure: true }]) {
      const { port, links } = await open(undefined, { host: "0.0.0.0", ...settings });
      await call(port, settings);
      expect(links.length).toBe(1);
    }
  });
});

/** Their member's certificate and key, beside our authority's certificate. */
function mixed(material: TlsMaterial): TlsMaterial {
  return { ...material, ca: ours.ca };
}

function portOf(server: ReturnType<typeof createPlainServer>): Promise<number> {
  listeners.push(server);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
}
