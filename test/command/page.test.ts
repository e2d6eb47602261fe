/**
 * The page's server as a browser meets it: a run with `--ui` and `faultplane view`. What watches
 * changes nothing, and who has no token does nothing.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { formatLine } from "../../scripts/terminal/live-line.ts";
import type { LogNewsView, ToldLine } from "../../src/observe/view-api.ts";
import { until } from "../process/child-processes.ts";
import { COMMAND, faultplane, type Said, workFolder } from "./command.ts";

const folder = workFolder();
const at = (...names: string[]): string => join(folder.path, ...names);
const say = (...args: string[]): Promise<Said> => faultplane(folder.path, args);
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});
afterAll(() => folder.remove());

interface Served {
  readonly base: string;
  readonly code: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  said(): string;
}

/** Starts a command that serves a page. */
async function serve(...args: string[]): Promise<Served> {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: folder.path,
    env: { PATH: process.env.PATH ?? "", HOME: folder.path },
  });
  started.push(child);
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const link = (): RegExpExecArray | null => /page: (http:\S+)#code=(\S+)/.exec(said);
  await until(
    () => link() !== null,
    30_000,
    () => `no page; the command said: ${said}`,
  );
  const [, base = "", code = ""] = link() ?? [];
  return { base, code, child, ended, said: () => said };
}

/** A viewer: everything that the stream told it. */
class Viewer {
  text = "";
  readonly #abort = new AbortController();

  constructor(url: string) {
    void this.#follow(url).catch(() => undefined);
  }

  /** The last event of a kind. */
  last(event: string): Record<string, unknown> | undefined {
    const found = [...this.text.matchAll(new RegExp(`event: ${event}\ndata: (.*)\n\n`, "g"))].at(
      -1,
    );
    return found === undefined ? undefined : JSON.parse(found[1]);
  }

  /** The lines that it was told: all so far, then more. */
  get lines(): readonly ToldLine[] {
    let lines: ToldLine[] = [];
    for (const [, data] of this.text.matchAll(/event: log\ndata: (.*)\n\n/g)) {
      const view = JSON.parse(data) as LogNewsView;
      lines = [...(view.isAll ? [] : lines), ...view.lines];
    }
    return lines;
  }

  leave(): void {
    this.#abort.abort();
  }

  async #follow(url: string): Promise<void> {
    const response = await fetch(url, { signal: this.#abort.signal });
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) this.text += decoder.decode(chunk);
  }
}

/** Lines as a terminal has them. */
const written = (lines: readonly ToldLine[]): string =>
  lines
    .map(({ virtualTimePs: atPs, actor, text }) => `${formatLine({ atPs, actor, text })}\n`)
    .join("")
    // An option there is a button here.
    .replaceAll("with each", "with --each");

async function post(url: string, body: unknown, token = ""): Promise<[number, unknown]> {
  const response = await fetch(url, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
  });
  return [response.status, await response.json().catch(() => undefined)];
}

/** Status of a request with headers that `fetch` does not let anybody write. */
function statusOf(url: string, headers: Record<string, string>, method = "GET"): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on("error", reject);
    asked.end();
  });
}

const SLOW = ["--placement", "node", "--speed", "0.00001"];

describe("a run that is watched", () => {
  it("has the digest of one that is not, with 50 viewers, one of whom never reads", async () => {
    const alone = JSON.parse((await say("run", "small.yaml", "--json", "-q")).stdout);
    const { base, code, ended, child } = await serve(
      "run",
      "small.yaml",
      ...SLOW,
      "-q",
      "--ui",
      "--out",
      "fifty",
    );
    // Some read alike, some by themselves.
    const filters = ["", "", "level%3Dwarn", "kind%3Dfault", "plane%3D1", "actor%3Dnode1.*"];
    const viewers = Array.from(
      { length: 49 },
      (_, viewer) => new Viewer(`${base}api/stream?filter=${filters[viewer % filters.length]}`),
    );
    const deaf = request(`${base}api/stream`);
    deaf.on("error", () => undefined).end();
    const [status, session] = await post(`${base}api/session`, { code });
    expect(status).toBe(200);
    const { token } = session as { token: string };
    await until(
      () => viewers.every((one) => one.last("status") !== undefined),
      20_000,
      () => "no status",
    );
    // Pace is no part of the result.
    expect(
      await post(`${base}api/control`, { command: "speed", speed: "max" }, token),
    ).toMatchObject([200, { ok: true, text: "speed max" }]);
    await until(
      () => viewers.every((one) => one.last("ended") !== undefined),
      30_000,
      () => "no end",
    );
    expect(viewers[0].last("ended")).toMatchObject({ verdict: "PASS", digest: alone.digest });
    const masked = viewers[48].last("state")?.masked as { rank: string; by: number }[];
    expect(masked.find(({ rank }) => rank === "node1.gpu1")?.by).toBeGreaterThan(0);
    // Each was told what a terminal has, grouped and in order, whenever it came.
    const terminal = (await say("logs", "fifty")).stdout;
    const warnings = (await say("logs", "fifty", "--level", "warn")).stdout;
    for (const [viewer, text] of [
      [viewers[0], terminal],
      [viewers[48], terminal],
      [viewers[2], warnings],
    ] as const) {
      await until(
        () => written(viewer.lines).length >= text.length,
        20_000,
        () => written(viewer.lines),
      );
      expect(written(viewer.lines)).toBe(text);
    }
    // Whoever has seen enough goes, and with the last one the page.
    for (const viewer of viewers) viewer.leave();
    deaf.destroy();
    expect(await ended).toBe(0);
    expect(child.exitCode).toBe(0);
    expect((await say("replay", "fifty", "-q")).exitCode).toBe(0);
  });

  it("does what somebody with a token asks, in the words of the commands, and nobody else", async () => {
    const { base, code, child, ended } = await serve(
      "run",
      "small.yaml",
      ...SLOW,
      "--ui",
      "--out",
      "acts",
    );
    const act = `${base}api/control`;
    const inject = { command: "inject", fault: { kind: "slow-gpu", target: "node0.gpu0" } };
    expect(await post(act, inject)).toMatchObject([403, { problems: [{ code: "E045" }] }]);
    expect((await post(act, inject, "0".repeat(64)))[0]).toBe(403);
    const [, session] = await post(`${base}api/session`, { code });
    expect(await post(`${base}api/session`, { code })).toMatchObject([
      200,
      { ok: false, problems: [{ code: "E045" }] },
    ]);
    const { token } = session as { token: string };
    expect(await post(act, inject, token)).toMatchObject([
      200,
      { ok: true, text: expect.stringMatching(/^fault slow-gpu begins: slow-gpu on node0\.gpu0/) },
    ]);
    const wrong = { command: "inject", fault: { kind: "nic-dwn", target: "node0.nic0" } };
    expect(await post(act, wrong, token)).toMatchObject([
      200,
      { problems: [{ code: "E026", hint: "did you mean 'nic-down'?" }] },
    ]);
    expect((await post(act, { command: "nothing" }, token))[0]).toBe(400);
    let deep: unknown = "node0.gpu0";
    for (let depth = 0; depth < 4000; depth += 1) deep = { a: deep };
    expect((await post(act, { command: "inject", fault: { deep } }, token))[0]).toBe(400);
    const viewer = new Viewer(`${base}api/stream?each=1&filter=kind%3Dfault`);
    const forces = (): unknown => viewer.last("state")?.faults;
    await until(
      () => JSON.stringify(forces() ?? "").includes("slow-gpu"),
      20_000,
      () => viewer.text,
    );
    expect(await post(act, { command: "stop" }, token)).toMatchObject([200, { ok: true }]);
    await until(
      () => viewer.last("ended") !== undefined,
      20_000,
      () => viewer.text.slice(-500),
    );
    expect(await post(act, { command: "pause" }, token)).toMatchObject([
      200,
      { problems: [{ code: "E064" }] },
    ]);
    await until(
      () => viewer.lines.length > 0,
      20_000,
      () => viewer.text.slice(-500),
    );
    expect(viewer.lines.map(({ fact }) => fact)).toEqual(["fault.began"]);
    child.kill("SIGINT");
    expect(await ended).toBe(3);
  });

  it("turns away what comes from another site, and what is no request of ours", async () => {
    const { base } = await serve("run", "small.yaml", ...SLOW, "-q", "--ui", "--out", "door");
    const { port } = new URL(base);
    const path = `${base}api/run`;
    expect(await statusOf(path, {})).toBe(200);
    expect(await statusOf(path, { host: `localhost:${port}` })).toBe(200);
    for (const headers of [
      { host: "evil.example" },
      { host: `evil.example:${port}` },
      { origin: "http://evil.example" },
      { origin: "null" },
      { origin: `http://127.0.0.1:${Number(port) + 1}` },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ]) {
      expect([headers, await statusOf(path, headers)]).toEqual([headers, 403]);
    }
    expect(await statusOf(`${base}api/nothing`, {})).toBe(404);
    expect(await statusOf(`${base}..%2f..%2fetc%2fpasswd`, {})).toBe(404);
    expect(await statusOf(path, {}, "DELETE")).toBe(405);
    expect(await statusOf(`${base}api/state?atPs=-1`, {})).toBe(400);
    expect(await statusOf(`${base}report`, {})).toBe(404);
    const large = await fetch(`${base}api/session`, {
      method: "POST",
      body: "x".repeat(100_000),
      headers: { "content-type": "application/json" },
    });
    expect(large.status).toBe(413);
    const plain = await fetch(`${base}api/session`, { method: "POST", body: "{}" });
    expect(plain.status).toBe(415);
    const page = await fetch(base);
    expect(page.headers.get("content-security-policy")).toMatch(
      /default-src 'none'; script-src 'self'/,
    );
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    const long = await fetch(`${base}api/stream?filter=${"e+".repeat(600)}`);
    expect([long.status, await long.text()]).toEqual([400, expect.stringContaining("1000 char")]);
    const streams = Array.from({ length: 40 }, (_, second) =>
      statusOf(`${base}api/stream?filter=until%3D${second}s`, {}),
    );
    const taken = (await Promise.all(streams)).filter((status) => status === 200);
    expect(taken).toHaveLength(32);
    const filter = await fetch(`${base}api/log?filter=${encodeURIComponent("plain=2")}`);
    expect([filter.status, await filter.json()]).toMatchObject([
      400,
      { problems: [{ code: "E040", hint: "did you mean 'plane'?" }] },
    ]);
  });
});

describe("a page whose port is taken", () => {
  it("says so before the run begins, and leaves no folder", async () => {
    const { base } = await serve("run", "small.yaml", ...SLOW, "-q", "--ui", "--out", "first");
    const { port } = new URL(base);
    const second = await say("run", "small.yaml", "-q", "--ui", port, "--out", "second");
    expect([second.exitCode, second.stderr]).toEqual([
      69,
      expect.stringMatching(new RegExp(`error\\[E043\\] .*${port}`)),
    ]);
    expect(existsSync(at("second"))).toBe(false);
    const wrong = await say("run", "--ui", "small.yaml");
    expect([wrong.exitCode, wrong.stderr]).toEqual([
      2,
      expect.stringContaining("error[E042] --ui: "),
    ]);
  });
});

describe("faultplane view", () => {
  it("shows a run that is over, at any of its instants", async () => {
    await say("run", "small.yaml", "-q", "--out", "over");
    const { base, child, ended } = await serve("view", "over");
    const json = async (path: string): Promise<Record<string, unknown>> =>
      (await (await fetch(`${base}${path}`)).json()) as Record<string, unknown>;
    const series = await json("api/series");
    expect(Math.max(...(series.tokensPerSecond as number[]))).toBeGreaterThan(0);
    expect(Math.max(...(series.planeUsePercent as number[][]).flat())).toBeGreaterThan(0);
    expect(await json("api/run")).toMatchObject({ isLive: false, title: "small", isBlind: false });
    expect((await json("api/state?atPs=50000000")).faults).toEqual([]);
    const broken = await json("api/state?atPs=150000000");
    expect(broken.faults).toEqual([
      {
        fault: "lost-nic",
        kind: "nic-down",
        targets: ["node1.nic1"],
        atPs: 1e8,
        untilPs: null,
        permille: 1000,
      },
    ]);
    const masks = "api/log?filter=kind%3Drank.masked";
    const log = await json(`${masks}&limit=2&each=1`);
    expect(log).toMatchObject({ lines: [{ fact: "rank.masked" }, { fact: "rank.masked" }] });
    expect(log.skipped).toBeGreaterThan(0);
    const { lines } = (await json(masks)) as unknown as LogNewsView;
    expect(written(lines)).toBe((await say("logs", "over", "--kind", "rank.masked")).stdout);
    const before = (await json("api/log?untilPs=150000000")) as unknown as LogNewsView;
    const until = ["--until", "150us"];
    expect(written(before.lines)).toBe((await say("logs", "over", ...until)).stdout);
    child.kill("SIGINT");
    expect(await ended).toBe(0);
  });

  it("shows a run that was killed as cut off, and with nothing to be done to it", async () => {
    await say("run", "small.yaml", "-q", "--out", "killed");
    const journal = readFileSync(at("killed", "journal.ndjson"), "utf8").trimEnd().split("\n");
    writeFileSync(at("killed", "journal.ndjson"), `${journal.slice(0, -1).join("\n")}\n`);
    const { base } = await serve("view", "killed");
    expect(await (await fetch(`${base}api/run`)).json()).toMatchObject({ isLive: false });
    const viewer = new Viewer(`${base}api/stream`);
    await until(
      () => viewer.last("ended") !== undefined,
      20_000,
      () => viewer.text.slice(-500),
    );
    expect(viewer.last("ended")).toMatchObject({ verdict: "", end: "cut off" });
  });
});
