/**
 * `faultplane suite`: every drill of a folder runs, whatever the others do; the table, the JSON and
 * the JUnit file say how each ended.
 */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { COMMAND, faultplane, workFolder } from "./command.ts";
import { drillText, FLAP, inject, LOST, LOST_WHEN_DUE, probe } from "./drills.ts";

const folder = workFolder();
afterAll(() => folder.remove());
const at = (...names: string[]): string => join(folder.path, ...names);

/** A folder of drills with the model that they name. */
function pack(name: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(at(name));
  cpSync(at("models"), at(name, "models"), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(at(name, file), text);
}

const strict = probe("assignments_masked", "0");
const flap = drillText({ method: inject(FLAP) });
pack("good", {
  "drill-2-flap.yaml": flap,
  "drill-10-lost.yaml": drillText({
    method: inject(LOST),
    hypothesis: strict,
    expects: "FAIL",
  }),
  "drill-9-late.yaml": drillText({
    method: inject(LOST_WHEN_DUE, "1 s"),
    expects: "INVALID",
  }),
  "scenario.yaml": readFileSync(at("small.yaml"), "utf8"),
});
pack("mixed", {
  "a-bad.yaml": flap.replace("nic-down", "nic-dwon"),
  "b-torn.yaml": "title: [",
  "c-flap.yaml": flap.replace("small drill", `<"small" & 'odd'>`),
  "d-wrong.yaml": drillText({ method: inject(FLAP), expects: "FAIL" }),
});

interface SuiteJson {
  readonly met: number;
  readonly others: number;
  readonly drills: readonly {
    readonly file: string;
    readonly verdict?: string;
    readonly digest?: string;
    readonly asExpected?: boolean;
    readonly errors?: readonly string[];
    readonly runDir?: string;
  }[];
}

describe("a pack that is as expected", () => {
  it("is exit 0 and one table, drills in natural order, scenarios passed over", async () => {
    const said = await faultplane(folder.path, ["suite", "good", "--out", "runs"]);
    expect(said.exitCode, said.stderr).toBe(0);
    const rows = said.stdout.split("\n").filter((line) => line.includes("drill-"));
    expect(rows.map((line) => line.trim().split(/ +/).slice(0, 4))).toEqual([
      ["drill-2-flap", "PASS", "PASS", "yes"],
      ["drill-9-late", "INVALID", "INVALID", "yes"],
      ["drill-10-lost", "FAIL", "FAIL", "yes"],
    ]);
    expect(said.stdout).toContain("3 of 3 drills ended as their files expect");
    expect(said.stderr).toContain("1 files of good are no drills");
    expect(said.stderr).toContain("[3/3] drill-10-lost.yaml: FAIL, as expected");
    expect(readdirSync(at("runs")).sort()).toEqual([
      "drill-10-lost",
      "drill-2-flap",
      "drill-9-late",
      "report.html",
    ]);
    const replay = await faultplane(folder.path, ["replay", "runs/drill-10-lost"]);
    expect(replay.exitCode, replay.stderr).toBe(0);
  });

  it("says the same in JSON, on another placement, and for a part of it", async () => {
    const args = ["suite", "good", "-q", "--json", "--filter", "flap"];
    const single = await faultplane(folder.path, [...args, "--out", "one"]);
    const nodes = await faultplane(folder.path, [...args, "--out", "two", "--placement", "node"]);
    expect(single.stderr + nodes.stderr).toBe("");
    const [first, second] = [single, nodes].map(({ stdout }) => JSON.parse(stdout) as SuiteJson);
    expect(first.drills).toHaveLength(1);
    expect(first.drills[0]).toMatchObject({ file: "drill-2-flap.yaml", verdict: "PASS" });
    expect(first.drills[0].runDir).toBe(at("one", "drill-2-flap"));
    expect(second.drills[0].digest).toBe(first.drills[0].digest);
    expect([first.met, first.others]).toEqual([1, 1]);
  });
});

describe("a pack that is not", () => {
  it("is exit 1: bad files are named at the end, the others run, JUnit counts all", async () => {
    const args = ["suite", "mixed", "--out", "mixed-runs", "--junit", "junit.xml"];
    const said = await faultplane(folder.path, args);
    expect(said.exitCode, said.stderr).toBe(1);
    expect(said.stdout).toContain("1 of 4 drills ended as their files expect");
    const table = said.stdout.indexOf("1 of 4 drills");
    const bad = said.stdout.indexOf("a-bad.yaml could not be run:\nerror[E0");
    expect(bad).toBeGreaterThan(table);
    expect(said.stdout).toContain("b-torn.yaml could not be run:\nerror[E035]");
    expect(said.stdout).toContain("d-wrong.yaml: PASS, expected FAIL");
    const xml = readFileSync(at("junit.xml"), "utf8");
    expect(xml).toContain('tests="4" failures="1" errors="2" skipped="0"');
    expect(xml).toContain("&lt;&quot;small&quot; &amp; &apos;odd&apos;&gt;");
    expect(xml).toContain('<failure message="verdict PASS, expected FAIL">');
  });

  it("that cannot be told in JUnit is none: no drill runs, and no folder is left", async () => {
    const args = ["suite", "good", "--out", "never", "--junit", "gone/junit.xml"];
    const said = await faultplane(folder.path, args);
    expect(said.exitCode).toBe(73);
    expect(said.stderr).toContain("error[E033] cannot write 'gone/junit.xml': ENOENT");
    expect(said.stderr).not.toContain("[1/3]");
    expect(existsSync(at("never"))).toBe(false);
  });

  it("that has no drill at all is an error", async () => {
    const none = await faultplane(folder.path, ["suite", "good", "--filter", "nothing"]);
    expect(none.exitCode).toBe(66);
    expect(none.stderr).toContain("error[E001] no drill in 'good' whose name has 'nothing'");
    const gone = await faultplane(folder.path, ["suite", "gone"]);
    expect(gone.stderr).toContain("error[E001] cannot read folder 'gone': no such folder");
  });
});

describe("Ctrl-C", () => {
  it("prints what there is, and says how many drills were not run", async () => {
    const args = ["suite", "good", "--out", "cut", "--junit", "cut.xml"];
    const child = spawn(process.execPath, [COMMAND, ...args], {
      cwd: folder.path,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    let sent = false;
    child.stdout.on("data", (text) => {
      stdout += String(text);
    });
    child.stderr.on("data", (text) => {
      stderr += String(text);
      if (sent || !stderr.includes("[1/3]")) return;
      sent = true;
      child.kill("SIGINT");
    });
    const exitCode = await new Promise((done) => child.on("close", done));
    expect(exitCode, stderr).toBe(130);
    expect(stdout).toMatch(/drill-2-flap +PASS +PASS +yes/);
    const missed = /([12]) drills were not run: stopped/.exec(stdout)?.[1];
    const xml = readFileSync(at("cut.xml"), "utf8");
    expect(xml).toContain(`tests="3" failures="0" errors="0" skipped="${missed}"`);
    expect(xml).toMatch(
      /name="drill-10-lost" time="0.000">\n +<skipped message="the suite was stop/,
    );
  });
});
