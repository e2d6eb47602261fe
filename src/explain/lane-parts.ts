/**
 * The parts of a hop: how long a message waited at a lane and for what, what its work requests
 * cost, and how long its bytes took. What a fault added to a healthy lane's times stands beside it.
 */
import { grouped } from "../base/ranges.ts";
import { laneWaits } from "./lane-waits.ts";
import { type Hop, HopState } from "./message-log.ts";
import { clipped, faultsCause, LINKS, type Part, partOf, type Share, UNKNOWN } from "./part.ts";
import type { RunView } from "./run-view.ts";

/** Parts of a hop after `fromPs`, in order, until it was handled or dropped. */
export function hopParts(view: RunView, hop: Hop, fromPs: number): Part[] {
  return clipped(
    [...laneWaits(view, hop, fromPs), ...crossing(view, hop)],
    fromPs,
    view.endOf(hop),
  );
}

/** From the moment at which it may begin; nothing when it never did. */
function crossing(view: RunView, hop: Hop): Part[] {
  if (Number.isNaN(hop.beganPs)) return [];
  const { link, to, lane } = view.lane(hop.lane);
  const message = view.messageOf(hop);
  const ailment = view.ailment(hop);
  const base = { where: link, of: view.idOf(message.origin) };
  const { sizeBytes } = message;
  const size = `${grouped(sizeBytes)} bytes`;
  const isCut = hop.tailPs > 0;
  const bytesPs = hop.beganPs + Math.ceil(hop.requests * lane.psPerRequest);
  const sentPs = hop.donePs - hop.tailPs;
  const healthyPs = Math.ceil((isCut ? lane.headBytes : sizeBytes) * lane.psPerByte);
  const flightPs = ailment?.latencyPs ?? lane.latencyPs;
  const behindPs = sentPs + flightPs;
  const parts: Part[] = [];
  const add = (part: Omit<Part, "shares" | "where" | "of">, shares: Share[]): void => {
    if (part.untilPs > part.fromPs) parts.push(partOf({ ...base, ...part }, shares));
  };
  add(
    {
      kind: "requests",
      fromPs: hop.beganPs,
      untilPs: bytesPs,
      what: `${hop.requests} work request${hop.requests === 1 ? "" : "s"}`,
    },
    [{ cause: LINKS, ps: bytesPs - hop.beganPs }],
  );
  add(
    {
      kind: "serialization",
      fromPs: bytesPs,
      untilPs: sentPs,
      what: isCut ? `first ${grouped(lane.headBytes)} of ${size}` : size,
    },
    [
      { cause: LINKS, ps: healthyPs },
      { cause: faultsCause(ailment?.slow ?? []), ps: sentPs - bytesPs - healthyPs },
    ],
  );
  add(
    {
      kind: "flight",
      fromPs: sentPs,
      untilPs: Math.min(behindPs, hop.handledPs),
      what: `flight to ${view.idOf(to)}`,
    },
    [
      { cause: LINKS, ps: lane.latencyPs },
      { cause: faultsCause(ailment?.late ?? []), ps: flightPs - lane.latencyPs },
    ],
  );
  add(
    {
      kind: "order",
      fromPs: behindPs,
      untilPs: hop.handledPs,
      what: "kept behind an earlier message that was late",
    },
    [{ cause: lateAhead(view, hop), ps: hop.handledPs - behindPs }],
  );
  const { fromPs } = parts[0];
  const isLost = hop.state === HopState.dropped;
  const end = isLost ? `, lost here: fault ${view.faultName(hop.fault)}` : passedOn(view, hop);
  const what = `${size} to ${view.idOf(to)}${end}`;
  const shares = parts.flatMap((part) => part.shares);
  const span = { fromPs, untilPs: hop.handledPs };
  const name = view.describe(message);
  return [{ ...base, kind: "hop", ...span, what, message: name, shares, parts }];
}

/** What a GPU does with a message that is not for it. */
function passedOn(view: RunView, hop: Hop): string {
  const { to } = view.lane(hop.lane);
  if (hop.isFailed) return ", given back";
  if (!view.isGpu(to) || view.hopOrNone(hop.next) === undefined) return "";
  const { destination } = view.messageOf(hop);
  const isDetour = view.place(to).ordinal !== view.place(destination).ordinal;
  return isDetour ? ", which passes it on: a detour" : ", which passes it on";
}

/** The faults that made the messages ahead of one late. */
function lateAhead(view: RunView, hop: Hop): Share["cause"] {
  for (let ahead = view.hopOrNone(hop.ahead); ahead !== undefined; ) {
    const late = view.ailment(ahead)?.late ?? [];
    if (late.length > 0) return faultsCause(late);
    if (ahead.handledPs < hop.donePs) break;
    ahead = view.hopOrNone(ahead.ahead);
  }
  return UNKNOWN;
}
