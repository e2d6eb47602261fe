/**
 * What a drill may do to the processes of its run: nothing without the operator's consent, and
 * nothing twice when a run is taken up again.
 */
import type { Journal } from "../../cluster/journal.ts";
import type { HostFaultBefore, RealFaultsOptions } from "../../cluster/prepared-run.ts";
import type { Drill } from "../../src/drill/drill.ts";
import { hostFaultsOf, isLossFunc } from "../../src/drill/host-reach.ts";
import { type HostFault, hostTargetLabels } from "../../src/model/host-fault.ts";
import { processMains } from "./package-files.ts";

/** The options of a run; undefined when the drill has no real faults, whatever was agreed to. */
export function realFaultsOf(
  drill: Drill,
  isAllowed: boolean,
  resume: Journal | undefined,
): RealFaultsOptions | undefined {
  const planned = hostFaultsOf(drill).map(({ fault }) => fault);
  if (planned.length === 0) return undefined;
  const isFault = drill.scenario.run.onWorkerLoss === "fault";
  const before = resume === undefined ? [] : doneBefore(planned, resume, isFault);
  return { planned, isAllowed, before, keeperMain: processMains().keeperMain };
}

/** The real faults that the journal has, which are the first of the method. */
function doneBefore(
  planned: readonly HostFault[],
  { hostRecords, orders }: Journal,
  isFault: boolean,
): readonly HostFaultBefore[] {
  const noted = hostRecords.filter(({ event }) => event === "host-fault");
  return planned.slice(0, noted.length).map((fault, place) => {
    const names = hostTargetLabels(fault.target).map((label) => `lost-${label}`);
    const isSeen = orders.some(
      (order) =>
        order.record === "fault" &&
        order.by === "host" &&
        order.atPs >= noted[place].atPs &&
        names.some((name) => order.name === name || order.name.startsWith(`${name}-`)),
    );
    const done = !isFault || !isLossFunc(fault.func) || isSeen;
    const detail = done
      ? "carried out before the run was taken up again"
      : "the run was cut off before anything came of it, and it is not done twice";
    return { done, detail };
  });
}
