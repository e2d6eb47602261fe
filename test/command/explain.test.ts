/**
 * `faultplane explain`: what it prints and returns for recorded runs, also for those that were done
 * to by hand or cut off, and what it says to questions that a run has no answer to.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OperatingError } from "../../cluster/errors.ts";
import { RunLock } from "../../cluster/run-lock.ts";
import { explainToken } from "../../scripts/commands/explain-run.ts";
import { type ExplainChoice, parseTokenWord } from "../../scripts/commands/explain-target.ts";
import { readFolder } from "../../scripts/commands/replay-folder.ts";
import { exactUs, type TokenReport } from "../../scripts/terminal/explanation-text.ts";
import { copyWay, tokenWay } from "../../src/explain/token-way.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { PS_PER_US } from "../../src/model/time.ts";
import { faultsIn } from "../support/leaf-parts.ts";
import { directorOf, recordRun, snapshot } from "../support/run-folders.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { watchedRun } from "../support/watched-run.ts";
import { faultplane, workFolder } from "./command.ts";

const folder = workFolder();
const records = mkdtempSync(join(tmpdir(), "faultplane-explain-"));
afterAll(() => {
  folder.remove();
  rmSync(records, { recursive: true, force: true });
});

async function explained(path: string, word: string, choice: ExplainChoice = {}) {
  const recorded = readFolder(path);
  try {
    const never = new AbortController().signal;
    const on = { stop: never, progress: () => undefined };
    const report = await explainToken(recorded, parseTokenWord(word), choice, on);
    return report as TokenReport;
  } finally {
    recorded.events.close();
  }
}

/** The error of something that must not work. */
async function failureOf(work: Promise<unknown>): Promise<OperatingError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OperatingError);
  return error as OperatingError;
}

describe("faultplane explain", () => {
  beforeAll(async () => {
    const { exitCode } = await faultplane(folder.path, ["run", "small.yaml", "--out", "r", "-q"]);
    expect(exitCode).toBe(0);
  });

  it("prints the parts of a masked copy's way, and their sum", async () => {
    const { stdout, exitCode } = await faultplane(folder.path, ["explain", "r", "slowest@3"]);
    expect(exitCode).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/^token \d of node\d\.gpu\d, layer 3, step 0, the slowest of 128 cop/);
    expect(stdout).toContain("fault lost-nic");
    const table = lines.slice(lines.findIndex((line) => line.includes("takes, us")) + 1);
    const end = table.findIndex((line) => line.trimStart().startsWith("sum"));
    // What a part waits for is indented, and stands in it.
    const rows = table.slice(0, end).flatMap((line) => {
      const match = /^ +[\d,.]+ +([\d,]+\.\d{6}) {2}(\S.*)$/.exec(line);
      return match === null ? [] : [Number(match[1].replaceAll(",", "").replace(".", ""))];
    });
    const sum = rows.reduce((total, ps) => total + ps, 0);
    expect(rows.length).toBeGreaterThan(5);
    expect(table[end]).toContain(`${exactUs(sum)}  ${rows.length} parts`);
    expect(lines[1]).toContain(`${exactUs(sum)} us from the begin of its rank's dispatch`);
    expect(stdout).toMatch(/run again up to there: \d+ facts and \d+ epochs equal to the record/);
  });

  it("prints one JSON object, every copy of it if asked", async () => {
    const args = ["explain", "r", "node1.gpu0:2@4", "--all", "--json", "--no-color"];
    const { stdout, exitCode } = await faultplane(folder.path, args);
    expect(exitCode).toBe(0);
    const report = JSON.parse(stdout) as TokenReport;
    expect(report.token).toMatchObject({ rank: "node1.gpu0", number: 2, layer: 4, step: 0 });
    expect(report.explained.map(({ choice }) => choice)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const { parts, latencyPs, choice } of report.explained) {
      const sum = parts.reduce((total, part) => total + part.untilPs - part.fromPs, 0);
      expect([sum, latencyPs]).toEqual([latencyPs, report.copies[choice].latencyPs]);
    }
  });

  it.each([
    [["explain"], 2, "E040", "needs <token@layer>"],
    [["explain", "r", "node0.gpu0@3"], 2, "E042", "RANK:TOKEN@LAYER"],
    [["explain", "nowhere", "slowest@3"], 66, "E001", "cannot find run 'nowhere'"],
    [["explain", "r", "node0.gpu7:0@3"], 2, "E067", "ranks: node0.gpu0 to node1.gpu1"],
    [["explain", "r", "slowest@3", "--copy", "1"], 2, "E040", "--copy is for a token"],
    [["explain", "r", "slowest@3", "--step", "x"], 2, "E042", "--step: expected a whole number"],
  ])("%j is refused", async (args, code, name, words) => {
    const { stdout, stderr, exitCode } = await faultplane(folder.path, args);
    expect(exitCode).toBe(code);
    expect(stderr).toContain(`error[${name}]`);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stdout).toBe("");
  });

  it.each([
    ["node0.gpu0:4@3", {}, "node0.gpu0 has no token 4", "its tokens: 0-3"],
    ["node0.gpux:4@3", {}, "there is no rank 'node0.gpux'; did you mean 'node0.gpu0'?", "ranks:"],
    ["node0.nic0:0@3", {}, "there is no rank 'node0.nic0'", "ranks: node0.gpu0"],
    ["node0.gpu0:0@2", {}, "layer 2 is not run", "layers with experts: 3-5"],
    ["node0.gpu0:0@99", {}, "layer 99 is not run", "layers with experts: 3-5"],
    ["slowest@3", { step: 1 }, "the run has no step 1", "steps: 0"],
    ["slowest@3", { chain: "batch1" }, "the run has no chain 'batch1'", "chains: batch0"],
    ["node0.gpu0:0@3", { copy: 8 }, "a token has no copy 8", "copies: 0-7"],
  ])("%s %j names nothing in the run, and says what there is", async (word, choice, says, has) => {
    const error = await failureOf(explained(join(folder.path, "r"), word, choice));
    expect(error.code).toBe("E067");
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain(says);
    expect(error.hint).toContain(has);
  });
});

const INJECTED: FaultSpec = {
  name: "by-hand",
  kind: "nic-down",
  targets: ["node1.nic2"],
  atPs: 3 * PS_PER_US,
};
const HEALED_PS = 90 * PS_PER_US;

/** A run in which an operator broke something and mended it: the journal alone knows. */
const scenario: Scenario = tinyScenario({ transport: { ackTimeoutExponent: 4, retryCount: 3 } });
/** One with an all-to-all every 100 ms, and after how many windows layer 1 is over, not layer 2. */
const aligned: Scenario = tinyScenario({ workload: { phase: "all-to-all" } });
const CUT_AFTER = 6;

describe("a record that operators or a crash had their part in", () => {
  const whole = join(records, "whole");
  const long = join(records, "long");
  const cut = join(records, "cut");

  beforeAll(async () => {
    await recordRun(scenario, whole, {
      director: directorOf([
        [INJECTED.atPs, { faults: [INJECTED], heals: [] }],
        [HEALED_PS, { faults: [], heals: [{ fault: INJECTED.name, atPs: HEALED_PS }] }],
      ]),
    });
    await recordRun(aligned, long, {
      written: (windows) => {
        if (windows === CUT_AFTER) snapshot(long, cut);
      },
    });
  });

  it("is explained as a run that had the fault in its scenario", async () => {
    const known = { ...scenario, faults: [{ ...INJECTED, healAtPs: HEALED_PS }] };
    const { view } = watchedRun(known, { layer: 1 });
    const report = await explained(whole, "slowest@1");
    const home = [...view.watch.exchanges.homes.values()].find(
      ({ actor }) => view.idOf(actor) === report.token.rank,
    );
    if (home === undefined) throw new Error("the rank opened no exchange");
    const way = tokenWay(view, home, report.token.number);
    const [copy] = report.explained;
    expect(copy.parts).toEqual(copyWay(view, way, copy.choice).parts);
    expect(faultsIn(copy.parts)).toEqual([INJECTED.name]);
  });

  it("is explained as far as it goes when it was cut off, and no further", async () => {
    const [early] = (await explained(long, "node0.gpu1:2@1")).explained;
    expect((await explained(cut, "node0.gpu1:2@1")).explained).toEqual([early]);
    const error = await failureOf(explained(cut, "node0.gpu1:2@3"));
    expect(error.code).toBe("E068");
    expect(error.exitCode).toBe(65);
    expect(error.message).toBe("node0.gpu1 never came to layer 3 of step 0 in this run");
    expect(error.hint).toContain("its record ends at");
  });

  it("is to be asked for again later when the run is up, and says how far its record goes", async () => {
    const lock = new RunLock(cut);
    try {
      const error = await failureOf(explained(cut, "node0.gpu1:2@3"));
      expect(error.hint).toMatch(
        /^the run is up, and its record goes to [\d.]+ m?s: ask again later$/,
      );
      expect((await explained(cut, "node0.gpu1:2@1")).later).toBeUndefined();
    } finally {
      lock.release();
    }
  });

  it("says that a dense layer sends nothing", async () => {
    const error = await failureOf(explained(whole, "node0.gpu1:2@0"));
    expect(error.code).toBe("E067");
    expect(error.message).toContain("layer 0 is dense");
    expect(error.hint).toContain("layers with experts: 1-3");
  });

  it("is compared all the way, to its end where the layer is the last", async () => {
    const { compared } = await explained(whole, "slowest@3");
    const recorded = readFolder(whole);
    const { lines } = recorded.events;
    recorded.events.close();
    const { end, epochs } = recorded.journal;
    expect(compared).toEqual({ facts: lines, epochs: epochs.length, digest: end?.digest });
  });
});
