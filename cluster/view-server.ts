/**
 * The server of a run's page: what there is to see goes out to whoever comes from this machine,
 * what is to be done comes in from those who have a token. It reads the run's folder and asks the
 * run as any operator does; the run waits for nothing of it.
 */
import { join } from "node:path";
import type { Scenario } from "../src/model/scenario.ts";
import type { Topology } from "../src/model/topology.ts";
import type { FilterProblem } from "../src/observe/filter-terms.ts";
import type {
  ControlView,
  EndedView,
  LogView,
  ProblemView,
  RunView,
  SessionView,
} from "../src/observe/view-api.ts";
import {
  type ControlAnswer,
  type ControlRequest,
  type LiveStatus,
  requestOf,
} from "./control-messages.ts";
import {
  type Asked,
  type HttpDoor,
  openHttp,
  type Reply,
  RequestError,
  type Route,
} from "./http-door.ts";
import { LogAudiences, type Wish } from "./log-audiences.ts";
import { LogReader } from "./log-reader.ts";
import { PageFeed } from "./page-feed.ts";
import { isProblem, type LogWish, PageLog } from "./page-log.ts";
import { PageSessions } from "./page-session.ts";
import { PageViewers } from "./page-viewers.ts";
import { readRunFile } from "./read-file.ts";
import { ReadingTurns, type Step } from "./reading-turns.ts";
import { CUT_OFF, endedView } from "./run-end.ts";
import { RunFile } from "./run-folder.ts";
import { RunWatch } from "./run-watch.ts";

const JSON_TYPE = "application/json; charset=utf-8";
const HTML_TYPE = "text/html; charset=utf-8";

/** A report is one file with its own style in it. */
const REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** Requests of operators that wait for an answer at once. */
const ASKS_MAX = 16;

/** Wall ms that somebody waits for the past; then it is told as far as it was read. */
const READ_MS = 20_000;

/** Lines of one answer: when nobody says how many, and at most. */
const LINES = 200;
const LINES_MAX = 1000;

/** A request of an operator: how deep it nests, and fields of one object in it. */
const REQUEST_DEPTH = 6;
const REQUEST_FIELDS = 256;

/** An answer to Prometheus stands for so many times what it took to make. */
const METRICS_RESTS = 3;

/** Largest report that is served, bytes. */
const REPORT_BYTES = 64 * 1024 * 1024;

export interface ViewServerOptions {
  /** 0: any free one. */
  readonly port: number;
  /** The run folder. */
  readonly folder: string;
  readonly scenario: Scenario;
  readonly topology: Topology;
  /** What the page is told once, but for whether the run is up. */
  readonly about: Omit<RunView, "isLive">;
  /** The run was over before anybody looked. */
  readonly isOver?: boolean;
  /** Has the process that writes the run ended without an end in the journal? Default: no. */
  isGone?(): boolean;
  /** Files of the page by path, `/page.js`; `/` is the page itself. */
  readonly pageFiles: ReadonlyMap<string, PageFile>;
  /** Asks the run, when it has begun; undefined: it is over. */
  ask(request: ControlRequest): Promise<ControlAnswer | undefined>;
  /** What Prometheus is told. */
  readonly metrics?: { text(): Promise<string>; readonly contentType: string } | undefined;
}

/** A file that belongs to the page. */
export interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** A page that is being served. */
export interface ViewServer {
  readonly port: number;
  /** How many watch. */
  readonly viewers: number;
  /** The page's address; with a code that lets one viewer act. */
  link(): string;
  close(): void;
}

/** Opens the port. Rejects with an OperatingError: E043, or E001 when there is no run folder. */
export async function openViewServer(options: ViewServerOptions): Promise<ViewServer> {
  const server = new Server(options);
  const door = await openHttp(options.port, server.routes).catch((error: unknown) => {
    server.close();
    throw error;
  });
  return server.opened(door);
}

class Server {
  readonly routes: ReadonlyMap<string, Route>;
  readonly #options: ViewServerOptions;
  readonly #watch: RunWatch;
  readonly #log: PageLog;
  readonly #viewers = new PageViewers<Wish>();
  readonly #sessions = new PageSessions();
  readonly #turns = new ReadingTurns(() => this.#about().isLive);
  readonly #audiences: LogAudiences;
  readonly #feed: PageFeed;
  /** What Prometheus was told last, and until when it stands. */
  #metrics: { readonly text: Promise<string>; readonly untilMs: number } | undefined;
  /** What is told of the run, as text, while it is up and when it is over. */
  readonly #aboutTexts = new Map<boolean, string>();
  #asks = 0;

  constructor(options: ViewServerOptions) {
    const { folder, scenario, topology, pageFiles, metrics } = options;
    this.#options = options;
    const isVeiled = (): boolean => this.#isVeiled;
    this.#watch = new RunWatch({ folder, scenario, topology, isVeiled });
    this.#log = new PageLog(scenario, topology);
    const [log, viewers] = [this.#log, this.#viewers];
    this.#audiences = new LogAudiences({ folder, log, viewers, turns: this.#turns, isVeiled });
    this.#feed = new PageFeed({
      ...{ watch: this.#watch, audiences: this.#audiences, viewers },
      status: () => this.#status(),
      ended: () => this.#ended(),
    });
    const routes: [string, Route][] = [
      ["GET /api/run", (_, reply) => reply.send(200, JSON_TYPE, this.#aboutText())],
      ["GET /api/series", (_, reply) => this.#whenRead(reply, () => this.#watch.series.all())],
      [
        "GET /api/state",
        (asked, reply) => {
          const atPs = instantOf(asked);
          return this.#whenRead(reply, () => this.#watch.at(atPs));
        },
      ],
      ["GET /api/log", (asked, reply) => this.#pastLines(asked, reply)],
      ["GET /api/stream", (asked, reply) => this.#stream(asked, reply)],
      ["POST /api/session", (asked, reply) => this.#session(asked, reply)],
      ["POST /api/control", (asked, reply) => this.#control(asked, reply)],
      ["GET /report", (_, reply) => this.#report(reply)],
    ];
    for (const [path, { type, bytes }] of pageFiles) {
      routes.push([`GET ${path}`, (_, reply) => reply.send(200, type, bytes)]);
    }
    if (metrics !== undefined) {
      routes.push([
        "GET /metrics",
        async (_, reply) => reply.send(200, metrics.contentType, await this.#metricsText(metrics)),
      ]);
    }
    this.routes = new Map(routes);
  }

  /** However many ask, to make it never takes more than a quarter of the time. */
  async #metricsText(metrics: { text(): Promise<string> }): Promise<string> {
    const startedMs = performance.now();
    if (this.#metrics === undefined || startedMs > this.#metrics.untilMs) {
      const own = { text: metrics.text(), untilMs: Number.POSITIVE_INFINITY };
      this.#metrics = own;
      await own.text.catch(() => undefined);
      const nowMs = performance.now();
      own.untilMs = nowMs + METRICS_RESTS * (nowMs - startedMs);
    }
    return await this.#metrics.text;
  }

  opened(door: HttpDoor): ViewServer {
    const viewers = this.#viewers;
    const base = `http://127.0.0.1:${door.port}/`;
    return {
      port: door.port,
      get viewers() {
        return viewers.count;
      },
      link: () => `${base}#code=${this.#sessions.newCode()}`,
      close: () => {
        this.close();
        door.close();
      },
    };
  }

  close(): void {
    this.#feed.close();
    this.#viewers.close();
    this.#watch.close();
  }

  get #isVeiled(): boolean {
    return this.#options.about.isBlind && this.#watch.end === undefined;
  }

  #about(): RunView {
    const { isOver, isGone } = this.#options;
    const isLive = isOver !== true && this.#watch.end === undefined && isGone?.() !== true;
    return { ...this.#options.about, isLive };
  }

  #aboutText(): string {
    const view = this.#about();
    const text = this.#aboutTexts.get(view.isLive) ?? JSON.stringify(view);
    this.#aboutTexts.set(view.isLive, text);
    return text;
  }

  async #status(): Promise<LiveStatus | undefined> {
    const answer = await this.#options.ask({ command: "status" });
    return answer?.ok === true ? answer.status : undefined;
  }

  /** The report is written when the run is over: until it is there nobody is told. */
  #ended(): EndedView | undefined {
    const { end } = this.#watch;
    if (end !== undefined) return endedView(this.#options.folder, end);
    return this.#options.isGone?.() === true ? CUT_OFF : undefined;
  }

  async #whenRead(reply: Reply, view: () => unknown): Promise<void> {
    let answer: unknown;
    await this.#inTurn((untilMs) => {
      const isRead = this.#feed.read(untilMs);
      if (isRead) answer = view();
      return isRead;
    });
    send(reply, 200, answer ?? view());
  }

  /** Takes steps until one is done, or for so long that nobody waits any more. */
  #inTurn(step: Step): Promise<void> {
    if (this.#turns.isFull) throw new RequestError(429, "too many ask at once");
    const giveUpMs = performance.now() + READ_MS;
    return this.#turns.take((untilMs) => step(untilMs) || performance.now() > giveUpMs);
  }

  #stream(asked: Asked, reply: Reply): void {
    const wish = this.#audiences.wish(wishOf(asked));
    if (isProblem(wish)) {
      refuseFilter(reply, wish);
      return;
    }
    if (this.#audiences.isFull(wish)) throw new RequestError(429, "too many different filters");
    const response = reply.stream("text/event-stream; charset=utf-8");
    const viewer = this.#viewers.add(response, wish);
    if (viewer === undefined) response.end(": too many are watching\n\n");
    else this.#feed.welcome(viewer);
  }

  async #pastLines(asked: Asked, reply: Reply): Promise<void> {
    const teller = this.#log.teller(wishOf(asked));
    if (isProblem(teller)) {
      refuseFilter(reply, teller);
      return;
    }
    const given = Number(asked.query.get("limit") ?? LINES);
    const limit = Number.isInteger(given) && given > 0 ? Math.min(given, LINES_MAX) : LINES;
    const untilPs = asked.query.has("untilPs")
      ? wholeOf(asked.query.get("untilPs"))
      : Number.POSITIVE_INFINITY;
    const { folder } = this.#options;
    const reader = new LogReader({ folder, teller, untilPs, limit, isVeiled: this.#isVeiled });
    try {
      await this.#inTurn((untilMs) => reader.read(untilMs));
      reader.flush();
      send(reply, 200, reader.all() satisfies LogView);
    } finally {
      reader.close();
    }
  }

  async #session(asked: Asked, reply: Reply): Promise<void> {
    const code = parsed(await jsonOf(asked))?.code;
    const token = typeof code === "string" ? this.#sessions.exchange(code) : undefined;
    if (token !== undefined) {
      send(reply, 200, { ok: true, token } satisfies SessionView);
      return;
    }
    const hint = "faultplane view RUN shows a new link";
    const problem = { code: "E045", message: "this link was used, or is too old", hint };
    send(reply, 200, { ok: false, problems: [problem] } satisfies SessionView);
  }

  async #control(asked: Asked, reply: Reply): Promise<void> {
    if (!this.#sessions.allows(asked.header("authorization"))) {
      const hint = "open the link that the terminal shows; faultplane view RUN shows a new one";
      sendProblem(reply, 403, { code: "E045", message: "only watching is allowed here", hint });
      return;
    }
    const given = parsed(await jsonOf(asked));
    const request = isShallow(given, REQUEST_DEPTH) ? requestOf(given) : undefined;
    if (request === undefined) throw new RequestError(400, "this is no request of an operator");
    if (this.#asks >= ASKS_MAX) throw new RequestError(429, "too many requests at once");
    this.#asks += 1;
    try {
      const answer = await this.#options.ask(request);
      if (answer === undefined) {
        const problem = { code: "E064", message: "the run is over", hint: "see its report" };
        send(reply, 200, { ok: false, problems: [problem] } satisfies ControlView);
      } else if (answer.ok) {
        const { ok, atPs, text } = answer;
        send(reply, 200, { ok, atPs, text } satisfies ControlView);
      } else send(reply, 200, { ok: false, problems: answer.problems } satisfies ControlView);
    } finally {
      this.#asks -= 1;
    }
  }

  #report(reply: Reply): void {
    const path = join(this.#options.folder, RunFile.reportHtml);
    const read = readRunFile(path, REPORT_BYTES);
    if (!read.ok) throw new RequestError(404, "the report is written when the run is over");
    const headers = { "content-security-policy": REPORT_POLICY };
    reply.send(200, HTML_TYPE, read.bytes, headers);
  }
}

function send(reply: Reply, status: number, value: unknown): void {
  reply.send(status, JSON_TYPE, JSON.stringify(value));
}

function sendProblem(
  reply: Reply,
  status: number,
  problem: { readonly code: string; readonly message: string; readonly hint: string },
): void {
  send(reply, status, { problems: [problem] } satisfies ProblemView);
}

function refuseFilter(reply: Reply, { message, hint }: FilterProblem): void {
  sendProblem(reply, 400, { code: "E040", message, hint });
}

function wishOf({ query }: Asked): LogWish {
  return { filter: (query.get("filter") ?? "").trim(), isEach: query.get("each") === "1" };
}

/** Does a value from outside nest no deeper than `depth`, and has no list of names that long? */
function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  const inside = Object.values(value);
  if (depth === 0 || inside.length > REQUEST_FIELDS) return false;
  return inside.every((one) => isShallow(one, depth - 1));
}

function instantOf({ query }: Asked): number {
  return wholeOf(query.get("atPs"));
}

function wholeOf(text: string | null): number {
  const value = Number(text ?? Number.NaN);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RequestError(400, "expected an instant, whole ps of virtual time");
}

async function jsonOf(asked: Asked): Promise<string> {
  if (!asked.header("content-type").startsWith("application/json")) {
    throw new RequestError(415, "expected application/json");
  }
  return await asked.body();
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isFields = typeof value === "object" && value !== null && !Array.isArray(value);
    return isFields ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
