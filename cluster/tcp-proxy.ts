/**
 * A TCP proxy before a listener of this process, for connections that a drill may break: it can cut
 * them, or hold what they carry while both ends think that all is well. Held bytes are kept, not
 * dropped: a network that loses packets for a while does no more to a TCP connection than that.
 */
import { createServer, connect as dialTcp, type Server, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import type { Direction } from "../src/model/host-fault.ts";
import type { HostAddress } from "./addresses.ts";

/** One connection: from who dialled to who listens. */
interface Carried {
  readonly dialler: Socket;
  readonly listener: Socket;
}

/** A proxy that is open. */
export class TcpProxy {
  readonly #target: HostAddress;
  readonly #server: Server;
  readonly #open = new Set<Carried>();
  /** Sockets from which nothing is read. */
  readonly #held = new Set<Socket>();
  #lease: NodeJS.Timeout | undefined;
  #leaseEndsMs = 0;

  private constructor(target: HostAddress, server: Server) {
    this.#target = target;
    this.#server = server;
  }

  /** Listens at a free port of `host`; all goes to `target`. Rejects with the system's error. */
  static open(host: string, target: HostAddress): Promise<TcpProxy> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true, noDelay: true });
      const proxy = new TcpProxy(target, server);
      server.on("connection", (socket) => proxy.#carry(socket));
      server.once("error", reject);
      server.listen(0, host, () => {
        server.off("error", reject);
        server.on("error", () => undefined);
        resolve(proxy);
      });
    });
  }

  /** Where it listens. */
  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === "string" ? 0 : address.port;
  }

  /** Resets every connection at both ends; returns how many there were. New ones are carried. */
  cut(): number {
    const cut = [...this.#open];
    for (const { dialler, listener } of cut) {
      dialler.resetAndDestroy();
      listener.resetAndDestroy();
    }
    return cut.length;
  }

  /**
   * Holds what present connections carry, seen from who dialled, for `forMs` of wall time or until
   * {@link heal}; returns how many there are. New ones are carried. The longer lease counts.
   */
  hold(direction: Direction, forMs: number): number {
    this.#leaseEndsMs = Math.max(this.#leaseEndsMs, performance.now() + forMs);
    clearTimeout(this.#lease);
    this.#lease = setTimeout(() => this.heal(), this.#leaseEndsMs - performance.now());
    for (const { dialler, listener } of this.#open) {
      for (const socket of [
        ...(direction === "in" ? [] : [dialler]),
        ...(direction === "out" ? [] : [listener]),
      ]) {
        this.#held.add(socket);
        socket.pause();
      }
    }
    return this.#open.size;
  }

  /** Lets everything through again, what was held first. */
  heal(): void {
    clearTimeout(this.#lease);
    this.#leaseEndsMs = 0;
    for (const socket of this.#held) socket.resume();
    this.#held.clear();
  }

  /** Listens no more, and drops all connections. */
  close(): void {
    clearTimeout(this.#lease);
    this.#server.close();
    for (const { dialler, listener } of this.#open) {
      dialler.destroy();
      listener.destroy();
    }
  }

  #carry(dialler: Socket): void {
    const options = { ...this.#target, allowHalfOpen: true, noDelay: true };
    const carried = { dialler, listener: dialTcp(options) };
    this.#open.add(carried);
    this.#pass(dialler, carried.listener, carried);
    this.#pass(carried.listener, dialler, carried);
  }

  #pass(from: Socket, to: Socket, carried: Carried): void {
    from.on("data", (bytes) => {
      if (!to.write(bytes)) from.pause();
    });
    to.on("drain", () => {
      if (!this.#held.has(from)) from.resume();
    });
    from.on("end", () => to.end());
    from.on("error", () => undefined);
    from.on("close", () => {
      this.#open.delete(carried);
      this.#held.delete(from);
      to.destroy();
    });
  }
}

const NO_CONNECTION = "there was no such connection";

/** Cuts what a proxy carries; returns why that is nothing, or an empty text. */
export function cut(proxy: TcpProxy | undefined): string {
  return proxy === undefined || proxy.cut() === 0 ? NO_CONNECTION : "";
}

/** Holds what a proxy carries; returns why that is nothing, or an empty text. */
export function hold(
  proxy: TcpProxy | undefined,
  { direction, forMs }: { readonly direction: Direction; readonly forMs: number },
): string {
  return proxy === undefined || proxy.hold(direction, forMs) === 0 ? NO_CONNECTION : "";
}
