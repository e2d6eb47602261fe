/** Binds the functions of the workload to a scenario, for the devices of one process. */
import type { ComputeTimes, DeviceServices } from "../model/device.ts";
import type { ExpertMap } from "../model/expert-map.ts";
import type { RoutingSource } from "../model/routing.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Topology } from "../model/topology.ts";
import { bf16Bytes, lowLatencyFp8Bytes } from "../workload/bytes.ts";
import { decodeComputeTimes } from "../workload/compute-time.ts";
import {
  expertHigh,
  expertLow,
  payloadSeed,
  tokenPayloadHigh,
  tokenPayloadLow,
} from "../workload/oracle.ts";
import { makeRoutingSource } from "../workload/routing-sources.ts";

export function makeDeviceServices(scenario: Scenario, topology: Topology): DeviceServices {
  const { model, hardware, workload, routing, run } = scenario;
  const seed = payloadSeed(run.seed);
  let source: RoutingSource | undefined;
  return {
    scenario,
    topology,
    /** Made when the first GPU asks: processes that hold only switches need none. */
    get routing(): RoutingSource {
      source ??= makeRoutingSource({ seed: run.seed, model, workload, routing });
      return source;
    },
    compute: computeTimesOf(decodeComputeTimes(model, hardware)),
    experts: contiguousExperts(scenario),
    oracle: {
      tokenLow: (group, rank, step, token) => tokenPayloadLow(seed, group, rank, step, token),
      tokenHigh: (group, rank, step, token) => tokenPayloadHigh(seed, group, rank, step, token),
      expertLow,
      expertHigh,
    },
    dispatchCopyBytes: lowLatencyFp8Bytes(model.hidden_size),
    combineCopyBytes: bf16Bytes(model.hidden_size),
  };
}

function computeTimesOf(decode: ReturnType<typeof decodeComputeTimes>): ComputeTimes {
  const none = { fixedPs: 0, perExpertPs: 0, perCopyPs: 0 };
  return {
    "attention-forward": { ...none, fixedPs: decode.attentionPs + decode.sharedExpertPs },
    "attention-backward": none,
    "attention-weights": none,
    "dense-forward": { ...none, fixedPs: decode.denseMlpPs - decode.sharedExpertPs },
    "dense-backward": none,
    "dense-weights": none,
    "mlp-forward": { ...none, perExpertPs: decode.perExpertPs },
    "mlp-backward": none,
    "mlp-weights": none,
  };
}

function contiguousExperts(scenario: Scenario): ExpertMap {
  const perRank = scenario.model.n_routed_experts / scenario.workload.epSize;
  return { perRank, holderOf: (_place, expert) => Math.floor(expert / perRank) };
}
