/**
 * Small networks of the real kernel and test actors: hosts that send by a list, switches that only
 * forward. For tests that compute by hand when a message arrives.
 */
import { DigestChain } from "../../src/engine/digest-chain.ts";
import { FaultTable, type PathFinder } from "../../src/engine/fault-table.ts";
import { Kernel } from "../../src/engine/kernel.ts";
import { type FabricCounters, makeCounters } from "../../src/engine/kernel-options.ts";
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import { compareFacts, type FactRecord } from "../../src/model/fact.ts";
import type { FaultHeal, FaultSpec } from "../../src/model/fault.ts";
import type { LaneClass } from "../../src/model/hardware.ts";
import {
  DESTINATION,
  KIND,
  type Packet,
  PacketKind,
  PSN,
  SIZE_BYTES,
} from "../../src/model/packet.ts";
import { PS_PER_S } from "../../src/model/time.ts";
import type { ActorKind, ActorPlace, Lane, Topology } from "../../src/model/topology.ts";
import { NetWorkers } from "./net-workers.ts";

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

/** A call of `affected` or `revived`, and what the fault board said in it. */
export interface Notice {
  readonly at: string;
  readonly atPs: number;
  readonly what: "affected" | "revived";
  /** Ports that the hardware says are down. */
  readonly portsDown: readonly number[];
  readonly slowdown: number;
  readonly isHung: boolean;
}

export interface NetPlan {
  /**
   * Actors are named host*, gpu*, leaf*, spine* or nvswitch*; ports follow the order of links.
   */
  readonly links: readonly LinkPlan[];
  readonly sendings: readonly Sending[];
  readonly portBufferBytes?: number;
  readonly faults?: readonly FaultSpec[];
  readonly heals?: readonly FaultHeal[];
  /** Default: 1. With more, actors are dealt to them in turn. */
  readonly workers?: number;
  /** For the blame; default: everything is on every path. */
  readonly pathOf?: PathFinder;
  /** Do hosts and switches take no notice of having been dead? Default: they note it. */
  readonly withoutRevival?: true;
  /** Numbers of messages that the switches throw away. */
  readonly thrownAway?: readonly number[];
}

export interface NetResult {
  /** In event order, at switches and hosts. */
  readonly arrivals: readonly Arrival[];
  readonly counters: FabricCounters;
  readonly notices: readonly Notice[];
  readonly facts: readonly FactRecord[];
  readonly digest: string;
  /** What the fault states and the buffers find wrong at the end. */
  readonly troubles: readonly string[];
  readonly kernels: readonly Kernel[];
  readonly packetsInUse: number;
  /** By message: how long it would have waited, asked just before it was sent, ps. */
  readonly backlogs: ReadonlyMap<number, number>;
  /** When a message was handled at an actor, ps; undefined: never. */
  arrivedPs(at: string, number: number): number | undefined;
}

/** Runs a network until nothing is left to do, or for an hour of virtual time. */
export function runNet(plan: NetPlan): NetResult {
  const topology = topologyOf(plan.links);
  const arrivals: Arrival[] = [];
  const notices: Notice[] = [];
  const backlogs = new Map<number, number>();
  const count = plan.workers ?? 1;
  const workerOf = Int32Array.from(topology.actors, (_, actor) => actor % count);
  const everywhere: PathFinder = () => ({ actors: [...topology.actors.keys()], lanes: [] });
  const net = new NetWorkers(count, topology, (worker, remote) => {
    const actorAt = (actor: number): Actor => ({
      ...actorOf(plan, topology, actor, arrivals, backlogs),
      ...listener(topology.actors[actor], notices, plan.withoutRevival === true),
    });
    const faults = new FaultTable(topology, plan.faults ?? [], plan.pathOf ?? everywhere);
    const { portBufferBytes = 0 } = plan;
    const seed = "1";
    return new Kernel({
      ...{ topology, workerOf, worker, seed, faults, remote, portBufferBytes, actorAt },
    });
  });
  const { kernels } = net;
  for (const kernel of kernels) {
    kernel.start();
    kernel.faultState.learn([], plan.heals ?? [], 0);
  }
  net.run(3600 * PS_PER_S);
  const sum = (pick: (kernel: Kernel) => number): number =>
    kernels.reduce((total, kernel) => total + pick(kernel), 0);
  const chain = new DigestChain();
  for (const kernel of kernels) chain.add(kernel.digest.takeParts());
  chain.closeBefore(Number.POSITIVE_INFINITY);
  return {
    arrivals: arrivals.sort((left, right) => left.atPs - right.atPs),
    notices: notices.sort((left, right) => left.atPs - right.atPs),
    counters: countersOf(kernels),
    facts: kernels.flatMap((kernel) => kernel.factLog.take()).sort(compareFacts),
    digest: chain.digest,
    troubles: kernels.flatMap((kernel) => [
      ...kernel.faultState.check(),
      ...(kernel.fabric.flow?.unsettledLanes ? ["buffers"] : []),
    ]),
    kernels,
    packetsInUse: sum(({ packets }) => packets.inUse),
    backlogs,
    arrivedPs: (at, number) =>
      arrivals.find((arrival) => arrival.at === at && arrival.number === number)?.atPs,
  };
}

function countersOf(kernels: readonly Kernel[]): FabricCounters {
  const all = makeCounters();
  for (const { counters } of kernels) {
    for (const name of Object.keys(all) as (keyof FabricCounters)[]) all[name] += counters[name];
  }
  return all;
}

/** A host that sends by the plan, or a switch. */
function actorOf(
  plan: NetPlan,
  topology: Topology,
  actor: number,
  arrivals: Arrival[],
  backlogs: Map<number, number>,
): Actor {
  const { id } = topology.actors[actor];
  const watch = (context: ActorContext, packet: Packet): void => {
    const { words } = context.packets;
    const [number, kind] = [words[packet + PSN], words[packet + KIND]];
    arrivals.push({ at: id, number, atPs: context.nowPs, kind });
  };
  if (id.startsWith("host") || id.startsWith("gpu")) {
    const own = plan.sendings.filter(({ from }) => from === id);
    return host(own, topology, watch, backlogs);
  }
  return forwarder(routesOf(topology, actor), watch, plan.thrownAway ?? []);
}

/** Notes what an actor is told of faults. */
function listener(place: ActorPlace, notices: Notice[], isDeaf: boolean): Partial<Actor> {
  const note = (context: ActorContext, what: Notice["what"]): void => {
    const { self, nowPs: atPs, faults } = context;
    const { slowdown, isHung } = faults.conditionOf(self);
    const ports = Array.from({ length: place.ports }, (_, port) => port);
    const portsDown = ports.filter((port) => faults.isPortDown(self, port));
    notices.push({ at: place.id, atPs, what, portsDown, slowdown, isHung });
  };
  const affected = (context: ActorContext): void => note(context, "affected");
  return isDeaf ? { affected } : { affected, revived: (context) => note(context, "revived") };
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
  const actors: ActorPlace[] = ids.map((id, actor) => {
    const kind = kindOf(id);
    const isOfNode = kind === "gpu" || kind === "nvswitch";
    const plane = kind === "leaf" || kind === "spine" ? 0 : -1;
    return { id, kind, node: isOfNode ? 0 : -1, ordinal: 0, plane, ports: ports[actor] };
  });
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
  const kinds: readonly ActorKind[] = ["leaf", "spine", "nvswitch", "gpu"];
  return kinds.find((kind) => id.startsWith(kind)) ?? "nic";
}
