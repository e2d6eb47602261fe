/** `faultplane topology --compare`: what it prints, and what it says to wrong options. */
import { afterAll, describe, expect, it } from "vitest";
import { faultplane, workFolder } from "./command.ts";

const folder = workFolder();
afterAll(() => folder.remove());

const topology = (...args: string[]) => faultplane(folder.path, ["topology", ...args]);

describe("topology --compare", () => {
  it("prints the published table without a scenario", async () => {
    const said = await topology("--compare");
    expect(said).toMatchObject({ exitCode: 0, stderr: "" });
    expect(said.stdout).toMatch(/^FT2 .* 2,048 +96 +2,048 +9\.0 +4\.38$/m);
    expect(said.stdout).toMatch(/^DF .* 261,632 +16,352 +384,272 +1,522 +5\.82$/m);
    expect(said.stdout).toContain("SF: 28 is no prime power");
    expect(said.stdout).toContain("Prices, $: switch 50,000 (by port)");
  });

  it("prints a dash where a network does not exist", async () => {
    const said = await topology("--compare", "--ports", "6");
    expect(said.stdout).toMatch(/^SF +Slim Fly +- +- +- +- +-$/m);
    expect(said.stdout).toContain("SF: needs 8 ports at least");
  });

  it("prints one JSON object, with null where a network does not exist", async () => {
    const said = await topology("--compare", "--ports", "4", "--json");
    const comparison = JSON.parse(said.stdout);
    expect(comparison.ports).toBe(4);
    expect(comparison.networks[0]).toMatchObject({ name: "FT2", endpoints: 8, switches: 6 });
    expect(comparison.networks[3]).toMatchObject({ endpoints: null, costDollars: null });
  });

  const help = "  hint: see faultplane topology --help\n";
  const expected = "error[E042] --ports: expected an even number 4..1024, got";
  it.each([
    [["--compare", "--ports", "63"], `${expected} "63"\n`],
    [["--compare", "--ports", "2"], `${expected} "2"\n`],
    [["--compare", "--ports", "1026"], `${expected} "1026"\n`],
    [["--compare", "--ports", "64x"], `${expected} "64x"\n`],
    [["--ports", "64"], `error[E040] --ports goes with --compare\n${help}`],
    [["small.yaml", "--compare"], `error[E040] --compare takes no scenario\n${help}`],
    [[], `error[E040] topology needs <scenario>, or --compare\n${help}`],
  ])("%j is wrong usage", async (args, stderr) => {
    expect(await topology(...args)).toEqual({ stdout: "", stderr, exitCode: 2 });
  });
});
