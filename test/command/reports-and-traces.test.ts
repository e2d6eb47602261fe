/**
 * What is made of a run folder for people: `report.html` of runs, drills and suites, `faultplane
 * report` and `faultplane trace`. The same from the folder as from the run itself; of runs that
 * were cut off as far as they go; a whole file or none.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperatingError } from "../../cluster/errors.ts";
import { recordedFacts } from "../../cluster/recorded-facts.ts";
import { reportMarkdown } from "../../cluster/report-text.ts";
import { readResolved } from "../../cluster/run-folder.ts";
import { parseOutput } from "../../scripts/commands/option-values.ts";
import { readReport } from "../../scripts/commands/recorded-report.ts";
import { reportCommand } from "../../scripts/commands/report.ts";
import { traceCommand } from "../../scripts/commands/trace.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { problemsOf, type TraceEvent } from "../chrome-trace/trace-check.ts";
import { pageProblems } from "../report/page-check.ts";
import { faultplane, type Said, workFolder } from "./command.ts";
import { drillText, FLAP, inject } from "./drills.ts";

const folder = workFolder();
afterAll(() => folder.remove());
const at = (...names: string[]): string => join(folder.path, ...names);
const text = (...names: string[]): string => readFileSync(at(...names), "utf8");
const report = (...args: string[]): Promise<Said> => faultplane(folder.path, ["report", ...args]);

/** Writes a trace in this process, and says nothing; names are those of files in the folder. */
const trace = (run: string, output: string, force?: true): Promise<number> =>
  traceCommand(at(run), {
    output: at(output),
    quiet: true,
    color: false,
    ...(force === undefined ? {} : { force }),
  });

/** The error of a command that fails. */
const failure = (work: Promise<number>): Promise<OperatingError> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error) => error,
  );

interface TraceFile {
  readonly displayTimeUnit: string;
  readonly otherData: Readonly<Record<string, string>>;
  readonly traceEvents: readonly TraceEvent[];
}

const SUITE = ["suite", ".", "--filter", "hostile", "-q", "--out", "pack"];
const HOSTILE = "<script>alert(1)</script>";

beforeAll(async () => {
  const drill = drillText({ method: inject(FLAP) }).replace(
    "title: small drill",
    `title: "${HOSTILE}"`,
  );
  writeFileSync(at("hostile.yaml"), drill);
  const said = await Promise.all([
    faultplane(folder.path, ["run", "small.yaml", "-q", "--out", "done"]),
    faultplane(folder.path, SUITE),
  ]);
  for (const { exitCode, stderr } of said) expect(exitCode, stderr).toBe(0);
});

/** A copy of a run whose files end earlier: with no end, and in the middle of a line. */
function cutOff(name: string, from: string): void {
  cpSync(at(from), at(name), { recursive: true });
  const events = text(from, "events.ndjson").trimEnd().split("\n");
  const half = events.slice(0, Math.ceil(events.length / 2)).join("\n");
  writeFileSync(at(name, "events.ndjson"), `${half}\n{"lev`);
  const journal = text(from, "journal.ndjson").trimEnd().split("\n");
  writeFileSync(at(name, "journal.ndjson"), `${journal.slice(0, -1).join("\n")}\n`);
}

describe.each([
  ["a run", "done", "report.json"],
  ["a drill", "pack/hostile", "drill.json"],
])("the report of %s, made again from its folder", (_name, name, json) => {
  it("is what the run wrote, as a page, as Markdown and as JSON", async () => {
    expect(pageProblems(text(name, "report.html"))).toEqual([]);
    const { page, report: own, drill } = readReport(at(name));
    expect(page()).toBe(text(name, "report.html"));
    expect(drill ?? own).toEqual(JSON.parse(text(name, json)));
    if (drill === undefined) {
      expect(reportMarkdown(own)).toBe(text(name, "report.md"));
      return;
    }
    const said = await report(name, "--markdown");
    expect([said.exitCode, said.stderr]).toEqual([0, ""]);
    expect(said.stdout).toBe(text(name, "report.md"));
  });
});

describe("a title that is markup", () => {
  it("stands in the page of a drill as text", () => {
    const page = text("pack/hostile", "report.html");
    expect(page).toContain("<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>");
    expect(page).not.toContain("<script");
  });
});

describe("a run that was cut off", () => {
  it("is reported as far as it goes, and is not taken for its older report", async () => {
    cutOff("cut", "done");
    const said = await report("cut");
    expect(said.exitCode, said.stderr).toBe(0);
    expect(said.stderr).toContain("note: the run was cut off before its end: nobody judged it; up");
    expect(said.stdout).toMatch(/verdict: INVALID\n {2}because: the run was cut off/);
    expect(said.stdout).not.toContain("wall time");
    const { page, report: own } = readReport(at("cut"));
    expect(pageProblems(page())).toEqual([]);
    expect(page()).toContain("made from its event log and goes up to");
    expect(page()).toContain("faultplane resume");
    const combined = text("cut", "events.ndjson")
      .split("\n")
      .filter((line) => line.includes('"combine.completed"') && line.endsWith("}"))
      .reduce((sum, line) => sum + JSON.parse(line).combined, 0);
    expect(own).toMatchObject({
      isCut: true,
      end: "cut off",
      totals: "completed-layers",
      assignments: { combined },
    });
  });

  it("that was a drill has its title and what was broken, and no verdict of the drill", () => {
    cutOff("cut-drill", "pack/hostile");
    rmSync(at("cut-drill", "report.json"));
    const page = readReport(at("cut-drill")).page();
    expect(pageProblems(page)).toEqual([]);
    expect(page).toContain("the drill was cut off before its end");
    expect(page).toContain("<h1>&lt;script&gt;");
    expect(page).toContain("<td>flap</td>");
  });
});

describe("what cannot be reported", () => {
  it.each([
    ["a folder that is no run", "models", {}, "E001", 66],
    ["two forms at once", "done", { html: "-", markdown: true }, "E040", 2],
    ["a file that exists", "done", { html: at("small.yaml") }, "E033", 73],
  ] as const)("is refused: %s", async (_name, run, options, code, exitCode) => {
    const made = reportCommand(at(run), { ...options, color: false });
    await expect(made).rejects.toMatchObject({ code, exitCode });
  });

  it("is refused: a report that was altered", () => {
    cpSync(at("done"), at("altered"), { recursive: true });
    writeFileSync(at("altered", "report.json"), '{"format":"another"}');
    expect(() => readReport(at("altered"))).toThrow("report.json is not what a run wrote");
  });

  it("is written whole, into a new file", async () => {
    const code = await reportCommand(at("done"), { html: at("new.html"), color: false });
    expect(code).toBe(0);
    expect(text("new.html")).toBe(text("done", "report.html"));
  });
});

describe("a suite", () => {
  it("leaves a page that leads to the report of each drill, and spares what is not its own", async () => {
    const page = text("pack", "report.html");
    expect(pageProblems(page)).toEqual([]);
    expect(page).toContain('<a href="hostile/report.html">hostile</a>');
    expect(existsSync(at("pack", "hostile", "report.html"))).toBe(true);
    writeFileSync(at("pack", "report.html"), "mine");
    const again = await faultplane(folder.path, [...SUITE, "--force"]);
    expect([again.exitCode, again.stderr]).toEqual([73, expect.stringContaining("E033")]);
    expect(text("pack", "report.html")).toBe("mine");
  });
});

describe("the trace of a run that is over", () => {
  it("becomes a compressed trace whose medians are those of the report", async () => {
    const said = await faultplane(folder.path, ["trace", "done"]);
    expect(said.exitCode, said.stderr).toBe(0);
    expect(said.stdout).toMatch(/^trace\.json\.gz: [\d,]+ events of [\d,]+ facts\nopen it in/);
    const whole = gunzipSync(readFileSync(at("trace.json.gz"))).toString("utf8");
    const { traceEvents, otherData, displayTimeUnit }: TraceFile = JSON.parse(whole);
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

  it("gives the same bytes each time, compressed, in a plain file and on stdout", async () => {
    const piped = await faultplane(folder.path, ["trace", "done", "-o", "-"]);
    await trace("done", "one.json");
    await trace("done", "one.json.gz");
    expect(piped.stdout).toBe(text("one.json"));
    const packed = gunzipSync(readFileSync(at("one.json.gz"))).toString("utf8");
    expect(packed).toBe(text("one.json"));
  });

  it("replaces a file only when it is told to", async () => {
    writeFileSync(at("mine.json"), "mine");
    const refused = await failure(trace("done", "mine.json"));
    expect([refused.code, refused.exitCode]).toEqual(["E033", 73]);
    expect(readFileSync(at("mine.json"), "utf8")).toBe("mine");
    await trace("done", "mine.json", true);
    expect(readFileSync(at("mine.json"), "utf8")).toMatch(/^\{"displayTimeUnit"/);
  });
});

describe("the trace of a run that was cut off", () => {
  it("becomes a trace as far as it goes, and that is said", async () => {
    cutOff("cut-trace", "done");
    await trace("cut-trace", "cut.json");
    const { traceEvents, otherData }: TraceFile = JSON.parse(readFileSync(at("cut.json"), "utf8"));
    expect(problemsOf(traceEvents)).toEqual([]);
    expect(otherData.end).toBe("cut off, or still up");
  });
});

describe("what cannot be traced", () => {
  it.each([
    ["no such run", "nowhere", "t.json", "E001", 66],
    ["a file in no folder", "done", "none/t.json", "E033", 73],
    ["a folder as file", "done", "models", "E033", 73],
  ] as const)("is refused: %s", async (_name, run, output, code, exitCode) => {
    const error = await failure(trace(run, output, true));
    expect([error.code, error.exitCode]).toEqual([code, exitCode]);
  });

  it("is refused: an option as file", () => {
    expect(() => parseOutput("--output")("--force")).toThrow("--output needs a value");
    expect(parseOutput("--output")("-")).toBe("-");
  });

  it.each([
    ["not JSON", "{"],
    ["an actor of another run", '"actor":"node9.gpu0"'],
    ["a rank of another run", '"rank":"node9.gpu0"'],
    ["another kind of fact", '"fact":"layer.forgotten"'],
  ])("is refused: a line with %s", (_name, part) => {
    const place = spoil(part);
    const { scenario } = readResolved(at("bad"));
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    const read = (): unknown => [...recordedFacts(at("bad", "events.ndjson"), topology)];
    expect(read).toThrow(`line ${place + 1} of events.ndjson: `);
  });

  it("leaves no part of a file behind", async () => {
    spoil('"fact":"layer.forgotten"');
    const error = await failure(trace("bad", "bad.json"));
    expect([error.code, error.exitCode]).toEqual(["E051", 65]);
    expect(existsSync(at("bad.json"))).toBe(false);
    expect(readdirSync(folder.path).filter((name) => name.includes("partial"))).toEqual([]);
  });

  /** Makes the run `bad`, whose event log has a line that is wrong; says which, from 0. */
  function spoil(part: string): number {
    cutOff("bad", "done");
    const lines = readFileSync(at("done", "events.ndjson"), "utf8").trimEnd().split("\n");
    const key = part.slice(0, part.indexOf(":") + 1);
    const place = lines.findIndex((line) => key === "" || line.includes(key));
    lines[place] = key === "" ? part : lines[place].replace(new RegExp(`${key}"[^"]*"`), part);
    writeFileSync(at("bad", "events.ndjson"), `${lines.join("\n")}\n`);
    return place;
  }
});
