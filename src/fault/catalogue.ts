/**
 * The catalogue of faults: what each kind is, what it can hit, how hard by default, for how long,
 * how often it is seen, and who says so. Only data; what a kind does to the fabric is in
 * effects.ts.
 *
 * Rates are for a fleet of 2,048 H800-class GPUs, derived from what the sources count. "Assumed" is
 * a choice inside the published range, "drill" a case to try for which nobody has published a rate.
 */
import { FAULT_KINDS, type FaultKind } from "../model/fault.ts";
import { PS_PER_MS, PS_PER_S } from "../model/time.ts";
import type { CatalogueEntry, FaultName, ParameterEntry, TargetKind } from "./catalogue-entry.ts";

const MINUTE_PS = 60 * PS_PER_S;

const SLOWER_LANES = "serialization takes this many times as long";

/** How many times as long; 1 is no fault. */
const slowdown = (fallback: number, about: string): ParameterEntry => ({
  key: "slowdown",
  fallback,
  range: "1..1000",
  about,
});

const LOSS: ParameterEntry = {
  key: "loss",
  fallback: 0.001,
  range: "0.000001..1",
  about: "share of packets lost",
};
const SPARED: ParameterEntry = {
  key: "spared",
  fallback: "256 B",
  range: "0 B..1 MB",
  about: "packets up to this size always pass, so probes and small control messages do",
};

/** Fields that most kinds have alike. */
const LOUD = { visibility: "loud", isVisibilityFree: true, isWhole: true, parameters: [] } as const;
const SILENT = { visibility: "silent", isVisibilityFree: false, isWhole: false } as const;

const once = (rate: number) => ({ least: rate, most: rate });

/** Every kind of fault. */
export const CATALOGUE: Readonly<Record<FaultName, CatalogueEntry>> = {
  "gpu-dead": {
    ...LOUD,
    kind: "gpu-dead",
    about: "A GPU fell off the bus: it answers nothing, and its NIC stays up.",
    targets: ["gpu"],
    perDay: once(0.43),
    source: "Xid 79, 119 [X]; rate derived from [L]",
  },
  "hbm-uncorrectable": {
    ...LOUD,
    kind: "hbm-uncorrectable",
    about:
      "Uncorrectable memory error: the GPU's process is killed, and is back after a row remap.",
    targets: ["gpu"],
    leasePs: 20 * MINUTE_PS,
    perDay: { least: 0.17, most: 0.55 },
    source: "Xid 48, 94, 95 [X]; rate derived from [L]; out 10-30 min (assumed)",
  },
  "node-crash": {
    ...LOUD,
    kind: "node-crash",
    about: "A server goes down with its GPUs, NICs and NVSwitch, and boots.",
    targets: ["node"],
    leasePs: 10 * MINUTE_PS,
    perDay: once(0.1),
    source: "rate derived from [L]; back in 5-20 min (assumed)",
  },
  "process-hang": {
    ...SILENT,
    kind: "process-hang",
    about: "A rank's process lives and makes no progress; nothing in the hardware shows it.",
    targets: ["gpu"],
    parameters: [],
    isWhole: true,
    perDay: once(0.14),
    source: "rate derived from [L]",
  },
  "slow-gpu": {
    ...SILENT,
    kind: "slow-gpu",
    about: "A straggler: a GPU computes more slowly, and all ranks wait for it.",
    targets: ["gpu"],
    parameters: [slowdown(1.5, "compute takes this many times as long; 1.1-2 is seen")],
    leasePs: 10 * MINUTE_PS,
    source: "0.5 % of nodes, x1.1-2, for 10 min or for good (assumed); stragglers in [L]",
  },
  "silent-corruption": {
    ...SILENT,
    kind: "silent-corruption",
    about: "A GPU sends payloads with a flipped bit, after any checksum was taken.",
    targets: ["gpu"],
    parameters: [
      { key: "flips", fallback: 0.01, range: "0.000001..1", about: "share of messages flipped" },
    ],
    perDay: once(0.014),
    source: "rate derived from [L]; share of messages assumed",
  },
  "nic-down": {
    ...LOUD,
    kind: "nic-down",
    about: "A NIC, or its link to the leaf, is down until it is repaired.",
    targets: ["nic"],
    perDay: { least: 0.02, most: 0.04 },
    source: "[H]: 0.057 % of NIC links a month; repair takes hours",
  },
  "nic-flap": {
    ...LOUD,
    kind: "nic-flap",
    about: "A NIC's link goes down and comes back, several times.",
    targets: ["nic"],
    flap: { downPs: 3 * PS_PER_S, upPs: 3 * PS_PER_S, repeats: 3 },
    perDay: once(0.9),
    source: "flaps in [H]; down for 3 s in the median, 95 % under 60 s, 1-5 repeats (assumed)",
  },
  "slow-nic": {
    ...SILENT,
    kind: "slow-nic",
    about: "A NIC's port runs at a fraction of its rate, both ways.",
    targets: ["nic"],
    parameters: [slowdown(2, SLOWER_LANES)],
    leasePs: 45 * MINUTE_PS,
    source: "8 % of faults, rate x0.5 or x0.25, for 24-72 min (published ranges)",
  },
  "pcie-downgrade": {
    ...SILENT,
    kind: "pcie-downgrade",
    about: "PCIe between a GPU and its NIC trains with fewer lanes or an older generation.",
    targets: ["nic"],
    parameters: [slowdown(4, SLOWER_LANES)],
    leasePs: 45 * MINUTE_PS,
    source: "8 % of faults with slow NICs, rate x0.5 or x0.25, for 24-72 min (published ranges)",
  },
  "kv-copy": {
    ...SILENT,
    kind: "kv-copy",
    about: "Copies of the KV cache take PCIe away from the traffic between a GPU and its NIC.",
    targets: ["nic"],
    parameters: [
      {
        key: "kvRate",
        fallback: "40 GB/s",
        range: "> 0, below the hardware's pcieRate",
        about: "what the copies take; 10-40 GB/s; of use only where less than nicRate is left",
      },
    ],
    isWhole: true,
    leasePs: PS_PER_S,
    source: "[P], section 4.5: contention on PCIe; 10-40 GB/s; drill",
  },
  "link-down": {
    ...LOUD,
    kind: "link-down",
    about: "A link is down both ways: NIC to leaf, or leaf to spine.",
    targets: ["link"],
    perDay: { least: 0.02, most: 0.1 },
    source: "[H]: 0.057 % of NIC links a month; cables between switches likewise",
  },
  "one-way-loss": {
    ...SILENT,
    kind: "one-way-loss",
    about: "One direction of a link loses everything, and the other works: the link says up.",
    targets: ["direction"],
    parameters: [],
    isWhole: true,
    leasePs: MINUTE_PS,
    source: "part of the flaps; 95 % under 60 s (assumed)",
  },
  "grey-loss": {
    ...SILENT,
    kind: "grey-loss",
    about: "A link or NIC loses some packets and says up; small probes pass.",
    targets: ["link", "nic"],
    parameters: [LOSS, SPARED],
    leasePs: MINUTE_PS,
    source: "part of the flaps; 1e-5 to 1e-2 of packets; 95 % under 60 s (assumed)",
  },
  "slow-link": {
    ...SILENT,
    kind: "slow-link",
    about: "A link runs at a fraction of its rate, both ways.",
    targets: ["link"],
    parameters: [slowdown(2, SLOWER_LANES)],
    leasePs: 45 * MINUTE_PS,
    source: "as slow NICs (assumed)",
  },
  "late-link": {
    ...SILENT,
    kind: "late-link",
    about: "Packets on a link, or on all links of a plane, take longer to arrive.",
    targets: ["link", "plane"],
    parameters: [
      {
        key: "extraLatency",
        fallback: "5 us",
        range: "1 ps..1 s",
        about: "time of flight on top of the link's own",
      },
    ],
    leasePs: 45 * MINUTE_PS,
    source: "drill",
  },
  "switch-down": {
    ...LOUD,
    kind: "switch-down",
    about: "A leaf, spine or NVSwitch is dead until it has booted; ports to it are down.",
    targets: ["leaf", "spine", "nvswitch"],
    leasePs: 3 * MINUTE_PS,
    perDay: { least: 0.001, most: 0.1 },
    source: "[H]: 0.051 % of leaf switches a month; a reboot takes 2-5 min (assumed)",
  },
  "plane-down": {
    ...LOUD,
    kind: "plane-down",
    about: "All switches of a network plane are dead: one GPU index of every node is cut off.",
    targets: ["plane"],
    leasePs: MINUTE_PS,
    source: "planes after [P], section 5.1; 10 s to 10 min; drill",
  },
  "nvlink-stall": {
    ...SILENT,
    kind: "nvlink-stall",
    about:
      "NVLink of a GPU or node carries nothing for a while, without an error; nothing is lost.",
    targets: ["gpu", "node"],
    parameters: [],
    isWhole: true,
    leasePs: 10 * PS_PER_S,
    source: "Xid 74 [X]: 1-4 % of faults; length assumed",
  },
  "hot-expert": {
    ...SILENT,
    kind: "hot-expert",
    about: "An expert is far more popular than the gate's draw says: its rank has more to do.",
    targets: ["expert"],
    parameters: [
      {
        key: "share",
        fallback: 0.5,
        range: "0.000001..1",
        about: "share of tokens that choose it",
      },
    ],
    source: "drill",
  },
  incast: {
    ...SILENT,
    kind: "incast",
    about: "Another job sends to the same NIC: its leaf's port has less left for us.",
    targets: ["nic"],
    parameters: [
      {
        key: "load",
        fallback: 0.75,
        range: "0.01..0.99",
        about: "share of the port that is taken",
      },
    ],
    leasePs: 100 * PS_PER_MS,
    source: "drill",
  },
  "controller-down": {
    ...LOUD,
    kind: "controller-down",
    about: "The recovery controller's process is gone; a new one knows nothing of what it did.",
    targets: ["controller"],
    isVisibilityFree: false,
    leasePs: 30 * PS_PER_S,
    source: "drill; a new process after 30 s is assumed",
  },
};

/** What an operator's intervention, or a real loss of processes, can name. */
const OTHER_TARGETS = {
  masked: ["gpu"],
  drained: ["gpu", "node"],
  rerouted: ["link", "spine"],
  "actors-lost": ["gpu", "nic", "nvswitch", "leaf", "spine", "controller"],
} as const satisfies Readonly<Record<Exclude<FaultKind, FaultName>, readonly TargetKind[]>>;

/** Whether a fault of that kind can be asked for. */
export function isFaultName(kind: string): kind is FaultName {
  return Object.hasOwn(CATALOGUE, kind);
}

/** Kinds of target of a fault or an intervention. */
export function targetKindsOf(kind: FaultKind): readonly TargetKind[] {
  return isFaultName(kind) ? CATALOGUE[kind].targets : OTHER_TARGETS[kind];
}

/** The catalogue in the order of {@link FAULT_KINDS}. */
export function catalogueEntries(): readonly CatalogueEntry[] {
  return FAULT_KINDS.map((kind) => CATALOGUE[kind]);
}
