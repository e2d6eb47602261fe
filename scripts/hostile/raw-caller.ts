/**
 * A caller that writes bytes instead of messages: it speaks just enough HTTP and WebSocket to get
 * as far as a test wants, and then whatever it is told.
 */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { LOOPBACK } from "../../cluster/addresses.ts";
import {
  type Caller,
  decodeChallenge,
  encodeHello,
  NONCE_BYTES,
  type RunIdentity,
} from "../../cluster/handshake.ts";
import { MEMBER_NAME } from "../../cluster/tls-material.ts";

/** Opcodes of WebSocket frames (RFC 6455, section 5.2). */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One WebSocket frame, right or wrong. */
export interface FrameParts {
  readonly opcode: number;
  readonly payload?: Uint8Array;
  /** False: more fragments follow. */
  readonly isFinal?: boolean;
  /** Reserved bits, 0x40, 0x20 and 0x10. */
  readonly reserved?: number;
  /** False: as a server sends it. */
  readonly isMasked?: boolean;
  /** Length that the head says, when it lies; always in its 64-bit form. */
  readonly saysBytes?: bigint;
}

/** The bytes of a frame. The mask is zero. */
export function frameBytes(parts: FrameParts): Uint8Array {
  const { opcode, payload = new Uint8Array(0), isFinal = true, reserved = 0 } = parts;
  const { isMasked = true, saysBytes } = parts;
  const size = payload.length;
  const form = saysBytes !== undefined || size > 65_535 ? 127 : size > 125 ? 126 : size;
  const length = Buffer.alloc(form === 127 ? 8 : form === 126 ? 2 : 0);
  if (form === 127) length.writeBigUInt64BE(saysBytes ?? BigInt(size));
  else if (form === 126) length.writeUInt16BE(size);
  const head = Buffer.of((isFinal ? 0x80 : 0) | reserved | opcode, (isMasked ? 0x80 : 0) | form);
  return Buffer.concat([head, length, Buffer.alloc(isMasked ? 4 : 0), payload]);
}

/** A WebSocket upgrade as our own processes ask for it; `headers` replace its own or are added. */
export function upgradeRequest(headers: Readonly<Record<string, string>> = {}): string {
  const all = {
    Host: MEMBER_NAME,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET / HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** A TCP connection to a port of this machine. */
export class RawCaller {
  readonly socket: Socket;
  /** Resolves when the connection is gone, however. */
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);
  #arrived: (() => void) | undefined;
  #isClosed = false;

  constructor(port: number) {
    this.socket = connect(port, LOOPBACK);
    this.socket.on("error", () => undefined);
    this.socket.on("data", (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#arrived?.();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on("close", () => {
        this.#isClosed = true;
        this.#arrived?.();
        resolve();
      });
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Everything that has come and was not taken, as Latin-1 text. */
  get text(): string {
    return this.#received.toString("latin1");
  }

  write(bytes: Uint8Array | string): void {
    if (!this.#isClosed) this.socket.write(bytes);
  }

  /** Upgrades; false when the other end would not. */
  async upgrade(): Promise<boolean> {
    this.write(upgradeRequest());
    const end = await this.#until(() => this.#received.indexOf("\r\n\r\n"));
    if (end < 0) return false;
    const isUpgraded = this.text.startsWith("HTTP/1.1 101");
    this.#received = this.#received.subarray(end + 4);
    return isUpgraded;
  }

  /** The payload of the next short frame; undefined when the connection ended before it came. */
  async next(): Promise<Uint8Array | undefined> {
    const sizes = (): readonly [head: number, size: number] => {
      const [, form] = this.#received;
      return form === 126 ? [4, this.#received.readUInt16BE(2)] : [2, form];
    };
    const isWhole = (): number => {
      if (this.#received.length < 4) return -1;
      const [head, size] = sizes();
      return this.#received.length >= head + size ? 0 : -1;
    };
    if ((await this.#until(isWhole)) < 0) return undefined;
    const [head, size] = sizes();
    const payload = this.#received.subarray(head, head + size);
    this.#received = this.#received.subarray(head + size);
    return payload;
  }

  /** Upgrades and proves itself; false when it was not let in. */
  async prove(identity: RunIdentity, caller: Caller): Promise<boolean> {
    if (!(await this.upgrade())) return false;
    const challenge = decodeChallenge((await this.next()) ?? new Uint8Array(0));
    if (challenge === undefined) return false;
    const payload = encodeHello(identity, caller, challenge.nonce, randomBytes(NONCE_BYTES));
    this.write(frameBytes({ opcode: Opcode.binary, payload }));
    return (await this.next()) !== undefined && !this.#isClosed;
  }

  /** Waits for `found` to be 0 or more; -1 when the connection ends first. */
  async #until(found: () => number): Promise<number> {
    for (;;) {
      const at = found();
      if (at >= 0 || this.#isClosed) return at;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }
}
