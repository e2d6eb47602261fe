/**
 * The parts in which a copy waits at a rank for others: for the last message to that rank, for its
 * turn on a stream, for the shares that are added to its own. Each holds the way of what it waits
 * for, as far as that falls into the wait.
 */
import { grouped } from "../base/ranges.ts";
import { pathTo } from "./critical-path.ts";
import type { Message } from "./message-log.ts";
import { type Cause, type Part, type Share, sharesOf } from "./part.ts";
import type { RankOp } from "./rank-log.ts";
import { describeOp } from "./rank-parts.ts";
import type { RunView } from "./run-view.ts";

/** Until everything that was sent to a rank has come; `openedPs`: when the copy's rank began. */
export function wholeWait(
  view: RunView,
  dispatch: RankOp,
  fromPs: number,
  openedPs: number,
): Part | undefined {
  if (dispatch.endedPs <= fromPs) return undefined;
  const point = { type: "ended", op: dispatch } as const;
  const parts = pathTo(view, point, fromPs);
  const words = lateWords(sharesOf(pathTo(view, point, openedPs)), sharesOf(parts));
  const what = `waits for ${lastOf(view, dispatch)}${words}`;
  return waitPart(view, dispatch, { kind: "wait", what, fromPs, untilPs: dispatch.endedPs }, parts);
}

/** Until an operation of a rank began that nothing else kept back. */
export function streamWait(view: RunView, op: RankOp, fromPs: number): Part | undefined {
  if (op.beganPs <= fromPs) return undefined;
  const parts = pathTo(view, { type: "began", op }, fromPs);
  const until = op.after === undefined ? "its turn comes" : `${describeOp(view, op.after)} is done`;
  const what = `waits until ${until}, by the order of the step`;
  return waitPart(view, op, { kind: "stream", what, fromPs, untilPs: op.beganPs }, parts);
}

/** Until a relay has what it adds up for a message. */
export function relayWait(
  view: RunView,
  result: Message,
  madePs: number,
  fromPs: number,
): Part | undefined {
  if (madePs <= fromPs) return undefined;
  const parts = pathTo(view, { type: "made", message: result, atPs: madePs }, fromPs);
  const by = result.event === "delivery" ? view.hopOrNone(result.cause) : undefined;
  const last = by === undefined ? "the relay's own" : `last ${view.describe(view.messageOf(by))}`;
  const where = view.idOf(result.maker);
  const what = `waits for the other shares of its sum and message: ${last}`;
  const wait = { kind: "wait", fromPs, untilPs: madePs, where, of: where, what } as const;
  return { ...wait, shares: blamed(parts, where), parts };
}

function waitPart(
  view: RunView,
  op: RankOp,
  part: Pick<Part, "kind" | "what" | "fromPs" | "untilPs">,
  parts: readonly Part[],
): Part {
  const where = view.idOf(op.actor);
  return { ...part, where, of: where, shares: blamed(parts, where), parts };
}

/** What a rank waited for last, in words. */
function lastOf(view: RunView, { actor, endedBy }: RankOp): string {
  const [givenUp] = endedBy === undefined ? [] : view.ranks.givenUpIn(actor, endedBy.number);
  if (givenUp !== undefined) return `${givenUp.rank}, until it is given up`;
  const hop = endedBy === undefined ? undefined : view.hopOrNone(endedBy.hop);
  if (hop !== undefined) return `${view.describe(view.messageOf(hop))}, the last to come`;
  if (endedBy?.kind === "faults") return "its process to go on";
  return "its own copies to be posted";
}

/** What others did in a wait is theirs to answer for, however healthy. */
function blamed(parts: readonly Part[], where: string): Share[] {
  return sharesOf(
    parts.map((part) => ({
      shares: part.shares.map((share) =>
        share.cause.type === "healthy" ? { ...share, cause: ownerOf(part, where) } : share,
      ),
    })),
  );
}

function ownerOf({ kind, of, what }: Part, where: string): Cause {
  return kind === "compute" && of === where
    ? { type: "schedule", name: what }
    : { type: "rank", name: of };
}

/** The faults that had made a path longer, and only before the wait began. */
function lateWords(path: readonly Share[], inWait: readonly Share[]): string {
  const isIn = (name: string): boolean =>
    inWait.some(({ cause }) => cause.type === "fault" && cause.name === name);
  const names = path
    .filter(({ cause }) => cause.type === "fault" && !isIn(cause.name))
    .map(({ cause, ps }) => `fault ${cause.name} (${grouped(ps)} ps)`);
  return names.length === 0 ? "" : `; before ours came it had lost time to ${names.join(", ")}`;
}
