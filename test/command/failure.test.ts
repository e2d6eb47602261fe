/** What a bug looks like to a user: one E070 with the seed, and no stack trace unless asked for. */
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { program } from "./command.ts";

const MODULE = resolve(import.meta.dirname, "../../dist/scripts/terminal/failure.js");

/** Runs `statement` in a process that has the module's exports. */
function fail(statement: string): ReturnType<typeof program> {
  const code = `import { reportFailure, runContext } from ${JSON.stringify(MODULE)}; ${statement}`;
  return program(process.execPath, ["--input-type=module", "-e", code], "/");
}

describe("an internal error", () => {
  it("is E070 with the seed and how to see it again", async () => {
    const said = await fail(
      "runContext.seed = '7'; runContext.runDir = '/r'; " +
        "process.exit(reportFailure(new Error('queue\\nbroke')));",
    );
    expect(said).toEqual({
      stdout: "",
      stderr:
        "error[E070] internal: queue\n  hint: this is a bug in faultplane; seed 7; " +
        "replay it with: faultplane replay /r; add --debug for the stack trace\n",
      exitCode: 70,
    });
  });

  it("shows the stack trace only with --debug", async () => {
    const said = await fail(
      "runContext.debug = true; process.exit(reportFailure(new Error('broke')));",
    );
    expect(said.stderr).toMatch(/^ +at /m);
    expect(said.exitCode).toBe(70);
  });
});

describe("trouble of the host", () => {
  it("is E060 and exit 74, not a bug of ours", async () => {
    const said = await fail(
      "process.exit(reportFailure(Object.assign(new Error('EFBIG: file too large, write'), " +
        "{ code: 'EFBIG' })));",
    );
    expect(said).toEqual({
      stdout: "",
      stderr:
        "error[E060] output cannot be written: EFBIG: file too large, write\n" +
        "  hint: make room, or raise the limit (ulimit -a), and run it again\n",
      exitCode: 74,
    });
  });
});
