/**
 * Workload W128: the all-to-all that other simulators ran. 128 hosts, 16 leaves of 8, 8 spines,
 * every link 400 Gb/s and 500 ns, store and forward. Each host sends 16 packets of 4,098 bytes on
 * the wire to each other host, destinations host+1, host+2, ... (mod 128), one packet each
 * serialization time. The real kernel and the real switch; the hosts stand where NICs do and have
 * no transport.
 */
import { Switch } from "../../actors/switch/switch.ts";
import { FaultTable } from "../../src/engine/fault-table.ts";
import { Kernel } from "../../src/engine/kernel.ts";
import { NO_REMOTE } from "../../src/engine/kernel-options.ts";
import type { Actor, ActorContext } from "../../src/model/actor.ts";
import type { ComputeRates, Hardware, LaneClass } from "../../src/model/hardware.ts";
import {
  DESTINATION,
  NEXT_HOP,
  ORIGIN,
  type Packet,
  PacketKind,
  PSN,
  SIZE_BYTES,
  SOURCE,
} from "../../src/model/packet.ts";
import { DEFAULT_NETWORK } from "../../src/model/scenario.ts";
import { DevicePort, type Topology } from "../../src/model/topology.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";

const HOSTS = 128;
const PACKETS_A_PAIR = 16;
const WIRE_BYTES = 4_098;
const GAP_PS = WIRE_BYTES * 20;
/** Span of the start jitter, ps: host h starts at (h x 2654435761) mod this. */
const JITTER_SPAN_PS = 5_000_000;
const JITTER_FACTOR = 2_654_435_761;

export interface W128Options {
  /** Host h starts at (h x 2654435761) mod 5,000,000 ps, not all at once. */
  readonly jitter: boolean;
  /** Puts something between the kernel and each actor, to watch it. */
  readonly wrap?: (actor: Actor) => Actor;
}

/** What a run of W128 did. */
export interface W128Result {
  readonly completionPs: number;
  readonly packets: number;
  readonly events: number;
}

/** One host: sends its share by the clock, counts and ends what it receives. */
class Host implements Actor {
  received = 0;
  readonly #number: number;
  readonly #hosts: readonly number[];
  readonly #startPs: number;
  #sent = 0;

  constructor(number: number, hosts: readonly number[], startPs: number) {
    this.#number = number;
    this.#hosts = hosts;
    this.#startPs = startPs;
  }

  start(context: ActorContext): void {
    context.remindAfter(this.#startPs + 1, 0, 0);
  }

  receive(context: ActorContext, _port: number, packet: Packet): void {
    this.received += 1;
    context.packets.free(packet);
  }

  remind(context: ActorContext): void {
    const sent = this.#sent;
    const distance = 1 + Math.floor(sent / PACKETS_A_PAIR);
    const target = this.#hosts[(this.#number + distance) % HOSTS];
    const packet = context.packets.take(PacketKind.raw);
    const words = context.packets.words;
    words[packet + ORIGIN] = context.self;
    words[packet + DESTINATION] = target;
    words[packet + NEXT_HOP] = target;
    words[packet + SOURCE] = context.self;
    words[packet + SIZE_BYTES] = WIRE_BYTES;
    words[packet + PSN] = sent % PACKETS_A_PAIR;
    context.send(DevicePort.nicToLeaf, packet);
    this.#sent = sent + 1;
    if (this.#sent < (HOSTS - 1) * PACKETS_A_PAIR) context.remindAfter(GAP_PS, 0, 0);
  }
}

/** GPUs and NVSwitches have no part in W128. */
const BYSTANDER: Actor = { start: () => {}, receive: () => {}, remind: () => {} };

const NO_COMPUTE: ComputeRates = {
  hbmBytesPerSecond: 1,
  attentionForward: 1,
  mlpForward: 1,
  attentionBackward: 1,
  attentionWeights: 1,
  mlpBackward: 1,
  mlpWeights: 1,
};

function hardware(): Hardware {
  const lane: LaneClass = {
    latencyPs: 500_000,
    psPerByte: 20,
    psPerRequest: 0,
    headBytes: 0,
  };
  return {
    name: "w128",
    gpuToNvswitch: lane,
    nvswitchToGpu: lane,
    gpuToNic: lane,
    nicToGpu: lane,
    nicToLeaf: lane,
    leafToNic: lane,
    leafToSpine: lane,
    spineToLeaf: lane,
    management: lane,
    nvlinkDomainGpus: 1,
    pciePsPerByte: 20,
    compute: NO_COMPUTE,
  };
}

function actorAt(
  topology: Topology,
  hosts: readonly number[],
  actor: number,
  jitter: boolean,
): Actor {
  const place = topology.actors[actor];
  if (place.kind === "leaf" || place.kind === "spine") {
    return new Switch(topology.routesOf(actor), "spray");
  }
  if (place.kind !== "nic") return BYSTANDER;
  const startPs = jitter ? (place.node * JITTER_FACTOR) % JITTER_SPAN_PS : 0;
  return new Host(place.node, hosts, startPs);
}

/** Makes a W128 that has not run. Start times are 1 ps late, since a reminder is never now. */
export function makeW128(options: W128Options): { run: () => W128Result } {
  const { jitter, wrap = (actor) => actor } = options;
  const cluster = { nodes: HOSTS, gpusPerNode: 1, planes: 1, switchPorts: 16, ...DEFAULT_NETWORK };
  const topology = makeFatTree(cluster, hardware());
  const hosts = Array.from({ length: HOSTS }, (_, node) => topology.indexOf(`node${node}.nic0`));
  const kernel = new Kernel({
    topology,
    workerOf: new Int32Array(topology.actors.length),
    worker: 0,
    seed: "1",
    faults: new FaultTable(topology, [], () => ({ actors: [], lanes: [] })),
    remote: NO_REMOTE,
    actorAt: (actor) => wrap(actorAt(topology, hosts, actor, jitter)),
  });
  kernel.start();
  return {
    run: () => {
      kernel.run(Number.POSITIVE_INFINITY);
      return {
        completionPs: kernel.nowPs - 1,
        packets: HOSTS * (HOSTS - 1) * PACKETS_A_PAIR,
        events: kernel.events,
      };
    },
  };
}
