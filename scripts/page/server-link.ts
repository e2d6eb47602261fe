/**
 * The page's end of the line: asks the server, follows its stream, and acts with a token. What the
 * server refuses comes as a {@link Refused}, in the server's words.
 */
import type {
  ControlView,
  EndedView,
  LogNewsView,
  LogView,
  ProblemView,
  RunView,
  SeriesView,
  SessionView,
  StateView,
  StatusView,
} from "../../src/observe/view-api.ts";

const TOKEN_KEY = "faultplane-token";

/** What the stream tells. */
export interface StreamEvents {
  status(view: StatusView): void;
  state(view: StateView): void;
  series(view: SeriesView): void;
  log(view: LogNewsView): void;
  ended(view: EndedView): void;
  /** The run's files cannot be read any more. */
  trouble(view: ProblemView): void;
  /** Whether the line stands. */
  connected(isUp: boolean): void;
}

/** One thing that the server refused. */
export type Problem = ProblemView["problems"][number];

/** What the server refused, in its words. */
export class Refused extends Error {
  readonly problems: readonly Problem[];
  readonly status: number;

  constructor(status: number, problems: readonly Problem[]) {
    super(problems.map(({ message }) => message).join("; "));
    this.status = status;
    this.problems = problems;
  }
}

/** What is wrong, for people, whatever was thrown. */
export function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof Refused) return error.problems;
  const message = error instanceof Error ? error.message : String(error);
  return [{ code: "", message, hint: "" }];
}

/**
 * Exchanges the code of the link, if there is one, and takes it out of the address bar at once.
 * The token lives as long as this tab. Undefined: who looks may only watch.
 */
export async function openSession(): Promise<string | undefined> {
  const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1];
  if (code !== undefined) {
    history.replaceState(undefined, "", location.pathname);
    const response = await fetch("/api/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code }),
    });
    if (!response.ok) throw await refusalOf(response);
    const answer = (await response.json()) as SessionView;
    if (!answer.ok) throw new Refused(response.status, answer.problems);
    sessionStorage.setItem(TOKEN_KEY, answer.token);
  }
  return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
}

/** The server does not know the token: it is of another run on this port. */
export function forgetSession(): void {
  sessionStorage.removeItem(TOKEN_KEY);
}

export const getRun = (): Promise<RunView> => getJson("/api/run");

export const getState = (atPs: number): Promise<StateView> =>
  getJson(`/api/state?atPs=${Math.round(atPs)}`);

/** What is read of the log. */
export interface LogQuestion {
  readonly filter: string;
  /** A line for each fact. */
  readonly isEach: boolean;
}

/** Lines up to an instant; undefined: the last there are. */
export function getLog(
  question: LogQuestion,
  untilPs: number | undefined,
  limit: number,
): Promise<LogView> {
  const query = queryOf(question);
  query.set("limit", String(limit));
  if (untilPs !== undefined) query.set("untilPs", String(Math.round(untilPs)));
  return getJson(`/api/log?${query}`);
}

function queryOf({ filter, isEach }: LogQuestion): URLSearchParams {
  const query = new URLSearchParams();
  if (filter !== "") query.set("filter", filter);
  if (isEach) query.set("each", "1");
  return query;
}

/** What an order came to. */
type Done = Extract<ControlView, { ok: true }>;

/** Has the run do something. Rejects with what it refused. */
export async function act(token: string, request: unknown): Promise<Done> {
  const response = await fetch("/api/control", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw await refusalOf(response);
  const answer = (await response.json()) as ControlView;
  if (!answer.ok) throw new Refused(response.status, answer.problems);
  return answer;
}

/** Longest wait between two tries to come back, ms; the first is a tenth. */
const RETRY_MS = 5000;

/** Follows the stream until `close`; it comes back by itself when the line breaks. */
export function follow(question: LogQuestion, events: StreamEvents): { close(): void } {
  const query = queryOf(question);
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waitMs = RETRY_MS / 10;
  const open = (): void => {
    source = new EventSource(`/api/stream?${query}`);
    const on = <View>(name: string, take: (view: View) => void): void => {
      source?.addEventListener(name, (event) => {
        take(JSON.parse((event as MessageEvent<string>).data) as View);
      });
    };
    on<StatusView>("status", events.status);
    on<StateView>("state", events.state);
    on<SeriesView>("series", events.series);
    on<LogNewsView>("log", events.log);
    on<EndedView>("ended", events.ended);
    on<ProblemView>("trouble", events.trouble);
    source.onopen = () => {
      waitMs = RETRY_MS / 10;
      events.connected(true);
    };
    source.onerror = () => {
      events.connected(false);
      // A browser gives up when it was refused; the server may be back later.
      if (source?.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, waitMs);
      waitMs = Math.min(RETRY_MS, 2 * waitMs);
    };
  };
  open();
  return {
    close: () => {
      clearTimeout(timer);
      source?.close();
    },
  };
}

async function getJson<View>(path: string): Promise<View> {
  const response = await fetch(path);
  if (!response.ok) throw await refusalOf(response);
  return (await response.json()) as View;
}

async function refusalOf(response: Response): Promise<Refused> {
  const text = await response.text();
  try {
    const { problems } = JSON.parse(text) as ProblemView;
    return new Refused(response.status, problems);
  } catch {
    const message = text.trim() || `the server answered ${response.status}`;
    return new Refused(response.status, [{ code: "", message, hint: "" }]);
  }
}
