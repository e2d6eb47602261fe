/**
 * The ring of messages that a queue pair may have to send again: it gives back what was put in, in
 * order, however it has turned and grown, and holds each cargo until it is acknowledged.
 */
import { describe, expect, it } from "vitest";
import { SendRing } from "../../actors/nic/send-ring.ts";
import { streamOf } from "../../src/base/random.ts";
import {
  KIND,
  MODEL_WORDS,
  type Packet,
  PacketFlag,
  PacketKind,
  PacketPool,
  PSN,
} from "../../src/model/packet.ts";

/** A packet with its number in every word, and in a cargo if it has one. */
function message(pool: PacketPool, number: number, hasCargo: boolean): Packet {
  const packet = pool.take(PacketKind.dispatch);
  for (let word = KIND + 1; word < MODEL_WORDS; word += 1) pool.words[packet + word] = number;
  if (hasCargo) {
    const length = 1 + (number % 9);
    const first = pool.cargo.first(pool.load(packet, length));
    pool.cargo.words.fill(number, first, first + length);
  }
  return packet;
}

/** The ring's copy of a message says what the message said. */
function expectCopy(pool: PacketPool, ring: SendRing, index: number, sent: Sent): void {
  const copy = ring.copyOf(pool, index);
  const flag = sent.hasCargo ? PacketFlag.cargo : 0;
  expect(pool.words[copy + KIND]).toBe(PacketKind.dispatch | flag);
  for (let word = KIND + 1; word < MODEL_WORDS; word += 1) {
    expect(pool.words[copy + word]).toBe(sent.number);
  }
  if (sent.hasCargo) {
    const cargo = pool.cargoOf(copy);
    const first = pool.cargo.first(cargo);
    const contents = Array.from(
      pool.cargo.words.subarray(first, first + pool.cargo.lengthOf(cargo)),
    );
    expect(contents).toEqual(new Array<number>(1 + (sent.number % 9)).fill(sent.number));
  }
  pool.free(copy);
}

interface Sent {
  readonly number: number;
  readonly hasCargo: boolean;
}

/** Puts a message into the ring and sends it away: only the ring holds its cargo then. */
function send(pool: PacketPool, ring: SendRing, sent: Sent): void {
  const packet = message(pool, sent.number, sent.hasCargo);
  ring.add(pool, packet);
  pool.free(packet);
}

describe("send ring", () => {
  it("holds a cargo after its packet is gone, and gives it back when it is acknowledged", () => {
    const pool = new PacketPool();
    const ring = new SendRing();
    for (let number = 0; number < 3; number += 1) send(pool, ring, { number, hasCargo: true });
    expect([pool.inUse, pool.cargo.inUse]).toEqual([0, 3]);
    ring.release(pool, 2);
    expect([ring.count, pool.cargo.inUse]).toEqual([1, 1]);
    expectCopy(pool, ring, 0, { number: 2, hasCargo: true });
    expect(pool.cargo.inUse).toBe(1);
    ring.release(pool, 1);
    expect([ring.count, pool.cargo.inUse]).toEqual([0, 0]);
  });

  it("lets a copy keep the cargo that the ring has given back", () => {
    const pool = new PacketPool();
    const ring = new SendRing();
    send(pool, ring, { number: 5, hasCargo: true });
    const copy = ring.copyOf(pool, 0);
    ring.release(pool, 1);
    expect(pool.cargo.inUse).toBe(1);
    expect(pool.cargo.words[pool.cargo.first(pool.cargoOf(copy))]).toBe(5);
    pool.free(copy);
    expect(pool.cargo.inUse).toBe(0);
  });

  it.each([0, 1, 7, 15])("keeps all messages when it grows after turning by %i places", (turn) => {
    const pool = new PacketPool();
    const ring = new SendRing();
    for (let number = 0; number < turn; number += 1) send(pool, ring, { number, hasCargo: true });
    ring.release(pool, turn);
    const sent = Array.from({ length: 70 }, (_, place) => ({
      number: 100 + place,
      hasCargo: place % 3 !== 1,
    }));
    for (const one of sent) send(pool, ring, one);
    sent.forEach((one, index) => {
      expectCopy(pool, ring, index, one);
    });
    ring.release(pool, sent.length);
    expect([ring.count, pool.inUse, pool.cargo.inUse]).toEqual([0, 0, 0]);
  });

  it("agrees with an array over a long random life", () => {
    const random = streamOf("1", "send-ring");
    const pool = new PacketPool();
    const ring = new SendRing();
    const sent: Sent[] = [];
    let mostHeld = 0;
    for (let number = 0; number < 5_000; number += 1) {
      const one = { number, hasCargo: random.below(3) === 0 };
      send(pool, ring, one);
      sent.push(one);
      mostHeld = Math.max(mostHeld, sent.length);
      if (random.below(40) === 0) {
        const acknowledged = random.below(sent.length + 1);
        ring.release(pool, acknowledged);
        sent.splice(0, acknowledged);
      }
      expect(ring.count).toBe(sent.length);
      expect(pool.cargo.inUse).toBe(sent.filter(({ hasCargo }) => hasCargo).length);
      if (sent.length > 0) {
        const index = random.below(sent.length);
        expectCopy(pool, ring, index, sent[index]);
      }
    }
    expect(mostHeld).toBeGreaterThan(64);
  });

  it("copies every word of the model's, the sequence number too", () => {
    const pool = new PacketPool();
    const ring = new SendRing();
    const packet = message(pool, 1, false);
    pool.words[packet + PSN] = 0x12345678;
    ring.add(pool, packet);
    pool.words[packet + PSN] = 0;
    expect(pool.words[ring.copyOf(pool, 0) + PSN]).toBe(0x12345678);
  });
});
