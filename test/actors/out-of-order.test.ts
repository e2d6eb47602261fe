/**
 * Out-of-order placement: where switches route adaptively a NIC takes messages of a queue pair in
 * any order, each once. A leaf that holds messages back by random spans makes the disorder, far
 * more of it than queues do.
 */
import { describe, expect, it } from "vitest";
import { makeDevice } from "../../actors/catalogue.ts";
import { streamOf } from "../../src/base/random.ts";
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { DeviceFactory } from "../../src/model/device.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { KIND, KIND_MASK, type Packet, PacketKind, PSN, SOURCE } from "../../src/model/packet.ts";
import {
  type ClusterSpec,
  DEFAULT_NETWORK,
  type Scenario,
  type SwitchRouting,
} from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { DevicePort } from "../../src/model/topology.ts";
import { expectHealthy } from "../support/expect-healthy.ts";
import { type InMemoryResult, runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

/** Every packet waits up to this long at a leaf, ps. */
const HELD_PS = 50 * PS_PER_US;

/** A switch that sends each packet on after a random span, so that others overtake it. */
class HoldingSwitch implements Actor {
  readonly #inner: Actor;
  /** Packets by the number of their arrival: handles must not enter the digest. */
  readonly #held: Packet[] = [];

  constructor(inner: Actor) {
    this.#inner = inner;
  }

  start(): void {}

  receive(context: ActorContext, port: number, packet: Packet): void {
    context.remindAfter(1 + context.random.below(HELD_PS), port, this.#held.length);
    this.#held.push(packet);
  }

  remind(context: ActorContext, port: number, number: number): void {
    this.#inner.receive(context, port, this.#held[number]);
  }
}

/** Messages that reached a NIC before one that was sent earlier by the same queue pair. */
class Overtaken {
  count = 0;
  readonly #last = new Map<number, number>();

  see(pair: number, psn: number): void {
    const last = this.#last.get(pair) ?? -1;
    if (psn < last) this.count += 1;
    else this.#last.set(pair, psn);
  }
}

/** A NIC that is watched: what comes to it from the network. */
class WatchedNic implements Actor {
  readonly #inner: Actor;
  readonly #overtaken: Overtaken;

  constructor(inner: Actor, overtaken: Overtaken) {
    this.#inner = inner;
    this.#overtaken = overtaken;
  }

  start(context: ActorContext): void {
    this.#inner.start(context);
  }

  receive(context: ActorContext, port: number, packet: Packet): void {
    const { words } = context.packets;
    const kind = words[packet + KIND] & KIND_MASK;
    const isMessage = kind !== PacketKind.ack && kind !== PacketKind.nak;
    if (port === DevicePort.nicToLeaf && isMessage) {
      this.#overtaken.see(words[packet + SOURCE] * 4_096 + context.self, words[packet + PSN]);
    }
    this.#inner.receive(context, port, packet);
  }

  remind(context: ActorContext, tag: number, value: number): void {
    this.#inner.remind(context, tag, value);
  }
}

function holding(overtaken: Overtaken): DeviceFactory {
  return (actor, services) => {
    const device = makeDevice(actor, services);
    const { kind } = services.topology.actors[actor];
    if (kind === "nic") return new WatchedNic(device, overtaken);
    return kind === "leaf" ? new HoldingSwitch(device) : device;
  };
}

const CLUSTER: ClusterSpec = {
  ...DEFAULT_NETWORK,
  nodes: 6,
  gpusPerNode: 2,
  planes: 2,
  switchPorts: 4,
};

function scenarioOf(switchRouting: SwitchRouting, faults: readonly FaultSpec[] = []): Scenario {
  const scenario = tinyScenario({
    cluster: { ...CLUSTER, switchRouting },
    workload: { epSize: 12, layers: [1, 2, 3], tokensPerGpu: 24 },
    routing: { source: "uniform" },
    faults,
  });
  return { ...scenario, model: { ...scenario.model, n_routed_experts: 48 } };
}

const countOf = (result: InMemoryResult, type: string): number =>
  result.facts.filter(({ fact }) => fact.type === type).length;

describe("messages that overtake each other", () => {
  it("arrive once each, without complaints, timeouts or repeats", () => {
    const overtaken = new Overtaken();
    const result = runInMemory(scenarioOf("adaptive"), { devices: holding(overtaken) });
    expect(overtaken.count).toBeGreaterThan(100);
    expectHealthy(result);
  });

  it("have one digest under every placement", () => {
    const one = runInMemory(scenarioOf("adaptive"), { devices: holding(new Overtaken()) });
    for (const placement of ["pack", "actor"] as const) {
      const devices = holding(new Overtaken());
      const shuffle = streamOf("5", placement);
      const other = runInMemory(scenarioOf("adaptive"), { placement, shuffle, devices });
      expect(other.digest, placement).toBe(one.digest);
    }
  });

  it("are complained of where a flow has one path: the responder there wants order", () => {
    const result = runInMemory(scenarioOf("static"), { devices: holding(new Overtaken()) });
    const causes = result.facts.map(({ fact }) =>
      fact.type === "qp.retransmitted" ? fact.cause : "",
    );
    expect(causes).toContain("nak");
  });
});

describe("a message lost under adaptive routing", () => {
  const flap: FaultSpec = {
    name: "flap",
    kind: "link-down",
    targets: ["plane0.leaf0--plane0.spine0"],
    atPs: 3 * PS_PER_US,
    healAtPs: 3 * PS_PER_MS,
  };

  it.each([
    ["in order", makeDevice],
    ["out of order", holding(new Overtaken())],
  ] as const)("is sent again at the timeout, and nothing arrives twice: %s", (_, devices) => {
    const result = runInMemory(scenarioOf("adaptive", [flap]), { devices });
    const { dispatched, combined } = result.assignments;
    expect(result.end).toBe("finished");
    expect(result.violations).toEqual([]);
    expect(result.mismatches).toBe(0);
    expect(result.fabric.droppedPackets).toBeGreaterThan(0);
    expect(combined).toBe(dispatched);
    expect(countOf(result, "qp.timed-out")).toBeGreaterThan(0);
    for (const { fact } of result.facts) {
      if (fact.type === "qp.retransmitted") expect(fact.cause).toBe("timeout");
    }
  });

  it("is masked by the fault on the link when that never heals", () => {
    const { healAtPs: _, ...forever } = flap;
    const result = runInMemory(scenarioOf("adaptive", [forever]));
    const { dispatched, combined, masked, lost } = result.assignments;
    expect(masked).toBeGreaterThan(0);
    expect(result.unexplained).toBe(0);
    expect(combined + masked + lost).toBe(dispatched);
    expect(result.byFault).toEqual([{ fault: "flap", masked, lost: 0 }]);
  });
});
