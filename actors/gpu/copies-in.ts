/**
 * Which token copies a message is about, read from outside: for whoever follows copies through a
 * run. It knows the layouts of both protocols' messages and changes nothing.
 */
import {
  KIND,
  KIND_MASK,
  type Packet,
  PacketFlag,
  PacketKind,
  type PacketPool,
  SLOT,
  TOKEN,
} from "../../src/model/packet.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { ENTRY_WORDS } from "./entries.ts";
import { choiceOf, isRefused, refusedChoiceOf } from "./token-slot.ts";
import { CHOICE_WORDS, COPY_WORDS, SUM_WORDS } from "./token-sum.ts";

/** Token and choice of each copy in a message, one after the other; empty: it is about none. */
export type CopiesIn = (packets: PacketPool, packet: Packet) => number[];

/** Reads the messages of a scenario's protocol. */
export function makeCopiesIn({ workload, recovery }: Scenario): CopiesIn {
  const checkWords = recovery.integrity === "checksum" ? 1 : 0;
  const isNormal = workload.protocol === "normal";
  return (packets, packet) => {
    const { words } = packets;
    const kind = words[packet + KIND] & KIND_MASK;
    const isCopy = kind === PacketKind.dispatch || kind === PacketKind.nodeDispatch;
    if (!isCopy && kind !== PacketKind.combine && kind !== PacketKind.partial) return [];
    if ((words[packet + KIND] & PacketFlag.cargo) === 0) {
      return [words[packet + TOKEN], choiceIn(words[packet + SLOT])];
    }
    const { cargo } = packets;
    const block = packets.cargoOf(packet);
    const first = cargo.first(block);
    const span: Span = {
      words: cargo.words,
      first,
      end: first + cargo.lengthOf(block),
      checkWords,
    };
    if (!isNormal) return entriesOf(span);
    return isCopy ? choicesOf(span) : sumsOf(span);
  };
}

interface Span {
  readonly words: Int32Array;
  readonly first: number;
  readonly end: number;
  readonly checkWords: number;
}

function choiceIn(slot: number): number {
  return isRefused(slot) ? refusedChoiceOf(slot) : choiceOf(slot);
}

/** Low-latency protocol; see entries.ts. */
function entriesOf({ words, first, end, checkWords }: Span): number[] {
  const copies: number[] = [];
  for (let at = first; at < end; at += ENTRY_WORDS + checkWords) {
    copies.push(words[at], choiceIn(words[at + 1]));
  }
  return copies;
}

/** Copies of the normal protocol; see copy-packer.ts. */
function choicesOf({ words, first, end, checkWords }: Span): number[] {
  const copies: number[] = [];
  for (let at = first; at < end; ) {
    const [token, choices] = [words[at], words[at + 1]];
    at += COPY_WORDS + checkWords;
    for (let count = 0; count < choices; count += 1, at += CHOICE_WORDS) {
      copies.push(token, choiceIn(words[at]));
    }
  }
  return copies;
}

/** Sums of the normal protocol, what was given up in them included; see token-sum.ts. */
function sumsOf({ words, first, end, checkWords }: Span): number[] {
  const copies: number[] = [];
  for (let at = first; at < end; at += SUM_WORDS + checkWords) {
    const bits = words[at + 1] | words[at + 2];
    for (let choice = 0; choice < 32; choice += 1) {
      if ((bits & (1 << choice)) !== 0) copies.push(words[at], choice);
    }
  }
  return copies;
}
