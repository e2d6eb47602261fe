/**
 * The chain of a journal: every line ends in a value that depends on it and on all lines before it,
 * so a line that was changed, taken out, doubled, moved or put in is found, and is the first one
 * that does not fit. It guards against damage and careless hands: whoever computes it anew can
 * forge it, and lines missing at the end leave a chain that is whole (decision 0029).
 */
import { createHash } from "node:crypto";

/** Hexadecimal digits of a chain value: 128 bits of SHA-256. */
const DIGITS = 32;

const OPENING = `,"chain":"`;
const CLOSING = `"}`;
const SEAL_LENGTH = OPENING.length + DIGITS + CLOSING.length;

/** Chain value before the first line. */
export const CHAIN_START = "";

/** A line as it was found, or as it is to be written. */
export interface ChainedLine {
  /** Without its line end. */
  readonly text: string;
  /** Its chain value: 32 hexadecimal digits. */
  readonly chain: string;
}

/** `record` as the line that follows one with chain value `previous`. */
export function chainedLine(previous: string, record: object): ChainedLine {
  const body = JSON.stringify(record);
  const chain = chainOf(previous, Buffer.from(body, "utf8"));
  return { text: `${body.slice(0, -1)}${OPENING}${chain}${CLOSING}`, chain };
}

/** A journal's text: `records`, the header first, chained from the start. */
export function chainedText(records: readonly object[]): string {
  let previous = CHAIN_START;
  return records
    .map((record) => {
      const { text, chain } = chainedLine(previous, record);
      previous = chain;
      return `${text}\n`;
    })
    .join("");
}

/**
 * The chain value of `line` (without its line end) when it follows one with chain value `previous`;
 * undefined when it does not.
 */
export function followedBy(previous: string, line: Uint8Array): string | undefined {
  if (line.length <= SEAL_LENGTH) return undefined;
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
  const seal = bytes.toString("latin1", line.length - SEAL_LENGTH);
  const body = Buffer.concat([bytes.subarray(0, -SEAL_LENGTH), Buffer.from("}")]);
  const chain = chainOf(previous, body);
  return seal === `${OPENING}${chain}${CLOSING}` ? chain : undefined;
}

function chainOf(previous: string, body: Uint8Array): string {
  return createHash("sha256").update(previous).update(body).digest("hex").slice(0, DIGITS);
}
