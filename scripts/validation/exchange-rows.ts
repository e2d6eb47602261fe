/**
 * DeepEP's published all-to-alls, and those of the two networks. Low-latency: every token copy is a
 * message, as there. Normal: messages are chunks of copies, as there.
 */
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import { PS_PER_US } from "../../src/model/time.ts";
import { expectedNodes } from "../../src/workload/closed-forms.ts";
import {
  type ExchangeFigures,
  gigabytesPerSecond,
  lowLatencyScenario,
  NORMAL_TOKENS,
  normalScenario,
  runExchange,
} from "./all-to-all.ts";
import { rowOf, Source, type ValidationRow } from "./row.ts";

/** By EP size: dispatch and combine, us (DeepEP README, pure RDMA). */
const LOW_LATENCY_US: readonly (readonly [number, number, number])[] = [
  [8, 163, 318],
  [16, 173, 329],
  [32, 182, 350],
  [64, 186, 353],
  [128, 192, 369],
  [256, 194, 360],
];

/** By EP size: dispatch and combine, logical GB/s; EP128 is read off figure 7 of the paper. */
const NORMAL_GBPS: readonly (readonly [number, number, number])[] = [
  [8, 153, 158],
  [16, 43, 43],
  [32, 58, 57],
  [64, 51, 50],
  [128, 45, 42],
];

/**
 * EP sizes and switch ports of the two networks' comparison. Figures 5 and 6 go up to 128 GPUs, 16
 * nodes under one leaf; with 16 ports they are under two, and spines come into it.
 */
const NETWORK_SIZES: readonly (readonly [number, number])[] = [
  [32, 64],
  [64, 64],
  [128, 64],
  [128, 16],
];
const NETWORK_BOUND_PERCENT = 1.5;

const ROCE = HARDWARE_PRESETS["h800-roce"];

const EXPERTS = 256;
const TOP_K = 8;
const NODE_LIMIT = 4;
/** Bytes of a copy in FP8 and in BF16, normal kernels (DeepEP, tests). */
const FP8_BYTES = 7_392;
const BF16_BYTES = 14_336;

/** Says what is being emulated. */
export type Progress = (what: string) => void;

/** Rows of the low-latency kernels; EP8 dispatch has set a parameter. */
export function lowLatencyRows(progress: Progress): ValidationRow[] {
  return LOW_LATENCY_US.flatMap(([epSize, dispatchUs, combineUs]) => {
    progress(`low-latency, EP${epSize}`);
    const figures = runExchange(lowLatencyScenario(epSize));
    const row = (what: "dispatch" | "combine", published: number, spanPs: number): ValidationRow =>
      rowOf({
        group: "low-latency",
        name: `low-latency EP${epSize} ${what}`,
        unit: "us",
        published,
        emulated: spanPs / PS_PER_US,
        source: Source.deepep,
        role: epSize === 8 && what === "dispatch" ? "calibration" : "validation",
      });
    return [
      row("dispatch", dispatchUs, figures.dispatchPs),
      row("combine", combineUs, figures.combinePs),
    ];
  });
}

/** Rows of the normal kernels; EP8 dispatch and EP64 dispatch have set parameters. */
export function normalRows(progress: Progress): ValidationRow[] {
  return NORMAL_GBPS.flatMap(([epSize, dispatch, combine]) => {
    progress(`normal, EP${epSize}`);
    const figures = runExchange(normalScenario(epSize));
    const row = (what: "dispatch" | "combine", published: number): ValidationRow =>
      rowOf({
        group: "normal",
        name: `normal EP${epSize} ${what}`,
        unit: "GB/s",
        published,
        emulated: bandwidthOf(epSize, figures, what),
        source: epSize === 128 ? `${Source.paper}, figure 7` : Source.deepep,
        role: what === "dispatch" && (epSize === 8 || epSize === 64) ? "calibration" : "validation",
      });
    return [row("dispatch", dispatch), row("combine", combine)];
  });
}

/**
 * Logical bandwidth as DeepEP's tests count it: copies to nodes, or to ranks where there is one.
 */
function bandwidthOf(
  epSize: number,
  figures: ExchangeFigures,
  what: "dispatch" | "combine",
): number {
  const nodes = epSize / 8;
  const copies =
    nodes > 1
      ? expectedNodes({ experts: EXPERTS, nodes, topK: TOP_K, nodeLimit: NODE_LIMIT })
      : expectedNodes({ experts: EXPERTS, nodes: epSize, topK: TOP_K, nodeLimit: epSize });
  const copyBytes = what === "dispatch" ? FP8_BYTES : BF16_BYTES;
  const spanPs = what === "dispatch" ? figures.dispatchPs : figures.combinePs;
  return gigabytesPerSecond(NORMAL_TOKENS * copies * copyBytes, spanPs);
}

/** The two networks, healthy: time on the multi-rail tree against the multi-plane one. */
export function networkRows(progress: Progress): ValidationRow[] {
  return NETWORK_SIZES.flatMap(([epSize, switchPorts]) => {
    progress(`multi-rail against multi-plane, EP${epSize}, ${switchPorts}-port switches`);
    const variant = { nvlink: true, switchPorts };
    const plane = runExchange(lowLatencyScenario(epSize, { ...variant, network: "mpft" }));
    const rail = runExchange(lowLatencyScenario(epSize, { ...variant, network: "mrft" }));
    const leaves = switchPorts < 64 ? ", 2 leaves a rail" : "";
    const row = (what: "dispatch" | "combine", planePs: number, railPs: number): ValidationRow =>
      rowOf({
        group: "MRFT against MPFT",
        name: `all-to-all EP${epSize} ${what}${leaves}, MRFT / MPFT`,
        unit: "",
        published: 1,
        emulated: railPs / planePs,
        boundPercent: NETWORK_BOUND_PERCENT,
        source: `${Source.paper}, figures 5 and 6`,
      });
    return [
      row("dispatch", plane.dispatchPs, rail.dispatchPs),
      row("combine", plane.combinePs, rail.combinePs),
    ];
  });
}

/**
 * Switch routing under RoCE: figure 8 has no numbers that can be read off, but an order: ECMP is
 * clearly the slowest, adaptive routing the fastest. Emulated as an all-to-all over two leaves a
 * rail in large messages; a row is 1 when the order holds.
 */
export function routingRows(progress: Progress): ValidationRow[] {
  const timeOf = (switchRouting: "static" | "ecmp" | "adaptive"): number => {
    progress(`RoCE, ${switchRouting} routing, EP128`);
    const variant = { hardware: ROCE, switchRouting, switchPorts: 16, grain: "message" } as const;
    const { dispatchPs, combinePs } = runExchange(lowLatencyScenario(128, variant));
    return dispatchPs + combinePs;
  };
  const ecmpPs = timeOf("ecmp");
  const staticPs = timeOf("static");
  const adaptivePs = timeOf("adaptive");
  const row = (name: string, holds: boolean): ValidationRow =>
    rowOf({
      group: "switch routing",
      name,
      unit: "yes",
      published: 1,
      emulated: Number(holds),
      boundPercent: 0,
      source: `${Source.paper}, figure 8`,
    });
  const times = (ps: number): string => (ps / adaptivePs).toFixed(2);
  return [
    row(`ECMP slowest (${times(ecmpPs)} x adaptive)`, ecmpPs > staticPs && ecmpPs > adaptivePs),
    row(`adaptive fastest (static ${times(staticPs)} x)`, adaptivePs <= staticPs),
  ];
}
