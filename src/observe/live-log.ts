/**
 * Facts as lines that a person can follow while the run goes on: faults, timeouts and masks, the
 * same from many actors in one line, and the fleet's progress layer by layer. Pure; the event log
 * has everything.
 */

import type { Fact, FactRecord } from "../model/fact.ts";
import type { Severity } from "./catalogue-entry.ts";
import { describeFact, type Tone, toneOf } from "./describe-fact.ts";
import { FACT_CATALOGUE } from "./fact-catalogue.ts";
import { describeGroup, type GroupMember, groupKeyOf } from "./fact-groups.ts";
import { type FleetPlan, type IsAwaited, type LayerNews, LayerProgress } from "./layer-progress.ts";

/** Who speaks in a line about many actors. */
export const FLEET = "fleet";
/** Facts of one kind within this much virtual time of the first are told together, ps. */
const TOGETHER_PS = 100e6;
/** Retries of a queue pair that are told one by one, and where to find the others. */
export interface ToldRetries {
  readonly most: number;
  readonly elsewhere: string;
}

const FIRST_RETRY: ToldRetries = { most: 1, elsewhere: "only in the event log" };
/** One line of the live log, before colours. */
export interface LiveLine {
  readonly atPs: number;
  readonly actor: string;
  readonly text: string;
  readonly tone: Tone;
  readonly level: Severity;
}

interface OpenGroup {
  readonly atPs: number;
  readonly key: string;
  readonly tone: Tone;
  readonly level: Severity;
  readonly members: GroupMember[];
}

/**
 * How much is told: what matters, the same from many in one line; each of these facts by itself; or
 * every fact.
 */
export type Detail = "grouped" | "each" | "all";

/** Turns committed facts into lines, in virtual-time order. */
export class LiveLog {
  readonly progress: LayerProgress;
  readonly #actorIds: readonly string[];
  readonly #detail: Detail;
  readonly #plan: FleetPlan;
  readonly #retries: ToldRetries;
  readonly #pending: (LiveLine | OpenGroup)[] = [];
  readonly #groups = new Map<string, OpenGroup>();
  /** By rank that waited too long: for whom, as it said last. */
  readonly #waiting = new Map<string, string>();

  /** `actorIds` by actor index; `isAwaited`: layers that are always worth a line. */
  constructor(
    actorIds: readonly string[],
    plan: FleetPlan,
    detail: Detail,
    retries = FIRST_RETRY,
    isAwaited?: IsAwaited,
  ) {
    this.#actorIds = actorIds;
    this.#detail = detail;
    this.#plan = plan;
    this.#retries = retries;
    this.progress = new LayerProgress(plan, isAwaited);
  }

  /**
   * Takes the facts of a committed window; returns the lines that are ready at virtual time
   * `nowPs`.
   */
  take(records: readonly FactRecord[], nowPs: number): LiveLine[] {
    for (const { atPs, actor: index, fact } of records) {
      const actor = this.#actorIds[index] ?? `actor ${index}`;
      const news = this.hear(actor, fact);
      this.tell(atPs, actor, fact);
      for (const { text } of news) this.sayOfFleet(atPs, text);
    }
    return this.release(nowPs);
  }

  /** Learns from a fact how far the fleet is; returns what of that is worth a line of the fleet. */
  hear(actor: string, fact: Fact): LayerNews[] {
    if (fact.type === "layer.completed") this.#waiting.delete(actor);
    return this.progress.take(actor, fact);
  }

  /** Tells a fact; `isAsked`: somebody asked for its type, so it is told however quiet it is. */
  tell(atPs: number, actor: string, fact: Fact, isAsked = false): void {
    if (this.#detail !== "all" && !isAsked && FACT_CATALOGUE[fact.type].loudness !== "state") {
      return;
    }
    const [tone, { level }] = [toneOf(fact), FACT_CATALOGUE[fact.type]];
    const key = this.#detail === "grouped" ? groupKeyOf(fact) : undefined;
    if (this.#detail === "grouped") {
      if (fact.type === "qp.timed-out" && fact.retry > this.#retries.most) return;
      if (this.#isWaitingOn(actor, fact)) return;
    }
    if (key === undefined) {
      this.say({ atPs, actor, text: this.#describe(fact), tone, level });
      return;
    }
    let group = this.#groups.get(key);
    if (group === undefined || atPs > group.atPs + TOGETHER_PS) {
      group = { atPs, key, tone, level, members: [] };
      this.#groups.set(key, group);
      this.#pending.push(group);
    }
    group.members.push({ actor, fact });
  }

  /** Tells something that is no fact. */
  say(line: LiveLine): void {
    this.#pending.push(line);
  }

  /** Tells how far the fleet is. */
  sayOfFleet(atPs: number, text: string): void {
    this.say({ atPs, actor: FLEET, text, tone: "plain", level: "info" });
  }

  /** Everything still held back; the run is over. */
  flush(): LiveLine[] {
    return this.release(Number.POSITIVE_INFINITY);
  }

  /** Does a rank say again that it waits, and nothing has come of it since it said so first? */
  #isWaitingOn(actor: string, fact: Fact): boolean {
    if (fact.type !== "rank.wait-timed-out") {
      if (fact.type === "rank.masked") this.#waiting.delete(actor);
      return false;
    }
    const missing = fact.missing.join();
    if (this.#waiting.get(actor) === missing) return true;
    this.#waiting.set(actor, missing);
    return false;
  }

  #describe(fact: Fact): string {
    return describeFact(fact, this.#plan.chains.length > 1);
  }

  /** Says of the first retry which may follow that are not told here. */
  #withRetries(group: OpenGroup, text: string): string {
    const { retries } = this.#plan;
    const { most, elsewhere } = this.#retries;
    if (group.members[0].fact.type !== "qp.timed-out" || retries <= most) return text;
    const hidden = retries === most + 1 ? `retry ${retries}` : `retries ${most + 1}-${retries}`;
    return `${text} (${hidden} ${elsewhere})`;
  }

  /** The lines that nothing can join any more at virtual time `nowPs`. */
  release(nowPs: number): LiveLine[] {
    const lines: LiveLine[] = [];
    let taken = 0;
    for (const entry of this.#pending) {
      if ("text" in entry) lines.push(entry);
      else {
        if (entry.atPs + TOGETHER_PS > nowPs) break;
        for (const { actor, text } of describeGroup(entry.members)) {
          const told = this.#withRetries(entry, text);
          const { atPs, tone, level } = entry;
          lines.push({ atPs, actor: actor || FLEET, text: told, tone, level });
        }
        if (this.#groups.get(entry.key) === entry) this.#groups.delete(entry.key);
      }
      taken += 1;
    }
    this.#pending.splice(0, taken);
    return lines;
  }
}
