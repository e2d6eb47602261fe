/**
 * The traffic of a run as counters: of each plane how much of its rate the lanes between NICs and
 * leaves used, and of each switch port what left by it. Written when a value changes.
 */
import { PS_PER_S } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import type { TrafficBin } from "../model/window.ts";
import type { CounterSink } from "./work-counters.ts";

/** Ports are left out of fleets with more lanes: a viewer could not show them. */
const LANES_MAX = 4096;

/** One counter and what it counts. */
interface Port {
  readonly group: string;
  readonly name: string;
}

export class TrafficCounters {
  readonly #sink: CounterSink;
  readonly #binPs: number;
  /** By lane: its plane, if it is between a NIC and a leaf; else -1. */
  readonly #planeOf: Int16Array;
  /** By plane: bytes that its lanes carry in a bin. */
  readonly #capacity: Float64Array;
  /** By lane out of a switch. */
  readonly #ports = new Map<number, Port>();
  readonly #shown = new Map<string, number>();
  #nextBin = 0;

  /** `groupOf`: name of the process that an actor is in. */
  constructor(
    topology: Topology,
    binPs: number,
    groupOf: (actor: number) => string,
    sink: CounterSink,
  ) {
    const { actors, lanes } = topology;
    this.#sink = sink;
    this.#binPs = binPs;
    this.#planeOf = Int16Array.from(lanes, ({ from, to }) => {
      const ends = [actors[from], actors[to]];
      const leaf = ends.find(({ kind }) => kind === "leaf");
      return leaf !== undefined && ends.some(({ kind }) => kind === "nic") ? leaf.plane : -1;
    });
    const planes = 1 + this.#planeOf.reduce((most, plane) => Math.max(most, plane), -1);
    this.#capacity = new Float64Array(planes);
    for (const [lane, plane] of this.#planeOf.entries()) {
      if (plane >= 0) this.#capacity[plane] += binPs / lanes[lane].lane.psPerByte;
    }
    if (lanes.length > LANES_MAX) return;
    for (const [lane, { from, to }] of lanes.entries()) {
      if (!["leaf", "spine"].includes(actors[from].kind)) continue;
      const own = actors[from].id.replace(/^.*\./, "");
      this.#ports.set(lane, { group: groupOf(from), name: `${own} to ${actors[to].id}, Gb/s` });
    }
  }

  /** Takes the next bin in which there was traffic. */
  take({ bin, lanes, bytes }: TrafficBin): void {
    if (bin > this.#nextBin) this.#allQuiet(this.#nextBin);
    this.#nextBin = bin + 1;
    const planeBytes = new Float64Array(this.#capacity.length);
    const busy = new Set<string>();
    for (const [place, lane] of lanes.entries()) {
      const plane = this.#planeOf[lane] ?? -1;
      if (plane >= 0) planeBytes[plane] += bytes[place];
      const port = this.#ports.get(lane);
      if (port === undefined) continue;
      const gigabits = (bytes[place] * 8 * PS_PER_S) / this.#binPs / 1e9;
      this.#show(port.group, port.name, bin, Math.round(gigabits * 10) / 10, busy);
    }
    for (const [plane, sum] of planeBytes.entries()) {
      const percent = Math.round((1000 * sum) / this.#capacity[plane]) / 10;
      this.#show(`plane${plane}`, "use, %", bin, percent, busy);
    }
    for (const [key, value] of this.#shown) if (value > 0 && !busy.has(key)) this.#zero(key, bin);
  }

  /** Nothing more comes. */
  finish(): void {
    this.#allQuiet(this.#nextBin);
  }

  #allQuiet(bin: number): void {
    for (const [key, value] of this.#shown) if (value > 0) this.#zero(key, bin);
  }

  #zero(key: string, bin: number): void {
    const [group, name] = key.split("|");
    this.#shown.set(key, 0);
    this.#sink(group, name, bin * this.#binPs, 0);
  }

  #show(group: string, name: string, bin: number, value: number, busy: Set<string>): void {
    const key = `${group}|${name}`;
    busy.add(key);
    if ((this.#shown.get(key) ?? 0) === value) return;
    this.#shown.set(key, value);
    this.#sink(group, name, bin * this.#binPs, value);
  }
}
