/**
 * Queue pairs that begin anew: what the old incarnation has left on the way reaches nobody, what
 * the new one sends arrives once, whichever end is reset first. Two NICs under the real kernel,
 * each with a GPU that does what it is told.
 */
import { describe, expect, it } from "vitest";
import { makeDevice } from "../../actors/catalogue.ts";
import { makeDeviceServices } from "../../src/engine/device-services.ts";
import { FaultTable } from "../../src/engine/fault-table.ts";
import { Kernel } from "../../src/engine/kernel.ts";
import { NO_REMOTE } from "../../src/engine/kernel-options.ts";
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { Fact } from "../../src/model/fact.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import {
  DESTINATION,
  KIND,
  KIND_MASK,
  NEXT_HOP,
  ORIGIN,
  type Packet,
  PacketFlag,
  PacketKind,
  SIZE_BYTES,
  SLOT,
  TOKEN,
} from "../../src/model/packet.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { DevicePort, type Topology } from "../../src/model/topology.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { tinyScenario } from "../support/scenarios.ts";

/** What a GPU does at an instant: has its NIC reset, then posts messages with these numbers. */
interface Order {
  readonly gpu: 0 | 1;
  readonly atPs: number;
  readonly reset?: number;
  readonly post?: readonly number[];
}

/** What came to a GPU: a message, one that was given back, or the answer to a reset. */
interface Arrival {
  readonly gpu: number;
  readonly what: "message" | "failed" | "reset";
  /** Number of the message, or the incarnation. */
  readonly number: number;
  readonly atPs: number;
}

const MESSAGE_BYTES = 4_000;
const CARGO_WORDS = 4;

/** Every message has a cargo, so that one that is never given back is noticed. */
class ToldGpu implements Actor {
  readonly #gpu: 0 | 1;
  readonly #orders: readonly Order[];
  readonly #topology: Topology;
  readonly #arrivals: Arrival[];

  constructor(gpu: 0 | 1, orders: readonly Order[], topology: Topology, arrivals: Arrival[]) {
    this.#gpu = gpu;
    this.#orders = orders;
    this.#topology = topology;
    this.#arrivals = arrivals;
  }

  start(context: ActorContext): void {
    for (const [place, { gpu, atPs }] of this.#orders.entries()) {
      if (gpu === this.#gpu) context.remindAfter(atPs, 0, place);
    }
  }

  /** Orders outlive a crash: they stand for what the software does afterwards. */
  revived(context: ActorContext): void {
    for (const [place, { gpu, atPs }] of this.#orders.entries()) {
      if (gpu === this.#gpu && atPs > context.nowPs) {
        context.remindAfter(atPs - context.nowPs, 0, place);
      }
    }
  }

  remind(context: ActorContext, _tag: number, place: number): void {
    const { post = [], reset } = this.#orders[place];
    if (reset !== undefined) {
      const packet = this.#packet(context, PacketKind.qpReset);
      context.packets.words[packet + SLOT] = reset;
      context.send(DevicePort.gpuToNic, packet);
    }
    for (const number of post) {
      const packet = this.#packet(context, PacketKind.dispatch);
      const first = context.packets.cargo.first(context.packets.load(packet, CARGO_WORDS));
      context.packets.cargo.words.fill(number, first, first + CARGO_WORDS);
      context.packets.words[packet + TOKEN] = 1;
      context.packets.words[packet + SLOT] = number;
      context.packets.words[packet + KIND] |= PacketFlag.ackRequest;
      context.packets.seal(packet);
      context.send(DevicePort.gpuToNic, packet);
    }
  }

  receive(context: ActorContext, _port: number, packet: Packet): void {
    const { words } = context.packets;
    const kind = words[packet + KIND];
    const isReset = (kind & KIND_MASK) === PacketKind.qpResetDone;
    const hasFailed = (kind & PacketFlag.failed) !== 0;
    if (isReset) expect(words[packet + DESTINATION]).toBe(context.self);
    this.#arrivals.push({
      gpu: this.#gpu,
      what: isReset ? "reset" : hasFailed ? "failed" : "message",
      number: words[packet + SLOT],
      atPs: context.nowPs,
    });
    context.packets.free(packet);
  }

  #packet(context: ActorContext, kind: number): Packet {
    const packet = context.packets.take(kind);
    const { words } = context.packets;
    words[packet + ORIGIN] = context.self;
    words[packet + DESTINATION] = this.#topology.indexOf(`node${1 - this.#gpu}.gpu0`);
    words[packet + NEXT_HOP] = this.#topology.indexOf(`node${1 - this.#gpu}.nic0`);
    words[packet + SIZE_BYTES] = MESSAGE_BYTES;
    return packet;
  }
}

interface Told {
  readonly arrivals: readonly Arrival[];
  readonly facts: readonly Fact[];
  /** Numbers of the messages that came to a GPU from an instant on. */
  messages(gpu: number, fromPs?: number): number[];
  numbers(what: Arrival["what"]): number[];
}

type NicPorts = "one-port" | "multi-port";

/**
 * Runs two nodes of one GPU until nothing is left to do; nothing may be left over. The network is
 * slow, so that messages wait in the NICs.
 */
function tell(
  orders: readonly Order[],
  nicPorts: NicPorts,
  faults: readonly FaultSpec[] = [],
): Told {
  const { nicToLeaf } = tinyScenario().hardware;
  const scenario = tinyScenario({
    hardware: { nicToLeaf: { ...nicToLeaf, psPerByte: nicToLeaf.psPerByte * 8 } },
    cluster: { nodes: 2, gpusPerNode: 1, planes: nicPorts === "multi-port" ? 4 : 1, nicPorts },
    transport: { ackTimeoutExponent: 8, retryCount: 3 },
  });
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const services = makeDeviceServices(scenario, topology);
  const arrivals: Arrival[] = [];
  const kernel = new Kernel({
    topology,
    workerOf: new Int32Array(topology.actors.length),
    worker: 0,
    seed: "1",
    faults: new FaultTable(topology, faults, () => ({ actors: [], lanes: [] })),
    remote: NO_REMOTE,
    actorAt: (actor) => {
      const { kind, node } = topology.actors[actor];
      if (kind !== "gpu") return makeDevice(actor, services);
      return new ToldGpu(node === 0 ? 0 : 1, orders, topology, arrivals);
    },
  });
  kernel.start();
  kernel.run(Number.POSITIVE_INFINITY);
  const left = [kernel.packets.inUse, kernel.packets.cargo.inUse, kernel.pendingReminders];
  expect(left).toEqual([0, 0, 0]);
  return {
    arrivals,
    facts: kernel.factLog.take().map(({ fact }) => fact),
    messages: (gpu, fromPs = 0) =>
      arrivals
        .filter(({ gpu: at, what, atPs }) => at === gpu && what === "message" && atPs >= fromPs)
        .map(({ number }) => number),
    numbers: (which) => arrivals.filter(({ what }) => what === which).map(({ number }) => number),
  };
}

const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, place) => from + place);
const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);

describe.each(["one-port", "multi-port"] as const)("a queue pair of a %s NIC", (nicPorts) => {
  it("that is reset in the middle of traffic delivers nothing old any more, and all that is new", () => {
    const atPs = 60 * PS_PER_US;
    const told = tell(
      [
        { gpu: 0, atPs: PS_PER_US, post: range(0, 500) },
        { gpu: 1, atPs: PS_PER_US, post: range(1_000, 500) },
        { gpu: 0, atPs, reset: 1, post: range(2_000, 20) },
        { gpu: 1, atPs, reset: 1, post: range(3_000, 20) },
      ],
      nicPorts,
    );
    expect(told.numbers("reset")).toEqual([1, 1]);
    const resetPs = told.arrivals.filter(({ what }) => what === "reset").map(({ atPs: at }) => at);
    for (const gpu of [0, 1]) {
      const first = gpu === 0 ? 1_000 : 0;
      const old = told.messages(gpu).filter((number) => number < 2_000);
      // Some of the old ones came, none twice, and not all.
      expect(old.length).toBeGreaterThan(5);
      expect(new Set(old).size).toBe(old.length);
      expect(old.length).toBeLessThan(500);
      expect(old.every((number) => number >= first && number < first + 500)).toBe(true);
      const later = told.messages(gpu, resetPs[gpu] + 1);
      expect(sorted(later)).toEqual(range(gpu === 0 ? 3_000 : 2_000, 20));
    }
    expect(told.numbers("failed")).toEqual([]);
    const resets = told.facts.filter((fact) => fact.type === "qp.reset");
    expect(resets).toMatchObject([{ incarnation: 1 }, { incarnation: 1 }]);
    for (const fact of resets)
      if (fact.type === "qp.reset") expect(fact.dropped).toBeGreaterThan(20);
  });

  it.each([
    ["the sender", 0],
    ["the receiver", 1],
  ] as const)("may be reset at %s first: messages come once, when both ends are", (_, first) => {
    const second = first === 0 ? 1 : 0;
    const told = tell(
      [
        { gpu: 0, atPs: PS_PER_US, post: range(0, 50) },
        { gpu: first, atPs: 200 * PS_PER_US, reset: 7 },
        // Still in the old incarnation at the other end: it reaches nobody.
        { gpu: second, atPs: 250 * PS_PER_US, post: range(500, 5) },
        { gpu: first, atPs: 300 * PS_PER_US, post: range(100, 30) },
        { gpu: second, atPs: 800 * PS_PER_US, reset: 7, post: range(200, 30) },
      ],
      nicPorts,
    );
    const [atFirst, atSecond] = [told.messages(first), told.messages(second)];
    const of = (from: number, numbers: readonly number[]): number[] =>
      sorted(numbers.filter((number) => number >= from));
    expect(of(100, atSecond)).toEqual(range(100, 30));
    expect(of(100, atFirst)).toEqual(range(200, 30));
    expect(sorted(told.messages(1)).slice(0, 50)).toEqual(range(0, 50));
    expect(told.numbers("failed")).toEqual([]);
    // What was sent too early was not answered: the ACK timeout sent it again.
    expect(told.facts.some((fact) => fact.type === "qp.timed-out")).toBe(true);
  });

  it("that has failed takes messages again after a reset, in order of its own", () => {
    const down: FaultSpec = {
      name: "down",
      kind: "nic-down",
      targets: ["node1.nic0"],
      atPs: 1,
      healAtPs: 5 * PS_PER_MS,
    };
    const told = tell(
      [
        { gpu: 0, atPs: PS_PER_US, post: range(0, 10) },
        { gpu: 0, atPs: 6 * PS_PER_MS, post: [10] },
        { gpu: 0, atPs: 7 * PS_PER_MS, reset: 1, post: range(20, 10) },
        { gpu: 1, atPs: 7 * PS_PER_MS, reset: 1 },
      ],
      nicPorts,
      [down],
    );
    expect(told.facts.some((fact) => fact.type === "qp.failed")).toBe(true);
    expect(told.numbers("failed")).toEqual(range(0, 11));
    expect(sorted(told.messages(1))).toEqual(range(20, 10));
  });

  it("answers a reset that is not newer, and changes nothing", () => {
    const told = tell(
      [
        ...([0, 1] as const).map((gpu) => ({ gpu, atPs: PS_PER_US, reset: 3 })),
        { gpu: 0, atPs: 10 * PS_PER_US, post: range(0, 20) },
        { gpu: 0, atPs: 12 * PS_PER_US, reset: 3 },
        { gpu: 0, atPs: 13 * PS_PER_US, reset: 2 },
      ],
      nicPorts,
    );
    expect(told.numbers("reset")).toEqual([3, 3, 3, 2]);
    expect(sorted(told.messages(1))).toEqual(range(0, 20));
    expect(told.facts.filter((fact) => fact.type === "qp.reset")).toHaveLength(2);
  });

  it("of a NIC that was dead takes nothing from either side until it is reset, and leaks nothing", () => {
    const crash: FaultSpec = {
      name: "crash",
      kind: "node-crash",
      targets: ["node1"],
      atPs: 40 * PS_PER_US,
      healAtPs: 400 * PS_PER_US,
    };
    const told = tell(
      [
        { gpu: 0, atPs: PS_PER_US, post: range(0, 400) },
        { gpu: 1, atPs: PS_PER_US, post: range(1_000, 400) },
        { gpu: 1, atPs: 500 * PS_PER_US, post: [1_500] },
        { gpu: 0, atPs: 5 * PS_PER_MS, reset: 2, post: range(2_000, 10) },
        { gpu: 1, atPs: 5 * PS_PER_MS, reset: 2, post: range(3_000, 10) },
      ],
      nicPorts,
      [crash],
    );
    // Alive again at 400 us, within the retries; yet what is sent to it comes back.
    const failed = told.arrivals.filter(({ what }) => what === "failed");
    const back = failed.filter(({ gpu }) => gpu === 0).map(({ number }) => number);
    expect(back.length).toBeGreaterThan(100);
    expect(Math.max(...back)).toBe(399);
    expect(failed.filter(({ gpu }) => gpu === 1).map(({ number }) => number)).toEqual([1_500]);
    const revivedPs = 400 * PS_PER_US;
    expect(sorted(told.messages(1, revivedPs))).toEqual(range(2_000, 10));
    expect(sorted(told.messages(0, revivedPs))).toEqual(range(3_000, 10));
  });

  it("has room for 127 incarnations", () => {
    const reset = (incarnation: number): Told =>
      tell(
        [
          { gpu: 0, atPs: PS_PER_US, reset: incarnation },
          { gpu: 1, atPs: PS_PER_US, reset: incarnation },
          { gpu: 0, atPs: 10 * PS_PER_US, post: range(0, 100) },
        ],
        nicPorts,
      );
    expect(sorted(reset(127).messages(1))).toEqual(range(0, 100));
    expect(() => reset(128)).toThrow("incarnation-fits");
  });
});
