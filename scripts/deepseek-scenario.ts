/**
 * Scenarios on DeepSeek-V3's figures and the published cluster's hardware, for bench and
 * validation. Built here and not read from files, so that a figure means the same on every machine.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HARDWARE_PRESETS } from "../src/hardware/presets.ts";
import type { Hardware } from "../src/model/hardware.ts";
import type { ModelShape } from "../src/model/model-shape.ts";
import {
  type ClusterSpec,
  DEFAULT_RECOVERY,
  type RunSpec,
  type Scenario,
  type WorkloadSpec,
} from "../src/model/scenario.ts";
import { PS_PER_S } from "../src/model/time.ts";
import { readModel } from "../src/scenario/model-file.ts";
import { packageRoot } from "./commands/package-files.ts";

/** The first layer of DeepSeek-V3 that has experts. */
export const MOE_LAYER = 3;

/** What a scenario says; everything else has its default. */
export interface DeepseekParts {
  readonly title: string;
  /** Default: DeepSeek-V3. */
  readonly model?: ModelShape;
  /** Default: `h800-infiniband`. */
  readonly hardware?: Hardware;
  readonly cluster: ClusterSpec;
  readonly workload: Partial<WorkloadSpec>;
  readonly routing?: Scenario["routing"];
  readonly experts?: Scenario["experts"];
  readonly run?: Partial<RunSpec>;
}

/** A scenario of one MoE layer of DeepSeek-V3, decode, in one process; `parts` say otherwise. */
export function deepseekScenario(parts: DeepseekParts): Scenario {
  return {
    title: parts.title,
    model: parts.model ?? deepseekV3(),
    hardware: parts.hardware ?? HARDWARE_PRESETS["h800-infiniband"],
    cluster: parts.cluster,
    workload: {
      phase: "decode",
      protocol: "low-latency",
      grain: "token",
      intraNode: "nvlink",
      dispatchFormat: "fp8",
      combineFormat: "bf16",
      pass: "overlapped",
      microBatches: 1,
      acceptedTokensPerStep: 1,
      tokensPerGpu: 8,
      steps: 1,
      epSize: 8,
      layers: [MOE_LAYER],
      ...parts.workload,
    },
    routing: parts.routing ?? { source: "gate", imbalance: 0 },
    recovery: DEFAULT_RECOVERY,
    experts: parts.experts ?? {
      redundant: 0,
      placement: "contiguous",
      physicalToLogical: new Uint8Array(0),
    },
    transport: { ackTimeoutExponent: 14, retryCount: 7, waitTimeoutPs: 100 * PS_PER_S },
    faults: [],
    run: {
      seed: "1",
      placement: "single",
      workers: 1,
      speed: "max",
      timeLimitPs: 600 * PS_PER_S,
      lagBudgetSeconds: 2,
      logPackets: false,
      trafficEveryPs: 1e8,
      onWorkerLoss: "recover",
      ...parts.run,
    },
  };
}

/** DeepSeek-V3's shape, from the file that is shipped. */
export function deepseekV3(): ModelShape {
  const file = join(packageRoot(), "drills", "models", "deepseek-v3.json");
  const result = readModel(readFileSync(file), file, "deepseek-v3");
  if (!result.ok) throw new Error(`${file} cannot be read`);
  return result.model;
}
