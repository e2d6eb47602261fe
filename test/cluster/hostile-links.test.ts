/**
 * Hostile connections over real sockets (H1, H8, H9, H11): whatever they do costs their own
 * connection, while a legitimate link on the same port goes on and is answered in time.
 */
import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { Caller } from "../../cluster/handshake.ts";
import { decodeChallenge, encodeHello, NONCE_BYTES } from "../../cluster/handshake.ts";
import type { ListenOptions } from "../../cluster/link.ts";
import { dial } from "../../cluster/websocket-transport.ts";
import { decodeMemberMessage } from "../../cluster/wire.ts";
import { flood } from "../../scripts/hostile/flood.ts";
import { openDescriptors } from "../../scripts/hostile/flooded-run.ts";
import { realFrames } from "../../scripts/hostile/frame-fuzz.ts";
import { hostileFrame } from "../../scripts/hostile/mutate.ts";
import { frameBytes, Opcode, RawCaller, upgradeRequest } from "../../scripts/hostile/raw-caller.ts";
import { PING, VIOLATIONS } from "../../scripts/hostile/violations.ts";
import { Witness } from "../../scripts/hostile/witness.ts";
import { streamOf } from "../../src/base/random.ts";

const CALLER: Caller = { role: "worker", number: 3, incarnation: 0 };
/** An answer that takes longer is late; two cores are shared with other tests. */
const IN_TIME_MS = 1000;

const witnesses: Witness[] = [];
afterEach(() => {
  for (const witness of witnesses.splice(0)) witness.close();
});

async function open(settings: Partial<ListenOptions> = {}): Promise<Witness> {
  const witness = await Witness.open(settings);
  witnesses.push(witness);
  return witness;
}

/** The legitimate link lives, and was answered in time all along. */
async function expectUnharmed(witness: Witness): Promise<void> {
  await witness.answers();
  expect(witness.lost).toBeUndefined();
  expect(witness.worstMs).toBeLessThan(IN_TIME_MS);
}

describe("a connection that breaks the WebSocket protocol", () => {
  it.each(VIOLATIONS)("with %s is cut off before it has proved itself", async (_name, written) => {
    const witness = await open();
    const caller = new RawCaller(witness.port);
    expect(await caller.upgrade()).toBe(true);
    caller.write(written);
    await caller.closed;
    expect(witness.others).toEqual([]);
    await expectUnharmed(witness);
  });

  it.each(VIOLATIONS)("with %s is cut off when it has proved itself", async (_name, written) => {
    const witness = await open();
    const caller = new RawCaller(witness.port);
    expect(await caller.prove(witness.identity, CALLER)).toBe(true);
    const reasons: string[] = [];
    witness.others[0].onClosed((reason) => reasons.push(reason));
    caller.write(written);
    await caller.closed;
    await expectUnharmed(witness);
    expect(reasons.length).toBe(1);
    expect(reasons[0]).not.toBe("");
  });

  it("with pings whose answers it never reads is cut off", async () => {
    const witness = await open();
    const caller = new RawCaller(witness.port);
    await caller.prove(witness.identity, CALLER);
    const closed = new Promise<string>((resolve) => witness.others[0].onClosed(resolve));
    caller.socket.pause();
    const many = Buffer.concat(Array.from({ length: 1000 }, () => PING));
    const push = (): void => {
      while (!caller.socket.destroyed && caller.socket.write(many)) {}
    };
    caller.socket.on("drain", push);
    push();
    expect(await closed).not.toBe("");
    caller.socket.destroy();
    await expectUnharmed(witness);
  });

  it("with hostile frames inside is ended by who decodes them, and nobody else notices", async () => {
    const seed = String(Date.now());
    const witness = await open({ maxConnections: 64 });
    const random = streamOf(seed, "hostile links");
    const corpus = realFrames();
    for (let round = 0; round < 30; round += 1) {
      const caller = new RawCaller(witness.port);
      expect(await caller.prove(witness.identity, CALLER)).toBe(true);
      const link = witness.others.at(-1)!;
      link.onMessage((bytes) => {
        try {
          decodeMemberMessage(bytes);
        } catch (error) {
          expect(error, `seed ${seed}`).toBeInstanceOf(Error);
          link.terminate();
        }
      });
      for (let frame = 0; frame < 20; frame += 1) {
        const payload = hostileFrame(corpus, random);
        caller.write(frameBytes({ opcode: Opcode.binary, payload }));
      }
      await caller.closed;
    }
    await expectUnharmed(witness);
  });
});

describe("a caller that does not read", () => {
  it("costs bounded memory: its link is cut off with that reason", async () => {
    const maxUnsentBytes = 2 * 1024 * 1024;
    const witness = await open({ maxUnsentBytes });
    const caller = new RawCaller(witness.port);
    await caller.prove(witness.identity, CALLER);
    caller.socket.pause();
    const [link] = witness.others;
    let reason: string | undefined;
    link.onClosed((why) => {
      reason = why;
    });
    const message = new Uint8Array(256 * 1024);
    let most = 0;
    let sent = 0;
    while (reason === undefined && sent < 200) {
      link.send(message);
      most = Math.max(most, link.unsentBytes);
      sent += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(reason).toMatch(/^the other end does not read: [23] MiB wait$/);
    expect(most).toBeLessThan(maxUnsentBytes + 3 * message.length);
    await expectUnharmed(witness);
  });

  it("is given one message of any size, for that is not its fault", async () => {
    const witness = await open({ maxUnsentBytes: 1024 });
    const { port, identity } = witness;
    const settings = { host: "127.0.0.1", port, identity, caller: CALLER };
    const near = await dial({ ...settings, maxMessageBytes: 64 * 1024 * 1024 });
    const heard = new Promise<Uint8Array>((resolve) => near.onMessage(resolve));
    witness.others[0].send(new Uint8Array(32 * 1024 * 1024));
    witness.others[0].send(new Uint8Array(1024));
    expect((await heard).length).toBe(32 * 1024 * 1024);
    await expectUnharmed(witness);
  });
});

describe("a wrong token", () => {
  /** What a hello with that proof is answered with, and by what the connection ends. */
  async function answerTo(witness: Witness, hello: (nonce: Uint8Array) => Uint8Array) {
    const caller = new RawCaller(witness.port);
    await caller.upgrade();
    const { nonce } = decodeChallenge((await caller.next())!)!;
    caller.write(frameBytes({ opcode: Opcode.binary, payload: hello(nonce) }));
    const answer = await caller.next();
    caller.socket.destroy();
    return answer;
  }

  it("of any kind gets one same answer", async () => {
    const witness = await open();
    const { identity } = witness;
    const half = Uint8Array.from(identity.token);
    half.fill(0, 16);
    const tokens = [new Uint8Array(0), randomBytes(32), half, randomBytes(1024 * 1024)];
    const own = randomBytes(NONCE_BYTES);
    const hellos = [
      ...tokens.map((token) => (nonce: Uint8Array) => {
        return encodeHello({ ...identity, token }, CALLER, nonce, own);
      }),
      // A captured frame of another connection, another run's, and none at all.
      () => encodeHello(identity, CALLER, randomBytes(NONCE_BYTES), own),
      (nonce: Uint8Array) => encodeHello({ ...identity, runId: "x" }, CALLER, nonce, own),
      () => Buffer.from("FAULTPLANE_TOKEN=\u00e9\u0000"),
    ];
    const answers = new Set<string>();
    for (const hello of hellos) {
      answers.add(Buffer.from((await answerTo(witness, hello)) ?? []).toString("hex"));
    }
    expect(answers.size).toBe(1);
    expect(witness.others).toEqual([]);
    expect(new Set(witness.turnedAway.map(({ why }) => why))).toEqual(new Set(["not authorised"]));
    await expectUnharmed(witness);
  });

  it("is answered ten times a second at most, and a right one always", async () => {
    const witness = await open({ maxConnections: 200 });
    const token = randomBytes(32);
    const own = randomBytes(NONCE_BYTES);
    const fromMs = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        answerTo(witness, (nonce) =>
          encodeHello({ ...witness.identity, token }, CALLER, nonce, own),
        ),
      ),
    );
    const seconds = Math.ceil((performance.now() - fromMs) / 1000);
    const { length } = answers.filter((answer) => answer !== undefined && answer[0] === 0x93);
    expect(length).toBeGreaterThanOrEqual(10);
    expect(length).toBeLessThanOrEqual(10 * (seconds + 1));
    expect(witness.turnedAway.length).toBeLessThanOrEqual(10 * (seconds + 1));
    const caller = new RawCaller(witness.port);
    expect(await caller.prove(witness.identity, CALLER)).toBe(true);
    await expectUnharmed(witness);
    caller.socket.destroy();
  });
});

describe("a page in a browser", () => {
  it.each([
    ["an Origin", { Origin: "http://127.0.0.1" }],
    ["an Origin of null", { Origin: "null" }],
    ["an empty Origin", { Origin: "" }],
    ["no Host", { Host: "" }],
    ["a Host that points here", { Host: "attacker.example" }],
    ["the address", { Host: "127.0.0.1" }],
    ["localhost", { Host: "localhost" }],
    ["an IPv6 address", { Host: "[::1]" }],
    ["the number of the address", { Host: "2130706433" }],
    ["our name in capitals", { Host: "FAULTPLANE.INTERNAL" }],
    ["our name with a dot", { Host: "faultplane.internal." }],
    ["our name with a port", { Host: "faultplane.internal:80" }],
    ["a name that ends in ours", { Host: "x.faultplane.internal" }],
    ["two names", { Host: "faultplane.internal, attacker.example" }],
  ])("with %s gets no socket", async (_name, headers) => {
    const witness = await open();
    const caller = new RawCaller(witness.port);
    caller.write(upgradeRequest(headers));
    await caller.closed;
    expect(caller.text).not.toMatch(/ 101 /);
    await expectUnharmed(witness);
  });
});

describe("HTTP that is no upgrade of ours", () => {
  const manyHeaders = Object.fromEntries(
    Array.from({ length: 2100 }, (_, index) => [`a${index}`, "1"]),
  );
  it.each<readonly [string, string | Uint8Array]>([
    ...["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"].map(
      (method) => [method, `${method} / HTTP/1.1\r\nHost: x\r\n\r\n`] as const,
    ),
    ["CONNECT", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a path with ..", "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a path with %2e%2e%2f", "GET /%2e%2e%2fetc HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["an absolute form", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["2,100 headers", upgradeRequest(manyHeaders)],
    ["a header of 16 KiB", upgradeRequest({ a: "b".repeat(16_384) })],
    ["another upgrade", upgradeRequest({ Upgrade: "h2c" })],
    ["a key that is none", upgradeRequest({ "Sec-WebSocket-Key": "x" })],
    ["a version of long ago", upgradeRequest({ "Sec-WebSocket-Version": "7" })],
    ["an upgrade by POST", upgradeRequest().replace("GET", "POST")],
    [
      "a second request hidden in the first",
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${upgradeRequest()}`,
    ],
    ["a body of 1 GiB that is announced", "POST / HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\nx"],
    ["no HTTP", "\u0000\u0001\u0002\r\n\r\n"],
    ["TLS", Buffer.from("16030100050100000100", "hex")],
  ])("gets nothing: %s", async (_name, request) => {
    const witness = await open();
    const caller = new RawCaller(witness.port);
    caller.write(request);
    await caller.closed;
    expect(caller.text).toMatch(/^(?:$|HTTP\/1\.1 4\d\d )/);
    expect(witness.others).toEqual([]);
    await expectUnharmed(witness);
  });

  it("that comes byte by byte is cut off when its time is up", async () => {
    const witness = await open({ authWithinMs: 200 });
    const caller = new RawCaller(witness.port);
    let at = 0;
    const request = `GET / HTTP/1.1\r\n${"a: b\r\n".repeat(500)}`;
    const drip = setInterval(() => {
      caller.write(request[at]);
      at += 1;
    }, 5);
    await caller.closed;
    clearInterval(drip);
    expect(at).toBeLessThan(request.length);
    await expectUnharmed(witness);
  });
});

describe("300 connections that never prove themselves", () => {
  it("are all cut off, let nobody else wait, and leave no descriptor behind", async () => {
    const witness = await open();
    await witness.answers();
    const before = openDescriptors();
    const result = await flood(witness.port, 300);
    expect(result.cutOff).toBe(300);
    expect(witness.others).toEqual([]);
    await expectUnharmed(witness);
    expect(openDescriptors() - before).toBeLessThanOrEqual(5);
    const near = await dial({
      host: "127.0.0.1",
      port: witness.port,
      identity: witness.identity,
      caller: CALLER,
      maxMessageBytes: 1024,
    });
    near.close();
  });
});
