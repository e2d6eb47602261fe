/**
 * Devices that are watched: each does what it would do anyway, and the watcher is told what comes
 * for it and what it says. The kernel runs them as any others; a run that nobody watches has none.
 */
import type { RandomStream } from "../base/random.ts";
import type { Actor, ActorContext, FaultBoard, LedgerPort, TimerId } from "../model/actor.ts";
import type { DeviceFactory } from "../model/device.ts";
import type { Fact } from "../model/fact.ts";
import type { Packet, PacketPool } from "../model/packet.ts";
import type { RankWatch } from "../model/rank-watch.ts";
import type { EventKind } from "./event-clock.ts";

/** Who is told. */
export interface DeviceWatch {
  /** An actor begins to handle an event; of a delivery, that of a packet. */
  begins(kind: EventKind, packet: Packet): void;
  /** It has handled a delivery. */
  delivered(): void;
  said(actor: number, atPs: number, fact: Fact): void;
  combined(actor: number, atPs: number, assignment: number): void;
  masked(actor: number, atPs: number, assignment: number, fault: number): void;
  lost(actor: number, atPs: number, assignment: number, fault: number): void;
  /** What ranks tell; `context` says who and when. */
  ranks(context: Pick<ActorContext, "self" | "nowPs">): RankWatch;
}

/** The devices that `devices` makes, watched. */
export function watchedDevices(devices: DeviceFactory, watch: DeviceWatch): DeviceFactory {
  let shared: WatchedContext | undefined;
  const contextOf = (context: ActorContext): ActorContext => {
    shared ??= new WatchedContext(context, watch);
    return shared;
  };
  return (actor, services) => watched(devices(actor, services), watch, contextOf);
}

function watched(
  device: Actor,
  watch: DeviceWatch,
  contextOf: (context: ActorContext) => ActorContext,
): Actor {
  return {
    start: (context) => {
      watch.begins("start", -1);
      device.start(contextOf(context));
    },
    receive: (context, port, packet) => {
      watch.begins("delivery", packet);
      device.receive(contextOf(context), port, packet);
      watch.delivered();
    },
    remind: (context, tag, value) => {
      watch.begins("reminder", -1);
      device.remind(contextOf(context), tag, value);
    },
    // Whether a device has these means something to the kernel.
    ...(device.affected !== undefined && {
      affected: (context) => {
        watch.begins("faults", -1);
        device.affected?.(contextOf(context));
      },
    }),
    ...(device.revived !== undefined && {
      revived: (context) => {
        watch.begins("faults", -1);
        device.revived?.(contextOf(context));
      },
    }),
  };
}

/** The kernel as watched devices see it. */
class WatchedContext implements ActorContext {
  readonly packets: PacketPool;
  readonly faults: FaultBoard;
  readonly ledger: LedgerPort;
  readonly watch: RankWatch;
  readonly #kernel: ActorContext;
  readonly #watch: DeviceWatch;

  constructor(kernel: ActorContext, watch: DeviceWatch) {
    this.#kernel = kernel;
    this.#watch = watch;
    this.packets = kernel.packets;
    this.faults = kernel.faults;
    this.watch = watch.ranks(kernel);
    const { ledger } = kernel;
    this.ledger = {
      dispatched: (assignment) => ledger.dispatched(assignment),
      combined: (assignment) => {
        ledger.combined(assignment);
        watch.combined(kernel.self, kernel.nowPs, assignment);
      },
      masked: (assignment, fault) => {
        ledger.masked(assignment, fault);
        watch.masked(kernel.self, kernel.nowPs, assignment, fault);
      },
      lost: (assignment, fault) => {
        ledger.lost(assignment, fault);
        watch.lost(kernel.self, kernel.nowPs, assignment, fault);
      },
      mismatched: (fault) => ledger.mismatched(fault),
    };
  }

  get nowPs(): number {
    return this.#kernel.nowPs;
  }

  get self(): number {
    return this.#kernel.self;
  }

  get random(): RandomStream {
    return this.#kernel.random;
  }

  send(port: number, packet: Packet, requests?: number): void {
    this.#kernel.send(port, packet, requests);
  }

  backlogPs(port: number): number {
    return this.#kernel.backlogPs(port);
  }

  remindAfter(spanPs: number, tag: number, value: number): TimerId {
    return this.#kernel.remindAfter(spanPs, tag, value);
  }

  cancel(timer: TimerId): void {
    this.#kernel.cancel(timer);
  }

  record(fact: Fact): void {
    this.#kernel.record(fact);
    this.#watch.said(this.#kernel.self, this.#kernel.nowPs, fact);
  }

  setPart(part: number): void {
    this.#kernel.setPart(part);
  }
}
