/**
 * Metrics of the run as such: what it is, how far virtual time is, and how it stands with the wall
 * clock. All of the emulator, none of the emulated fleet.
 */
import { PS_PER_S } from "../src/model/time.ts";
import { VEILED } from "./blind.ts";
import { HOST_EVENTS } from "./journal-orders.ts";
import type { MetricEntry, Sample } from "./metrics-registry.ts";
import type { MetricSources } from "./metrics-sources.ts";

/** One value, without labels. */
export function single(
  type: MetricEntry["type"],
  name: string,
  help: string,
  value: () => number,
): MetricEntry {
  return { type, name: `faultplane_${name}`, help, samples: () => [{ value: value() }] };
}

/** Metrics of the run and its pace. */
export function paceMetrics({ options, pace }: MetricSources): MetricEntry[] {
  const { scenario, version, runId, blind } = options;
  const { seed, placement } = scenario.run;
  const title = blind === undefined ? scenario.title : VEILED;
  const run = { run_id: runId, seed, scenario: title, placement, hardware: scenario.hardware.name };
  const build = { version, node: process.versions.node };
  const about = (name: string, help: string, labels: Record<string, string>): MetricEntry => ({
    ...{ name: `faultplane_${name}`, type: "gauge", help, labels: Object.keys(labels) },
    samples: (): readonly Sample[] => [{ labels, value: 1 }],
  });
  return [
    about("build_info", "The program: its version, and that of Node. Always 1.", build),
    about("run_info", "The run whose metrics these are. Always 1.", run),
    single(
      "counter",
      "virtual_time_seconds_total",
      "Virtual seconds since the run began, up to the last committed window.",
      () => pace.virtualTimePs / PS_PER_S,
    ),
    single(
      "gauge",
      "speed_ratio",
      "Virtual seconds per wall second since the run began.",
      () => pace.speed,
    ),
    single(
      "gauge",
      "speed_target_ratio",
      "Virtual seconds per wall second as asked for; +Inf: as fast as it goes.",
      () => (pace.target === "max" ? Number.POSITIVE_INFINITY : pace.target),
    ),
    single(
      "gauge",
      "wall_lag_seconds",
      "Wall seconds by which the last window was late; a paced run only.",
      () => pace.lagSeconds,
    ),
    single("gauge", "paused", "1 while an operator has paused the run, else 0.", () =>
      pace.isPaused ? 1 : 0,
    ),
    single(
      "gauge",
      "last_window_timestamp_seconds",
      "Wall time at which a window was committed last, seconds since 1970; 0: none was.",
      () => pace.lastWindowSeconds,
    ),
    single("counter", "windows_total", "Windows of virtual time committed.", () => pace.windows),
    single("counter", "events_total", "Events of the emulation handled.", () => pace.events),
    {
      name: "faultplane_host_events_total",
      type: "counter",
      help: "What happened to processes and hosts of the emulator itself.",
      labels: ["event"],
      samples: () =>
        HOST_EVENTS.map((event) => ({
          labels: { event },
          value: pace.hostEvents.get(event) ?? 0,
        })),
    },
  ];
}
