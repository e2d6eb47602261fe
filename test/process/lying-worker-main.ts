/**
 * A worker that lies: the real one, with the real token, but what its first process sends is
 * changed once on its way out. Which lie it is the run's name says, `lie-` and a key of LIES;
 * worker 1 tells it, at the first report from window 9 on that it fits.
 */
import { WebSocket } from "ws";
import { makeDevice } from "../../actors/catalogue.ts";
import { encode } from "../../cluster/codec.ts";
import { exitFailed } from "../../cluster/membership.ts";
import { Env, Tag } from "../../cluster/messages.ts";
import { encodeReport } from "../../cluster/report-wire.ts";
import { decodeMemberMessage, encodeMessage, encodeTag, tagOf } from "../../cluster/wire.ts";
import { runWorker } from "../../cluster/worker.ts";
import type { SentFrame, WindowReport } from "../../src/model/window.ts";
import { fateOf, REPORT_HEAD } from "./dying-worker.ts";

const FIRST_WINDOW = 9;

/** First byte of a data frame. */
const FRAME_HEAD = 0x31;

/** Place of the sequence number in the header of a data frame, words. */
const SEQUENCE = 3;

/** What is sent in place of a report; undefined: this report does not fit the lie. */
type Lie = (report: WindowReport) => readonly Uint8Array[] | undefined;

const FACT = { type: "rank.finished", dispatched: 1, combined: 1, masked: 0 } as const;

/** A report and something else. */
function besides(other: Uint8Array): Lie {
  return (report) => [encodeReport(report), other];
}

function changed(change: (report: WindowReport) => Partial<WindowReport>): Lie {
  return (report) => [encodeReport({ ...report, ...change(report) })];
}

/** Changes the first frame that a report carries. */
function frameChanged(change: (sent: SentFrame, bytes: Uint8Array) => Partial<SentFrame>): Lie {
  return (report) => {
    const [first, ...others] = report.sent;
    if (first === undefined || first.carried === null) return undefined;
    const bytes = Uint8Array.from(first.carried);
    const sent = { ...first, carried: bytes, ...change(first, bytes) };
    return [encodeReport({ ...report, sent: [sent, ...others] })];
  };
}

function sequenceMoved(by: number): Lie {
  return frameChanged((_, bytes) => {
    new Int32Array(bytes.buffer)[SEQUENCE] += by;
    return {};
  });
}

/** Accuses the first process of worker 0 in one window, and the next one in another. */
function falseAccusations(): Lie {
  let incarnation = 0;
  return (report) => {
    const accusation = encodeMessage(Tag.unreachable, 0, incarnation, "so it says", "frame-magic");
    incarnation += 1;
    return [accusation, encodeReport(report)];
  };
}

const LIES: Readonly<Record<string, Lie>> = {
  "time-in-the-past": changed(() => ({ nextEventPs: 1 })),
  "events-that-go-back": changed(() => ({ events: 0 })),
  "negative-time": changed(() => ({ nextEventPs: -1 })),
  "packet-in-the-window": frameChanged(() => ({ earliestPs: 1 })),
  "beyond-its-promise": frameChanged(({ earliestPs }) => ({ earliestPs: earliestPs + 1 })),
  "foreign-actor": changed(({ lastEventPs: atPs, facts }) => ({
    facts: [...facts, { atPs, actor: 0, index: 0, fact: FACT }],
  })),
  "another-window": changed(({ window }) => ({ window: window + 1 })),
  "report-twice": (report) => [encodeReport(report), encodeReport(report)],
  "skipped-sequence": sequenceMoved(1),
  "replayed-sequence": sequenceMoved(-1),
  "damaged-frame": frameChanged((_, bytes) => {
    bytes[bytes.length - 1] ^= 1;
    return {};
  }),
  "frame-of-another": frameChanged((_, bytes) => {
    bytes[4] = 2;
    return {};
  }),
  "wrong-incarnation": besides(encodeMessage(Tag.unreachable, 0, 7, "so it says", "")),
  "second-listening": besides(encodeMessage(Tag.listening, 4711, [])),
  "second-linked": besides(encodeTag(Tag.linked)),
  "unasked-handover": besides(encodeMessage(Tag.handover, 0, [])),
  "word-of-an-agent": besides(encodeMessage(Tag.silent, 0, 0)),
  "report-never-sent": () => [],
  "no-message": besides(encode({ tag: 2 })),
  "false-accusation": falseAccusations(),
};

/** Lies of which a frame that goes straight to its peer is the place. */
const STRAIGHT: Readonly<Record<string, (bytes: Uint8Array) => readonly Uint8Array[]>> = {
  "straight-replayed": (bytes) => [bytes, bytes],
  "straight-skipped": (bytes) => {
    const copy = Uint8Array.from(bytes);
    new Int32Array(copy.buffer)[SEQUENCE] += 1;
    return [copy];
  },
};

const name = (process.env[Env.runId] ?? "").replace("lie-", "");
const isLiar = process.env[Env.number] === "1" && process.env[Env.incarnation] === "0";

if (isLiar) {
  const send = WebSocket.prototype.send as (this: WebSocket, bytes: Uint8Array) => void;
  let left = name === "false-accusation" ? 2 : 1;
  let window = 0;
  const sentInstead = (bytes: Uint8Array): readonly Uint8Array[] | undefined => {
    if (bytes[0] === FRAME_HEAD) return window < FIRST_WINDOW ? undefined : STRAIGHT[name]?.(bytes);
    if (bytes[0] !== REPORT_HEAD || tagOf(bytes) !== Tag.report) return undefined;
    const message = decodeMemberMessage(bytes);
    if (message.tag !== Tag.report) return undefined;
    window = message.report.window;
    // A second lie comes some windows later.
    return window < FIRST_WINDOW * (3 - left) ? undefined : LIES[name]?.(message.report);
  };
  WebSocket.prototype.send = function lie(this: WebSocket, bytes: Uint8Array): void {
    const instead = left > 0 ? sentInstead(bytes) : undefined;
    if (instead !== undefined) left -= 1;
    for (const one of instead ?? [bytes]) send.call(this, one);
  };
}

const { [Env.runId]: runId = "" } = process.env;
const self = {
  number: Number(process.env[Env.number]),
  incarnation: Number(process.env[Env.incarnation]),
};
const sendOn = WebSocket.prototype.send as (this: WebSocket, bytes: Uint8Array) => void;
let isSilent = false;
WebSocket.prototype.send = function live(this: WebSocket, bytes: Uint8Array): void {
  const fate = isSilent ? "withheld" : fateOf(runId, self, bytes);
  if (fate !== "withheld") sendOn.call(this, bytes);
  isSilent ||= fate === "last";
};

runWorker(makeDevice).catch(exitFailed);
