/**
 * `faultplane replay`: equal when it is, the first difference when it is not, and damaged records.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chainedText } from "../../cluster/journal-chain.ts";
import { faultplane, program, workFolder } from "./command.ts";

const folder = workFolder();
const at = (...names: string[]): string => join(folder.path, ...names);
let copies = 0;

/** A copy of the run that a test may damage. */
function copyRun(): string {
  copies += 1;
  cpSync(at("run"), at(`copy${copies}`), { recursive: true });
  return `copy${copies}`;
}

/** Replaces text in one file of a run. */
function change(run: string, file: string, from: string | RegExp, to: string): void {
  const before = readFileSync(at(run, file), "utf8");
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  writeFileSync(at(run, file), after);
}

/** Replaces text in a run's journal, and chains it anew: what only a careful forger would do. */
function forge(run: string, from: string | RegExp, to: string): void {
  change(run, "journal.ndjson", from, to);
  const path = at(run, "journal.ndjson");
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  const records = lines.map((line) => {
    const { chain: _, ...record } = JSON.parse(line);
    return record;
  });
  writeFileSync(path, chainedText(records));
}

/** The journal as it is when the run is killed after a commit of 40 lines of its event log. */
function cutOff(run: string): void {
  const [header] = readFileSync(at(run, "journal.ndjson"), "utf8").split("\n");
  const { chain: _, ...record } = JSON.parse(header);
  const line = readFileSync(at(run, "events.ndjson"), "utf8").split("\n")[39];
  const commit = { record: "commit", atPs: JSON.parse(line).virtualTimePs, lines: 40 };
  writeFileSync(at(run, "journal.ndjson"), chainedText([record, commit]));
}

beforeAll(async () => {
  // Later faults make the run long enough for several epochs.
  const said = await faultplane(folder.path, ["run", "small.yaml", "-q", "--out", "run"]);
  expect(said.exitCode, said.stderr).toBe(0);
});
afterAll(() => folder.remove());

describe("a replay", () => {
  it("of an untouched run is equal and says its digest", async () => {
    const { digest } = JSON.parse(readFileSync(at("run", "report.json"), "utf8"));
    const said = await faultplane(folder.path, ["replay", "run"]);
    expect(said.exitCode, said.stderr).toBe(0);
    expect(said.stderr).toBe("");
    expect(said.stdout).toMatch(
      new RegExp(`^replay equal: digest ${digest} \\(\\d+ facts, \\d+ epochs\\)\\n$`),
    );
  });

  it("finds every epoch, whichever windows the run had", async () => {
    const epochsOf = (run: string): string[] =>
      readFileSync(at(run, "journal.ndjson"), "utf8")
        .split("\n")
        .filter((line) => line.includes('"record":"epoch"'))
        .map((line) => line.replace(/,"chain".*/, ""));
    for (const placement of ["single", "pack"]) {
      const args = ["run", "small.yaml", "-q", "--placement", placement, "--out", placement];
      const ran = await faultplane(folder.path, args);
      expect(ran.exitCode, ran.stderr).toBe(0);
      const said = await faultplane(folder.path, ["replay", placement]);
      expect(said.exitCode, said.stderr).toBe(0);
    }
    expect(epochsOf("single").length).toBeGreaterThan(1);
    expect(epochsOf("pack")).toEqual(epochsOf("single"));
  });

  it("needs nothing but the folder", async () => {
    const run = copyRun();
    const said = await faultplane("/", ["replay", at(run), "--json"]);
    expect(said.exitCode, said.stderr).toBe(0);
    expect(JSON.parse(said.stdout)).toMatchObject({ equal: true, whole: true });
  });

  it("names the first fact that differs", async () => {
    const run = copyRun();
    const lines = readFileSync(at(run, "events.ndjson"), "utf8").split("\n");
    lines[9] = lines[9].replace(/"index":\d+/, '"index":4711');
    writeFileSync(at(run, "events.ndjson"), lines.join("\n"));
    const said = await faultplane(folder.path, ["replay", run]);
    expect(said.exitCode).toBe(70);
    expect(said.stdout).toBe("");
    expect(said.stderr).toContain(
      "error[E053] first difference: fact 10 (line 10 of events.ndjson): expected {",
    );
    expect(said.stderr).toContain('"index":4711');
    expect(said.stderr).not.toMatch(/^ +at /m);
  });

  it("names a fact that was taken out at the end", async () => {
    const run = copyRun();
    change(run, "events.ndjson", /[^\n]*\n$/, "");
    const said = await faultplane(folder.path, ["replay", run]);
    expect(said.exitCode).toBe(70);
    expect(said.stderr).toContain("expected nothing: the log ended; actual {");
  });

  it("compares the final digest", async () => {
    const run = copyRun();
    forge(run, /("end":"finished","digest":")[0-9a-f]{16}/, `$1${"0".repeat(16)}`);
    const said = await faultplane(folder.path, ["replay", run]);
    expect(said.exitCode).toBe(70);
    expect(said.stderr).toContain(
      "error[E053] first difference: final digest: expected 0000000000000000, actual ",
    );
  });

  it("of a run cut off in a line goes up to the last commit", async () => {
    const run = copyRun();
    cutOff(run);
    const { length } = readFileSync(at(run, "events.ndjson"));
    truncateSync(at(run, "events.ndjson"), length - 20);
    const said = await faultplane(folder.path, ["replay", run]);
    expect(said.exitCode, said.stderr).toBe(0);
    expect(said.stderr).toMatch(
      /^note: last line incomplete \(\d+ bytes\) in events.ndjson, replaying to virtual time [\d.]+ [mu]s\n/,
    );
    expect(said.stdout).toMatch(
      /^replay equal: .*; not verified, behind the last commit: \d+ lines and \d+ bytes of an incomplete one of events.ndjson\n$/,
    );
  });

  it("of a run cut off calls no line equal that is not committed", async () => {
    const run = copyRun();
    cutOff(run);
    const before = JSON.parse((await faultplane(folder.path, ["replay", run, "--json"])).stdout);
    expect(before).toMatchObject({ equal: true, whole: false, facts: 40 });
    expect(before.unverified.lines).toBeGreaterThan(1);
    change(run, "events.ndjson", /\{[^\n]*\n$/, "forged\n");
    const said = await faultplane(folder.path, ["replay", run, "--json"]);
    expect(JSON.parse(said.stdout)).toEqual(before);
  });

  it("wants every line that was committed", async () => {
    const run = copyRun();
    cutOff(run);
    const lines = readFileSync(at(run, "events.ndjson"), "utf8").split("\n");
    writeFileSync(at(run, "events.ndjson"), lines.slice(0, 40).join("\n").slice(0, -20));
    const said = await faultplane(folder.path, ["replay", run]);
    expect(said.exitCode).toBe(70);
    expect(said.stderr).toContain("expected an incomplete line: the log ended; actual {");
    expect(said.stderr).toContain("(line 40 of events.ndjson)");
  });
});

describe("a folder that is no run", () => {
  const first = (line: string) => (run: string) => {
    change(run, "journal.ndjson", /^[^\n]*\n/, `${line}\n`);
  };
  const hint = "  hint: name a run folder, as the report of `faultplane run` prints it\n";
  const rows: readonly (readonly [string, (run: string) => void, number, string])[] = [
    [
      "without a header",
      first('{"level":30}'),
      65,
      `error[E050] not a run log: first line lacks 'format'\n${hint}`,
    ],
    [
      "not JSON at all",
      first("hello"),
      65,
      `error[E050] not a run log: first line lacks 'format'\n${hint}`,
    ],
    [
      "of another tool",
      first('{"format":"asciicast","version":1}'),
      65,
      `error[E050] not a run log: format is "asciicast", expected "faultplane-journal"\n${hint}`,
    ],
    [
      "of a newer version",
      first('{"format":"faultplane-journal","version":4}'),
      65,
      "error[E050] run log has version 4; this faultplane reads version 3\n" +
        "  hint: replay it with the version of faultplane that wrote it\n",
    ],
    [
      "with a broken line in the middle",
      (run) => {
        change(run, "journal.ndjson", '\n{"record":"end"', '\nrubbish\n{"record":"end"');
      },
      65,
      ": hash chain broken; log was altered or damaged\n  hint: replay needs the journal as the run wrote it\n",
    ],
    [
      "with another scenario's file",
      (run) => change(run, "resolved.json", '"tokensPerGpu": 4', '"tokensPerGpu": 5'),
      65,
      "error[E052] log is for scenario ",
    ],
    [
      "with a resolved file that is none",
      (run) => writeFileSync(at(run, "resolved.json"), "{}"),
      65,
      `error[E050] not a run folder: resolved.json lacks 'format'\n${hint}`,
    ],
  ];

  it.each(rows)("%s", async (_what, damage, exitCode, message) => {
    const run = copyRun();
    damage(run);
    const said = await faultplane(folder.path, ["replay", run]);
    expect(said.exitCode).toBe(exitCode);
    expect(said.stderr).toContain(message);
    expect(said.stderr.split("\n").length).toBeLessThanOrEqual(3);
    expect(said.stdout).toBe("");
  });

  it("is exit 66 when it is not there, or empty", async () => {
    mkdirSync(at("empty"));
    for (const [name, text] of [
      ["nosuch", "cannot read run folder 'nosuch': no such folder"],
      ["empty", "cannot read run log 'empty/journal.ndjson': no such file"],
    ]) {
      const said = await faultplane(folder.path, ["replay", name]);
      expect(said.exitCode).toBe(66);
      expect(said.stderr).toBe(`error[E001] ${text}\n${hint}`);
    }
  });

  it.each([
    [
      "an actor that is none",
      '"kind":"gpu-dead","targets":["node9.gpu0"],"atPs":5',
      "fault 'extra' (gpu-dead) takes a gpu, not 'node9.gpu0', which is none",
    ],
    [
      "a link that is none",
      '"kind":"link-down","targets":["node0.nic0--plane1.leaf0"],"atPs":5',
      "fault 'extra' (link-down) takes a link, not 'node0.nic0--plane1.leaf0', which is none",
    ],
    [
      "an actor of another kind",
      '"kind":"nic-down","targets":["node0.gpu0"],"atPs":5',
      "fault 'extra' (nic-down) takes a nic, not 'node0.gpu0', which is of kind gpu",
    ],
    [
      "a time before the run",
      '"kind":"gpu-dead","targets":["node0.gpu0"],"atPs":-5',
      "fault without its name, kind, targets or instant",
    ],
  ])("a fault with %s is damage, with its line", async (_what, fault, says) => {
    const run = copyRun();
    forge(run, "\n", `\n{"record":"fault","by":"operator","name":"extra",${fault}}\n`);
    const said = await faultplane(folder.path, ["replay", run]);
    expect(said).toEqual({
      stdout: "",
      stderr:
        `error[E051] line 2: ${says}; log was altered or damaged\n` +
        "  hint: replay needs the journal as the run wrote it\n",
      exitCode: 65,
    });
  });

  it("a pipe in the place of one of its files is refused at once", async () => {
    for (const file of ["journal.ndjson", "events.ndjson", "resolved.json"]) {
      const run = copyRun();
      rmSync(at(run, file));
      await program("mkfifo", [file], at(run));
      const said = await faultplane(folder.path, ["replay", run]);
      expect(said.exitCode).toBe(66);
      expect(said.stderr).toMatch(
        /^error\[E001\] cannot read .*: it is a pipe, not a regular file\n/,
      );
    }
  });

  it("that had committed nothing is not called equal", async () => {
    const run = copyRun();
    const [header] = readFileSync(at(run, "journal.ndjson"), "utf8").split("\n");
    writeFileSync(at(run, "journal.ndjson"), `${header}\n`);
    writeFileSync(at(run, "events.ndjson"), "");
    const said = await faultplane(folder.path, ["replay", run]);
    expect(said).toEqual({
      stdout: "",
      stderr:
        `error[E054] nothing to compare: the run in '${run}' had committed nothing when it ended\n` +
        "  hint: run the scenario again\n",
      exitCode: 65,
    });
  });

  it("a record after the end is damage", async () => {
    const run = copyRun();
    forge(run, /$/, '{"record":"epoch","epoch":99,"digest":"00"}\n');
    const said = await faultplane(folder.path, ["replay", run]);
    expect(said.exitCode).toBe(65);
    expect(said.stderr).toContain("a record after the end; log was altered or damaged");
  });
});
