/** Data frames carry cargoes unchanged, and refuse every frame that lies about their lengths. */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import { Outbox, openFrame, PACKET_BYTES, unpackFrame } from "../../src/engine/packet-frame.ts";
import {
  KIND,
  type Packet,
  PacketFlag,
  PacketKind,
  PacketPool,
  ROW_WORDS,
} from "../../src/model/packet.ts";

const HEADER_WORDS = 16;
const HEADER_BYTES = HEADER_WORDS * 4;
/** Places in a frame's header, words. */
const COUNT = 4;
const CHECKSUM = 5;
const CARGO_WORDS = 6;
const RECEIVER = 5;

/** Contents by packet; undefined for one without a cargo. */
type Contents = readonly (readonly number[] | undefined)[];

function frameOf(contents: Contents): Uint8Array {
  const pool = new PacketPool(2);
  const outbox = new Outbox();
  contents.forEach((words, lane) => {
    const packet = pool.take(PacketKind.dispatch);
    if (words !== undefined) {
      const first = pool.cargo.first(pool.load(packet, words.length));
      pool.cargo.words.set(words, first);
      pool.seal(packet);
    }
    outbox.add(lane, packet, 1_000 + lane);
  });
  const bytes = outbox.drain(pool, 3, RECEIVER, 17);
  expect([pool.inUse, pool.cargo.inUse]).toEqual([0, 0]);
  return bytes;
}

function contentsIn(bytes: Uint8Array, pool = new PacketPool(2)): Contents {
  const received: (number[] | undefined)[] = [];
  unpackFrame(openFrame(bytes, RECEIVER), pool, (lane: number, packet: Packet) => {
    const hasCargo = (pool.words[packet + KIND] & PacketFlag.cargo) !== 0;
    const cargo = pool.cargoOf(packet);
    const first = pool.cargo.first(cargo);
    const { words } = pool.cargo;
    received[lane] = hasCargo
      ? Array.from(words.subarray(first, first + pool.cargo.lengthOf(cargo)))
      : undefined;
  });
  return received;
}

/** The frame with some words changed, and a checksum that agrees with them. */
function forged(frame: Uint8Array, change: (words: Int32Array) => void): Uint8Array {
  const bytes = Uint8Array.from(frame);
  const words = new Int32Array(bytes.buffer);
  change(words);
  let sum = 0x9e3779b1 | 0;
  for (const word of words.subarray(HEADER_WORDS)) sum = (Math.imul(sum, 31) + word) | 0;
  words[CHECKSUM] = sum;
  return bytes;
}

/** Place of the first cargo's length in a frame of `count` packets, words. */
const cargoAt = (count: number): number => HEADER_WORDS + count * ROW_WORDS;

const THREE: Contents = [[1, 2, 3, 4], undefined, [5, 6]];

describe("a frame with cargoes", () => {
  it("carries those of all packets, among packets that have none", () => {
    const random = streamOf("1", "cargo-frame");
    const contents = Array.from({ length: 150 }, () =>
      random.below(3) === 0
        ? undefined
        : Array.from({ length: random.below(40) }, () => random.word() | 0),
    );
    const pool = new PacketPool(2);
    expect(contentsIn(frameOf(contents), pool)).toEqual(contents);
    const loaded = contents.filter((words) => words !== undefined).length;
    expect([pool.inUse, pool.cargo.inUse]).toEqual([contents.length, loaded]);
  });

  it("is as long as its packets, their cargoes and one word for the length of each", () => {
    expect(frameOf(THREE).length).toBe(HEADER_BYTES + 3 * PACKET_BYTES + (1 + 4 + 1 + 2) * 4);
  });

  it("is refused when any bit of a cargo is flipped", () => {
    const bytes = frameOf(THREE);
    for (let bit = cargoAt(3) * 32; bit < bytes.length * 8; bit += 1) {
      const damaged = Uint8Array.from(bytes);
      damaged[bit >> 3] ^= 1 << (bit & 7);
      expect(() => openFrame(damaged, RECEIVER), `bit ${bit}`).toThrow(/frame-checksum/);
    }
  });

  it("is refused when it is cut anywhere behind its packets", () => {
    const bytes = frameOf(THREE);
    for (let length = cargoAt(3) * 4; length < bytes.length; length += 1) {
      const cut = bytes.subarray(0, length);
      expect(() => openFrame(cut, RECEIVER), `${length}`).toThrow(/frame-length/);
    }
  });

  it.each([
    ["more cargo words than there are", (words: Int32Array) => (words[CARGO_WORDS] += 1)],
    ["fewer cargo words than there are", (words: Int32Array) => (words[CARGO_WORDS] -= 1)],
    [
      "a packet more and its words less",
      (words: Int32Array) => {
        words[COUNT] += 1;
        words[CARGO_WORDS] -= ROW_WORDS;
      },
    ],
  ])("is refused when its header says %s", (_, change) => {
    expect(() => openFrame(forged(frameOf(THREE), change), RECEIVER)).toThrow(/frame-length/);
  });

  it.each([
    ["longer than the frame", 1_000],
    ["longer than any frame", 0x7fffffff],
    ["one word longer than what is left", 8],
    ["negative", -1],
    ["as negative as can be", -0x80000000],
  ])("is refused when its first cargo's length is %s", (_, length) => {
    const frame = forged(frameOf(THREE), (words) => {
      words[cargoAt(3)] = length;
    });
    expect(() => contentsIn(frame)).toThrow(/frame-packets.*a cargo of/);
  });

  it("is refused when a packet says that it has a cargo and there is none", () => {
    const frame = forged(frameOf([undefined]), (words) => {
      words[HEADER_WORDS + KIND] |= PacketFlag.cargo;
    });
    expect(() => contentsIn(frame)).toThrow(/frame-packets/);
  });

  it("is refused when words are left that belong to no packet", () => {
    const short = forged(frameOf(THREE), (words) => {
      words[words.length - 3] = 1;
    });
    expect(() => contentsIn(short)).toThrow(/frame-packets/);
    const unflagged = forged(frameOf(THREE), (words) => {
      words[HEADER_WORDS + 2 * ROW_WORDS + KIND] &= ~PacketFlag.cargo;
    });
    expect(() => contentsIn(unflagged)).toThrow(/frame-packets/);
  });
});
