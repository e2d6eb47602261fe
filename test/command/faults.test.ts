/** `faultplane faults`, and phases of a layer as onsets in `check` and `run`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FAULT_KINDS } from "../../src/model/fault.ts";
import { faultplane, workFolder } from "./command.ts";

const folder = workFolder();
afterAll(() => folder.remove());

const faults = (...args: string[]) => faultplane(folder.path, ["faults", ...args]);

describe("faults", () => {
  it("prints a line for each kind: targets, defaults, how long, how often, source", async () => {
    const said = await faults();
    expect(said).toMatchObject({ exitCode: 0, stderr: "" });
    const kinds = said.stdout.split("\n").map((line) => line.split(" ")[0]);
    expect(kinds.slice(1, FAULT_KINDS.length + 1)).toEqual([...FAULT_KINDS]);
    expect(said.stdout).toMatch(/^grey-loss +link, nic +loss 0.001, spared 256 B +60.000 s +- /m);
    expect(said.stdout).toMatch(
      /^nic-flap +nic +- +3 x 3.000 s, 3.000 s apart +0.9 +flaps in \[H\]/m,
    );
    expect(said.stdout).toContain("[L] Llama 3 report, arXiv 2407.21783");
  });

  it("prints one kind in full, with an example", async () => {
    const said = await faults("kv-copy");
    expect(said).toMatchObject({ exitCode: 0, stderr: "" });
    expect(said.stdout).toMatch(/^parameter +kvRate: 40 GB\/s \(.*\): what the copies take/m);
    expect(said.stdout).toContain("faults: [{kind: kv-copy, target: node2.nic3, at: 6 ms}]\n");
  });

  it("prints one JSON object, of all kinds or of one", async () => {
    const all = JSON.parse((await faults("--json")).stdout);
    expect(all.faults).toHaveLength(FAULT_KINDS.length);
    expect(JSON.parse((await faults("incast", "--json")).stdout)).toEqual(
      all.faults.find(({ kind }: { kind: string }) => kind === "incast"),
    );
  });

  it("refuses a kind that does not exist", async () => {
    expect(await faults("nic-flpa")).toEqual({
      stdout: "",
      stderr:
        "error[E040] unknown fault kind \"nic-flpa\"; did you mean 'nic-flap'?\n" +
        "  hint: faultplane faults lists all kinds\n",
      exitCode: 2,
    });
  });
});

describe("a phase of a layer as an onset", () => {
  const write = (name: string, at: string): void => {
    const text = `model: models/deepseek-v3.json
cluster: {nodes: 2, gpusPerNode: 2, planes: 2, switchPorts: 8}
workload: {tokensPerGpu: 4, layers: 3-5}
transport: {ackTimeoutExponent: 4, retryCount: 2, waitTimeout: 10 ms}
faults:
  - {name: first, kind: gpu-dead, target: node0.gpu0, at: 1 us}
  - {name: mid, kind: nic-down, target: node1.nic1, at: ${at}, healAfter: 1 us}
run: {placement: single}
`;
    writeFileSync(join(folder.path, name), text);
  };

  it("is printed as a time by check, and is that time in the run and its replay", async () => {
    write("mid.yaml", "{step: 0, layer: 5, phase: combine, fraction: 0.5}");
    const check = await faultplane(folder.path, ["check", "mid.yaml", "--json"]);
    const { scenario, notes } = JSON.parse(check.stdout);
    expect(scenario.faults[1].moment).toBeUndefined();
    expect(scenario.faults[1].atPs).toBeGreaterThan(10e9);
    expect(notes).toEqual([
      expect.stringMatching(
        /^mid begins at .* ms: 50 % into combine of layer 5, step 0, of node1.gpu1$/,
      ),
    ]);
    const run = await faultplane(folder.path, ["run", "mid.yaml", "--out", "mid", "--json", "-q"]);
    expect(run.exitCode).toBe(0);
    const told = JSON.parse(run.stdout);
    const mid = told.faults.find(({ fault }: { fault: string }) => fault === "mid");
    expect(mid.atNs * 1e3).toBe(scenario.faults[1].atPs);
    expect(await faultplane(folder.path, ["replay", "mid", "-q"])).toMatchObject({ exitCode: 0 });
  });

  it("is refused when the run never reaches it", async () => {
    write("never.yaml", "{step: 0, layer: 5, phase: combine, rank: node0.gpu0}");
    const said = await faultplane(folder.path, ["run", "never.yaml", "--out", "never"]);
    expect(said).toEqual({
      stdout: "",
      stderr:
        "error[E025] fault mid at 0 % into combine of layer 5, step 0, of node0.gpu0, " +
        "which the run never reaches\n" +
        "  hint: its rank may be masked or dead by then, or the run over; name another rank, " +
        "step or layer\n",
      exitCode: 78,
    });
  });
});
