/**
 * A whole run in this process: the real kernel, actors, window protocol and data frames, under any
 * placement. Grants and reports go through the real codec; only the sockets are missing.
 */
import { makeDevice } from "../../actors/catalogue.ts";
import {
  decodeCoordinatorMessage,
  decodeMemberMessage,
  encodeGrant,
  encodeReport,
  Tag,
} from "../../cluster/wire.ts";
import type { RandomStream } from "../../src/base/random.ts";
import { nextStep } from "../../src/engine/local-run.ts";
import { LogicalProcess } from "../../src/engine/logical-process.ts";
import type { RunTotals } from "../../src/engine/run-totals.ts";
import { WindowProtocol } from "../../src/engine/window-protocol.ts";
import type { DeviceFactory } from "../../src/model/device.ts";
import type { Director } from "../../src/model/director.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { PlacementName, Scenario } from "../../src/model/scenario.ts";
import type { Grant, WindowReport } from "../../src/model/window.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { lookaheadOf, placeActors } from "../../src/topology/placement.ts";

export interface InMemoryResult extends RunTotals {
  readonly end: ReturnType<typeof nextStep>["type"];
  /** Why its director ended it. */
  readonly stopReason?: string;
  readonly facts: readonly FactRecord[];
  readonly epochs: readonly { readonly epoch: number; readonly digest: string }[];
  readonly workers: number;
}

export interface InMemoryOptions {
  readonly placement?: PlacementName;
  readonly workers?: number;
  readonly devices?: DeviceFactory;
  /** Largest data frame that reports and grants carry, bytes; see LogicalProcessOptions. */
  readonly carriedBytesMax?: number;
  /** Decides at its instants what is done to the run. */
  readonly director?: Director;
  /** Shuffles the order in which workers run and frames arrive. */
  readonly shuffle?: RandomStream;
}

/** Runs a scenario to its end. */
export function runInMemory(scenario: Scenario, options: InMemoryOptions = {}): InMemoryResult {
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const name = options.placement ?? scenario.run.placement;
  const placement = placeActors(topology, name, options.workers ?? scenario.run.workers);
  const workers = placement.workers.map(
    (_, worker) =>
      new LogicalProcess({
        scenario,
        placement,
        worker,
        devices: options.devices ?? makeDevice,
        ...(options.carriedBytesMax !== undefined && { carriedBytesMax: options.carriedBytesMax }),
      }),
  );
  const protocol = new WindowProtocol({
    workers: workers.length,
    lookaheadPs: lookaheadOf(topology, placement),
    gpus: topology.actors.filter((actor) => actor.kind === "gpu").length,
    timeLimitPs: scenario.run.timeLimitPs,
  });
  const facts: FactRecord[] = [];
  const epochs: { epoch: number; digest: string }[] = [];
  const deliver = (sender: number, frames: { peer: number; bytes: Uint8Array }[]): void => {
    for (const { peer, bytes } of frames) workers[peer].accept(sender, bytes);
  };
  workers.forEach((worker, number) => {
    protocol.accept(number, reportByWire(worker.start()));
  });
  workers.forEach((worker, number) => {
    deliver(number, worker.takeFrames());
  });
  for (;;) {
    const window = protocol.commit();
    facts.push(...window.facts);
    epochs.push(...window.epochsClosed);
    options.director?.take(window.facts);
    const step = nextStep(protocol, options.director);
    if (step.type !== "grants") {
      const totals = protocol.finish(workers.map((worker) => worker.summary()));
      epochs.push(...totals.epochsClosed);
      const stopReason = step.type === "stopped" ? { stopReason: step.reason } : {};
      return { ...totals, end: step.type, ...stopReason, facts, epochs, workers: workers.length };
    }
    const grants = shuffled(step.grants, options.shuffle);
    const frames: (() => void)[] = [];
    for (const { worker, grant } of grants) {
      protocol.accept(worker, reportByWire(workers[worker].run(grantByWire(grant))));
      const taken = workers[worker].takeFrames();
      frames.push(() => deliver(worker, taken));
    }
    for (const arrive of frames) arrive();
  }
}

/** A report as the coordinator receives it. */
function reportByWire(report: WindowReport): WindowReport {
  const message = decodeMemberMessage(encodeReport(report));
  if (message.tag !== Tag.report) throw new Error(`a report arrived as message ${message.tag}`);
  return message.report;
}

/** A grant as a worker receives it. */
function grantByWire(grant: Grant): Grant {
  const message = decodeCoordinatorMessage(encodeGrant(grant));
  if (message.tag !== Tag.grant) throw new Error(`a grant arrived as message ${message.tag}`);
  return message.grant;
}

function shuffled<T>(items: readonly T[], stream: RandomStream | undefined): readonly T[] {
  if (stream === undefined) return items;
  const copy = [...items];
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const other = stream.below(last + 1);
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}
