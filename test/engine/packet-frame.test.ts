/** Data frames carry packets unchanged, and refuse every damaged, misdirected or cut frame. */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import { Outbox, openFrame, unpackFrame } from "../../src/engine/packet-frame.ts";
import {
  COUNTER,
  KIND,
  MODEL_WORDS,
  type Packet,
  PacketKind,
  PacketPool,
  timePlace,
} from "../../src/model/packet.ts";

function frameOf(count: number): { bytes: Uint8Array; sent: number[][] } {
  const random = streamOf("1", "frame");
  const pool = new PacketPool(2);
  const outbox = new Outbox();
  const sent: number[][] = [];
  for (let i = 0; i < count; i += 1) {
    const packet = pool.take(PacketKind.dispatch);
    const words = Array.from({ length: MODEL_WORDS - 1 }, () => random.word());
    words.forEach((word, place) => {
      pool.words[packet + KIND + 1 + place] = word;
    });
    pool.words[packet + COUNTER] = i;
    const at = 2 ** 52 + i;
    pool.times[timePlace(packet)] = at;
    outbox.add(100 + i, packet, at);
    sent.push([100 + i, at, i, PacketKind.dispatch, ...words]);
  }
  const bytes = outbox.drain(pool, 3, 5, 17);
  expect(pool.inUse).toBe(0);
  return { bytes, sent };
}

describe("packet frame", () => {
  it("carries every word, instant and lane", () => {
    const { bytes, sent } = frameOf(70);
    const staged = openFrame(bytes, 5);
    expect([staged.sender, staged.sequence, staged.packets]).toEqual([3, 17, 70]);
    const pool = new PacketPool(2);
    const received: number[][] = [];
    unpackFrame(staged, pool, (lane: number, packet: Packet) => {
      const words = Array.from(pool.words.subarray(packet, packet + MODEL_WORDS));
      received.push([lane, pool.times[timePlace(packet)], pool.words[packet + COUNTER], ...words]);
    });
    expect(received).toEqual(sent);
  });

  it("is read from an unaligned place of a larger buffer, as sockets hand it over", () => {
    const { bytes } = frameOf(3);
    const larger = new Uint8Array(bytes.length + 8);
    larger.set(bytes, 3);
    expect(openFrame(larger.subarray(3, 3 + bytes.length), 5).packets).toBe(3);
  });

  it("is refused when any single bit behind the header is flipped", () => {
    const { bytes } = frameOf(2);
    for (let bit = 64 * 8; bit < bytes.length * 8; bit += 1) {
      const damaged = Uint8Array.from(bytes);
      damaged[bit >> 3] ^= 1 << (bit & 7);
      expect(() => openFrame(damaged, 5), `bit ${bit}`).toThrow(/frame-checksum/);
    }
  });

  it.each([
    ["cut short", (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1), /frame-length/],
    ["shorter than a header", (bytes: Uint8Array) => bytes.subarray(0, 20), /frame-whole/],
    ["longer than it says", (bytes: Uint8Array) => Uint8Array.from([...bytes, 0]), /frame-length/],
    ["of another kind", (bytes: Uint8Array) => Uint8Array.from([0, ...bytes.subarray(1)]), /magic/],
  ])("is refused when it is %s", (_, spoil, rule) => {
    expect(() => openFrame(spoil(frameOf(2).bytes), 5)).toThrow(rule);
  });

  it("is refused by a worker that it is not for", () => {
    expect(() => openFrame(frameOf(1).bytes, 4)).toThrow(/frame-address/);
  });
});
