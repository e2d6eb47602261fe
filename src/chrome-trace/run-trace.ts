/**
 * A run as events of the Chrome trace-event format, fact by fact: what `faultplane trace` writes.
 * Facts are taken in the order of the event log; what is kept of them does not grow with the length
 * of the run. Pure: who reads the facts and where the events go is the caller's matter.
 */
import type { FactRecord } from "../model/fact.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import type { TrafficBin } from "../model/window.ts";
import { FaultTracks, type TraceNote } from "./fault-tracks.ts";
import { FleetTracks } from "./fleet-tracks.ts";
import { PacketTracks } from "./packet-tracks.ts";
import { RankTracks } from "./rank-tracks.ts";
import { type TraceSink, TraceText } from "./trace-event.ts";
import { FAULTS_PROCESS, Tracks } from "./tracks.ts";
import { TrafficCounters } from "./traffic-counters.ts";
import { WorkCounters } from "./work-counters.ts";

export interface RunTraceOptions {
  readonly scenario: Scenario;
  readonly topology: Topology;
  /** Takes events, one a call. */
  readonly sink: TraceSink;
}

/** Turns the facts of one run into events. */
export class RunTrace {
  readonly #text: TraceText;
  readonly #tracks: Tracks;
  readonly #ranks: RankTracks;
  readonly #fleet: FleetTracks;
  readonly #faults: FaultTracks;
  readonly #packets: PacketTracks;
  readonly #work: WorkCounters;
  readonly #traffic: TrafficCounters;
  #pairs = 0;
  #lastPs = 0;

  constructor({ scenario, topology, sink }: RunTraceOptions) {
    const { protocol } = scenario.workload;
    this.#text = new TraceText(sink);
    this.#tracks = new Tracks(this.#text, topology);
    this.#ranks = new RankTracks(this.#text, this.#tracks, scenario);
    const { waitTimeoutPs } = scenario.transport;
    this.#fleet = new FleetTracks(this.#text, this.#tracks, topology, waitTimeoutPs);
    this.#faults = new FaultTracks(this.#text, this.#tracks);
    const hasArrows = protocol === "low-latency";
    this.#packets = new PacketTracks(this.#text, this.#tracks, topology, hasArrows);
    const count = this.counter.bind(this);
    this.#work = new WorkCounters(count, FAULTS_PROCESS);
    const { trafficEveryPs } = scenario.run;
    const groupOf = (actor: number): string => this.#tracks.nameOf(actor);
    this.#traffic = new TrafficCounters(topology, trafficEveryPs, groupOf, count);
  }

  take({ atPs, actor, fact }: FactRecord): void {
    this.#lastPs = atPs;
    switch (fact.type) {
      case "combine.completed":
        this.#work.add(this.#tracks.nameOf(actor), atPs, fact.combined);
        this.#ranks.take(atPs, actor, fact);
        return;
      case "dispatch.completed":
      case "layer.completed":
      case "step.completed":
        this.#ranks.take(atPs, actor, fact);
        return;
      case "packet.delivered":
      case "packet.dropped":
        this.#packets.take(atPs, actor, fact);
        return;
      case "fault.began":
      case "fault.changed":
      case "fault.healed":
        this.#faults.take(atPs, fact);
        return;
      case "step.restarted":
        this.#ranks.take(atPs, actor, fact);
        this.#fleet.take(atPs, actor, fact);
        return;
      default:
        this.#fleet.take(atPs, actor, fact);
        this.#countMasks(atPs);
    }
  }

  /** Adds a line of the journal. */
  note(note: TraceNote): void {
    this.#faults.note(note);
  }

  /** Adds the next bin of traffic. */
  takeTraffic(bin: TrafficBin): void {
    this.#traffic.take(bin);
  }

  /** Adds a counter's value from an instant on, to the rows of that name (`node2`, `plane3`). */
  counter(group: string, name: string, atPs: number, value: number): void {
    this.#text.counter(this.#tracks.processOf(group), name, atPs, value);
  }

  /** Writes what lasts until the end of the trace, ps; nothing may be taken afterwards. */
  finish(endPs = 0): void {
    const lastPs = Math.max(endPs, this.#lastPs);
    this.#ranks.finish();
    this.#work.finish();
    this.#traffic.finish();
    this.#fleet.finish(lastPs);
    this.#faults.finish(lastPs);
  }

  #countMasks(atPs: number): void {
    const { pairs } = this.#fleet.masks;
    if (pairs === this.#pairs) return;
    this.#pairs = pairs;
    this.counter(FAULTS_PROCESS, "pairs of ranks given up", atPs, pairs);
  }
}
