/**
 * GPU metrics under the names of NVIDIA's DCGM exporter (those of its versions before 4.9), so that
 * rules and dashboards that exist find them. Only what the emulation knows: no temperatures, no
 * clocks, power or utilization. docs/metrics.md says how each is derived.
 */
import { PS_PER_S } from "../src/model/time.ts";
import type { Topology } from "../src/model/topology.ts";
import { gpuModel, gpuNames } from "./device-names.ts";
import { Xid } from "./hardware-signals.ts";
import { each } from "./metrics-own.ts";
import type { Labels, MetricEntry } from "./metrics-registry.ts";
import type { MetricSources } from "./metrics-sources.ts";

/** Text of an Xid, as the exporter has it in `err_msg`. */
const XID_TEXT: Readonly<Record<number, string>> = {
  0: "No Error",
  [Xid.nvlink]: "NVLINK Error",
  [Xid.offTheBus]: "GPU has fallen off the bus",
  [Xid.containedMemory]: "Contained ECC error",
};

const LABELS = ["gpu", "UUID", "pci_bus_id", "device", "modelName", "Hostname", "hostname"];

const BYTES_PER_MB = 1e6;

interface Gpu {
  readonly index: number;
  readonly node: number;
  readonly labels: Labels;
  /** Lanes to and from its NVSwitch, and its NIC; -1: none. */
  readonly nvlinkOut: number;
  readonly nvlinkIn: number;
  readonly busOut: number;
  readonly busIn: number;
}

export function dcgmMetrics({ options, hardware, links, pace }: MetricSources): MetricEntry[] {
  const { topology, scenario } = options;
  const gpus = gpusOf(topology, gpuModel(scenario.hardware));
  // The exporter of a server that has crashed says nothing; a GPU off the bus cannot be read.
  const present = (): Gpu[] => gpus.filter(({ node }) => !hardware.isCrashed(node));
  const readable = (): Gpu[] => present().filter(({ index }) => hardware.isReadable(index));
  const rate = (bytes: number): number => (bytes * PS_PER_S) / links.spanPs;
  const gauge = (
    name: string,
    help: string,
    lanes: (gpu: Gpu) => readonly number[],
  ): MetricEntry => ({
    ...{ name, type: "gauge", help: `Emulated: ${help}`, labels: LABELS },
    samples: () => {
      const recent = links.recent(pace.virtualTimePs);
      const bytesOf = (gpu: Gpu): number =>
        lanes(gpu).reduce((sum, lane) => sum + (lane < 0 ? 0 : recent[lane]), 0);
      return each(readable(), (gpu) => ({ labels: gpu.labels, value: rate(bytesOf(gpu)) }));
    },
  });
  const memoryErrors = (gpu: Gpu): number =>
    hardware.xidTotalsOf(gpu.index).get(Xid.containedMemory) ?? 0;
  return [
    {
      name: "DCGM_FI_DEV_XID_ERRORS",
      type: "gauge",
      help: "Emulated: value of the last Xid error encountered.",
      labels: [...LABELS, "err_code", "err_msg"],
      samples: () =>
        each(present(), ({ index, labels }) => {
          const value = hardware.xidOf(index);
          const about = { err_code: `${value}`, err_msg: XID_TEXT[value] ?? "Unknown Error" };
          return { labels: { ...labels, ...about }, value };
        }),
    },
    {
      name: "DCGM_EXP_XID_ERRORS_TOTAL",
      type: "counter",
      help: "Emulated: Xid errors since the run began.",
      labels: [...LABELS, "xid"],
      samples: () =>
        present().flatMap(({ index, labels }) =>
          [...hardware.xidTotalsOf(index)].map(([xid, value]) => ({
            labels: { ...labels, xid: `${xid}` },
            value,
          })),
        ),
    },
    {
      name: "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL",
      type: "counter",
      help: "Emulated: total number of double-bit volatile ECC errors.",
      labels: LABELS,
      samples: () => each(readable(), (gpu) => ({ labels: gpu.labels, value: memoryErrors(gpu) })),
    },
    gauge(
      "DCGM_FI_PROF_NVLINK_TX_BYTES",
      "bytes per second of virtual time transmitted over NVLink.",
      ({ nvlinkOut }) => [nvlinkOut],
    ),
    gauge(
      "DCGM_FI_PROF_NVLINK_RX_BYTES",
      "bytes per second of virtual time received over NVLink.",
      ({ nvlinkIn }) => [nvlinkIn],
    ),
    inMegabytes(
      gauge(
        "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL",
        "NVLink throughput both ways, MB per second of virtual time.",
        ({ nvlinkOut, nvlinkIn }) => [nvlinkOut, nvlinkIn],
      ),
    ),
    gauge(
      "DCGM_FI_PROF_PCIE_TX_BYTES",
      "bytes per second of virtual time from the GPU to its NIC.",
      ({ busOut }) => [busOut],
    ),
    gauge(
      "DCGM_FI_PROF_PCIE_RX_BYTES",
      "bytes per second of virtual time from the NIC to its GPU.",
      ({ busIn }) => [busIn],
    ),
  ];
}

function inMegabytes(entry: MetricEntry): MetricEntry {
  return {
    ...entry,
    *samples() {
      for (const sample of entry.samples()) {
        yield { ...sample, value: sample.value / BYTES_PER_MB };
      }
    },
  };
}

function gpusOf({ actors, lanes }: Topology, modelName: string): Gpu[] {
  const laneOf = (from: number, kind: string, isOut: boolean): number =>
    lanes.findIndex((lane) =>
      isOut
        ? lane.from === from && actors[lane.to].kind === kind
        : lane.to === from && actors[lane.from].kind === kind,
    );
  return actors.flatMap((place, index) => {
    if (place.kind !== "gpu") return [];
    const { host, gpu, uuid, pciBusId, device } = gpuNames(place);
    const names = { gpu, UUID: uuid, pci_bus_id: pciBusId, device, modelName };
    return [
      {
        index,
        node: place.node,
        labels: { ...names, Hostname: host, hostname: host },
        nvlinkOut: laneOf(index, "nvswitch", true),
        nvlinkIn: laneOf(index, "nvswitch", false),
        busOut: laneOf(index, "nic", true),
        busIn: laneOf(index, "nic", false),
      },
    ];
  });
}
