/** What a worker says at the end of a window, with no process behind it. */
import { NO_GROUPS } from "../../src/engine/group-watch.ts";
import { NEVER_PS } from "../../src/model/time.ts";
import type { WindowReport } from "../../src/model/window.ts";

/** Of a worker that did nothing in window 0 and has nothing to do, or as `changes` say. */
export function windowReport(changes: Partial<WindowReport> = {}): WindowReport {
  return {
    ...{ window: 0, nextEventPs: NEVER_PS, nextFaultPs: NEVER_PS, sent: [], facts: [] },
    ...{ events: 0, lastEventPs: 0, finishedGpus: 0, hungGpus: 0, groups: NO_GROUPS, epochs: [] },
    ...{ traffic: [], trafficDuePs: NEVER_PS },
    ...changes,
  };
}
