/** The page's end of the line: asks the server, follows its stream, and acts with a token. */
import type {
  ControlView,
  EndedView,
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
  log(view: LogView): void;
  ended(view: EndedView): void;
  /** Whether the line stands. */
  connected(isUp: boolean): void;
}

/** What the server refused, in its words. */
export class Refused extends Error {
  readonly hint: string;

  constructor(message: string, hint = "") {
    super(message);
    this.hint = hint;
  }
}

/** Exchanges the code of the link, if there is one, and takes it out of the address bar. */
export async function openSession(): Promise<string | undefined> {
  const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1];
  if (code !== undefined) {
    history.replaceState(undefined, "", location.pathname);
    const response = await fetch("/api/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code }),
    });
    if (response.ok) {
      const { token } = (await response.json()) as SessionView;
      sessionStorage.setItem(TOKEN_KEY, token);
    }
  }
  return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
}

export const getRun = (): Promise<RunView> => getJson("/api/run");

export const getState = (atPs: number): Promise<StateView> =>
  getJson(`/api/state?atPs=${Math.round(atPs)}`);

/** Lines up to an instant; without one the last there are. */
export function getLog(
  filter: string,
  untilPs: number | undefined,
  limit: number,
): Promise<LogView> {
  const query = new URLSearchParams({ limit: String(limit) });
  if (filter !== "") query.set("filter", filter);
  if (untilPs !== undefined) query.set("untilPs", String(Math.round(untilPs)));
  return getJson(`/api/log?${query}`);
}

/** Has the run do something. Rejects with what it refused. */
export async function act(token: string, request: unknown): Promise<ControlView> {
  const response = await fetch("/api/control", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw await refusalOf(response);
  return (await response.json()) as ControlView;
}

/** Follows the stream until `close`; the browser comes back by itself when the line breaks. */
export function follow(filter: string, events: StreamEvents): { close(): void } {
  const query = filter === "" ? "" : `?${new URLSearchParams({ filter })}`;
  const source = new EventSource(`/api/stream${query}`);
  const on = <View>(name: string, take: (view: View) => void): void => {
    source.addEventListener(name, (event) =>
      take(JSON.parse((event as MessageEvent<string>).data)),
    );
  };
  on<StatusView>("status", (view) => events.status(view));
  on<StateView>("state", (view) => events.state(view));
  on<SeriesView>("series", (view) => events.series(view));
  on<LogView>("log", (view) => events.log(view));
  on<EndedView>("ended", (view) => events.ended(view));
  source.onopen = () => events.connected(true);
  source.onerror = () => events.connected(false);
  return source;
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
    const said = problems.map(({ code, message }) => `${code}: ${message}`).join("; ");
    return new Refused(said, problems.map(({ hint }) => hint).join(" "));
  } catch {
    return new Refused(text.trim() || `the server answered ${response.status}`);
  }
}
