/** What breaks RFC 6455, as bytes after an upgrade. Each must cost its own connection only. */
import { frameBytes, Opcode, upgradeRequest } from "./raw-caller.ts";

const { continuation, text, binary, close, ping, pong } = Opcode;
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
const fragment = frameBytes({ opcode: binary, payload: bytes(1), isFinal: false });

/** A name for each, and what to write. The first message of a link may be any binary. */
export const VIOLATIONS: readonly (readonly [name: string, written: Uint8Array | string])[] = [
  ["a frame without a mask", frameBytes({ opcode: binary, payload: bytes(1), isMasked: false })],
  ["reserved bit 1", frameBytes({ opcode: binary, payload: bytes(1), reserved: 0x40 })],
  ["reserved bit 2", frameBytes({ opcode: binary, payload: bytes(1), reserved: 0x20 })],
  ["reserved bit 3", frameBytes({ opcode: binary, payload: bytes(1), reserved: 0x10 })],
  ["a reserved opcode", frameBytes({ opcode: 3, payload: bytes(1) })],
  ["a reserved control opcode", frameBytes({ opcode: 11 })],
  ["a ping in fragments", frameBytes({ opcode: ping, isFinal: false })],
  ["a ping of 126 bytes", frameBytes({ opcode: ping, payload: new Uint8Array(126) })],
  ["a continuation of nothing", frameBytes({ opcode: continuation, payload: bytes(1) })],
  ["a message inside another", Buffer.concat([fragment, frameBytes({ opcode: binary })])],
  ["half a close code", frameBytes({ opcode: close, payload: bytes(3) })],
  ["a close code that is never sent", frameBytes({ opcode: close, payload: bytes(3, 237) })],
  ["a close code below 1000", frameBytes({ opcode: close, payload: bytes(0, 1) })],
  ["a close reason that is no text", frameBytes({ opcode: close, payload: bytes(3, 232, 0xff) })],
  ["text that is no UTF-8", frameBytes({ opcode: text, payload: bytes(0xc0, 0x80) })],
  ["text", frameBytes({ opcode: text, payload: bytes(0x68, 0x69) })],
  ["a length of 2^63", frameBytes({ opcode: binary, saysBytes: 2n ** 63n })],
  ["a length above the limit", frameBytes({ opcode: binary, saysBytes: 2n ** 31n })],
  ["more fragments than allowed", fragments(80)],
  ["fragments of nothing", Buffer.concat([fragment, ...emptyFragments(100_000)])],
  ["HTTP in the middle", upgradeRequest()],
];

/** A flood of pings without reading an answer is cut off by the count of pongs that are due. */
export const PING = frameBytes({ opcode: ping, payload: new Uint8Array(125) });
export const PONG = frameBytes({ opcode: pong });

function fragments(count: number): Uint8Array {
  const more = frameBytes({ opcode: continuation, payload: bytes(2), isFinal: false });
  return Buffer.concat([fragment, ...Array.from({ length: count }, () => more)]);
}

function emptyFragments(count: number): Uint8Array[] {
  const empty = frameBytes({ opcode: continuation, isFinal: false });
  return Array.from({ length: count }, () => empty);
}
