/**
 * What `faultplane validate` says before it begins: its options, and nothing on stdout when one is
 * wrong. Its rows are tested in test/validation; a whole run takes minutes.
 */
import { readdirSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { faultplane, workFolder } from "./command.ts";

const folder = workFolder();
afterAll(() => folder.remove());

describe("faultplane validate", () => {
  it("says in its help what it does, how long it takes and what it can print", async () => {
    const { stdout, stderr, exitCode } = await faultplane(folder.path, ["validate", "--help"]);
    expect([stderr, exitCode]).toEqual(["", 0]);
    expect(stdout.replace(/\s+/g, " ")).toContain(
      "emulate the published experiments and compare; takes two to four minutes",
    );
    for (const option of ["--markdown", "--json", "--quiet", "--no-color"]) {
      expect(stdout).toContain(option);
    }
  });

  it("is named in the help of the whole command", async () => {
    const { stdout } = await faultplane(folder.path, ["--help"]);
    expect(stdout).toMatch(/^ {2}validate /m);
  });

  it.each([
    [
      "an option that it does not have",
      ["--markdwn"],
      "error[E040] unknown option '--markdwn'; did you mean '--markdown'?\n" +
        "  hint: see faultplane validate --help\n",
    ],
    [
      "an argument",
      ["small.yaml"],
      "error[E040] too many arguments for validate\n  hint: see faultplane validate --help\n",
    ],
    ["an option twice", ["--json", "--json"], "error[E041] --json given twice\n"],
  ])("refuses %s at once, and leaves the folder alone", async (_, args, message) => {
    const before = readdirSync(folder.path);
    const said = await faultplane(folder.path, ["validate", ...args]);
    expect(said).toEqual({ stdout: "", stderr: message, exitCode: 2 });
    expect(readdirSync(folder.path)).toEqual(before);
  });
});
