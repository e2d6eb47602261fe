/** Small runs that tests of traces, reports and pictures share. */
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import type { FaultKind, FaultSpec } from "../../src/model/fault.ts";
import { DEFAULT_RECOVERY, type RecoverySpec, type Scenario } from "../../src/model/scenario.ts";
import { PS_PER_MS, PS_PER_US } from "../../src/model/time.ts";
import { type InMemoryResult, runInMemory } from "./in-memory-run.ts";
import { TINY_MODEL, tinyScenario } from "./scenarios.ts";

function fault(kind: FaultKind, target: string, more: Partial<FaultSpec> = {}): FaultSpec {
  return { name: `a-${kind}`, kind, targets: [target], atPs: 3 * PS_PER_US, ...more };
}

/** A NIC that is gone for good. */
export const LOST_NIC = fault("nic-down", "node1.nic2");
/** Clocks that run out within a few milliseconds. */
export const SHORT_CLOCKS = { ackTimeoutExponent: 4, retryCount: 2, waitTimeoutPs: 2 * PS_PER_MS };
const { compute } = HARDWARE_PRESETS["h800-infiniband"];

function recovery(spec: Partial<RecoverySpec>): RecoverySpec {
  return { ...DEFAULT_RECOVERY, controllerDelayPs: 10 * PS_PER_MS, ...spec };
}

/** Small runs, healthy and in every sort of trouble, by what happens in them. */
export const TROUBLED: readonly (readonly [name: string, scenario: Scenario])[] = [
  ["a healthy decode", tinyScenario({ workload: { steps: 2 } })],
  ["two micro-batches", tinyScenario({ workload: { microBatches: 2, steps: 2 } })],
  [
    "prefill with the normal protocol",
    tinyScenario({ workload: { phase: "prefill", protocol: "normal", microBatches: 2 } }),
  ],
  ["training", tinyScenario({ workload: { phase: "training", protocol: "normal" } })],
  [
    "a backward pass",
    tinyScenario({ workload: { phase: "training", protocol: "normal", pass: "backward" } }),
  ],
  ["exchanges alone", tinyScenario({ workload: { phase: "all-to-all" } })],
  [
    "a lost NIC",
    tinyScenario({ faults: [LOST_NIC], transport: SHORT_CLOCKS, workload: { steps: 2 } }),
  ],
  [
    "a flap on two targets",
    tinyScenario({
      faults: [
        fault("nic-flap", "node1.nic2", {
          targets: ["node1.nic2", "node0.nic1"],
          healAtPs: 40 * PS_PER_US,
          levels: [
            { atPs: 10 * PS_PER_US, permille: 0 },
            { atPs: 20 * PS_PER_US, permille: 1000 },
          ],
        }),
      ],
      transport: SHORT_CLOCKS,
    }),
  ],
  [
    "ways round over NVLink",
    tinyScenario({
      faults: [LOST_NIC],
      transport: SHORT_CLOCKS,
      recovery: recovery({ failover: "nvlink" }),
      workload: { steps: 2 },
    }),
  ],
  [
    "a dead GPU and a controller that moves experts",
    tinyScenario({
      faults: [fault("gpu-dead", "node1.gpu1")],
      transport: SHORT_CLOCKS,
      hardware: { compute: { ...compute, hbmBytesPerSecond: 20e7 } },
      recovery: recovery({ controller: "remap" }),
      workload: { steps: 6, layers: [1, 2] },
    }),
  ],
  [
    "traps and a step that begins again",
    tinyScenario({
      faults: [fault("gpu-dead", "node1.gpu1")],
      transport: SHORT_CLOCKS,
      hardware: { compute: { ...compute, hbmBytesPerSecond: 20e7 } },
      recovery: recovery({ controller: "restart", onSilence: "trap" }),
      workload: { steps: 6, layers: [1, 2] },
    }),
  ],
  [
    "a process that hangs for good",
    tinyScenario({
      faults: [fault("process-hang", "node1.gpu1")],
      transport: SHORT_CLOCKS,
      workload: { steps: 3 },
    }),
  ],
  [
    "multi-port NICs that avoid a plane",
    tinyScenario({
      cluster: { nodes: 3, gpusPerNode: 2, planes: 4, switchPorts: 4, nicPorts: "multi-port" },
      model: { ...TINY_MODEL, n_routed_experts: 24 },
      workload: { epSize: 6, tokensPerGpu: 24, layers: [1, 2, 3] },
      transport: { ackTimeoutExponent: 8, retryCount: 7 },
      faults: [fault("plane-down", "plane3", { parameters: { silent: true } })],
    }),
  ],
];

const runs = new Map<Scenario, InMemoryResult>();

/** The run of a scenario; each is run once. */
export function troubledRun(scenario: Scenario): InMemoryResult {
  const known = runs.get(scenario) ?? runInMemory(scenario);
  runs.set(scenario, known);
  return known;
}

/** The scenario whose name begins so. */
export function troubledScenario(name: string): Scenario {
  const found = TROUBLED.find(([one]) => one.startsWith(name));
  if (found === undefined) throw new Error(`no run is called ${name}`);
  return found[1];
}
