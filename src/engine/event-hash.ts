/**
 * The words of an event folded into one, for the rolling hash of its actor. A sum of words times
 * odd constants, one multiplication deep, so that a processor can form all products at once.
 */
import { highWord, lowWord } from "../base/hash.ts";
import {
  DESTINATION,
  KIND,
  LAYER,
  NEXT_HOP,
  ORIGIN,
  PAYLOAD_HIGH,
  PAYLOAD_LOW,
  type Packet,
  PSN,
  SIZE_BYTES,
  SLOT,
  SOURCE,
  TOKEN,
} from "../model/packet.ts";

/** Everything that a delivery is: when, from whom, at which port, and the packet's model words. */
export function deliveryWord(
  words: Int32Array,
  packet: Packet,
  atPs: number,
  order: number,
  port: number,
): number {
  const sum =
    Math.imul(lowWord(atPs) ^ (port << 16), 0x9e3779b1) +
    Math.imul(highWord(atPs), 0x85ebca77) +
    Math.imul(lowWord(order), 0xc2b2ae3d) +
    Math.imul(highWord(order), 0x27d4eb2f) +
    Math.imul(words[packet + KIND], 0x165667b1) +
    Math.imul(words[packet + ORIGIN], 0xd3a2646d) +
    Math.imul(words[packet + DESTINATION], 0xfd7046c5) +
    Math.imul(words[packet + NEXT_HOP], 0xb55a4f09) +
    Math.imul(words[packet + SOURCE], 0x6c8e9cf5) +
    Math.imul(words[packet + SIZE_BYTES], 0x7feb352d) +
    Math.imul(words[packet + PSN], 0x3c6ef373) +
    Math.imul(words[packet + LAYER], 0x510e527f) +
    Math.imul(words[packet + TOKEN], 0x1f83d9ab) +
    Math.imul(words[packet + SLOT], 0x5be0cd19) +
    Math.imul(words[packet + PAYLOAD_LOW], 0x428a2f99) +
    Math.imul(words[packet + PAYLOAD_HIGH], 0x71374491);
  return sum | 0;
}

/** Everything that a reminder is: when, which of its actor's, and its two numbers. */
export function reminderWord(atPs: number, order: number, tag: number, value: number): number {
  const sum =
    Math.imul(lowWord(atPs), 0x9e3779b1) +
    Math.imul(highWord(atPs), 0x85ebca77) +
    Math.imul(lowWord(order), 0xc2b2ae3d) +
    Math.imul(tag, 0x165667b1) +
    Math.imul(value, 0xd3a2646d);
  return sum | 0;
}
