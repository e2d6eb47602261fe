/**
 * Authentication of links over real sockets on loopback: who gets in, and what strangers get. The
 * rude clients here speak WebSocket without our dialling code, as a stranger would.
 */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { encode } from "../../cluster/codec.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { type Caller, identityOf, type RunIdentity } from "../../cluster/handshake.ts";
import type { Link, Listener, ListenOptions } from "../../cluster/link.ts";
import { MEMBER_NAME } from "../../cluster/tls-material.ts";
import { dial, listen } from "../../cluster/websocket-transport.ts";

const IDENTITY = identityOf(randomBytes(32), "run-1", "abcdef");
const CALLER: Caller = { role: "worker", number: 3, incarnation: 0 };
const listeners: Listener[] = [];

afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close();
});

/** Opens a listener that lets everybody with the token in, and collects their links. */
async function open(
  settings: Partial<ListenOptions> = {},
): Promise<{ port: number; links: Link[] }> {
  const links: Link[] = [];
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    identity: IDENTITY,
    maxMessageBytes: 1_000_000,
    maxConnections: 10,
    authWithinMs: 2000,
    admit: () => undefined,
    accepted: (link) => links.push(link),
    ...settings,
  });
  listeners.push(listener);
  return { port: listener.port, links };
}

function call(port: number, identity: RunIdentity = IDENTITY): Promise<Link> {
  return dial({ host: "127.0.0.1", port, identity, caller: CALLER, maxMessageBytes: 1_000_000 });
}

/** The error that dialling ends with. */
async function refusalOf(port: number, identity: RunIdentity): Promise<OperatingError> {
  const outcome = await call(port, identity).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(OperatingError);
  return outcome as OperatingError;
}

/**
 * Frames that a stranger who answers the challenge with `bytes` gets to see, and whether it is cut
 * off.
 */
function stranger(port: number, bytes: Uint8Array | string): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host: MEMBER_NAME } });
    socket.on("error", () => undefined);
    socket.once("message", () => socket.send(bytes));
    socket.on("close", resolve);
  });
}

describe("a link", () => {
  it("is made between two holders of the token and carries messages in order", async () => {
    const { port, links } = await open();
    const near = await call(port);
    expect(links[0].caller).toEqual(CALLER);
    const heard = new Promise<number[]>((resolve) => {
      const seen: number[] = [];
      near.onMessage((bytes) => {
        seen.push(bytes[0]);
        if (seen.length === 3) resolve(seen);
      });
    });
    for (const byte of [7, 8, 9]) links[0].send(Uint8Array.of(byte));
    expect(await heard).toEqual([7, 8, 9]);
  });

  it("tells one end that the other is gone", async () => {
    const { port, links } = await open();
    const near = await call(port);
    const closed = new Promise<string>((resolve) => links[0].onClosed(resolve));
    near.terminate();
    expect(await closed).toMatch(/closed/);
  });

  it("is refused to a wrong token in words that tell nothing", async () => {
    const { port, links } = await open();
    const other = { ...IDENTITY, token: randomBytes(32), protocol: 99, nodeMajor: 1 };
    const error = await refusalOf(port, other);
    expect(error.message).toBe("coordinator refused: not authorised");
    expect([error.code, error.exitCode]).toEqual(["E046", 77]);
    expect(links).toEqual([]);
  });

  it("is refused to another run's token holder: the run id is part of the proof", async () => {
    const { port } = await open();
    const error = await refusalOf(port, { ...IDENTITY, runId: "run-2" });
    expect(error.message).toBe("coordinator refused: not authorised");
  });

  it.each([
    [{ nodeMajor: 2 }, `coordinator refused: Node 2 here, ${IDENTITY.nodeMajor} there`],
    [{ protocol: 9 }, `coordinator refused: protocol 9 here, ${IDENTITY.protocol} there`],
    [{ scenarioHash: "0123" }, "coordinator refused: scenario 0123 here, abcdef there"],
  ])("is refused to other versions in clear words: %o", async (difference, message) => {
    const { port } = await open();
    const error = await refusalOf(port, { ...IDENTITY, ...difference });
    expect([error.message, error.exitCode]).toEqual([message, 69]);
  });

  it("is refused to who is not expected", async () => {
    const refusal = { code: "not-expected", message: "this process is not expected" } as const;
    const { port } = await open({ admit: () => refusal });
    const error = await refusalOf(port, IDENTITY);
    expect([error.message, error.exitCode]).toEqual([
      "coordinator refused: this process is not expected",
      75,
    ]);
  });

  it("is not made by a listener that does not hold the token", async () => {
    const { port } = await open({ identity: { ...IDENTITY, token: randomBytes(32) } });
    expect((await refusalOf(port, IDENTITY)).message).toBe("coordinator refused: not authorised");
  });

  it("to a port where nobody listens ends in E047", async () => {
    const { port } = await open();
    listeners.splice(0)[0].close();
    const error = await refusalOf(port, IDENTITY);
    expect([error.code, error.exitCode]).toEqual(["E047", 69]);
    expect(error.message).toMatch(/^cannot reach 127\.0\.0\.1:\d+ \(.*ECONNREFUSED/);
  });
});

describe("a stranger", () => {
  it.each([
    ["garbage", Uint8Array.of(0xc1, 0xff, 0x00)],
    ["text", "hello"],
    ["a bomb", Uint8Array.of(0xdd, 255, 255, 255, 255)],
    ["a hello of wrong shape", encode([2, "worker", 3])],
  ])("that answers with %s is cut off, and the listener lives", async (_name, bytes) => {
    const { port, links } = await open();
    await stranger(port, bytes);
    expect(links).toEqual([]);
    await call(port);
    expect(links.length).toBe(1);
  });

  it("that sends a large frame is cut off before it is read", async () => {
    const { port, links } = await open();
    expect(await stranger(port, new Uint8Array(900_000))).toBe(1006);
    expect(links).toEqual([]);
  });

  it("that says nothing is cut off when its time is up", async () => {
    const { port } = await open({ authWithinMs: 40 });
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve) => socket.on("close", resolve));
  });

  it("that upgrades and then says nothing is cut off too", async () => {
    const { port } = await open({ authWithinMs: 40 });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host: MEMBER_NAME } });
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.on("close", resolve));
  });

  it.each([
    [{ origin: "http://127.0.0.1", headers: { host: MEMBER_NAME } }],
    [{ headers: { host: "attacker.example" } }],
    [{ headers: { host: "127.0.0.1" } }],
  ])("that comes from a browser page gets no socket: %o", async (settings) => {
    const { port } = await open();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, settings);
    const failed = new Promise((resolve) => socket.on("error", resolve));
    let opened = false;
    socket.on("open", () => {
      opened = true;
    });
    await failed;
    expect(opened).toBe(false);
  });
});

describe("a port", () => {
  it("that is in use is an error with the port's number", async () => {
    const { port } = await open();
    const error = await open({ port }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OperatingError);
    const { code, message, exitCode } = error as OperatingError;
    expect([code, exitCode]).toEqual(["E043", 69]);
    expect(message).toBe(`port ${port} is in use on 127.0.0.1; choose another`);
  });
});
