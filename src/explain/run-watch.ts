/**
 * Watches a run for what is needed to explain tokens of one exchange: every message, every rank's
 * operations, and how the exchange's assignments ended. The run is the one that it would be anyway.
 */

import type { LaneWatch } from "../engine/lane-watch.ts";
import type { DeviceFactory } from "../model/device.ts";
import { NO_FAULT } from "../model/fault.ts";
import type { Packet, PacketPool } from "../model/packet.ts";
import { Part } from "../model/part.ts";
import type { RankWatch } from "../model/rank-watch.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Schedule } from "../model/schedule.ts";
import type { Topology } from "../model/topology.ts";
import { EventClock } from "./event-clock.ts";
import { CopyState, ExchangeLog, type WantedExchange } from "./exchange-log.ts";
import { MessageLog } from "./message-log.ts";
import { MessageWatch } from "./message-watch.ts";
import { RankLog } from "./rank-log.ts";
import { NO_ROW } from "./row-store.ts";
import { type DeviceWatch, watchedDevices } from "./watched-devices.ts";

export interface RunWatchOptions {
  readonly scenario: Scenario;
  readonly topology: Topology;
  readonly schedule: Schedule;
  readonly wanted: WantedExchange;
  /** Tokens and choices, one after the other, that a message is about. */
  readonly copiesIn: (packets: PacketPool, packet: Packet) => readonly number[];
  /** Whose exchange is looked at; undefined: every rank's. */
  readonly home: number | undefined;
}

export class RunWatch implements DeviceWatch {
  readonly options: RunWatchOptions;
  readonly clock = new EventClock();
  readonly log = new MessageLog();
  readonly ranksLog: RankLog;
  readonly exchanges: ExchangeLog;
  readonly messages: MessageWatch;
  readonly #gpus: readonly number[];

  constructor(options: RunWatchOptions) {
    const { scenario, topology, schedule, wanted, copiesIn } = options;
    const { clock, log } = this;
    this.options = options;
    this.ranksLog = new RankLog(schedule, clock, topology.actors.length);
    this.exchanges = new ExchangeLog(wanted, scenario.model.num_experts_per_tok, clock);
    const isWanted = (exchange: number): boolean => this.exchanges.isWanted(exchange);
    this.messages = new MessageWatch({ topology, log, clock, copiesIn, isWanted });
    this.#gpus = [...topology.actors.keys()].filter((one) => topology.actors[one].kind === "gpu");
  }

  /** For the kernel. */
  get lanes(): LaneWatch {
    return this.messages;
  }

  /** The devices to run. */
  devices(devices: DeviceFactory): DeviceFactory {
    return watchedDevices(devices, this);
  }

  /** Is the exchange over, for the rank that is looked at or for all that live? */
  get isOver(): boolean {
    const { home, scenario } = this.options;
    const { faultState, parts } = this.messages.kernel;
    const { exchanges } = this;
    const mayReturn = scenario.recovery.controller !== "none";
    const isOut = (gpu: number): boolean => {
      if (faultState.deadBy[gpu] === NO_FAULT) return false;
      return exchanges.homes.has(gpu) || !mayReturn;
    };
    if (home !== undefined) return exchanges.isClosed(home) || isOut(home);
    return (
      exchanges.homes.size > 0 &&
      this.#gpus.every((gpu) => exchanges.isClosed(gpu) || isOut(gpu) || parts[gpu] !== Part.goesOn)
    );
  }

  begins(kind: EventClock["kind"], packet: Packet): void {
    this.clock.begin(kind, kind === "delivery" ? this.messages.delivering(packet) : NO_ROW);
  }

  delivered(): void {
    this.messages.delivered();
  }

  said(...[actor, atPs, fact]: Parameters<DeviceWatch["said"]>): void {
    this.ranksLog.said(actor, atPs, fact);
  }

  combined(actor: number, atPs: number, assignment: number): void {
    this.exchanges.ended(actor, atPs, assignment, CopyState.combined, NO_FAULT);
  }

  masked(actor: number, atPs: number, assignment: number, fault: number): void {
    this.exchanges.ended(actor, atPs, assignment, CopyState.masked, fault);
  }

  lost(actor: number, atPs: number, assignment: number, fault: number): void {
    this.exchanges.ended(actor, atPs, assignment, CopyState.lost, fault);
  }

  ranks(context: { readonly self: number; readonly nowPs: number }): RankWatch {
    const { ranksLog, exchanges } = this;
    return {
      opened: (at, experts, holders, actorOf) => {
        const { self: actor, nowPs: openedPs } = context;
        ranksLog.opened(actor, at.chain, at.exchange);
        if (!exchanges.opened({ actor, openedPs, experts, holders, actorOf }, at)) return;
        ranksLog.isPinned = true;
        this.messages.isPinned = true;
      },
      opBegan: (op, step) => ranksLog.began(context.self, context.nowPs, op, step),
      computes: (op, spanPs, healthyPs) => ranksLog.computes(context.self, op, spanPs, healthyPs),
      opEnded: (number) => {
        const op = ranksLog.ended(context.self, context.nowPs, number);
        if (op?.op.kind === "combine") exchanges.closed(op.actor, op.exchange, op.endedPs);
      },
    };
  }
}
