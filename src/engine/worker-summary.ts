/**
 * What a worker says when its run is over: totals by rank and fault, and the invariants of the end.
 */
import { NO_FAULT } from "../model/fault.ts";
import { NEVER_PS } from "../model/time.ts";
import type { Topology } from "../model/topology.ts";
import type { WorkerSummary } from "../model/window.ts";
import type { Kernel } from "./kernel.ts";

export interface SummaryInput {
  readonly kernel: Kernel;
  readonly topology: Topology;
  /** GPUs of this worker. */
  readonly gpus: readonly number[];
  /** Data frames that arrived and were never admitted. */
  readonly heldFrames: number;
}

/**
 * Adds up a worker's ledger. Open assignments of a rank that is dead or hung are lost to the fault
 * behind it.
 */
export function summarize(input: SummaryInput): WorkerSummary {
  const { kernel, topology, gpus } = input;
  const { ledger } = kernel;
  const faults = kernel.faultState.table;
  const lostBy = faults.faults.map(() => 0);
  const violations: string[] = [];
  const assignments = { dispatched: 0, combined: 0, masked: 0, lost: 0 };
  let finishedGpus = 0;
  for (const gpu of gpus) {
    const balance = ledger.balanceOf(gpu);
    assignments.dispatched += balance.dispatched;
    assignments.combined += balance.combined;
    assignments.masked += balance.masked;
    assignments.lost += balance.lost;
    const id = topology.actors[gpu].id;
    if (!balance.sumsAgree || balance.open < 0) {
      violations.push(`ledger: ${id} combined or masked an assignment twice, or a stranger's`);
    }
    const silencer = silencerOf(kernel, gpu);
    if (silencer !== NO_FAULT) {
      assignments.lost += balance.open;
      lostBy[silencer] += balance.open;
    } else if (kernel.parts[gpu] !== 0 && balance.open !== 0) {
      violations.push(`ledger: ${id} finished with ${balance.open} assignments open`);
    }
    if (isOut(kernel, gpu)) finishedGpus += 1;
  }
  violations.push(...kernel.faultState.check());
  return {
    assignments,
    byFault: faults.faults.map((fault, place) => ({
      fault: fault.spec.name,
      masked: ledger.maskedBy(place),
      lost: lostBy[place] + ledger.lostBy(place),
    })),
    mismatches: ledger.mismatches,
    corrupted: ledger.corrupted,
    unexplained: ledger.unexplained,
    epochs: kernel.digest.takeParts(),
    traffic: kernel.traffic.take(NEVER_PS),
    fabric: {
      ...kernel.counters,
      ...kernel.fabric.planeBytes,
      pendingReminders: kernel.pendingReminders,
      packetsInUse: kernel.packets.inUse,
    },
    violations,
    leftovers: leftovers(input),
    faultsBegun: kernel.faultState.begun.map((fault) => faults.nameOf(fault)),
    finishedGpus,
  };
}

/** Will an actor do nothing more: has it finished, is it dead, or hung with no end in sight? */
export function isOut(kernel: Kernel, actor: number): boolean {
  return kernel.parts[actor] !== 0 || kernel.isDead(actor) || isHungForGood(kernel, actor);
}

/** Does an actor hang that would go on otherwise, and nothing is known that could change it? */
export function isHungForGood(kernel: Kernel, actor: number): boolean {
  if (kernel.parts[actor] !== 0 || kernel.isDead(actor)) return false;
  return kernel.faultState.nextPs === NEVER_PS && silencerOf(kernel, actor) !== NO_FAULT;
}

/** The fault that keeps an actor from any progress now, dead or hung; NO_FAULT: none. */
function silencerOf({ faultState }: Kernel, actor: number): number {
  const killer = faultState.deadBy[actor];
  return killer === NO_FAULT ? faultState.conditionOf(actor).hungBy : killer;
}

/** What this worker still holds and would not at the end of a whole run, each a sentence. */
function leftovers({ kernel, topology, heldFrames }: SummaryInput): string[] {
  const held = heldFrames > 0 ? [`window: ${heldFrames} data frames never admitted`] : [];
  // The dead drop what they hold, and the hung keep it.
  const someHold = topology.actors.some(
    (_, actor) =>
      kernel.faultState.killerOf(actor) !== NO_FAULT || silencerOf(kernel, actor) !== NO_FAULT,
  );
  if (someHold) return held;
  const { packets, fabric } = kernel;
  const left: [what: string, count: number][] = [
    ["packets: %n were never given back", packets.inUse],
    ["cargoes: %n were never given back", packets.cargo.inUse],
    ["buffers: %n lanes never got all their room back", fabric.flow?.unsettledLanes ?? 0],
  ];
  for (const [what, count] of left) {
    if (count > 0) held.push(what.replace("%n", String(count)));
  }
  return held;
}
