/**
 * What the page and the process that serves it say to each other: JSON over HTTP on loopback. The
 * page asks `GET /api/run` once, follows `GET /api/stream` (Server-Sent Events), and asks for what
 * lies behind it as the user goes back. Types only. Instants and spans are ps of virtual time.
 */
import type { ActorKind } from "../model/topology.ts";

/** What a kind of fault can be asked for with, for the form that injects one. */
export interface FaultKindView {
  readonly kind: string;
  readonly about: string;
  /** Kinds of target: `gpu`, `nic`, `link`, `plane`, ... */
  readonly targets: readonly string[];
  /** What `set` may say, with the default as a file writes it. */
  readonly parameters: readonly { readonly key: string; readonly fallback: number | string }[];
}

/** `GET /api/run`: what does not change while the run goes on. */
export interface RunView {
  /** Version of Faultplane. */
  readonly faultplane: string;
  readonly runId: string;
  readonly title: string;
  readonly seed: string;
  readonly placement: string;
  /** The run is up, or was when it was asked. */
  readonly isLive: boolean;
  /** What the drill does is hidden until it is over; causes read `?`. */
  readonly isBlind: boolean;
  /** Nodes, planes (or rails), and the network's kind. */
  readonly cluster: {
    readonly nodes: number;
    readonly gpusPerNode: number;
    readonly planes: number;
    readonly network: string;
  };
  readonly workload: {
    readonly phase: string;
    readonly protocol: string;
    readonly layers: readonly number[];
    readonly steps: number;
    readonly chains: readonly string[];
    readonly tokensPerGpu: number;
  };
  /** By actor number. `node`, `plane`, `ordinal` are -1 where they do not apply. */
  readonly actors: {
    readonly id: readonly string[];
    readonly kind: readonly ActorKind[];
    readonly node: readonly number[];
    readonly plane: readonly number[];
    readonly ordinal: readonly number[];
  };
  /** By lane number: one direction of a link. */
  readonly lanes: {
    /** Id of the link, which its two lanes share. */
    readonly link: readonly string[];
    readonly from: readonly number[];
    readonly to: readonly number[];
    /** What it carries at most, bytes per second. */
    readonly bytesPerSecond: readonly number[];
  };
  /**
   * By place in an EP group: the logical experts that live there in some layer, ascending. GPUs in
   * the order of actors fill one group after the other.
   */
  readonly experts: readonly (readonly number[])[];
  /** Length of the bins in which traffic is counted. */
  readonly trafficEveryPs: number;
  readonly faultKinds: readonly FaultKindView[];
}

/** A fault that is in force, or is ordered and will be. */
export interface FaultView {
  readonly fault: string;
  readonly kind: string;
  readonly targets: readonly string[];
  readonly atPs: number;
  /** When its lease ends; null: with the run, or nobody knows. */
  readonly untilPs: number | null;
  /** How hard it hits for now, thousandths; 0: it pauses (a flap). */
  readonly permille: number;
}

/** A rank that others have given up. */
export interface MaskedRankView {
  readonly rank: string;
  /** How many ranks mask it. */
  readonly by: number;
  /** Names of the faults that they put it down to. */
  readonly faults: readonly string[];
}

/** `GET /api/state?atPs=N`, and event `state` of the stream: the fleet at an instant. */
export interface StateView {
  readonly atPs: number;
  readonly faults: readonly FaultView[];
  readonly masked: readonly MaskedRankView[];
  /** Ranks that more than half of the others of their group have given up, or that are out. */
  readonly givenUp: number;
  /** Ranks that are out of their group, trapped, or have finished. */
  readonly out: readonly string[];
  readonly trapped: readonly string[];
  readonly ranksFinished: number;
  readonly layersDone: number;
  readonly layersTotal: number;
  readonly combined: number;
  readonly masksTotal: number;
  readonly mismatches: number;
  readonly use: UseView;
}

/** How much lanes were used over the bins of traffic that end at or before an instant. */
export interface UseView {
  readonly fromPs: number;
  readonly spanPs: number;
  /** By lane: use in thousandths of its rate over the span; see {@link decodeUse}. */
  readonly permille: string;
}

/** Event `status` of the stream: how the run stands, with the wall clock's part. */
export interface StatusView {
  readonly virtualTimePs: number;
  readonly wallSeconds: number;
  readonly speed: number | "max";
  readonly lagSeconds: number;
  readonly isPaused: boolean;
  /** Of virtual time, over the last interval of the series; null: none was finished. */
  readonly tokensPerSecond: number | null;
  /** Not everything that the run has said was read: states and series are of before. */
  readonly isBehind: boolean;
}

/** `GET /api/series`, and event `series` of the stream (only what is new since the last one). */
export interface SeriesView {
  /** Length of an interval; it doubles when there are too many. The stream then says `reset`. */
  readonly everyPs: number;
  readonly reset: boolean;
  /** Beginnings of the intervals in which something happened, ascending. */
  readonly atPs: readonly number[];
  /** Tokens that came through a layer per second of virtual time, scaled to whole passes. */
  readonly tokensPerSecond: readonly (number | null)[];
  /**
   * Median and slowest of dispatches and combines that ended in it, us; null: none did. Medians are
   * right within 2 percent.
   */
  readonly dispatchP50Us: readonly (number | null)[];
  readonly dispatchMaxUs: readonly (number | null)[];
  readonly combineP50Us: readonly (number | null)[];
  readonly combineMaxUs: readonly (number | null)[];
  /** By plane: use of the lanes between NICs and leaves, percent of their rate. */
  readonly planeUsePercent: readonly (readonly number[])[];
  /** Ranks that somebody masks, at its end. */
  readonly ranksMasked: readonly number[];
  /** Wall-clock lag at its end, s; null: it was not observed (a run that is over). */
  readonly lagSeconds: readonly (number | null)[];
}

/** A sentence of the log; of a single fact with its fields, as `events.ndjson` has them. */
export interface ToldLine {
  readonly level: string;
  readonly virtualTimePs: number;
  /** `fleet`: several, or none in particular. */
  readonly actor: string;
  /** The sentence that the terminal shows. */
  readonly text: string;
  readonly [field: string]: unknown;
}

/** One line of the log. */
export interface EventView extends ToldLine {
  /** Its number among the lines that pass the same filter, from 0. */
  readonly line: number;
}

/**
 * `GET /api/log?filter=F&untilPs=N&limit=K`: lines in the order of the log, the last `limit` before
 * the instant, the same from many in one; with `each=1` one for each fact. `skipped`: lines that
 * passed the filter and were too many to send.
 */
export interface LogView {
  readonly lines: readonly EventView[];
  readonly skipped: number;
}

/** Event `log` of the stream: more lines; with `isAll` the last ones so far, in place of others. */
export interface LogNewsView extends LogView {
  readonly isAll: boolean;
}

/**
 * Event `ended` of the stream: the run is over. `GET /report` has its report, unless `end` is `cut
 * off`: its process was killed.
 */
export interface EndedView {
  /** Empty: nobody judged it. */
  readonly verdict: string;
  /** Why it is not PASS. */
  readonly reasons: readonly string[];
  /** Of a blind drill: who named what, and how right that was. */
  readonly attempts: readonly AttemptView[];
  readonly end: string;
  readonly digest: string;
}

/** A diagnosis of a blind drill, graded when it is over. */
export interface AttemptView {
  readonly kind: string;
  readonly targets: readonly string[];
  readonly atPs: number;
  readonly grade: string;
}

/** Answer to what went wrong, with an HTTP status of 400 and above. */
export interface ProblemView {
  readonly problems: readonly {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
  }[];
}

/**
 * `POST /api/session` with `{"code": "..."}`, the one-time code of the link that the terminal
 * showed (`http://127.0.0.1:PORT/#code=...`): the token that `POST /api/control` wants as
 * `Authorization: Bearer`. Whoever has no token sees everything and does nothing. A code that is
 * none any more is refused with status 200: browsers complain of others in their console.
 */
export type SessionView =
  | { readonly ok: true; readonly token: string }
  | ({ readonly ok: false } & ProblemView);

/**
 * `POST /api/control` takes a request of an operator, as `faultplane inject` and the others send
 * it: `{"command":"inject","fault":{"kind":"nic-down","target":"node1.nic3","healAfter":"5 ms"}}`,
 * `{"command":"heal","fault":"nic-down"}`, `{"command":"mask","target":"node1.gpu3"}`, `pause`,
 * `resume`, `speed`, `stop`, `diagnose`. The answer tells when it acts, or what the run refused and
 * why: both are answers, with status 200.
 */
export type ControlView =
  | { readonly ok: true; readonly atPs: number; readonly text: string }
  | ({ readonly ok: false } & ProblemView);
