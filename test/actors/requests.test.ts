/**
 * What a NIC tells its port of each message: how many work requests it stands for. A message with
 * many copies counts as so many, one copy as one, and an acknowledgement as none.
 */
import { expect, it } from "vitest";
import { makeDevice } from "../../actors/catalogue.ts";
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { DeviceFactory } from "../../src/model/device.ts";
import { KIND, KIND_MASK, type Packet, PacketKind } from "../../src/model/packet.ts";
import type { WorkloadSpec } from "../../src/model/scenario.ts";
import { DevicePort } from "../../src/model/topology.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

/** Messages and their work requests by kind, as NICs sent them to the network. */
type Sent = Map<number, { messages: number; requests: number }>;

/** A device whose sends to the network are counted. */
class CountedNic implements Actor {
  readonly #inner: Actor;
  readonly #sent: Sent;

  constructor(inner: Actor, sent: Sent) {
    this.#inner = inner;
    this.#sent = sent;
  }

  start(context: ActorContext): void {
    this.#inner.start(this.#counted(context));
  }

  receive(context: ActorContext, port: number, packet: Packet): void {
    this.#inner.receive(this.#counted(context), port, packet);
  }

  remind(context: ActorContext, tag: number, value: number): void {
    this.#inner.remind(this.#counted(context), tag, value);
  }

  #counted(context: ActorContext): ActorContext {
    const send = (port: number, packet: Packet, requests = 1): void => {
      if (port === DevicePort.nicToLeaf) {
        const kind = context.packets.words[packet + KIND] & KIND_MASK;
        const before = this.#sent.get(kind) ?? { messages: 0, requests: 0 };
        const after = { messages: before.messages + 1, requests: before.requests + requests };
        this.#sent.set(kind, after);
      }
      context.send(port, packet, requests);
    };
    return new Proxy(context, {
      get: (target, key) => {
        if (key === "send") return send;
        const value = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }
}

function sentOf(grain: WorkloadSpec["grain"]): Sent {
  const sent: Sent = new Map();
  const devices: DeviceFactory = (actor, services) => {
    const device = makeDevice(actor, services);
    const { kind } = services.topology.actors[actor];
    return kind === "nic" ? new CountedNic(device, sent) : device;
  };
  const workload = { grain, tokensPerGpu: 16, layers: [1] };
  const result = runInMemory(tinyScenario({ workload }), { devices });
  expect(result.end).toBe("finished");
  return sent;
}

it("a message stands for as many work requests as it carries copies, an answer for none", () => {
  const copies = sentOf("token");
  const messages = sentOf("message");
  for (const kind of [PacketKind.dispatch, PacketKind.combine]) {
    const single = copies.get(kind);
    const many = messages.get(kind);
    expect(single?.messages).toBeGreaterThan(100);
    expect(single?.requests).toBe(single?.messages);
    expect(many?.requests).toBe(single?.requests);
    expect(many?.messages).toBeLessThan((single?.messages ?? 0) / 2);
  }
  for (const sent of [copies, messages]) {
    expect(sent.get(PacketKind.ack)?.messages).toBeGreaterThan(10);
    expect(sent.get(PacketKind.ack)?.requests).toBe(0);
  }
});
