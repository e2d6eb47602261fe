/** What was seen of a run, with the names of things: what all explanations look things up in. */
import type { FaultTable } from "../engine/fault-table.ts";
import type { ActorEffect, LaneEffect } from "../fault/effects.ts";
import { PacketKind } from "../model/packet.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Schedule } from "../model/schedule.ts";
import type { ActorPlace, Lane } from "../model/topology.ts";
import { actorSpans, type FaultSpan, laneSpans } from "./fault-spans.ts";
import type { Hop, LaneAilment, Message } from "./message-log.ts";
import type { RankLog } from "./rank-log.ts";
import { NO_ROW } from "./row-store.ts";
import type { RunWatch } from "./run-watch.ts";

export class RunView {
  readonly watch: RunWatch;
  /** Hops that were looked for among all, by what was asked; see arrivals.ts. */
  readonly arrivals = new Map<string, number>();

  constructor(watch: RunWatch) {
    this.watch = watch;
  }

  get scenario(): Scenario {
    return this.watch.options.scenario;
  }

  get schedule(): Schedule {
    return this.watch.options.schedule;
  }

  get ranks(): RankLog {
    return this.watch.ranksLog;
  }

  get #table(): FaultTable {
    return this.watch.messages.kernel.faultState.table;
  }

  /** Virtual time, as far as the run was watched, ps. */
  get nowPs(): number {
    return this.watch.messages.kernel.nowPs;
  }

  place(actor: number): ActorPlace {
    return this.watch.options.topology.actors[actor];
  }

  idOf(actor: number): string {
    return this.place(actor).id;
  }

  lane(lane: number): Lane {
    return this.watch.options.topology.lanes[lane];
  }

  isGpu(actor: number): boolean {
    return this.place(actor).kind === "gpu";
  }

  hop(row: number): Hop {
    return this.watch.log.hop(row);
  }

  /** By lane of an actor: the hop that was sent on it last, if any was. */
  lastSentBy(actor: number): Hop[] {
    const { firstLane } = this.watch.messages.kernel.lanes;
    const hops: Hop[] = [];
    for (let lane = firstLane[actor]; lane < firstLane[actor + 1]; lane += 1) {
      const hop = this.hopOrNone(this.watch.messages.lastOn(lane));
      if (hop !== undefined) hops.push(hop);
    }
    return hops;
  }

  /** When a hop was handled or dropped, ps; the present while it waits to begin. */
  endOf({ handledPs }: Hop): number {
    return Number.isNaN(handledPs) ? this.nowPs : handledPs;
  }

  /** Undefined for NO_ROW. */
  hopOrNone(row: number): Hop | undefined {
    return row === NO_ROW ? undefined : this.hop(row);
  }

  message(row: number): Message {
    return this.watch.log.message(row);
  }

  messageOf(hop: Hop): Message {
    return this.message(hop.message);
  }

  ailment(hop: Hop): LaneAilment | undefined {
    return this.watch.log.ailments.get(hop.row);
  }

  /** Tokens and choices that a message of the exchange is about, one after the other. */
  copiesIn(message: Message): readonly number[] {
    return this.watch.log.copies.get(message.row) ?? [];
  }

  faultName(fault: number): string {
    return this.#table.nameOf(fault);
  }

  laneSpans(lane: number, effect: LaneEffect): FaultSpan[] {
    return laneSpans(this.#table, lane, effect);
  }

  actorSpans(actor: number, effect: ActorEffect): FaultSpan[] {
    return actorSpans(this.#table, actor, effect);
  }

  /** A message in words: `the copy of token 5 of node0.gpu3`. */
  describe(message: Message): string {
    const { kind } = message;
    const origin = this.idOf(message.origin);
    const token = this.#onlyToken(message);
    const count = this.copiesIn(message).length / 2;
    switch (kind) {
      case PacketKind.dispatch:
      case PacketKind.nodeDispatch:
        return token === undefined
          ? `a message of ${count === 0 ? "copies" : `${count} copies`} of ${origin}`
          : `the copy of token ${token} of ${origin}`;
      case PacketKind.dispatchCount:
        return `the count of ${origin}'s copies`;
      case PacketKind.combine:
      case PacketKind.partial: {
        const home = this.#homeOf(message);
        return token === undefined
          ? `a message of ${origin}'s results for ${home}`
          : `${origin}'s result for token ${token} of ${home}`;
      }
      default:
        return `a message of ${origin}`;
    }
  }

  /** The token of a message of one copy; undefined: it may have several. */
  #onlyToken(message: Message): number | undefined {
    const copies = this.copiesIn(message);
    if (copies.length > 0) return copies.length === 2 ? copies[0] : undefined;
    const { workload, recovery } = this.scenario;
    const isPlain = workload.protocol === "low-latency" && recovery.integrity === "none";
    return isPlain && workload.grain === "token" ? message.token : undefined;
  }

  #homeOf({ kind, destination }: Message): string {
    return kind === PacketKind.partial ? "another node" : this.idOf(destination);
  }
}
