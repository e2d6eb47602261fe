/** A token of the exchange that was watched: how its copies went, and which is of interest. */
import { assignmentOf, endOf } from "./copy-trace.ts";
import { type CopyWay, wayOf } from "./copy-way.ts";
import { CopyState, type HomeExchange } from "./exchange-log.ts";
import type { RunView } from "./run-view.ts";

/** What became of a copy. `open`: it had not ended when the run was watched last. */
export type CopyEnd = "combined" | "masked" | "lost" | "open";

/** One of a token's choices. */
export interface CopyOutcome {
  readonly choice: number;
  readonly expert: number;
  /** Rank that served it, by the id of its GPU. */
  readonly rank: string;
  readonly state: CopyEnd;
  /** Of a copy that was masked or lost. */
  readonly fault: string | null;
  /** From the beginning of its rank's dispatch to its end, ps. */
  readonly latencyPs: number;
}

export interface TokenWay {
  /** Its rank's GPU, its place there. */
  readonly home: HomeExchange;
  readonly token: number;
  readonly copies: readonly CopyOutcome[];
  /** The copy that ended last; among equals one that was not combined. */
  readonly slowest: number;
}

const STATES: Readonly<Record<number, CopyEnd>> = {
  [CopyState.combined]: "combined",
  [CopyState.masked]: "masked",
  [CopyState.lost]: "lost",
};

export function tokenWay(view: RunView, home: HomeExchange, token: number): TokenWay {
  const copies = Array.from({ length: home.topK }, (_, choice) =>
    outcomeOf(view, home, token, choice),
  );
  const isWorse = (one: CopyOutcome, than: CopyOutcome): boolean =>
    one.latencyPs > than.latencyPs ||
    (one.latencyPs === than.latencyPs && one.state !== "combined" && than.state === "combined");
  const worst = copies.reduce((best, one) => (isWorse(one, best) ? one : best));
  return { home, token, copies, slowest: worst.choice };
}

/** The way of one of its copies. */
export function copyWay(view: RunView, { home, token }: TokenWay, choice: number): CopyWay {
  return wayOf(view, { home, token, choice });
}

/** The copy that took longest, of a rank or of all; undefined: there is none. */
export function slowestCopy(
  view: RunView,
  only?: HomeExchange,
): { readonly home: HomeExchange; readonly token: number; readonly choice: number } | undefined {
  let slowest: { home: HomeExchange; token: number; choice: number } | undefined;
  let mostPs = -1;
  const homes = only === undefined ? view.watch.exchanges.homes.values() : [only];
  for (const home of homes) {
    for (let assignment = 0; assignment < home.state.length; assignment += 1) {
      const choice = assignment % home.topK;
      const token = (assignment - choice) / home.topK;
      const ps = endOf(view, { home, token, choice }) - home.openedPs;
      if (ps <= mostPs) continue;
      mostPs = ps;
      slowest = { home, token, choice };
    }
  }
  return slowest;
}

function outcomeOf(view: RunView, home: HomeExchange, token: number, choice: number): CopyOutcome {
  const place = { home, token, choice };
  const assignment = assignmentOf(place);
  const endPs = endOf(view, place);
  const state = STATES[home.state[assignment]] ?? "open";
  const killer = view
    .actorSpans(home.actor, "dead")
    .find(({ fromPs }) => fromPs === endPs && state === "open");
  const isFault = state === "masked" || state === "lost";
  return {
    choice,
    expert: home.experts[assignment],
    rank: view.idOf(home.holders[assignment]),
    state: killer === undefined ? state : "lost",
    fault: isFault ? view.faultName(home.fault[assignment]) : (killer?.name ?? null),
    latencyPs: endPs - home.openedPs,
  };
}
