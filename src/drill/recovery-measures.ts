/** Measures of an outage: how long until it was noticed, located, borne and over. */
import { type Measure, type MeasureArgument, nameOf, type Query, readingOf } from "./measure.ts";
import { detectedAfterPs, fullAfterPs, locatedAfterPs, servingAfterPs } from "./recovery-times.ts";

const PS_PER_MS = 1e9;

const FAULT: MeasureArgument = {
  key: "fault",
  kind: "name",
  about: "the fault whose onset counts; default: the first one of the run",
};

/** A time since the onset. `isLate`: later events can still change it. */
function sinceOnset(
  name: string,
  about: string,
  of: (query: Query, onsetPs: number) => number | undefined,
  isLate = false,
): Measure {
  return {
    name,
    unit: "ms",
    about,
    source: "virtual time",
    known: isLate ? "end" : "any time",
    ignoresSpan: true,
    arguments: [FAULT],
    read: (query) => {
      const onsetPs = query.run.onsetPs(nameOf(query, "fault"));
      if (onsetPs === undefined || onsetPs >= query.toPs) {
        return { why: "no fault has begun", isOpen: true };
      }
      if (isLate && query.end === undefined) {
        return { why: "known when the run is over", isOpen: true };
      }
      const spanPs = of(query, onsetPs);
      return readingOf(spanPs === undefined ? undefined : spanPs / PS_PER_MS, "it never came");
    },
  };
}

/** See {@link MEASURES}. */
export const recoveryMeasures: readonly Measure[] = [
  sinceOnset(
    "time_to_detect_ms",
    "from the onset to the first timeout, failure, refused copy or avoided port",
    ({ run, toPs }, onsetPs) => detectedAfterPs(run, onsetPs, toPs),
  ),
  sinceOnset(
    "time_to_locate_ms",
    "from the onset to the first rank masked or trapped, copy refused or route avoided for it",
    (query, onsetPs) => locatedAfterPs(query.run, onsetPs, query.toPs, nameOf(query, "fault")),
  ),
  sinceOnset(
    "time_to_serve_again_ms",
    "from the onset until every rank in service has completed a layer begun after it",
    ({ run, toPs }, onsetPs) => servingAfterPs(run, onsetPs, toPs),
  ),
  sinceOnset(
    "time_to_full_capacity_ms",
    "from the onset until no rank is masked or dead and no layer slow (10 %) any more",
    ({ run, healthy, toPs }, onsetPs) => fullAfterPs(run, healthy, onsetPs, toPs),
    true,
  ),
];
