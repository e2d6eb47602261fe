/** What to change about how a fleet recovers: rules over what a drill measured. */
import { formatTime, NEVER_PS } from "../model/time.ts";
import { type Rule, total } from "./advice-rule.ts";
import type { RunSeries } from "./run-series.ts";
import { counted } from "./words.ts";

const trapsOf = (series: RunSeries): number => series.trappedRanks.during(0, NEVER_PS).length;

export const traps: Rule = ({ scenario, series }) => {
  const trapped = trapsOf(series);
  if (trapped === 0 || scenario.recovery.controller !== "none") return undefined;
  const because = `${counted(trapped, "rank")} trapped, and took the job with them`;
  return { change: "recovery.onSilence: mask", because };
};

export const controllerClock: Rule = ({ scenario, series, trace, twin }) => {
  const { controller, controllerDelayPs } = scenario.recovery;
  if (controller === "none" || total(series.masked) + trace.masks.length + trapsOf(series) === 0) {
    return undefined;
  }
  const decidedPs = series.decisions.firstBetween(0, NEVER_PS);
  const resumedPs = series.resumes.firstBetween(0, NEVER_PS);
  if (resumedPs === undefined) {
    const acted = decidedPs === undefined ? "had decided" : "was through";
    return {
      change: "more steps, or shorter clocks than the work takes: recovery.controllerDelay, heals",
      because: `the run was over, at ${formatTime(trace.endPs)}, before the controller ${acted}`,
    };
  }
  const waitedPs = series.waits.firstBetween(decidedPs ?? 0, resumedPs);
  const isOne = series.decisions.between(0, NEVER_PS).length === 1;
  if (waitedPs !== undefined && isOne && trapsOf(series) === 0) {
    return {
      change: "a longer recovery.controllerDelay: let the survivors time out first",
      because: `the controller decided after ${formatTime(controllerDelayPs)}, and ranks still had to wait`,
    };
  }
  // Beside a loss that is ten times as long it matters little.
  if (controllerDelayPs * 10 < trace.endPs - twin.endPs) return undefined;
  const meanwhile =
    trapsOf(series) > 0
      ? "ranks that had trapped stood still"
      : "ranks went without the experts of those that were gone";
  return {
    change: "a shorter recovery.controllerDelay, not shorter than survivors need to time out",
    because: `the controller acted ${formatTime(controllerDelayPs)} after the first report; ${meanwhile}`,
  };
};

export const owners: Rule = ({ attribution, series }) => {
  if (attribution.lost === 0) return undefined;
  const isRestarted = series.restarts.firstBetween(0, NEVER_PS) !== undefined;
  const step = isRestarted ? ", or with the step that began again" : "";
  const lost = counted(attribution.lost, "assignment");
  return {
    change: "let another rank take over a dead rank's requests (outside the EP library)",
    because: `${lost} were lost with the rank that owned them${step}`,
  };
};
