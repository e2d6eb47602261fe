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
 * Adds up a worker's ledger. A dead rank's open assignments are lost to the fault that killed it.
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
    if (kernel.isDead(gpu)) {
      assignments.lost += balance.open;
      const killer = faults.killerOf(gpu);
      if (killer !== NO_FAULT) lostBy[killer] += balance.open;
    } else if (kernel.finished[gpu] !== 0 && balance.open !== 0) {
      violations.push(`ledger: ${id} finished with ${balance.open} assignments open`);
    }
    if (kernel.finished[gpu] !== 0 || kernel.isDead(gpu)) finishedGpus += 1;
  }
  const isOver = kernel.nextEventPs === NEVER_PS;
  const someDied = topology.actors.some((_, actor) => kernel.isDead(actor));
  if (isOver && !someDied && kernel.packets.inUse > 0) {
    violations.push(`packets: ${kernel.packets.inUse} were never given back`);
  }
  if (isOver && !someDied && kernel.packets.cargo.inUse > 0) {
    violations.push(`cargoes: ${kernel.packets.cargo.inUse} were never given back`);
  }
  if (input.heldFrames > 0)
    violations.push(`window: ${input.heldFrames} data frames never admitted`);
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
    fabric: {
      ...kernel.counters,
      pendingReminders: kernel.pendingReminders,
      packetsInUse: kernel.packets.inUse,
    },
    violations,
    faultsBegun: kernel.faultState.begun.map((fault) => faults.nameOf(fault)),
    finishedGpus,
  };
}
