/**
 * Devices that are wrong on purpose: the checks that keep a run honest must see each of them. One
 * switch drops a packet, or sends it twice, or swaps the payloads of two.
 */
import { describe, expect, it } from "vitest";
import { makeDevice } from "../../actors/catalogue.ts";
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { DeviceFactory } from "../../src/model/device.ts";
import {
  KIND,
  KIND_MASK,
  MODEL_WORDS,
  PAYLOAD_HIGH,
  PAYLOAD_LOW,
  type Packet,
  PacketKind,
  type PacketPool,
} from "../../src/model/packet.ts";
import { PS_PER_S } from "../../src/model/time.ts";
import type { ActorKind } from "../../src/model/topology.ts";
import { expectHealthy } from "../support/expect-healthy.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

type Sabotage = "none" | "drop" | "duplicate" | "swap";

/** A switch that does its work but for one token copy (two, for a swap). */
class BadSwitch implements Actor {
  readonly #inner: Actor;
  readonly #sabotage: Sabotage;
  #seen = 0;
  #held: { low: number; high: number } | undefined;

  constructor(inner: Actor, sabotage: Sabotage) {
    this.#inner = inner;
    this.#sabotage = sabotage;
  }

  start(): void {}

  receive(context: ActorContext, port: number, packet: Packet): void {
    const { packets } = context;
    if ((packets.words[packet + KIND] & KIND_MASK) === PacketKind.dispatch) {
      this.#seen += 1;
      if (this.#seen === 5 && this.#sabotage === "drop") {
        packets.free(packet);
        return;
      }
      if (this.#seen === 5 && this.#sabotage === "duplicate") {
        this.#inner.receive(context, port, copyOf(packets, packet));
      }
      if (this.#sabotage === "swap") this.#swap(packets.words, packet);
    }
    this.#inner.receive(context, port, packet);
  }

  remind(): void {}

  /** The seventh token copy gets the payload of the fifth. */
  #swap(words: Int32Array, packet: Packet): void {
    if (this.#seen === 5) {
      this.#held = { low: words[packet + PAYLOAD_LOW], high: words[packet + PAYLOAD_HIGH] };
    } else if (this.#seen === 7 && this.#held !== undefined) {
      words[packet + PAYLOAD_LOW] = this.#held.low;
      words[packet + PAYLOAD_HIGH] = this.#held.high;
    }
  }
}

function copyOf(packets: PacketPool, packet: Packet): Packet {
  const copy = packets.take(PacketKind.raw);
  for (let word = 0; word < MODEL_WORDS; word += 1) {
    packets.words[copy + word] = packets.words[packet + word];
  }
  return copy;
}

function runWith(sabotage: Sabotage, kind: ActorKind): InMemoryResult {
  let spoilt = false;
  const devices: DeviceFactory = (actor, services) => {
    const device = makeDevice(actor, services);
    if (spoilt || services.topology.actors[actor].kind !== kind) return device;
    spoilt = true;
    return new BadSwitch(device, sabotage);
  };
  return runInMemory(tinyScenario({ run: { timeLimitPs: 5 * PS_PER_S } }), { devices });
}

describe("sabotage", () => {
  it.each(["nvswitch", "leaf"] as const)("leaves a run alone that has none (%s)", (kind) => {
    expectHealthy(runWith("none", kind));
  });

  it.each([
    ["drop", "nvswitch"],
    ["drop", "leaf"],
    ["duplicate", "nvswitch"],
    ["swap", "nvswitch"],
    ["swap", "leaf"],
  ] as const)("by a switch is seen: %s at the %s", (sabotage, kind) => {
    expect(() => expectHealthy(runWith(sabotage, kind))).toThrow();
  });

  it("that drops on the network is repaired by the transport, which says so", () => {
    const result = runWith("drop", "leaf");
    expect(result.assignments.combined).toBe(result.assignments.dispatched);
    expect(result.facts.map((record) => record.fact.type)).toContain("qp.retransmitted");
  });

  it("that drops on NVLink is never called combined: the run does not finish", () => {
    const result = runWith("drop", "nvswitch");
    expect(result.end).toBe("time-limit");
    expect(result.assignments.combined).toBeLessThan(result.assignments.dispatched);
  });

  it("that swaps payloads makes the oracle disagree", () => {
    const result = runWith("swap", "leaf");
    expect(result.mismatches).toBeGreaterThan(0);
    const disagreements = result.facts.filter(({ fact }) => fact.type === "combine.mismatched");
    expect(disagreements).toHaveLength(result.mismatches);
  });

  it("that duplicates on the network is filtered by sequence numbers", () => {
    expectHealthy(runWith("duplicate", "leaf"));
  });

  it("that duplicates on NVLink breaks an invariant by name", () => {
    expect(() => runWith("duplicate", "nvswitch")).toThrow(/dispatched-once|combined-once/);
  });
});
