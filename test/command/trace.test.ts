/**
 * `faultplane trace`: what it writes for a run that is over or was cut off, and that it leaves
 * either a whole file or none.
 */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { problemsOf, type TraceEvent } from "../chrome-trace/trace-check.ts";
import { faultplane, type Said, workFolder } from "./command.ts";

const folder = workFolder();
afterAll(() => folder.remove());
const at = (...names: string[]): string => join(folder.path, ...names);
const trace = (...args: string[]): Promise<Said> => faultplane(folder.path, ["trace", ...args]);

interface TraceFile {
  readonly displayTimeUnit: string;
  readonly otherData: Readonly<Record<string, string>>;
  readonly traceEvents: readonly TraceEvent[];
}

beforeAll(async () => {
  const said = await faultplane(folder.path, ["run", "small.yaml", "-q", "--out", "done"]);
  expect(said.exitCode, said.stderr).toBe(0);
});

/** A copy of the run whose files end earlier: with no end, and in the middle of a line. */
function cutOff(name: string): void {
  cpSync(at("done"), at(name), { recursive: true });
  const events = readFileSync(at("done", "events.ndjson"), "utf8").trimEnd().split("\n");
  const half = events.slice(0, events.length / 2);
  writeFileSync(at(name, "events.ndjson"), `${half.join("\n")}\n{"level":"info","virtu`);
  const journal = readFileSync(at("done", "journal.ndjson"), "utf8").trimEnd().split("\n");
  writeFileSync(at(name, "journal.ndjson"), `${journal.slice(0, -1).join("\n")}\n`);
}

describe("a run that is over", () => {
  it("becomes a compressed trace whose medians are those of the report", async () => {
    const said = await trace("done");
    expect(said.exitCode, said.stderr).toBe(0);
    expect(said.stdout).toMatch(/^trace\.json\.gz: [\d,]+ events of [\d,]+ facts\nopen it in/);
    const text = gunzipSync(readFileSync(at("trace.json.gz"))).toString("utf8");
    const { traceEvents, otherData, displayTimeUnit }: TraceFile = JSON.parse(text);
    expect(problemsOf(traceEvents)).toEqual([]);
    expect(displayTimeUnit).toBe("ns");
    expect(otherData).toMatchObject({ title: "small", seed: "7", end: "finished" });
    const report = JSON.parse(readFileSync(at("done", "report.json"), "utf8"));
    for (const name of ["dispatch", "combine"]) {
      const spans = traceEvents
        .filter((event) => event.ph === "X" && event.name === name)
        .map(({ args }) => Number(args.spanPs))
        .sort((left, right) => left - right);
      expect(spans[Math.ceil(spans.length / 2) - 1]).toBe(report.allToAll[name].p50Ps);
    }
  });

  it("gives the same bytes each time, in a file without compression and on stdout", async () => {
    const [first, second, piped] = await Promise.all([
      trace("done", "-o", "one.json", "--json"),
      trace("done", "--output", "two.json", "-q"),
      trace("done", "-o", "-"),
    ]);
    expect(JSON.parse(first.stdout)).toMatchObject({ file: "one.json", whole: true });
    expect(second.stdout).toBe("");
    const text = readFileSync(at("one.json"), "utf8");
    expect(readFileSync(at("two.json"), "utf8")).toBe(text);
    expect(piped.stdout).toBe(text);
    expect(gunzipSync(readFileSync(at("trace.json.gz"))).toString("utf8")).toBe(text);
  });

  it("replaces a file only when it is told to", async () => {
    writeFileSync(at("mine.json"), "mine");
    const refused = await trace("done", "-o", "mine.json");
    expect([refused.exitCode, refused.stderr]).toEqual([73, expect.stringContaining("E033")]);
    expect(readFileSync(at("mine.json"), "utf8")).toBe("mine");
    const forced = await trace("done", "-o", "mine.json", "--force");
    expect(forced.exitCode, forced.stderr).toBe(0);
    expect(readFileSync(at("mine.json"), "utf8")).toMatch(/^\{"displayTimeUnit"/);
  });
});

describe("a run that was cut off", () => {
  it("becomes a trace as far as it goes, and that is said", async () => {
    cutOff("cut");
    const said = await trace("cut", "-o", "cut.json");
    expect(said.exitCode, said.stderr).toBe(0);
    expect(said.stdout).toContain("; the run was cut off or is up: up to ");
    const { traceEvents, otherData }: TraceFile = JSON.parse(readFileSync(at("cut.json"), "utf8"));
    expect(problemsOf(traceEvents)).toEqual([]);
    expect(otherData.end).toBe("cut off, or still up");
  });
});

describe("what is no run", () => {
  it.each([
    ["no such run", ["nowhere"], 66, /E001/],
    ["a file in no folder", ["done", "-o", "none/t.json"], 73, /E033.*does not exist/],
    ["a folder as file", ["done", "-o", "models", "--force"], 73, /E033.*is a folder/],
    ["an option as file", ["done", "-o", "--force"], 2, /E040/],
  ] as const)("is refused: %s", async (_name, args, exitCode, says) => {
    const said = await trace(...args);
    expect([said.exitCode, said.stderr]).toEqual([exitCode, expect.stringMatching(says)]);
  });

  it.each([
    ["not JSON", "{"],
    ["an actor of another run", '"actor":"node9.gpu0"'],
    ["a rank of another run", '"rank":"node9.gpu0"'],
    ["another kind of fact", '"fact":"layer.forgotten"'],
  ])("is refused without leaving a part of a file: a line with %s", async (_name, part) => {
    cutOff("bad");
    const lines = readFileSync(at("done", "events.ndjson"), "utf8").trimEnd().split("\n");
    const key = part.slice(0, part.indexOf(":") + 1);
    const place = lines.findIndex((line) => key !== "" && line.includes(key));
    lines[Math.max(0, place)] =
      key === "" ? part : lines[place].replace(new RegExp(`${key}"[^"]*"`), part);
    writeFileSync(at("bad", "events.ndjson"), `${lines.join("\n")}\n`);
    const said = await trace("bad", "-o", "bad.json");
    expect(said.exitCode, said.stderr).toBe(65);
    expect(said.stderr).toContain(`error[E051] line ${Math.max(0, place) + 1} of events.ndjson`);
    expect(existsSync(at("bad.json"))).toBe(false);
    expect(readdirSync(folder.path).filter((name) => name.includes("partial"))).toEqual([]);
  });
});
