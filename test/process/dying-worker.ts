/**
 * Lives of workers that end, or come to nothing, at a certain place: what a process would say there
 * it does not say, or it is its last word. Which life it is the run's name says.
 */

import { Tag } from "../../cluster/messages.ts";
import { decodeMemberMessage, tagOf } from "../../cluster/wire.ts";

/** Wall ms by which a second death comes after a first one: that one has been decided by then. */
const LATER_MS = 500;

/** First byte of a report: a list of 15 parts. */
export const REPORT_HEAD = 0x9f;

/** What becomes of a message, first element its tag: it is sent, not sent, or its last one. */
export type Fate = "sent" | "withheld" | "last";

interface Process {
  readonly number: number;
  readonly incarnation: number;
}

type Life = (process: Process, bytes: Uint8Array) => Fate;

const die = (): boolean => process.kill(process.pid, "SIGKILL");

function isReport(bytes: Uint8Array, window: number): boolean {
  if (bytes[0] !== REPORT_HEAD || tagOf(bytes) !== Tag.report) return false;
  const message = decodeMemberMessage(bytes);
  return message.tag === Tag.report && message.report.window >= window;
}

/** The first process of worker 1 dies in window 9; what becomes of those after it `later` says. */
function diesOnce(later: (process: Process, bytes: Uint8Array) => boolean): Life {
  return (process, bytes) => {
    if (process.number !== 1) return "sent";
    if (process.incarnation === 0) return isReport(bytes, 9) ? "last" : "sent";
    return later(process, bytes) ? "withheld" : "sent";
  };
}

const LIVES: Readonly<Record<string, Life>> = {
  /** Worker 0 dies when it has said its totals, worker 1 later, and before it has. */
  "lie-done-and-gone": ({ number, incarnation }, bytes) => {
    if (incarnation > 0 || number > 1 || tagOf(bytes) !== Tag.summary) return "sent";
    if (number === 0) return "last";
    setTimeout(die, LATER_MS);
    return "withheld";
  },
  "lie-never-listens": diesOnce(
    ({ incarnation }, bytes) => incarnation === 1 && tagOf(bytes) === Tag.listening,
  ),
  "lie-never-linked": diesOnce((_, bytes) => tagOf(bytes) === Tag.linked),
};

/** What becomes of a message in the run of that name; after its last one the process dies. */
export function fateOf(runId: string, process: Process, bytes: Uint8Array): Fate {
  const fate = LIVES[runId]?.(process, bytes) ?? "sent";
  // What it said is to get out.
  if (fate === "last") setTimeout(die, 20);
  return fate;
}
