/** `faultplane month`: draws, plays and adds up, the same for the same seed. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { faultplane, workFolder } from "./command.ts";

const folder = workFolder();
afterAll(() => folder.remove());
const small = readFileSync(join(folder.path, "small.yaml"), "utf8");
writeFileSync(join(folder.path, "group.yaml"), small.replace("steps: 1", "steps: 4"));
const month = (...args: string[]) =>
  faultplane(folder.path, ["month", "group.yaml", "--days", "10", "--episodes", "1", ...args]);

describe("faultplane month", () => {
  it("lists failures, kinds and sums, each with where it comes from", async () => {
    const said = await month();
    expect(said.exitCode, said.stderr).toBe(0);
    expect(said.stderr).toContain("the scenario's own faults are left out");
    expect(said.stderr).toMatch(/\d+ failures in 10 days on 2048 GPUs, 512 groups; \d+ episodes/);
    expect(said.stderr).toMatch(/\[1\/\d+\] [a-z-]+ on \S+: stalled for/);
    expect(said.stdout).toMatch(/nic-flap +0\.900 +9\.0 +\d+ +1 /);
    expect(said.stdout).toMatch(/availability +99\.\d+ % {2}arithmetic/);
    expect(said.stdout).toMatch(/interruptions of 2,048 GPUs +24\.7 h {2}published/);
  });

  it("says the same in JSON for the same seed, and another for another", async () => {
    const [one, again, other] = await Promise.all([
      month("--json", "-q"),
      month("--json", "-q"),
      month("--json", "-q", "--seed", "8"),
    ]);
    expect(one.stderr).toBe("");
    expect(again.stdout).toBe(one.stdout);
    expect(other.stdout).not.toBe(one.stdout);
    const report = JSON.parse(one.stdout);
    expect(report).toMatchObject({ format: "faultplane-month", version: 1, groupGpus: 4 });
    const lost = report.failures.reduce(
      (sum: number, { loss }: { loss: { emulated: number; arithmetic: number } }) =>
        sum + loss.emulated + loss.arithmetic,
      0,
    );
    const { lostEmulated, lostArithmetic, availability, fleetGpuHours } = report.totals;
    expect(lostEmulated.value + lostArithmetic.value).toBeCloseTo(lost, 9);
    expect(availability.value).toBeCloseTo(1 - lost / fleetGpuHours.value, 12);
  });

  it("wants whole groups, and counts within reason", async () => {
    const groups = await month("--gpus", "30");
    expect(groups.exitCode).toBe(2);
    expect(groups.stderr).toContain("30 are no whole number of the scenario's groups of 4 GPUs");
    expect(groups.stderr).toContain("try --gpus 32");
    const days = await faultplane(folder.path, ["month", "group.yaml", "--days", "0"]);
    expect(days.stderr).toContain('--days: expected 1..366, got "0"');
    const short = await faultplane(folder.path, ["month", "small.yaml"]);
    expect(short.exitCode).toBe(78);
    expect(short.stderr).toContain("workload.steps: 1; a month needs 3 or more");
    const gone = await faultplane(folder.path, ["month", "gone.yaml"]);
    expect(gone.exitCode).toBe(66);
  });
});
