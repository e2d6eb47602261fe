/** `faultplane plan`: what a drill would do, without doing it. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { faultplane, workFolder } from "./command.ts";
import { drillText, inject, LOST_WHEN_DUE } from "./drills.ts";

const folder = workFolder();
afterAll(() => folder.remove());
const heal =
  "rollbacks:\n  - {type: action, name: mend, " +
  "provider: {type: faultplane, func: heal, arguments: {fault: lost-nic}}}\n";
const wait =
  "  - {type: action, name: watch, pauses: {before: 1 s}, " +
  "provider: {type: faultplane, func: wait}}\n";
const method = inject(LOST_WHEN_DUE, "600 us") + wait + heal;
writeFileSync(join(folder.path, "lost.yaml"), drillText({ method, expects: "FAIL" }));

describe("a plan", () => {
  it("shows targets, blast radius, duration and what is undone, and creates nothing", async () => {
    const before = readdirSync(folder.path);
    const said = await faultplane(folder.path, ["plan", "lost.yaml"]);
    expect(said.exitCode, said.stderr).toBe(0);
    expect(said.stderr).toBe("");
    for (const text of [
      "small drill\n  expects FAIL; nothing is done here",
      "  at 600.000 us  break (inject)",
      "lost-nic: nic-down on node1.nic1",
      "blast radius: 1 rank (node1.gpu1)",
      // With two nodes neither end of the plane is in the majority.
      "cut off, to be masked: node0.gpu1, node1.gpu1",
      "experts left with no replica: 64, 65, 66 and 125 more",
      "expected capacity: 62.5 %",
      "the run is over at 10.000 s at the latest",
      "mend: ends lost-nic",
    ]) {
      expect(said.stdout).toContain(text);
    }
    expect(readdirSync(folder.path)).toEqual(before);
  });

  it("is the same in JSON, with exact instants", async () => {
    const said = await faultplane(folder.path, ["plan", "lost.yaml", "--json"]);
    const plan = JSON.parse(said.stdout);
    expect(plan).toMatchObject({ title: "small drill", expects: "FAIL", stopAfterPs: 10e12 });
    expect(plan.actions).toMatchObject([
      { name: "break", duePs: 600e6, blast: { cutOff: ["node0.gpu1", "node1.gpu1"] } },
      { name: "watch", func: "wait" },
    ]);
    expect(plan.actions[0].blast.expertsMissing).toHaveLength(128);
    expect(plan.rollbacks).toEqual([{ name: "mend", ends: ["lost-nic"] }]);
  });

  it("of a bad drill is its problems", async () => {
    writeFileSync(join(folder.path, "bad.yaml"), drillText({ method }).replace("stop:", "stp:"));
    const said = await faultplane(folder.path, ["plan", "bad.yaml"]);
    expect(said.exitCode).toBe(78);
    expect(said.stdout).toBe("");
    expect(said.stderr).toContain("error[E010] bad.yaml:");
    expect(said.stderr).toContain("error[E029] bad.yaml:");
  });
});
