/**
 * A whole run in this process under any placement, with its facts: the real kernel, actors, window
 * protocol and data frames. Grants and reports go through the real codec; only the sockets are
 * missing.
 */
import { Tag } from "../../cluster/messages.ts";
import { encodeReport } from "../../cluster/report-wire.ts";
import { decodeCoordinatorMessage, decodeMemberMessage, encodeGrant } from "../../cluster/wire.ts";
import type { RandomStream } from "../../src/base/random.ts";
import type { ClosedEpoch } from "../../src/engine/digest-chain.ts";
import {
  type LocalRunOptions,
  type LocalRunTotals,
  makeLocalRun,
  type Wire,
} from "../../src/engine/local-run.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS } from "../../src/model/time.ts";
import type { Grant, TrafficBin, WindowReport } from "../../src/model/window.ts";
import { shuffled } from "./draw.ts";

/** Totals, and everything that the run said. */
export interface RunByWire extends Omit<LocalRunTotals, "end"> {
  readonly end: Exclude<LocalRunTotals["end"], "cut">;
  readonly facts: readonly FactRecord[];
  readonly epochs: readonly ClosedEpoch[];
  /** Workers of the placement. */
  readonly workers: number;
}

/** A run that does not come to an end: who waits for it would wait for ever. */
export class EndlessRun extends Error {}

export interface RunByWireOptions extends Omit<LocalRunOptions, "committed" | "wire" | "order"> {
  /** More events than any run of that size needs; default: no limit. */
  readonly eventsMax?: number;
  /** Shuffles the order in which workers run and frames arrive. */
  readonly shuffle?: RandomStream;
}

/** Runs a scenario to its end. Throws EndlessRun when it has had `eventsMax` events before. */
export function runByWire(scenario: Scenario, options: RunByWireOptions): RunByWire {
  const { shuffle, eventsMax = Number.POSITIVE_INFINITY, ...others } = options;
  const facts: FactRecord[] = [];
  const epochs: ClosedEpoch[] = [];
  const traffic: TrafficBin[] = [];
  let workers = 0;
  const totals = makeLocalRun(scenario, {
    sliceMaxPs: PS_PER_MS,
    ...others,
    wire: WIRE,
    committed: (window, participants) => {
      // Everybody takes part in the first window.
      if (workers === 0) workers = participants;
      for (const fact of window.facts) facts.push(fact);
      epochs.push(...window.epochsClosed);
      traffic.push(...window.traffic);
      return window.events < eventsMax;
    },
    ...(shuffle !== undefined && { order: (items) => shuffled(items, shuffle) }),
  }).run();
  epochs.push(...totals.epochsClosed);
  traffic.push(...totals.traffic);
  const { end } = totals;
  if (end === "cut") {
    const last = JSON.stringify(facts.at(-1)?.fact);
    throw new EndlessRun(`${totals.events} events and no end; the last fact is ${last}`);
  }
  return { ...totals, end, facts, epochs, traffic, workers };
}

const WIRE: Wire = { grant: grantByWire, report: reportByWire };

/** A report as the coordinator receives it. */
export function reportByWire(report: WindowReport): WindowReport {
  const message = decodeMemberMessage(encodeReport(report));
  if (message.tag !== Tag.report) throw new Error(`a report arrived as message ${message.tag}`);
  return message.report;
}

/** A grant as a worker receives it. */
export function grantByWire(grant: Grant): Grant {
  const message = decodeCoordinatorMessage(encodeGrant(grant));
  if (message.tag !== Tag.grant) throw new Error(`a grant arrived as message ${message.tag}`);
  return message.grant;
}
