/** Those who watch, over real sockets: nobody is waited for. */
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type HttpDoor, openHttp } from "../../cluster/http-door.ts";
import { PageSessions } from "../../cluster/page-session.ts";
import { PageViewers, VIEWERS_MAX } from "../../cluster/page-viewers.ts";
import { until } from "../process/child-processes.ts";

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** Opens a stream for everybody who comes. */
async function served(): Promise<{ viewers: PageViewers<string>; door: HttpDoor }> {
  const viewers = new PageViewers<string>();
  const door = await openHttp(
    0,
    new Map([
      [
        "GET /stream",
        (_, reply) => {
          const response = reply.stream("text/event-stream");
          if (viewers.add(response, "all") === undefined) response.end();
        },
      ],
    ]),
  );
  open.push(viewers, door);
  return { viewers, door };
}

/** A viewer's socket; `reads` false: it never takes anything from it. */
async function viewer(
  { port }: HttpDoor,
  reads: boolean,
): Promise<{ socket: Socket; bytes(): number }> {
  const socket = connect(port, "127.0.0.1");
  open.push({ close: () => socket.destroy() });
  socket.on("error", () => undefined);
  let bytes = 0;
  if (reads) {
    socket.on("data", (chunk) => {
      bytes += chunk.length;
    });
  } else socket.pause();
  await new Promise<void>((done) => socket.once("connect", done));
  socket.write(`GET /stream HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  return { socket, bytes: () => bytes };
}

describe("a viewer that does not read", () => {
  it("is hung up on when it has left too much unread; the others get everything", async () => {
    const { viewers, door } = await served();
    await viewer(door, false);
    const good = await viewer(door, true);
    await until(
      () => viewers.count === 2,
      5000,
      () => `${viewers.count} viewers`,
    );
    const text = "x".repeat(1024 * 1024);
    let told = 0;
    for (; told < 64 && viewers.dropped === 0; told += 1) {
      viewers.tellAll("text", text);
      const due = (told + 1) * text.length;
      await until(
        () => good.bytes() >= due,
        10_000,
        () => `${good.bytes()} of ${due} bytes`,
      );
    }
    // The system's own buffers take some, too.
    expect([viewers.dropped, viewers.count]).toEqual([1, 1]);
    expect(told).toBeGreaterThan(3);
    viewers.tellAll("text", text);
    await until(
      () => good.bytes() >= (told + 1) * text.length,
      10_000,
      () => `${good.bytes()}`,
    );
  });

  it("is not taken in when there are too many", async () => {
    const { viewers, door } = await served();
    for (let count = 0; count < VIEWERS_MAX; count += 1) await viewer(door, true);
    await until(
      () => viewers.count === VIEWERS_MAX,
      10_000,
      () => `${viewers.count} viewers`,
    );
    const late = await viewer(door, true);
    await until(
      () => late.socket.destroyed || late.bytes() > 0,
      5000,
      () => "no answer",
    );
    expect(viewers.count).toBe(VIEWERS_MAX);
  });
});

describe("the sessions of a page", () => {
  it("exchange a code once, and let only its token in", () => {
    const sessions = new PageSessions();
    const code = sessions.newCode();
    expect(sessions.exchange(`${code}x`)).toBe(undefined);
    const token = sessions.exchange(code) ?? "";
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(sessions.exchange(code)).toBe(undefined);
    expect(sessions.allows(`Bearer ${token}`)).toBe(true);
    for (const wrong of ["", "Bearer ", token, `bearer ${token}`, `Bearer ${"0".repeat(64)}`]) {
      expect(sessions.allows(wrong)).toBe(false);
    }
  });

  it("keep few codes: an old one goes when there are more", () => {
    const sessions = new PageSessions();
    const first = sessions.newCode();
    const others = Array.from({ length: 16 }, () => sessions.newCode());
    expect(sessions.exchange(first)).toBe(undefined);
    for (const code of others) expect(sessions.exchange(code)).toBeDefined();
  });
});
