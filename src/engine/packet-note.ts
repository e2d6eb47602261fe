/** Puts a packet into words for the event log, when a run asks for every packet. */
import type { PacketNote } from "../model/fact.ts";
import {
  DESTINATION,
  KIND,
  KIND_MASK,
  LAYER,
  NEXT_HOP,
  ORIGIN,
  type Packet,
  PacketKind,
  PSN,
  SIZE_BYTES,
  SLOT,
  SOURCE,
  TOKEN,
} from "../model/packet.ts";
import type { Topology } from "../model/topology.ts";

const NAMES = new Map<number, string>(
  Object.entries(PacketKind).map(([name, kind]) => [kind, name]),
);

/**
 * Describes a packet that is at the end of a lane. Acknowledgements are between NICs, all others
 * between GPUs, or a GPU and the controller.
 */
export function noteOf(
  topology: Topology,
  words: Int32Array,
  packet: Packet,
  lane: number,
): PacketNote {
  const kind = words[packet + KIND] & KIND_MASK;
  const isNics = kind === PacketKind.ack || kind === PacketKind.nak;
  const idOf = (word: number): string => topology.actors[words[packet + word]].id;
  return {
    link: topology.lanes[lane].link,
    kind: NAMES.get(kind) ?? String(kind),
    sizeBytes: words[packet + SIZE_BYTES],
    origin: idOf(isNics ? SOURCE : ORIGIN),
    destination: idOf(isNics ? NEXT_HOP : DESTINATION),
    psn: words[packet + PSN],
    layer: words[packet + LAYER],
    token: words[packet + TOKEN],
    slot: words[packet + SLOT],
  };
}
