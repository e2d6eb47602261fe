/** Cargoes: who holds them, how blocks are used again, and that nothing in them changes. */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import { type Cargo, CargoStore } from "../../src/model/cargo.ts";
import {
  KIND,
  KIND_MASK,
  PAYLOAD_HIGH,
  PAYLOAD_LOW,
  type Packet,
  PacketFlag,
  PacketKind,
  PacketPool,
  requestsOf,
  TOKEN,
} from "../../src/model/packet.ts";

/** Takes a block with these contents. */
function filled(store: CargoStore, contents: readonly number[]): Cargo {
  const cargo = store.take(contents.length);
  store.words.set(contents, store.first(cargo));
  return cargo;
}

function contentsOf(store: CargoStore, cargo: Cargo): number[] {
  const first = store.first(cargo);
  return Array.from(store.words.subarray(first, first + store.lengthOf(cargo)));
}

describe("cargo store", () => {
  it("keeps a block until its last holder has released it", () => {
    const store = new CargoStore();
    const cargo = filled(store, [7, 8, 9]);
    store.retain(cargo);
    store.retain(cargo);
    store.release(cargo);
    store.release(cargo);
    expect(store.inUse).toBe(1);
    expect(filled(store, [1, 2, 3])).not.toBe(cargo);
    expect(contentsOf(store, cargo)).toEqual([7, 8, 9]);
    store.release(cargo);
    expect(store.inUse).toBe(1);
    expect(store.take(3)).toBe(cargo);
  });

  it("uses a free block again for what fits its class, and for nothing else", () => {
    const store = new CargoStore();
    // Header and contents of 3 to 6 words fill blocks of 8; 2 words one of 4, 7 words one of 16.
    const block = store.take(6);
    store.release(block);
    expect(store.take(2)).not.toBe(block);
    expect(store.take(7)).not.toBe(block);
    expect(store.take(3)).toBe(block);
    expect(store.lengthOf(block)).toBe(3);
    const last = [store.take(4), store.take(5)];
    for (const cargo of last) store.release(cargo);
    expect([store.take(6), store.take(6)]).toEqual([last[1], last[0]]);
  });

  it("never lets two blocks share a word, and has room for none, few and very many", () => {
    const store = new CargoStore();
    const lengths = [0, 1, 2, 3, 6, 7, 14, 15, 62, 63, 1_022, 1_023, 5_000, 100_000];
    const taken = lengths.map((length, place) =>
      filled(store, new Array<number>(length).fill(place + 1)),
    );
    taken.forEach((cargo, place) => {
      const contents = contentsOf(store, cargo);
      expect(contents.length).toBe(lengths[place]);
      expect(contents.every((word) => word === place + 1)).toBe(true);
    });
    for (const cargo of taken) store.release(cargo);
    expect(store.inUse).toBe(0);
  });

  it("keeps contents and holders when it grows", () => {
    const store = new CargoStore();
    const cargo = filled(store, [-1, 0x7fffffff, 5]);
    store.retain(cargo);
    const before = store.words;
    while (store.words === before) store.take(100);
    expect(contentsOf(store, cargo)).toEqual([-1, 0x7fffffff, 5]);
    const others = store.inUse;
    store.release(cargo);
    expect(store.inUse).toBe(others);
    store.release(cargo);
    expect(store.inUse).toBe(others - 1);
  });

  it("refuses a release that nobody owes, when one block is free", () => {
    const store = new CargoStore();
    const cargo = store.take(4);
    store.release(cargo);
    expect(() => store.release(cargo)).toThrow(/cargo-held/);
  });

  it("refuses a release that nobody owes, when other blocks of its class are free", () => {
    const store = new CargoStore();
    const cargoes = [store.take(4), store.take(4), store.take(4)];
    for (const cargo of cargoes) store.release(cargo);
    for (const cargo of cargoes) expect(() => store.release(cargo)).toThrow(/cargo-held/);
  });

  it("agrees with plain arrays over a long random life", () => {
    const random = streamOf("1", "cargo-life");
    const store = new CargoStore();
    const held = new Map<Cargo, { contents: number[]; holders: number }>();
    for (let turn = 0; turn < 20_000; turn += 1) {
      const cargoes = [...held.keys()];
      const choice = random.below(5);
      if (choice < 2 && held.size < 50) {
        const contents = Array.from({ length: random.below(70) }, () => random.word() | 0);
        const cargo = filled(store, contents);
        expect(held.has(cargo)).toBe(false);
        held.set(cargo, { contents, holders: 1 });
      } else if (cargoes.length > 0) {
        const cargo = cargoes[random.below(cargoes.length)];
        const entry = held.get(cargo);
        if (entry === undefined) throw new Error("a key has an entry");
        expect(contentsOf(store, cargo)).toEqual(entry.contents);
        entry.holders += choice === 2 ? 1 : -1;
        if (choice === 2) store.retain(cargo);
        else store.release(cargo);
        if (entry.holders === 0) held.delete(cargo);
      }
      expect(store.inUse).toBe(held.size);
    }
  });
});

/** A packet with a sealed cargo. */
function loaded(pool: PacketPool, contents: readonly number[]): Packet {
  const packet = pool.take(PacketKind.dispatch);
  const cargo = pool.load(packet, contents.length);
  pool.cargo.words.set(contents, pool.cargo.first(cargo));
  pool.seal(packet);
  return packet;
}

function sealOf(pool: PacketPool, packet: Packet): [number, number] {
  return [pool.words[packet + PAYLOAD_LOW], pool.words[packet + PAYLOAD_HIGH]];
}

describe("packets with a cargo", () => {
  it("say so beside their kind, and give the cargo back with themselves", () => {
    const pool = new PacketPool(2);
    const packet = loaded(pool, [1, 2, 3]);
    expect(pool.words[packet + KIND]).toBe(PacketKind.dispatch | PacketFlag.cargo);
    expect(pool.words[packet + KIND] & KIND_MASK).toBe(PacketKind.dispatch);
    expect(pool.cargo.inUse).toBe(1);
    pool.free(packet);
    expect([pool.inUse, pool.cargo.inUse]).toEqual([0, 0]);
    const plain = pool.take(PacketKind.dispatch);
    pool.free(plain);
    expect(pool.cargo.inUse).toBe(0);
    expect(() => pool.free(packet)).toThrow(/packet-freed-once/);
  });

  it("share one cargo when it is attached, and the last one gives it back", () => {
    const pool = new PacketPool(2);
    const packet = loaded(pool, [4, 5]);
    const cargo = pool.cargoOf(packet);
    const other = pool.take(PacketKind.dispatch);
    pool.attach(other, cargo);
    pool.free(packet);
    expect(pool.cargo.inUse).toBe(1);
    expect(contentsOf(pool.cargo, pool.cargoOf(other))).toEqual([4, 5]);
    pool.free(other);
    expect(pool.cargo.inUse).toBe(0);
  });

  it("keep their cargoes when the pool grows", () => {
    const pool = new PacketPool(2);
    const packets = Array.from({ length: 100 }, (_, place) => loaded(pool, [place, -place]));
    packets.forEach((packet, place) => {
      expect(contentsOf(pool.cargo, pool.cargoOf(packet))).toEqual([place, 0 - place]);
    });
    for (const packet of packets) pool.free(packet);
    expect([pool.inUse, pool.cargo.inUse]).toEqual([0, 0]);
  });

  it("are sealed by every word of the cargo, its place and their number", () => {
    const pool = new PacketPool();
    const contents = [1, 2, 3, 4, 5, 0, 0x40000000, -7];
    const seal = sealOf(pool, loaded(pool, contents));
    expect(sealOf(pool, loaded(pool, contents))).toEqual(seal);
    contents.forEach((_, place) => {
      for (let bit = 0; bit < 32; bit += 1) {
        const changed = contents.map((word, at) => (at === place ? word ^ (1 << bit) : word));
        expect(sealOf(pool, loaded(pool, changed)), `word ${place}, bit ${bit}`).not.toEqual(seal);
      }
    });
    for (let place = 1; place < contents.length; place += 1) {
      const swapped = [...contents];
      [swapped[place - 1], swapped[place]] = [contents[place], contents[place - 1]];
      expect(sealOf(pool, loaded(pool, swapped)), `swap at ${place}`).not.toEqual(seal);
    }
    expect(sealOf(pool, loaded(pool, contents.slice(0, -1)))).not.toEqual(seal);
    expect(sealOf(pool, loaded(pool, [...contents, 0]))).not.toEqual(seal);
  });

  it("stand for as many work requests as they say; one without a cargo for one", () => {
    const pool = new PacketPool();
    const packet = loaded(pool, [0, 0]);
    pool.words[packet + TOKEN] = 37;
    expect(requestsOf(pool.words, packet)).toBe(37);
    const plain = pool.take(PacketKind.dispatch);
    pool.words[plain + TOKEN] = 37;
    expect(requestsOf(pool.words, plain)).toBe(1);
  });
});
