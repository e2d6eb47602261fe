/**
 * Small networks of the real kernel and test actors: hosts that send by a list, switches that only
 * forward. For tests that compute by hand when a message arrives.
 */
import { FaultTable } from "../../src/engine/fault-table.ts";
import { Kernel } from "../../src/engine/kernel.ts";
import { type FabricCounters, NO_REMOTE } from "../../src/engine/kernel-options.ts";
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { LaneClass } from "../../src/model/hardware.ts";
import {
  DESTINATION,
  KIND,
  type Packet,
  PacketKind,
  PSN,
  SIZE_BYTES,
} from "../../src/model/packet.ts";
import type { ActorKind, ActorPlace, Lane, Topology } from "../../src/model/topology.ts";

/** 400 Gb/s and 5 ns, whole messages, requests for nothing. */
export const LANE: LaneClass = { latencyPs: 5_000, psPerByte: 20, psPerRequest: 0, headBytes: 0 };

/** A link: two actors and what its lanes differ in from {@link LANE}, there and back. */
export type LinkPlan = readonly [
  from: string,
  to: string,
  Partial<LaneClass>?,
  Partial<LaneClass>?,
];

/** What a host sends when; `number` names the message. */
export interface Sending {
  readonly from: string;
  readonly to: string;
  readonly atPs: number;
  readonly sizeBytes: number;
  readonly number: number;
  readonly requests?: number;
}

/** A message handled somewhere. */
export interface Arrival {
  readonly at: string;
  readonly number: number;
  readonly atPs: number;
  readonly kind: number;
}

export interface NetPlan {
  /** Actors are named host*, leaf* or spine*; ports follow the order of links. */
  readonly links: readonly LinkPlan[];
  readonly sendings: readonly Sending[];
  readonly portBufferBytes?: number;
  readonly faults?: readonly FaultSpec[];
  /** Numbers of messages that the switches throw away. */
  readonly thrownAway?: readonly number[];
}

export interface NetResult {
  /** In event order, at switches and hosts. */
  readonly arrivals: readonly Arrival[];
  readonly counters: FabricCounters;
  readonly packetsInUse: number;
  /** By message: how long it would have waited, asked just before it was sent, ps. */
  readonly backlogs: ReadonlyMap<number, number>;
  /** When a message was handled at an actor, ps; undefined: never. */
  arrivedPs(at: string, number: number): number | undefined;
}

/** Runs a network until nothing is left to do. */
export function runNet(plan: NetPlan): NetResult {
  const topology = topologyOf(plan.links);
  const arrivals: Arrival[] = [];
  const backlogs = new Map<number, number>();
  const kernel = new Kernel({
    topology,
    workerOf: new Int32Array(topology.actors.length),
    worker: 0,
    seed: "1",
    faults: new FaultTable(topology, plan.faults ?? [], () => ({ actors: [], lanes: [] })),
    remote: NO_REMOTE,
    ...(plan.portBufferBytes !== undefined && { portBufferBytes: plan.portBufferBytes }),
    actorAt: (actor) => {
      const { id } = topology.actors[actor];
      const watch = (context: ActorContext, packet: Packet): void => {
        const { words } = context.packets;
        const [number, kind] = [words[packet + PSN], words[packet + KIND]];
        arrivals.push({ at: id, number, atPs: context.nowPs, kind });
      };
      if (id.startsWith("host")) {
        const own = plan.sendings.filter(({ from }) => from === id);
        return host(own, topology, watch, backlogs);
      }
      return forwarder(routesOf(topology, actor), watch, plan.thrownAway ?? []);
    },
  });
  kernel.start();
  kernel.run(Number.POSITIVE_INFINITY);
  return {
    arrivals,
    counters: kernel.counters,
    packetsInUse: kernel.packets.inUse,
    backlogs,
    arrivedPs: (at, number) =>
      arrivals.find((arrival) => arrival.at === at && arrival.number === number)?.atPs,
  };
}

type Watch = (context: ActorContext, packet: Packet) => void;

function host(
  sendings: readonly Sending[],
  topology: Topology,
  watch: Watch,
  backlogs: Map<number, number>,
): Actor {
  return {
    start: (context) => {
      for (const [place, { atPs }] of sendings.entries()) context.remindAfter(atPs, 0, place);
    },
    remind: (context, _tag, place) => {
      const { to, sizeBytes, number, requests } = sendings[place];
      const packet = context.packets.take(PacketKind.raw);
      const { words } = context.packets;
      words[packet + DESTINATION] = topology.indexOf(to);
      words[packet + SIZE_BYTES] = sizeBytes;
      words[packet + PSN] = number;
      backlogs.set(number, context.backlogPs(0));
      if (requests === undefined) context.send(0, packet);
      else context.send(0, packet, requests);
    },
    receive: (context, _port, packet) => {
      watch(context, packet);
      context.packets.free(packet);
    },
  };
}

function forwarder(
  routes: ReadonlyMap<number, number>,
  watch: Watch,
  thrownAway: readonly number[],
): Actor {
  return {
    start: () => {},
    remind: () => {},
    receive: (context, _port, packet) => {
      const { words } = context.packets;
      watch(context, packet);
      if (thrownAway.includes(words[packet + PSN])) context.packets.free(packet);
      else context.send(routes.get(words[packet + DESTINATION]) as number, packet, 0);
    },
  };
}

/** By destination, the port on a shortest way from an actor. */
function routesOf(topology: Topology, from: number): Map<number, number> {
  const portTo = new Map<number, number>([[from, -1]]);
  const reached = [from];
  for (const actor of reached) {
    for (const lane of topology.lanes.filter((candidate) => candidate.from === actor)) {
      if (portTo.has(lane.to)) continue;
      portTo.set(lane.to, actor === from ? lane.fromPort : (portTo.get(actor) as number));
      reached.push(lane.to);
    }
  }
  return portTo;
}

function topologyOf(links: readonly LinkPlan[]): Topology {
  const ends = [...links.map(([from]) => from), ...links.map(([, to]) => to)];
  const ids = [...new Set(ends)].sort();
  const ports = ids.map(() => 0);
  const nextPort = (actor: number): number => {
    ports[actor] += 1;
    return ports[actor] - 1;
  };
  const lanes: Lane[] = links.flatMap(([fromId, toId, there, back]) => {
    const [from, to] = [ids.indexOf(fromId), ids.indexOf(toId)];
    const [fromPort, toPort] = [nextPort(from), nextPort(to)];
    const link = `${fromId}--${toId}`;
    return [
      { link, from, fromPort, to, toPort, lane: { ...LANE, ...there } },
      { link, from: to, fromPort: toPort, to: from, toPort: fromPort, lane: { ...LANE, ...back } },
    ];
  });
  lanes.sort((left, right) => left.from - right.from || left.fromPort - right.fromPort);
  const place = { node: -1, ordinal: 0, plane: 0 };
  const actors: ActorPlace[] = ids.map((id, actor) => ({
    id,
    kind: kindOf(id),
    ...place,
    ports: ports[actor],
  }));
  return {
    actors,
    lanes,
    indexOf: (id) => ids.indexOf(id),
    routesOf: () => {
      throw new Error("switches of a hand-made net find their own way");
    },
  };
}

function kindOf(id: string): ActorKind {
  if (id.startsWith("leaf")) return "leaf";
  return id.startsWith("spine") ? "spine" : "nic";
}
