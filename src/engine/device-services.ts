/** Binds the functions of the workload to a scenario, for the devices of one process. */
import type { DeviceServices } from "../model/device.ts";
import type { ExpertMap } from "../model/expert-map.ts";
import type { RoutingSource } from "../model/routing.ts";
import type { NumberFormat, Scenario } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import { CHECKSUM_BYTES, copyBytes } from "../workload/bytes.ts";
import { computeTimes } from "../workload/compute-time.ts";
import { makeExpertMap, withoutRanks } from "../workload/expert-map.ts";
import {
  expertHigh,
  expertLow,
  payloadSeed,
  tokenPayloadHigh,
  tokenPayloadLow,
} from "../workload/oracle.ts";
import { makeRoutingSource } from "../workload/routing-sources.ts";
import { makeSchedule } from "../workload/schedules.ts";

export function makeDeviceServices(scenario: Scenario, topology: Topology): DeviceServices {
  const { model, hardware, workload, routing, run } = scenario;
  const seed = payloadSeed(run.seed);
  const checksumBytes = scenario.recovery.integrity === "checksum" ? CHECKSUM_BYTES : 0;
  const bytesOf = (format: NumberFormat): number =>
    copyBytes(format, workload.protocol, model.hidden_size) + checksumBytes;
  let source: RoutingSource | undefined;
  let experts: ExpertMap | undefined;
  const known = new Map<string, ExpertMap>();
  return {
    scenario,
    topology,
    /** Made when the first GPU asks: processes that hold only switches need none. */
    get routing(): RoutingSource {
      source ??= makeRoutingSource({ seed: run.seed, model, workload, routing });
      return source;
    },
    schedule: makeSchedule(scenario),
    compute: computeTimes(model, hardware, workload),
    /** Made when the first GPU asks, as the routing is. */
    get experts(): ExpertMap {
      experts ??= makeExpertMap(scenario);
      return experts;
    },
    /** The ranks of a process that leave out the same ones share a map. */
    expertsWithout(isOut: Uint8Array): ExpertMap {
      const key = isOut.join("");
      let map = known.get(key);
      if (map === undefined) {
        map = withoutRanks(this.experts, scenario, isOut);
        known.set(key, map);
      }
      return map;
    },
    oracle: {
      tokenLow: (group, rank, step, token) => tokenPayloadLow(seed, group, rank, step, token),
      tokenHigh: (group, rank, step, token) => tokenPayloadHigh(seed, group, rank, step, token),
      expertLow,
      expertHigh,
    },
    dispatchCopyBytes: bytesOf(workload.dispatchFormat),
    combineCopyBytes: bytesOf(workload.combineFormat),
  };
}
