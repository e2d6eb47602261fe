/**
 * One bug, planted on purpose: the swarm must find it, or it finds nothing. The leaves of a process
 * share a count of the packets that they have handled, and hold every so many back for a moment.
 * Which ones these are depends on who was handled first, which is the placement's matter; the
 * transport repairs the order, so nothing else is wrong.
 */
import { makeDevice } from "../../actors/catalogue.ts";
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { DeviceFactory } from "../../src/model/device.ts";
import type { Packet } from "../../src/model/packet.ts";
import { PS_PER_NS } from "../../src/model/time.ts";

/** Packets from one that is held back to the next. */
const EVERY = 7;
const HELD_PS = 100 * PS_PER_NS;
/** Tag of the canary's own reminders; those of switches are not negative. */
const HELD_TAG = -1;

/** Devices of one run, with the bug. */
export function makeCanaryDevices(): DeviceFactory {
  const shared = { handled: 0 };
  return (actor, services) => {
    const device = makeDevice(actor, services);
    return services.topology.actors[actor].kind === "leaf" ? new Canary(device, shared) : device;
  };
}

class Canary implements Actor {
  readonly #leaf: Actor;
  readonly #shared: { handled: number };

  constructor(leaf: Actor, shared: { handled: number }) {
    this.#leaf = leaf;
    this.#shared = shared;
  }

  start(context: ActorContext): void {
    this.#leaf.start(context);
  }

  receive(context: ActorContext, port: number, packet: Packet): void {
    this.#shared.handled += 1;
    if (this.#shared.handled % EVERY === 0) context.remindAfter(HELD_PS, HELD_TAG, packet);
    else this.#leaf.receive(context, port, packet);
  }

  remind(context: ActorContext, tag: number, value: number): void {
    if (tag === HELD_TAG) this.#leaf.receive(context, 0, value);
    else this.#leaf.remind(context, tag, value);
  }

  affected(context: ActorContext): void {
    this.#leaf.affected?.(context);
  }

  revived(context: ActorContext): void {
    this.#leaf.revived?.(context);
  }
}
