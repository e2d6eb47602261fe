/**
 * Packets of a run that logged them: a slice on the row of the port that sent each, for as long as
 * its bytes were on the wire, and an arrow from the dispatch of a token copy to the combine that
 * brings its result back. A fact says when a packet was handled at the end of its link; how long it
 * was on the wire follows from the link's rate and latency. On a link that a fault slows down these
 * are the healthy ones, and a slice is cut where the one before it ends.
 */
import type { Fact } from "../model/fact.ts";
import type { Topology } from "../model/topology.ts";
import { type ArrowEnd, nanoseconds, type TraceText } from "./trace-event.ts";
import type { Tracks } from "./tracks.ts";

export type PacketFact = Extract<Fact, { type: "packet.delivered" | "packet.dropped" }>;

export class PacketTracks {
  readonly #text: TraceText;
  readonly #tracks: Tracks;
  readonly #topology: Topology;
  /** Copies travel alone, so that each dispatch has one combine. */
  readonly #hasArrows: boolean;
  /** By lane: when its last slice ended, ps. */
  readonly #endedAtPs: Float64Array;
  /** Dispatches that have arrived, by exchange and then by copy. */
  readonly #arrived = new Map<number, Map<string, ArrowEnd>>();

  constructor(text: TraceText, tracks: Tracks, topology: Topology, hasArrows: boolean) {
    this.#text = text;
    this.#tracks = tracks;
    this.#topology = topology;
    this.#hasArrows = hasArrows;
    this.#endedAtPs = new Float64Array(topology.lanes.length);
  }

  take(atPs: number, actor: number, fact: PacketFact): void {
    const { type, ...args } = fact;
    const { kind, link, sizeBytes } = fact;
    const lane = this.#tracks.laneInto(link, actor);
    if (type === "packet.dropped" || lane < 0) {
      // What a dying sender still had is dropped there: which end of the link it is stays open.
      const event = { name: `${kind} dropped`, category: "packet", atPs, args };
      this.#text.instant(this.#tracks.of(actor), event);
      return;
    }
    const { lane: wire } = this.#topology.lanes[lane];
    const spanPs = Math.ceil(sizeBytes * wire.psPerByte);
    // With cut-through a packet is handled when its head is there.
    const isWhole = wire.headBytes === 0 || sizeBytes <= wire.headBytes;
    const headPs = isWhole ? spanPs : Math.ceil(wire.headBytes * wire.psPerByte);
    const sentPs = Math.max(0, atPs - wire.latencyPs - headPs);
    const fromPs = Math.max(sentPs, this.#endedAtPs[lane]);
    const toPs = Math.max(fromPs, sentPs + spanPs);
    this.#endedAtPs[lane] = toPs;
    const track = this.#tracks.port(lane);
    const shown = { ...args, handledPs: atPs };
    this.#text.slice(track, { name: kind, category: "packet", fromPs, toPs, args: shown });
    if (!this.#hasArrows || this.#topology.actors[actor].id !== fact.destination) return;
    if (nanoseconds(toPs) === nanoseconds(fromPs)) return;
    this.#pair(fact, { track, atPs: fromPs });
  }

  /** A packet is at its last port: joins a combine to the dispatch that it answers. */
  #pair({ kind, origin, destination, layer, token, slot }: PacketFact, end: ArrowEnd): void {
    if (kind === "dispatch") {
      const copies = this.#arrived.get(layer) ?? new Map<string, ArrowEnd>();
      this.#arrived.set(layer, copies);
      copies.set(`${origin} ${destination} ${token} ${slot}`, end);
      // Ranks are at most one exchange of a chain apart: what is older has no answer to come.
      for (const old of this.#arrived.keys()) if (old < layer - 8) this.#arrived.delete(old);
      return;
    }
    if (kind !== "combine") return;
    const key = `${destination} ${origin} ${token} ${slot}`;
    const copies = this.#arrived.get(layer);
    const from = copies?.get(key);
    if (from === undefined) return;
    copies?.delete(key);
    this.#text.arrow("token copy", from, end);
  }
}
