/**
 * Everything that reports need of a run's facts, gathered while they come: from a run that is up,
 * or from the event log of one that is over or was cut off. The same facts give the same report.
 */
import type { FactRecord } from "../src/model/fact.ts";
import type { Scenario } from "../src/model/scenario.ts";
import type { Topology } from "../src/model/topology.ts";
import { RunSampler } from "../src/report/run-samples.ts";
import type { PageInput } from "./page-parts.ts";
import type { ReportInput } from "./report.ts";
import { type RunStory, StoryTeller } from "./run-story.ts";
import { ServingAgain } from "./serving-again.ts";

export class ReportFacts {
  readonly #story: StoryTeller;
  readonly #sampler: RunSampler;
  readonly #serving: ServingAgain;
  /** Packets that NICs sent again. */
  #retransmitted = 0;
  /** When the last rank so far finished, ps; 0 = none. */
  #finishedAtPs = 0;

  constructor(scenario: Scenario, topology: Topology) {
    this.#story = new StoryTeller(scenario);
    this.#sampler = new RunSampler(scenario, topology);
    this.#serving = new ServingAgain(scenario, topology);
  }

  /** Takes facts in the order of the log. */
  take(records: readonly FactRecord[]): void {
    this.#story.take(records);
    this.#sampler.take(records);
    this.#serving.take(records);
    for (const { atPs, fact } of records) {
      if (fact.type === "rank.finished") this.#finishedAtPs = atPs;
      else if (fact.type === "qp.retransmitted") this.#retransmitted += fact.packets;
    }
  }

  /** What the facts so far tell. */
  get story(): RunStory {
    return this.#story.tell();
  }

  /** The part of a report that rests on the facts. */
  figures(): Pick<ReportInput, "retransmittedPackets" | "story" | "finishedAtPs"> {
    const finishedAtPs = this.#finishedAtPs;
    return {
      retransmittedPackets: this.#retransmitted,
      story: this.story,
      ...(finishedAtPs > 0 ? { finishedAtPs } : {}),
    };
  }

  /** The part of a page that rests on the facts. */
  forPage(): Pick<PageInput, "samples" | "servedAtPs"> {
    return {
      samples: this.#sampler.samples(),
      servedAtPs: (fault) => this.#serving.servedAtPs(fault),
    };
  }
}
