/** What a run asks of the host is checked before anything is started. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { OperatingError } from "../../cluster/errors.ts";
import { checkHost, descriptorsNeeded, openFilesLimit } from "../../cluster/host-limits.ts";

const HERE = fileURLToPath(import.meta.url);

/** The error of a check; fails when there is none. */
function errorOf(check: () => void): OperatingError {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(OperatingError);
    return error as OperatingError;
  }
  throw new Error("the check passed");
}

describe("host limits", () => {
  it("reads the soft limit of open files", () => {
    const text =
      "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024   4096   files\n";
    expect(openFilesLimit(text)).toBe(1024);
    expect(openFilesLimit("Max open files   unlimited  unlimited  files")).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect(openFilesLimit("")).toBe(Number.POSITIVE_INFINITY);
  });

  it("counts for the process that needs most", () => {
    expect(descriptorsNeeded(76, 10)).toBe(192);
    expect(descriptorsNeeded(2, 100)).toBe(140);
  });

  it("says how many are needed and how many there are", () => {
    const error = errorOf(() => checkHost([HERE], 1e9, 1));
    expect([error.code, error.exitCode]).toEqual(["E061", 69]);
    expect(error.message).toMatch(
      /^needs about 2000000040 file descriptors, limit is \d+ \(ulimit -n\)$/,
    );
  });

  it("names an entry point that is missing", () => {
    const error = errorOf(() => checkHost(["nowhere/worker-main.js"], 1, 1));
    expect([error.code, error.message]).toEqual([
      "E062",
      "worker file 'nowhere/worker-main.js' is missing",
    ]);
  });
});
