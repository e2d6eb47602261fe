/**
 * The window loop of a prepared run, wired to those who listen to it: the observer, which writes
 * everything down, and the operators' side. The same for one process and for many.
 */
import { faultsOf } from "./journal-orders.ts";
import type { PreparedRun } from "./prepared-run.ts";
import { WindowLoop, type WindowLoopOptions } from "./window-loop.ts";

/** Makes the loop; the run begins with the first report that it is given. */
export function makeLoop(
  run: PreparedRun,
  driver: Pick<WindowLoopOptions, "grant" | "ended" | "failed" | "disturb">,
): WindowLoop {
  const { options, protocol, control } = run;
  const { observer, director, scenario } = options;
  const { speed, timeLimitPs } = scenario.run;
  const loop = new WindowLoop({
    protocol,
    speed,
    timeLimitPs,
    stop: options.stop,
    paceFromPs: options.paceFromPs ?? 0,
    ...(director === undefined ? {} : { director }),
    committed: (window, status) => {
      control?.committed(window);
      return observer.committed(window, status);
    },
    ordered: (orders) => {
      for (const { name, kind, targets } of faultsOf(orders)) {
        run.faultNames.add(name);
        if (kind === "actors-lost") for (const actor of targets) run.lostActors.add(actor);
      }
      observer.ordered?.(orders);
      control?.ordered(orders);
    },
    grant: driver.grant,
    ...(driver.disturb === undefined ? {} : { disturb: driver.disturb }),
    ended: (end) => {
      control?.close();
      driver.ended(end);
    },
    failed: (error) => {
      control?.close();
      driver.failed(error);
    },
  });
  control?.attach(loop);
  return loop;
}
