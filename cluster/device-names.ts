/**
 * What tools on a real server would call the emulated devices: `nvidia3`, `mlx5_3`, PCI addresses,
 * UUIDs. They are made up from the place of the device, in the usual form, and the same in every
 * run: no such hardware exists.
 */
import { avalanche32, hashString } from "../src/base/hash.ts";
import type { Hardware } from "../src/model/hardware.ts";
import type { ActorPlace } from "../src/model/topology.ts";

/** PCI buses of the eight GPUs of a common server; each NIC is on the bus before its GPU's. */
const BUSES = [0x1b, 0x43, 0x52, 0x61, 0x9d, 0xc3, 0xd1, 0xdf];

/** What a GPU is called. */
export interface GpuNames {
  /** Emulated server, such as `node2`. */
  readonly host: string;
  /** Number in the server, as text. */
  readonly gpu: string;
  readonly uuid: string;
  /** As DCGM writes it: `00000000:1B:00.0`. */
  readonly pciBusId: string;
  /** As the kernel's Xid lines write it: `0000:1b:00`. */
  readonly xidAddress: string;
  /** `nvidia3`. */
  readonly device: string;
}

/** What a NIC is called. */
export interface NicNames {
  readonly host: string;
  /** `mlx5_3`. */
  readonly device: string;
  /** `0000:1a:00.0`. */
  readonly pciAddress: string;
}

export function gpuNames({ id, node, ordinal }: ActorPlace): GpuNames {
  const { domain, bus } = placeOnBus(ordinal, 0);
  return {
    host: `node${node}`,
    gpu: `${ordinal}`,
    uuid: uuidOf(id),
    pciBusId: `${domain.padStart(8, "0")}:${bus.toUpperCase()}:00.0`,
    xidAddress: `${domain.padStart(4, "0")}:${bus}:00`,
    device: `nvidia${ordinal}`,
  };
}

export function nicNames({ node, ordinal }: ActorPlace): NicNames {
  const { domain, bus } = placeOnBus(ordinal, 1);
  return {
    host: `node${node}`,
    device: `mlx5_${ordinal}`,
    pciAddress: `${domain.padStart(4, "0")}:${bus}:00.0`,
  };
}

/** Model of the GPUs of a hardware: `NVIDIA H800`, or the hardware's own name. */
export function gpuModel({ name }: Pick<Hardware, "name">): string {
  const known = /^(h800|gb200)\b/i.exec(name)?.[1];
  return known === undefined ? name : `NVIDIA ${known.toUpperCase()}`;
}

function placeOnBus(ordinal: number, before: number): { domain: string; bus: string } {
  const bus = BUSES[ordinal % BUSES.length] - before;
  return {
    domain: Math.floor(ordinal / BUSES.length).toString(16),
    bus: bus.toString(16).padStart(2, "0"),
  };
}

/** `GPU-` and 32 hexadecimal digits that the id fixes. */
function uuidOf(id: string): string {
  let word = hashString(id);
  let digits = "";
  while (digits.length < 32) {
    word = avalanche32(word + 0x9e3779b9);
    digits += (word >>> 0).toString(16).padStart(8, "0");
  }
  const parts = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16)];
  return `GPU-${[...parts, digits.slice(16, 20), digits.slice(20, 32)].join("-")}`;
}
