/**
 * What troubles the fleet: timeouts and resends of NICs, planes and links that are avoided, ranks
 * that wait for others and that go round, and what a controller does. What lasts is a span; what
 * only happens is an instant on the row of who says it.
 */
import type { Fact } from "../model/fact.ts";
import type { Topology } from "../model/topology.ts";
import { MaskTracks } from "./mask-tracks.ts";
import { SpanLanes } from "./span-lanes.ts";
import { nanoseconds, type TraceArgs, type TraceText } from "./trace-event.ts";
import { GpuRows, LANES_MAX, type Tracks } from "./tracks.ts";
import { UnitedSpans } from "./united-spans.ts";

/** A way round that a rank takes; actors by index. */
interface Detour {
  readonly by: number;
  readonly rank: string;
  readonly fromPs: number;
  readonly args: TraceArgs;
}

export class FleetTracks {
  readonly masks: MaskTracks;
  readonly #text: TraceText;
  readonly #tracks: Tracks;
  readonly #topology: Topology;
  readonly #waitTimeoutPs: number;
  /** Ranks that are waited for, by actor. */
  readonly #awaited: UnitedSpans<number>;
  /** Planes that a NIC avoids, by `actor plane`. */
  readonly #avoided: UnitedSpans<string>;
  /** By rank and the rank that it goes round to. */
  readonly #detours = new Map<string, Detour>();
  readonly #detourLanes = new Map<number, SpanLanes>();

  constructor(text: TraceText, tracks: Tracks, topology: Topology, waitTimeoutPs: number) {
    this.#text = text;
    this.#tracks = tracks;
    this.#topology = topology;
    this.#waitTimeoutPs = waitTimeoutPs;
    this.masks = new MaskTracks(text, tracks, (actor) => topology.actors[actor].id);
    this.#awaited = new UnitedSpans(({ key, fromPs, toPs, names, count }) => {
      text.slice(tracks.gpu(key, GpuRows.awaited), {
        name: `${names.length} wait for it`,
        ...{ category: "wait", fromPs, toPs },
        args: { by: names, timeouts: count },
      });
    });
    this.#avoided = new UnitedSpans(({ key, fromPs, toPs, names, count }) => {
      const [nic, plane] = key.split(" ").map(Number);
      text.slice(tracks.nic(nic, plane), {
        name: `avoids plane ${plane} to ${names.length}`,
        ...{ category: "plane", fromPs, toPs },
        args: { plane, peers: names, suspicions: count },
      });
    });
  }

  take(atPs: number, actor: number, fact: Fact): void {
    const { type, ...fields } = fact;
    switch (fact.type) {
      case "rank.wait-timed-out":
        this.#waited(atPs, actor, fact.missing);
        return;
      case "rank.masked": {
        const { rank, fault, assignments, reason } = fact;
        const args = { fault, assignments, reason };
        this.masks.mask({ by: actor, rank: this.#topology.indexOf(rank), fromPs: atPs, args });
        this.#endDetour(`${actor} ${rank}`, atPs);
        return;
      }
      case "detour.taken":
        this.#detour(atPs, actor, fact);
        return;
      case "plane.suspected":
        this.#avoided.add(`${actor} ${fact.plane}`, fact.peer, atPs, atPs + fact.spanPs);
        return;
      case "ranks.resumed":
        this.#resumed(atPs, fact.members);
        break;
      default:
    }
    const event = { name: type, category: type.slice(0, type.indexOf(".")), atPs };
    this.#text.instant(this.#tracks.of(actor), { ...event, args: shown(fields) });
  }

  /** The trace ends: what lasts, lasts until then. */
  finish(endPs: number): void {
    for (const key of [...this.#detours.keys()]) this.#endDetour(key, endPs);
    this.masks.finish(endPs);
    this.#awaited.finish(endPs);
    this.#avoided.finish(endPs);
  }

  /** A rank has waited for some others for as long as the timeout is, at least. */
  #waited(atPs: number, actor: number, missing: readonly string[]): void {
    const fromPs = Math.max(0, atPs - this.#waitTimeoutPs);
    const { id } = this.#topology.actors[actor];
    const track = this.#tracks.gpu(actor, GpuRows.waits);
    this.#text.slice(track, {
      name: `waits for ${missing.length}`,
      ...{ category: "wait", fromPs, toPs: atPs },
      args: { missing },
    });
    const isShort = nanoseconds(fromPs) === nanoseconds(atPs);
    for (const one of missing) {
      const other = this.#topology.indexOf(one);
      this.#awaited.add(other, id, fromPs, atPs);
      if (isShort) continue;
      const row = this.#tracks.gpu(other, GpuRows.awaited);
      this.#text.arrow("waits for", { track, atPs: fromPs }, { track: row, atPs: fromPs });
    }
  }

  #detour(atPs: number, actor: number, fact: Extract<Fact, { type: "detour.taken" }>): void {
    const { rank, through, tried } = fact;
    const key = `${actor} ${rank}`;
    this.#endDetour(key, atPs);
    this.#detours.set(key, { by: actor, rank, fromPs: atPs, args: { rank, through, tried } });
  }

  /** A way round ends when another one is taken, when its rank is given up, or for all ranks. */
  #endDetour(key: string, toPs: number): void {
    const detour = this.#detours.get(key);
    if (detour === undefined) return;
    this.#detours.delete(key);
    const { by, rank, fromPs, args } = detour;
    const lanes = this.#detourLanes.get(by) ?? new SpanLanes(LANES_MAX);
    this.#detourLanes.set(by, lanes);
    const lane = lanes.place(fromPs, toPs);
    const event = { name: `round to ${rank}`, category: "detour", args };
    if (lane === undefined) {
      this.#text.instant(this.#tracks.gpu(by, GpuRows.events), { ...event, atPs: fromPs });
      return;
    }
    const { place, name } = GpuRows.detours;
    const row = { place: place + lane, name: lane === 0 ? name : `${name} (${lane + 1})` };
    this.#text.slice(this.#tracks.gpu(by, row), { ...event, fromPs, toPs });
  }

  /** A new membership: nobody is given up in it, and each is reached by the usual way. */
  #resumed(atPs: number, members: readonly string[]): void {
    const ranks = members.map((id) => this.#topology.indexOf(id));
    this.masks.resume(ranks, atPs);
    const known = new Set(ranks);
    for (const [key, { by }] of [...this.#detours]) {
      if (known.has(by)) this.#endDetour(key, atPs);
    }
  }
}

/** A fact's fields as a viewer shows them. */
function shown(fields: Readonly<Record<string, unknown>>): TraceArgs {
  const args: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(fields)) {
    args[name] = typeof value === "number" ? value : String(value);
  }
  return args;
}
