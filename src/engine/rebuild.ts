/**
 * The replacement of a lost worker, by doing again what the run did: two logical processes under
 * the real window protocol, one with the lost actors and one with all others, from the beginning to
 * the instant at which the replacement takes its place. Everything up to there was checked and
 * written when it happened first, so reports count for nothing but the windows. Pure: it may take
 * as long as the run so far, and who calls it says what the host does meanwhile.
 */
import type { FaultHeal } from "../model/fault.ts";
import { timePlace } from "../model/packet.ts";
import { NEVER_PS } from "../model/time.ts";
import {
  type Grant,
  NO_CHANGES,
  type Resumption,
  type TrafficBin,
  type WindowReport,
} from "../model/window.ts";
import { makeFatTree } from "../topology/fat-tree.ts";
import { lookaheadOf, type Placement } from "../topology/placement.ts";
import { LogicalProcess, type LogicalProcessOptions } from "./logical-process.ts";
import { Outbox } from "./packet-frame.ts";
import { WindowProtocol } from "./window-protocol.ts";

/** Most packets of a frame that is handed over. */
const HANDOVER_PACKETS_MAX = 4096;

export interface RebuildOptions extends LogicalProcessOptions {
  readonly resumption: Resumption;
}

/** A replacement, and what of its packets its peers have not handled yet. */
export interface RebuiltWorker {
  /** With `resumption.window` -1 its first step is `start`, else the grant of a later window. */
  readonly replacement: LogicalProcess;
  /** Frames for {@link LogicalProcess.replacePeer}; peers that are not here get none. */
  readonly handovers: readonly { readonly peer: number; readonly frames: readonly Uint8Array[] }[];
}

/** Places of the two processes. */
const LOST = 0;
const OTHERS = 1;

/** Rebuilds a worker. Its scenario has the faults that the run knew from the start. */
export function rebuildWorker(options: RebuildOptions): RebuiltWorker {
  const steps = rebuildInSteps(options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same, window by window: who calls it can do other things in between. */
export function* rebuildInSteps(options: RebuildOptions): Generator<undefined, RebuiltWorker> {
  const { placement, worker, resumption } = options;
  if (resumption.window < 0) return { replacement: new LogicalProcess(options), handovers: [] };
  const merged = mergedPlacement(placement, worker);
  const { processes, traffic } = yield* reExecute(options, merged);
  for (const one of processes) one.admitAll();
  const replacement = processes[LOST];
  replacement.takePlace(placement, worker, resumption);
  const { trafficEveryPs } = options.scenario.run;
  const unsaid = ({ bin }: TrafficBin): boolean =>
    (bin + 1) * trafficEveryPs > resumption.trafficSaidPs;
  replacement.kernel.traffic.putBack(traffic.filter(unsaid));
  const others = processes.at(OTHERS);
  const handovers = others === undefined ? [] : takeHandovers(others, merged, placement, worker);
  return { replacement, handovers };
}

/** The lost worker's actors as worker 0, all others as worker 1, if there are any. */
function mergedPlacement(placement: Placement, worker: number): Placement {
  const workerOf = placement.workerOf.map((one) => (one === worker ? LOST : OTHERS));
  const actors = [...workerOf.keys()];
  const all = [LOST, OTHERS].map((place) => ({
    label: place === LOST ? placement.workers[worker].label : "others",
    actors: actors.filter((actor) => workerOf[actor] === place),
  }));
  return { workers: all.filter((one) => one.actors.length > 0), workerOf };
}

/** Runs both processes up to the resumption, with all its faults and heals. */
function* reExecute(
  options: RebuildOptions,
  placement: Placement,
): Generator<undefined, { processes: LogicalProcess[]; traffic: TrafficBin[] }> {
  const { devices, resumption } = options;
  const { faults } = options.scenario;
  const scenario = { ...options.scenario, faults: [...faults, ...resumption.faults] };
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const carried =
    options.carriedBytesMax === undefined ? {} : { carriedBytesMax: options.carriedBytesMax };
  const processes = placement.workers.map(
    (_, worker) => new LogicalProcess({ scenario, placement, worker, devices, ...carried }),
  );
  const protocol = new WindowProtocol({
    workers: processes.length,
    lookaheadPs: lookaheadOf(topology, placement),
    // The run went on to the resumption, so it was not over before.
    gpus: Number.POSITIVE_INFINITY,
    timeLimitPs: NEVER_PS,
    trafficEveryPs: scenario.run.trafficEveryPs,
  });
  const traffic: TrafficBin[] = [];
  const report = (worker: number, said: WindowReport): void => {
    for (const { peer, carried } of said.sent) {
      if (carried !== null) processes[peer].accept(worker, carried);
    }
    for (const { peer, bytes } of processes[worker].takeFrames()) {
      processes[peer].accept(worker, bytes);
    }
    const sent = said.sent.map((frame) => ({ ...frame, carried: null }));
    if (worker === LOST) traffic.push(...said.traffic);
    protocol.accept(worker, { ...said, sent, facts: [], epochs: [], traffic: [] });
  };
  processes.forEach((one, worker) => {
    report(worker, one.start());
  });
  protocol.commit();
  const heals = healsBefore(resumption);
  let changes = NO_CHANGES;
  for (;;) {
    const stopPs = Math.min(heals[0]?.atPs ?? NEVER_PS, resumption.atPs);
    const step = protocol.next(changes, stopPs);
    changes = NO_CHANGES;
    if (step.type === "grants") {
      runWindow(step.grants, processes, report);
      protocol.commit();
      yield;
    } else if (stopPs === resumption.atPs) return { processes, traffic };
    else {
      const due = heals.filter(({ atPs }) => atPs === stopPs);
      heals.splice(0, due.length);
      changes = { faults: [], heals: due };
    }
  }
}

function runWindow(
  grants: readonly { readonly worker: number; readonly grant: Grant }[],
  processes: readonly LogicalProcess[],
  report: (worker: number, said: WindowReport) => void,
): void {
  for (const { worker, grant } of grants) report(worker, processes[worker].run(grant));
}

/** Heals that take effect before the resumption, in order. */
function healsBefore({ heals, atPs: untilPs }: Resumption): FaultHeal[] {
  return heals.filter(({ atPs }) => atPs < untilPs).sort((left, right) => left.atPs - right.atPs);
}

/** Takes what is under way from the lost actors to the others, in frames for their workers. */
function takeHandovers(
  others: LogicalProcess,
  merged: Placement,
  placement: Placement,
  worker: number,
): { peer: number; frames: Uint8Array[] }[] {
  const { packets, lanes } = others.kernel;
  const outboxes = placement.workers.map(() => new Outbox());
  const frames = placement.workers.map((): Uint8Array[] => []);
  const drain = (peer: number): void => {
    frames[peer].push(outboxes[peer].drain(packets, worker, peer, frames[peer].length + 1));
  };
  others.kernel.takeArriving(
    (actor) => merged.workerOf[actor] === LOST,
    (lane, packet) => {
      const peer = placement.workerOf[lanes.toActor[lane]];
      outboxes[peer].add(lane, packet, packets.times[timePlace(packet)]);
      if (outboxes[peer].count === HANDOVER_PACKETS_MAX) drain(peer);
    },
  );
  for (const [peer, { count }] of outboxes.entries()) if (count > 0) drain(peer);
  return frames.flatMap((list, peer) => (list.length > 0 ? [{ peer, frames: list }] : []));
}
