/**
 * Tokens that the whole fleet gets done in a virtual second, lately: (token, expert) assignments
 * that were combined, over those that a token has in a step. The measure `tokens_per_second` of
 * drills counts so, too. It looks at the last four exchanges of each rank and chain, from when the
 * one before them ended until now; so it falls while the fleet stands still.
 */
import type { FactRecord } from "../src/model/fact.ts";
import type { Scenario } from "../src/model/scenario.ts";
import { PS_PER_S } from "../src/model/time.ts";
import { makeSchedule } from "../src/workload/schedules.ts";
import { assignmentsPerToken } from "../src/workload/token-count.ts";

/** Exchanges of each rank and chain that count. */
const EXCHANGES = 4;

/** Listens to a run's facts in the order of the log. */
export class TokenRate {
  /** Assignments of a token in a step, over the tokens that a step accepts; 0: no tokens. */
  readonly #assignmentsPerToken: number;
  /** The last exchanges, oldest at `#next`: when each ended, and assignments combined. */
  readonly #endedPs: Float64Array;
  readonly #combined: Float64Array;
  #next = 0;
  #sum = 0;
  /** When the exchange before those ended; 0: the run began. */
  #fromPs = 0;

  constructor(scenario: Scenario) {
    const { workload, cluster } = scenario;
    const { chains } = makeSchedule(scenario);
    const isExchange = workload.phase === "all-to-all";
    this.#assignmentsPerToken = isExchange ? 0 : assignmentsPerToken(scenario);
    const length = EXCHANGES * cluster.nodes * cluster.gpusPerNode * chains.length;
    this.#endedPs = new Float64Array(length);
    this.#combined = new Float64Array(length);
  }

  take(records: readonly FactRecord[]): void {
    for (const { atPs, fact } of records) {
      if (fact.type !== "combine.completed") continue;
      const place = this.#next;
      this.#fromPs = this.#endedPs[place];
      this.#sum += fact.combined - this.#combined[place];
      this.#endedPs[place] = atPs;
      this.#combined[place] = fact.combined;
      this.#next = place + 1 === this.#endedPs.length ? 0 : place + 1;
    }
  }

  /** Tokens a virtual second at the instant `nowPs`; null: the run makes none. */
  at(nowPs: number): number | null {
    if (this.#assignmentsPerToken === 0) return null;
    const spanPs = nowPs - this.#fromPs;
    if (spanPs <= 0) return 0;
    return ((this.#sum / this.#assignmentsPerToken) * PS_PER_S) / spanPs;
  }
}
