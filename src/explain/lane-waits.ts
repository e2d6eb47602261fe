/**
 * What a message waited for before its first byte left: messages ahead of it on its lane, room in
 * the buffer at the lane's end, its own last bytes (with cut-through a lane must not run dry), or
 * the end of a stall.
 */
import { grouped } from "../base/ranges.ts";
import { type Hop, HopTime, HopWord } from "./message-log.ts";
import {
  type Cause,
  faultsCause,
  type Part,
  partOf,
  type Share,
  sharesOf,
  UNKNOWN,
} from "./part.ts";
import { NO_ROW } from "./row-store.ts";
import type { RunView } from "./run-view.ts";

/** So many messages in a row that have left a buffer: those before them have, too. */
const GONE_MOST = 64;

type Base = Pick<Part, "where" | "of"> & { readonly message: string };

/** The parts from when a message came to its lane, or `afterPs`, until its first byte left. */
export function laneWaits(view: RunView, hop: Hop, afterPs: number): Part[] {
  const untilPs = Number.isNaN(hop.beganPs) ? view.endOf(hop) : hop.beganPs;
  const message = view.messageOf(hop);
  const base = {
    where: view.lane(hop.lane).link,
    of: view.idOf(message.origin),
    message: view.describe(message),
  };
  const waits = new Waits(view, hop, base, untilPs);
  let atPs = Math.max(hop.sentPs, afterPs);
  for (const ahead of aheadOf(view, hop)) {
    if (ahead.beganPs > atPs) {
      waits.gap(atPs, Math.min(ahead.beganPs, untilPs), false);
      atPs = ahead.beganPs;
    }
    if (atPs >= untilPs) break;
    const endPs = Math.min(ahead.donePs, untilPs);
    waits.behind(ahead, atPs, endPs);
    atPs = Math.max(atPs, endPs);
  }
  if (atPs < untilPs) waits.gap(atPs, untilPs, true);
  return waits.finish();
}

/** Messages ahead whose lane was still busy with them when a message came, in order. */
function aheadOf(view: RunView, hop: Hop): Hop[] {
  const list: Hop[] = [];
  for (let row = hop.ahead; row >= 0; ) {
    const ahead = view.hop(row);
    row = ahead.ahead;
    if (Number.isNaN(ahead.beganPs)) continue;
    if (ahead.donePs <= hop.sentPs) break;
    list.push(ahead);
  }
  return list.reverse();
}

class Waits {
  readonly #view: RunView;
  readonly #hop: Hop;
  readonly #base: Base;
  readonly #parts: Part[] = [];
  readonly #endPs: number;
  /** Messages ahead without a gap between them. */
  #behind: { fromPs: number; untilPs: number; shares: Share[] } | undefined;

  constructor(view: RunView, hop: Hop, base: Base, endPs: number) {
    this.#view = view;
    this.#hop = hop;
    this.#base = base;
    this.#endPs = endPs;
  }

  /** The lane was busy with a message ahead. */
  behind(ahead: Hop, fromPs: number, untilPs: number): void {
    if (untilPs <= fromPs) return;
    const view = this.#view;
    const { lane } = view.lane(ahead.lane);
    const { origin, sizeBytes } = view.messageOf(ahead);
    const requestsPs = Math.ceil(ahead.requests * lane.psPerRequest);
    const healthyPs = ahead.beganPs + requestsPs + Math.ceil(sizeBytes * lane.psPerByte);
    const slowPs = Math.max(0, untilPs - Math.max(fromPs, healthyPs));
    this.#behind ??= { fromPs, untilPs, shares: [] };
    this.#behind.untilPs = untilPs;
    this.#behind.shares.push({
      cause: { type: "traffic", name: view.idOf(origin) },
      ps: untilPs - fromPs - slowPs,
      messages: 1,
      bytes: sizeBytes,
    });
    const slow = view.ailment(ahead)?.slow ?? [];
    if (slowPs > 0) this.#behind.shares.push({ cause: faultsCause(slow), ps: slowPs });
  }

  /** The lane was idle, and yet nothing began; `isLast`: right before the message itself. */
  gap(fromPs: number, untilPs: number, isLast: boolean): void {
    const stalls = this.#view.laneSpans(this.#hop.lane, "stalled");
    const isStalled = stalls.some((one) => one.fromPs < untilPs && one.untilPs > fromPs);
    if (!isLast && !isStalled && this.#behind !== undefined && this.#isCredited) {
      // What is ahead waits for room: that is a part of being behind it.
      const cause = this.#jamAt(fromPs)?.cause ?? this.#ownLink;
      this.#behind.shares.push({ cause, ps: untilPs - fromPs });
      this.#behind.untilPs = untilPs;
      return;
    }
    this.#endBehind();
    let atPs = fromPs;
    for (const stall of stalls) {
      const from = Math.max(stall.fromPs, atPs);
      const until = Math.min(stall.untilPs, untilPs);
      if (until <= from) continue;
      this.#idle(atPs, from, isLast);
      const what = `the lane carries nothing: fault ${stall.name}`;
      this.#add({ kind: "stalled", fromPs: from, untilPs: until, what }, faultsCause([stall.name]));
      atPs = until;
    }
    this.#idle(atPs, untilPs, isLast);
  }

  finish(): Part[] {
    this.#endBehind();
    return this.#parts;
  }

  #add(part: Omit<Part, keyof Base | "shares">, given: Cause | readonly Share[]): void {
    if (part.untilPs > part.fromPs) this.#parts.push(partOf({ ...this.#base, ...part }, given));
  }

  #endBehind(): void {
    const behind = this.#behind;
    this.#behind = undefined;
    if (behind === undefined) return;
    const { fromPs, untilPs } = behind;
    const shares = sharesOf([behind]);
    const messages = shares.reduce((sum, share) => sum + (share.messages ?? 0), 0);
    const bytes = shares.reduce((sum, share) => sum + (share.bytes ?? 0), 0);
    const what = `behind ${messages} message${messages === 1 ? "" : "s"}, ${grouped(bytes)} bytes`;
    this.#add({ kind: "behind", fromPs, untilPs, what }, shares);
  }

  /** No stall: its own last bytes, or room ahead. */
  #idle(fromPs: number, untilPs: number, isLast: boolean): void {
    if (untilPs <= fromPs) return;
    const tailPs = isLast ? Math.max(fromPs, Math.min(untilPs, this.#tailUntilPs())) : fromPs;
    this.#tail(fromPs, tailPs);
    if (tailPs >= untilPs) return;
    if (this.#isCredited) this.#credits(tailPs, untilPs);
    else {
      const what = "waits for what is not known any more";
      this.#add({ kind: "unknown", fromPs: tailPs, untilPs, what }, UNKNOWN);
    }
  }

  /** With cut-through: it begins late enough that its last byte is there when it leaves. */
  #tailUntilPs(): number {
    const before = this.#view.hopOrNone(this.#hop.previous);
    if (before === undefined || before.tailPs === 0) return 0;
    const busyPs = this.#hop.donePs - this.#hop.beganPs;
    return before.handledPs + before.tailPs - busyPs;
  }

  #tail(fromPs: number, untilPs: number): void {
    const before = this.#view.hopOrNone(this.#hop.previous);
    if (untilPs <= fromPs || before === undefined) return;
    const { lane, link } = this.#view.lane(before.lane);
    const { sizeBytes } = this.#view.messageOf(before);
    const healthyPs =
      Math.ceil(sizeBytes * lane.psPerByte) - Math.ceil(lane.headBytes * lane.psPerByte);
    const slowPs = Math.min(untilPs - fromPs, Math.max(0, before.tailPs - healthyPs));
    const slow = this.#view.ailment(before)?.slow ?? [];
    const what = `its last bytes are still coming over ${link}`;
    this.#add({ kind: "tail", fromPs, untilPs, what }, [
      { cause: { type: "healthy", name: "links" }, ps: untilPs - fromPs - slowPs },
      { cause: faultsCause(slow), ps: slowPs },
    ]);
  }

  /** To answer for a buffer that only what is on its way there fills. */
  get #ownLink(): Cause {
    return { type: "link", name: this.#base.where };
  }

  get #isCredited(): boolean {
    if (this.#view.scenario.cluster.portBufferBytes === 0) return false;
    const { kind } = this.#view.place(this.#view.lane(this.#hop.lane).to);
    return kind === "leaf" || kind === "spine";
  }

  /** The buffer at the lane's end has no room: says what its messages wait for. */
  #credits(fromPs: number, untilPs: number): void {
    const view = this.#view;
    const full = view.idOf(view.lane(this.#hop.lane).to);
    const jam = this.#jamAt(fromPs);
    const why =
      jam === undefined
        ? "all of it is taken by what is under way there"
        : `${jam.count} there for ${view.lane(jam.lane).link}`;
    const what = `no room in the buffer of ${full}: ${why}`;
    this.#add({ kind: "credits", fromPs, untilPs, what }, jam?.cause ?? this.#ownLink);
  }

  /** The lane that most messages in that buffer wait for, and who is to answer for it. */
  #jamAt(atPs: number): { lane: number; count: number; cause: Cause } | undefined {
    const view = this.#view;
    const { hops, ailments } = view.watch.log;
    const creditPs = view.lane(this.#hop.lane).lane.latencyPs;
    const counts = new Map<number, number>();
    const slow = new Map<number, string>();
    let most = NO_ROW;
    let row = this.#hop.ahead;
    for (let gone = 0; hops.holds(row) && gone < GONE_MOST; row = hops.word(row, HopWord.ahead)) {
      const next = hops.word(row, HopWord.next);
      if (!hops.holds(next) || hops.time(next, HopTime.sent) > this.#endPs) continue;
      if (hops.time(next, HopTime.began) + creditPs <= atPs) {
        gone += 1;
        continue;
      }
      gone = 0;
      const lane = hops.word(next, HopWord.lane);
      const count = (counts.get(lane) ?? 0) + 1;
      counts.set(lane, count);
      if (most === NO_ROW || count > (counts.get(most) ?? 0)) most = lane;
      const name = ailments.get(next)?.slow[0];
      if (name !== undefined) slow.set(lane, name);
    }
    if (most === NO_ROW) return undefined;
    const name = slow.get(most);
    const link = view.lane(most).link;
    const cause: Cause = name === undefined ? { type: "link", name: link } : faultsCause([name]);
    return { lane: most, count: counts.get(most) ?? 0, cause };
  }
}
