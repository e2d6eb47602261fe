/**
 * The rows of a trace: a process for the faults, each node and each plane, and in it a row for each
 * part that has something to say, in natural order. A row is named when it is used for the first
 * time, so a quiet part of the cluster takes no room.
 */
import type { ActorPlace, Topology } from "../model/topology.ts";
import type { TraceText, Track } from "./trace-event.ts";

/** The process that faults, orders and hosts are in. */
export const FAULTS_PROCESS = "faults";

/** Rows of a GPU: `place` among them, and what stands behind the GPU's own name. */
export interface GpuRow {
  readonly place: number;
  readonly name: string;
}

/** Most rows that the overlapping spans of one sort get. */
export const LANES_MAX = 20;

/** A GPU's rows, by what they show; those of a sort of spans follow each other. */
export const GpuRows = {
  main: { place: 0, name: "" },
  waits: { place: 10, name: "waits" },
  awaited: { place: 11, name: "is waited for" },
  events: { place: 12, name: "events" },
  masks: { place: 20, name: "gave up" },
  givenUp: { place: 45, name: "is given up" },
  detours: { place: 50, name: "detours" },
} as const satisfies Readonly<Record<string, GpuRow>>;

const ROWS_OF_GPU = 100;
/** Places of rows in a process: GPUs from 0 on, then NICs, switches, and the ports of all. */
const NICS = 10_000;
const SWITCHES = 20_000;
const PORTS = 40_000;
/** Numbers that a process has for its rows. */
const ROWS_OF_PROCESS = 100_000;

export class Tracks {
  readonly #text: TraceText;
  readonly #topology: Topology;
  /** By name, in the order of their rows. */
  readonly #pids: ReadonlyMap<string, number>;
  /** By actor: its process. */
  readonly #pidOf: Int32Array;
  readonly #named = new Set<number>();
  readonly #lanes = new Map<string, number>();

  constructor(text: TraceText, topology: Topology) {
    this.#text = text;
    this.#topology = topology;
    const names = new Set([FAULTS_PROCESS, ...topology.actors.map(groupOf)]);
    this.#pids = new Map([...names].map((name, place) => [name, place + 1]));
    this.#pidOf = Int32Array.from(
      topology.actors,
      (actor) => this.#pids.get(groupOf(actor)) as number,
    );
    for (const [place, lane] of topology.lanes.entries()) {
      this.#lanes.set(laneKey(lane.link, lane.to), place);
    }
  }

  /** A row of a GPU. */
  gpu(actor: number, row: GpuRow): Track {
    const { id, ordinal } = this.#topology.actors[actor];
    const name = row.name === "" ? deviceOf(id) : `${deviceOf(id)} ${row.name}`;
    return this.#track(this.#pidOf[actor], ordinal * ROWS_OF_GPU + row.place, name);
  }

  /** The row of a NIC, or the one for how it avoids a plane. */
  nic(actor: number, avoidedPlane?: number): Track {
    const { id, ordinal } = this.#topology.actors[actor];
    const place = NICS + ordinal * ROWS_OF_GPU;
    const pid = this.#pidOf[actor];
    if (avoidedPlane === undefined) return this.#track(pid, place, deviceOf(id));
    const name = `${deviceOf(id)} avoids plane ${avoidedPlane}`;
    return this.#track(pid, place + 1 + avoidedPlane, name);
  }

  /** The row of a switch or of a controller. */
  device(actor: number): Track {
    const { id, kind, ordinal } = this.#topology.actors[actor];
    const place = SWITCHES + ordinal * 2 + Number(kind === "spine");
    return this.#track(this.#pidOf[actor], place, deviceOf(id));
  }

  /** The row of an actor that nothing better is known of. */
  of(actor: number): Track {
    const { kind } = this.#topology.actors[actor];
    if (kind === "gpu") return this.gpu(actor, GpuRows.events);
    return kind === "nic" ? this.nic(actor) : this.device(actor);
  }

  /** The lane of `link` that ends at an actor; -1: there is none. */
  laneInto(link: string, actor: number): number {
    return this.#lanes.get(laneKey(link, actor)) ?? -1;
  }

  /** The row of the port that a lane leaves from. */
  port(lane: number): Track {
    const { actors, lanes } = this.#topology;
    const { link, from, to, fromPort } = lanes[lane];
    const number = /\.(\d+)$/.exec(link.slice(link.indexOf("--")))?.[1];
    const beside = /leaf|spine/.test(actors[to].id) && number !== undefined ? ` (${number})` : "";
    const name = `${deviceOf(actors[from].id)} port ${fromPort} to ${actors[to].id}${beside}`;
    return this.#track(this.#pidOf[from], PORTS + (lane % (ROWS_OF_PROCESS - PORTS)), name);
  }

  /** A row of the process of faults. */
  fault(place: number, name: string): Track {
    return this.#track(this.processOf(FAULTS_PROCESS), place, name);
  }

  /** The process of that name, such as `node2` or `plane3`, for its counters. */
  processOf(name: string): number {
    const pid = this.#pids.get(name) as number;
    this.#nameProcess(pid);
    return pid;
  }

  /** Name of the process that an actor is in. */
  nameOf(actor: number): string {
    return groupOf(this.#topology.actors[actor]);
  }

  #track(pid: number, place: number, name: string): Track {
    const track = { pid, tid: pid * ROWS_OF_PROCESS + place };
    if (!this.#named.has(track.tid)) {
      this.#nameProcess(pid);
      this.#named.add(track.tid);
      this.#text.nameTrack(track, name, place);
    }
    return track;
  }

  #nameProcess(pid: number): void {
    if (this.#named.has(pid)) return;
    this.#named.add(pid);
    const [name] = [...this.#pids.keys()].slice(pid - 1);
    this.#text.nameProcess(pid, name, pid);
  }
}

/** `node2` of `node2.gpu3`; spines that all rails share are together. */
function groupOf({ id, kind }: ActorPlace): string {
  const dot = id.indexOf(".");
  if (dot >= 0) return id.slice(0, dot);
  return kind === "spine" ? "spines" : id;
}

/** `gpu3` of `node2.gpu3`. */
function deviceOf(id: string): string {
  return id.slice(id.indexOf(".") + 1);
}

function laneKey(link: string, to: number): string {
  return `${to} ${link}`;
}
