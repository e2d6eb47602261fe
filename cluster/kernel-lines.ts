/**
 * Lines as the kernels of the emulated servers would log them, for tools that read logs: Xid errors
 * of the NVIDIA driver, and port states of RDMA devices. Each is marked as emulated. What hardware
 * does not say, or nobody has published, has no line.
 */
import { PS_PER_S } from "../src/model/time.ts";
import type { Topology } from "../src/model/topology.ts";
import { gpuNames, nicNames } from "./device-names.ts";
import { type HardwareSignal, type NicPort, Xid } from "./hardware-signals.ts";

/** Severity of syslog. */
export const Severity = { error: 3, notice: 5 } as const;

/** One line, without the time at which it is written. */
export interface KernelLine {
  /** The emulated server, such as `node2`. */
  readonly host: string;
  readonly severity: number;
  /** With virtual time in front, as a kernel has the seconds since it booted. */
  readonly text: string;
}

/** What the driver says after the number of an Xid. */
const XID_WORDS: Readonly<Record<number, string>> = {
  [Xid.nvlink]: "NVLink: fatal error detected on the links to the NVSwitch",
  [Xid.offTheBus]: "GPU has fallen off the bus.",
  [Xid.containedMemory]: "Contained: uncorrectable memory error. RST: No, D-RST: No",
};

/** The line of a signal. */
export function kernelLine(
  signal: HardwareSignal,
  { actors }: Topology,
  ports: readonly NicPort[],
): KernelLine {
  // As the kernel's own: seconds and microseconds, twelve wide.
  const stamp = `[${(signal.atPs / PS_PER_S).toFixed(6).padStart(12)}]`;
  if (signal.type === "xid") {
    const { host, xidAddress } = gpuNames(actors[signal.gpu]);
    const about = `pid='<unknown>', name=<unknown>, ${XID_WORDS[signal.xid] ?? ""}`;
    const text = `${stamp} NVRM: Xid (PCI:${xidAddress}): ${signal.xid}, ${about} (emulated)`;
    return { host, severity: Severity.error, text };
  }
  const { nic, number } = ports[signal.port];
  const { host, device, pciAddress } = nicNames(actors[nic]);
  const state = signal.isUp ? "ACTIVE" : "DOWN";
  const text = `${stamp} mlx5_core ${pciAddress} ${device}: Port: ${number} Link ${state} (emulated)`;
  return { host, severity: Severity.notice, text };
}
