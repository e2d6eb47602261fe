/** The proxy before links that a drill may break, over real sockets on loopback. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { TcpProxy } from "../../cluster/tcp-proxy.ts";

const HOST = "127.0.0.1";
/** Longer than any test here. */
const LONG_MS = 60_000;
const open: { close(): void }[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** Both ends of one connection through a proxy. */
async function connected(): Promise<{
  proxy: TcpProxy;
  near: Socket;
  far: Socket;
  server: Server;
}> {
  const server = createServer().listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const proxy = await TcpProxy.open(HOST, { host: HOST, port });
  open.push(proxy, server);
  return { proxy, server, ...(await dial(proxy, server)) };
}

async function dial(proxy: TcpProxy, server: Server): Promise<{ near: Socket; far: Socket }> {
  const near = connect({ host: HOST, port: proxy.port });
  const [far] = (await once(server, "connection")) as [Socket];
  for (const socket of [near, far]) socket.on("error", () => undefined);
  return { near, far };
}

/** Sends from `from` and resolves with what `to` gets. */
async function sent(from: Socket, to: Socket, text: string): Promise<string> {
  from.write(text);
  const [bytes] = await once(to, "data");
  return String(bytes);
}

describe("a proxy", () => {
  it("carries both ways, and passes on the end of either", async () => {
    const { near, far } = await connected();
    expect(await sent(near, far, "to")).toBe("to");
    expect(await sent(far, near, "fro")).toBe("fro");
    near.end("last");
    expect(String((await once(far, "data"))[0])).toBe("last");
    await once(far, "end");
    far.end();
    await once(near, "close");
  });

  it("holds one way, and loses nothing of what it held", async () => {
    const { proxy, near, far } = await connected();
    await sent(near, far, "before");
    expect(proxy.hold("out", LONG_MS)).toBe(1);
    let got = "";
    far.on("data", (bytes) => {
      got += String(bytes);
    });
    near.write("held");
    // What goes the other way afterwards has passed while this has not.
    for (const text of ["a", "b", "c"]) expect(await sent(far, near, text)).toBe(text);
    expect(got).toBe("");
    proxy.heal();
    await once(far, "data");
    expect(got).toBe("held");
  });

  it("lets go by itself when its lease ends, and carries new connections meanwhile", async () => {
    const { proxy, near, far, server } = await connected();
    await sent(near, far, "before");
    proxy.hold("both", 100);
    const startedMs = performance.now();
    const later = sent(near, far, "held");
    const fresh = await dial(proxy, server);
    expect(await sent(fresh.near, fresh.far, "fresh")).toBe("fresh");
    expect(await later).toBe("held");
    expect(performance.now() - startedMs).toBeGreaterThan(90);
  });

  it("cuts what it carries at both ends, and carries on", async () => {
    const { proxy, near, far, server } = await connected();
    // Not by `once`, which fails on the error that comes first.
    const closed = (socket: Socket): Promise<unknown> =>
      new Promise((resolve) => socket.once("close", resolve));
    const gone = Promise.all([closed(near), closed(far)]);
    expect(proxy.cut()).toBe(1);
    await gone;
    expect(proxy.cut()).toBe(0);
    const fresh = await dial(proxy, server);
    expect(await sent(fresh.near, fresh.far, "again")).toBe("again");
  });
});
