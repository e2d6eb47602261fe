/** What the command says to wrong options: exact text, exact exit code, nothing created. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { COMMAND, faultplane, program, workFolder } from "./command.ts";

const folder = workFolder();
afterAll(() => folder.remove());

const seedError = (got: string): string =>
  `error[E042] --seed: expected 0..2^64-1 in decimal, got ${JSON.stringify(got)}\n`;
const help = "  hint: see faultplane run --help\n";

const rows: readonly (readonly [what: string, args: readonly string[], stderr: string])[] = [
  [
    "an unknown option",
    ["run", "--sed", "5"],
    `error[E040] unknown option '--sed'; did you mean '--seed'?\n${help}`,
  ],
  [
    "an unknown option like no other",
    ["run", "--frobnicate"],
    `error[E040] unknown option '--frobnicate'\n${help}`,
  ],
  [
    "an unknown command",
    ["rum"],
    "error[E040] unknown command 'rum'; did you mean 'run'?\n  hint: see faultplane --help\n",
  ],
  ["a missing value", ["run", "--seed"], `error[E040] --seed needs a value\n${help}`],
  [
    "an option in place of a value",
    ["run", "--out", "--json"],
    'error[E040] --out needs a value, got option "--json"\n' +
      '  hint: for a folder of that name write "./--json"\n',
  ],
  ...[["--out", "-x"], ["--out=-x"]].map(
    (args) =>
      [
        `a folder name like an option: ${args.join(" ")}`,
        ["run", "small.yaml", ...args],
        'error[E040] --out needs a value, got option "-x"\n' +
          '  hint: for a folder of that name write "./-x"\n',
      ] as const,
  ),
  [
    "a missing argument",
    ["replay"],
    "error[E040] replay needs <run>\n  hint: see faultplane replay --help\n",
  ],
  ["two scenarios", ["run", "a", "b"], `error[E040] too many arguments for run\n${help}`],
  ...["", "unix:/dev/log", "udp:localhost"].map(
    (where) =>
      [
        `no place for kernel lines: ${where}`,
        ["run", "--xid-log", where],
        "error[E042] --xid-log: expected a file or udp:HOST:PORT, got " +
          `${JSON.stringify(where)}\n  hint: syslog daemons take lines at udp:127.0.0.1:514 when ` +
          "they are told to listen there\n",
      ] as const,
  ),
  [
    "names of metrics that nobody serves",
    ["run", "small.yaml", "-q", "--metrics-as", "dcgm,node"],
    "error[E040] --metrics-as goes with --ui, which serves the metrics\n" +
      "  hint: add --ui 9464; they are at http://127.0.0.1:9464/metrics\n",
  ],
  [
    "names of no exporter",
    ["run", "--metrics-as", "dcgm,nvml"],
    "error[E042] --metrics-as: expected some of dcgm, node, rdma with commas, got " +
      '"dcgm,nvml"\n',
  ],
  ["a repeated option", ["run", "--seed", "1", "--seed", "2"], "error[E041] --seed given twice\n"],
  ["a repeated flag", ["run", "-q", "--quiet"], "error[E041] --quiet given twice\n"],
  [
    "a worker delayed twice",
    ["run", "--delay-worker", "node0=1", "--delay-worker", "node0=2"],
    "error[E041] --delay-worker for 'node0' given twice\n",
  ],
  ...["", " 5 ", "5abc", "0x10", "1e3", "-1", "1.5", "18446744073709551616", "007"].map(
    (seed) =>
      [`the seed ${JSON.stringify(seed)}`, ["run", "--seed", seed], seedError(seed)] as const,
  ),
  [
    "an unknown placement",
    ["run", "--placement", "nodes"],
    'error[E042] --placement: expected one of node, actor, pack, single, got "nodes"\n',
  ],
  ["no workers", ["run", "--workers", "0"], 'error[E042] --workers: expected 1..4096, got "0"\n'],
  [
    "workers without pack",
    ["run", "small.yaml", "--workers", "2"],
    "error[E040] --workers goes with placement pack; this run has placement single\n" +
      "  hint: add --placement pack\n",
  ],
  [
    "no speed",
    ["run", "--speed", "-1"],
    'error[E042] --speed: expected max or virtual seconds per wall second above 0, got "-1"\n',
  ],
  [
    "a delay of nobody",
    ["run", "small.yaml", "--placement", "node", "--delay-worker", "nod1=5"],
    "error[E040] --delay-worker: no worker 'nod1'; did you mean 'node1'?\n" +
      "  hint: workers of placement node: node0, node1, plane0, plane1\n",
  ],
  [
    "quiet and verbose",
    ["run", "-q", "-v"],
    "error[E040] --quiet and --verbose cannot be used together\n",
  ],
];

describe("wrong usage ends with exit code 2 and one error", () => {
  it.each(rows)("%s", async (_what, args, stderr) => {
    const said = await faultplane(folder.path, args);
    expect(said).toEqual({ stdout: "", stderr, exitCode: 2 });
    expect(readdirSync(folder.path).sort()).toEqual(["models", "small.yaml"]);
  });
});

describe("help", () => {
  it("lists commands and exit codes on stdout", async () => {
    const said = await faultplane(folder.path, ["--help"]);
    expect(said.exitCode).toBe(0);
    expect(said.stderr).toBe("");
    for (const word of ["run ", "replay ", "check ", "topology ", "Exit codes:", "143"]) {
      expect(said.stdout).toContain(word);
    }
  });

  it.each([
    ["status", "[run]", []],
    ["inject", "[run] <kind> <target>", ["kind", "target"]],
    ["heal", "[run] <fault|all>", ["fault|all"]],
    ["mask", "[run] <target>", ["target"]],
    ["drain", "[run] <target>", ["target"]],
    ["reroute", "[run] <link|spine>", ["link|spine"]],
    ["speed", "[run] <value>", ["value"]],
    ["diagnose", "[run] <target> <kind>", ["target", "kind"]],
  ])("of %s tells what each of its words is", async (name, usage, words) => {
    const { stdout } = await faultplane(folder.path, [name, "--help"]);
    expect(stdout.split("\n")[0]).toBe(`Usage: faultplane ${name} [options] ${usage}`);
    const listed = stdout.split("Arguments:\n")[1].split("\n\n")[0].split("\n");
    expect(listed.map((line) => line.trim().split(/ {2,}/)[0])).toEqual(["run", ...words]);
    for (const line of listed) expect(line).toMatch(/^ {2}\S+ {2,}\S.{10,}/);
  });

  it("loads no package but commander", async () => {
    const hook =
      "import fs from 'node:fs'; export async function resolve(name, context, next) " +
      "{ if (!/^(node:|[./]|file:)/.test(name)) fs.writeSync(2, name + '\\n'); " +
      "return next(name, context); }";
    const register = `import { register } from 'node:module'; register(${JSON.stringify(
      `data:text/javascript,${encodeURIComponent(hook)}`,
    )});`;
    const said = await program(
      process.execPath,
      ["--import", `data:text/javascript,${encodeURIComponent(register)}`, COMMAND, "--help"],
      folder.path,
    );
    const packages = said.stderr.split("\n").filter((name) => name !== "");
    expect([...new Set(packages)]).toEqual(["commander"]);
  });
});

describe("check and topology", () => {
  it("a missing file is exit 66 in the words of the catalogue", async () => {
    const said = await faultplane(folder.path, ["check", "nosuch.yaml"]);
    expect(said.exitCode).toBe(66);
    expect(said.stderr).toContain(
      "error[E001] cannot read scenario file 'nosuch.yaml': no such file\n",
    );
  });

  it("a drill where a scenario is asked for, and the reverse, is told as such", async () => {
    writeFileSync(join(folder.path, "adrill.yaml"), "title: t\nscenario: s.yaml\nmethod: []\n");
    writeFileSync(join(folder.path, "ascenario.yaml"), "model: m.json\ncluster: {nodes: 4}\n");
    for (const [command, file, what] of [
      ["check", "adrill.yaml", "is a drill, not a scenario"],
      ["run", "adrill.yaml", "is a drill, not a scenario"],
      ["plan", "ascenario.yaml", "is a scenario, not a drill"],
    ]) {
      const said = await faultplane(folder.path, [command, file]);
      expect(said.exitCode).toBe(78);
      expect(said.stderr).toContain(`error[E010] '${file}' ${what}`);
    }
  });

  it("a directory is exit 66", async () => {
    const said = await faultplane(folder.path, ["check", "models"]);
    expect(said.exitCode).toBe(66);
    expect(said.stderr).toContain("cannot read scenario file 'models': it is a directory\n");
  });

  it("a pipe or a device is refused at once, also where the scenario names it", async () => {
    const made = await program("mkfifo", ["pipe", "models/pipe.json"], folder.path);
    expect(made.exitCode).toBe(0);
    const pipe = "it is a pipe, not a regular file\n";
    const device = "it is a device, not a regular file\n";
    for (const [command, file, why] of [
      ["check", "pipe", pipe],
      ["run", "pipe", pipe],
      ["check", "/dev/zero", device],
      ["topology", "/dev/null", device],
      ["experts", "pipe", pipe],
    ]) {
      const said = await faultplane(folder.path, [command, file]);
      expect([said.exitCode, said.stdout]).toEqual([66, ""]);
      expect(said.stderr).toContain(`error[E001] cannot read scenario file '${file}': ${why}`);
    }
    const text = readFileSync(join(folder.path, "small.yaml"), "utf8");
    writeFileSync(join(folder.path, "piped.yaml"), text.replace("deepseek-v3", "pipe"));
    const said = await faultplane(folder.path, ["check", "piped.yaml"]);
    expect(said.exitCode).toBe(66);
    expect(said.stderr).toContain(
      `error[E001] piped.yaml:2:8 model: cannot read model file 'models/pipe.json': ${pipe}`,
    );
  });

  it("check prints what the scenario resolves to", async () => {
    const said = await faultplane(folder.path, ["check", "small.yaml"]);
    expect(said.exitCode).toBe(0);
    expect(said.stdout).toContain("2 nodes x 2 GPUs = 4 GPUs");
    expect(said.stdout).toContain("lost-nic: nic-down node1.nic1 at 100.000 us");
  });

  it("topology --json counts every device", async () => {
    const said = await faultplane(folder.path, ["topology", "small.yaml", "--json"]);
    expect(said.exitCode).toBe(0);
    expect(JSON.parse(said.stdout)).toMatchObject({
      gpus: 4,
      nics: 4,
      nvswitches: 2,
      leaves: 2,
      spines: 0,
      links: { total: 12 },
    });
  });

  it("finds the shipped drill from any folder", async () => {
    const drill = join(import.meta.dirname, "../../drills/default.yaml");
    const said = await faultplane(folder.path, ["topology", drill]);
    expect(said.stdout).toMatch(/^GPUs +32$/m);
  });
});
