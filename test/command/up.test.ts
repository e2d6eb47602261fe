/**
 * `faultplane up` and `faultplane join` as users start them, with loopback between two hosts: who
 * is let in, what is said, and the digest of the run in one process.
 */
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { testAuthority } from "../support/certificates.ts";
import { faultplane, type Said, workFolder } from "./command.ts";

const folder = workFolder();
afterAll(() => folder.remove());

const TOKEN = { FAULTPLANE_TOKEN: "5a".repeat(32) };
const say = (args: readonly string[], environment = TOKEN): Promise<Said> =>
  faultplane(folder.path, args, environment);

/** A port that was free a moment ago, and its server while it is held. */
async function aPort(isHeld = false): Promise<{ readonly at: string; release(): void }> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  const release = (): void => void server.close();
  if (!isHeld) await new Promise<void>((done) => server.close(() => done()));
  return { at: `127.0.0.1:${port}`, release };
}

function digestOf({ stdout }: Said): unknown {
  return JSON.parse(stdout).digest;
}

describe("a run over two hosts", () => {
  it("takes in who belongs to it and nobody else, and has the digest of one process", async () => {
    const single = await say(["run", "small.yaml", "--json", "-q", "--out", "single"]);
    const { at } = await aPort();
    const up = ["up", "small.yaml", "--placement", "node", "--nnodes", "2"];
    const meet = ["--rdzv-endpoint", at];
    const running = say([...up, ...meet, "--out", "two", "--json", "--join-timeout", "50"]);
    const stranger = await say(["join", at], { FAULTPLANE_TOKEN: "a5".repeat(32) });
    expect([stranger.exitCode, stranger.stderr]).toEqual([
      77,
      expect.stringContaining("error[E046] coordinator refused: not authorised\n"),
    ]);
    const seed = ["--seed", "8", "--node-rank", "1"];
    const other = await say([...up, ...meet, ...seed]);
    expect(other.exitCode).toBe(69);
    expect(other.stderr).toMatch(/coordinator refused: scenario [0-9a-f]{16} here, [0-9a-f]{16} /);
    const joined = await say([...up, ...meet, "--node-rank", "1"]);
    expect([joined.exitCode, joined.stdout]).toEqual([0, ""]);
    expect(joined.stderr).toMatch(/^joined run \S+ at \S+\nthe run is over\n$/);
    const ended = await running;
    expect([ended.exitCode, digestOf(ended)]).toEqual([0, digestOf(single)]);
    expect(ended.stderr).toContain(`waiting at ${at} for 1 more host\n`);
    expect(ended.stderr).toMatch(/host1 \(\S+, 127\.0\.0\.1, \d+ processors\) has joined\n/);
    expect(ended.stderr).toMatch(/turned away .*not authorised/);
    const replay = await say(["replay", "two", "-q"]);
    expect(replay.exitCode, replay.stderr).toBe(0);
  });

  it("says who is missing, and leaves nothing", async () => {
    const { at } = await aPort();
    const options = ["--placement", "node", "--nnodes", "3", "--rdzv-endpoint", at];
    const said = await say(["up", "small.yaml", ...options, "--join-timeout", "1", "--out", "no"]);
    expect(said.exitCode).toBe(69);
    expect(said.stderr).toContain(
      "error[E047] 1 of 3 hosts have joined; missing after 1 s: host1, host2\n",
    );
    expect(existsSync(join(folder.path, "no"))).toBe(false);
  });

  it("needs a port that is free, and processes to spread", async () => {
    const held = await aPort(true);
    const options = ["--nnodes", "2", "--rdzv-endpoint", held.at, "--out", "no"];
    const busy = await say(["up", "small.yaml", "--placement", "node", ...options]);
    held.release();
    expect([busy.exitCode, busy.stderr]).toEqual([
      69,
      expect.stringMatching(/error\[E043\] port \d+ is in use on 127\.0\.0\.1/),
    ]);
    const single = await say(["up", "small.yaml", ...options]);
    expect([single.exitCode, single.stderr]).toEqual([
      2,
      expect.stringContaining("placement single is one process"),
    ]);
    expect(existsSync(join(folder.path, "no"))).toBe(false);
  });

  it("refuses hosts whose rank or number does not fit, for good", async () => {
    const { at } = await aPort();
    const up = ["up", "small.yaml", "--placement", "node", "--rdzv-endpoint", at];
    const three = [...up, "--nnodes", "3"];
    const running = say([...three, "--join-timeout", "50", "--out", "ranks"]);
    const first = say([...three, "--node-rank", "1"]);
    const beyond = await say(["join", at, "--node-rank", "7"]);
    expect([beyond.exitCode, beyond.stderr]).toEqual([
      69,
      expect.stringContaining("error[E046] coordinator refused: rank 7 of 3 hosts\n"),
    ]);
    const fewer = await say([...up, "--nnodes", "4", "--node-rank", "2"]);
    expect([fewer.exitCode, fewer.stderr]).toEqual([
      69,
      expect.stringContaining("the run has 3 hosts, not 4: say the same --nnodes everywhere\n"),
    ]);
    const coordinator = await say(["join", at, "--node-rank", "0"]);
    expect([coordinator.exitCode, coordinator.stderr]).toEqual([
      2,
      expect.stringContaining("error[E040] rank 0 is the host that coordinates"),
    ]);
    // Who of the two came first, nobody can tell.
    const second = say([...three, "--node-rank", "1"]);
    const refused = await Promise.race([first, second]);
    expect([refused.exitCode, refused.stderr]).toEqual([
      69,
      expect.stringContaining("error[E046] coordinator refused: rank 1 is taken\n"),
    ]);
    const last = await say(["join", at]);
    const ends = await Promise.all([first, second, running]);
    expect(last.exitCode, last.stderr).toBe(0);
    expect(ends.map(({ exitCode }) => exitCode).sort()).toEqual([0, 0, 69]);
  });

  it("that never begins, or fails, tells the others so", async () => {
    const { at } = await aPort();
    const up = ["up", "small.yaml", "--placement", "node", "--nnodes", "3", "--rdzv-endpoint", at];
    const running = say([...up, "--join-timeout", "5", "--out", "short"]);
    const joined = await say(["join", at]);
    expect([joined.exitCode, joined.stderr]).toEqual([
      69,
      expect.stringMatching(/the run never began: 2 of 3 hosts have joined; missing after 5 s: /),
    ]);
    expect((await running).exitCode).toBe(69);
  });

  it("needs to be told how many hosts there are", async () => {
    const said = await say(["up", "small.yaml", "--rdzv-endpoint", "127.0.0.1:4"]);
    expect([said.exitCode, said.stderr]).toEqual([
      2,
      expect.stringMatching(/error\[E040\] --rdzv-endpoint is .*\n.*--nnodes N, or --standalone/),
    ]);
  });

  it("has TLS on loopback, too, when that was asked for", async () => {
    const authority = testAuthority("ours");
    const tls = mkdtempSync(join(folder.path, "tls-"));
    const { ca, certificate, key } = authority.member();
    const files = { "ca.pem": ca, "member.pem": certificate, "member-key.pem": key };
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(tls, name), text, { mode: 0o600 });
    }
    authority.remove();
    const { at } = await aPort();
    const meet = ["--placement", "node", "--nnodes", "2", "--rdzv-endpoint", at];
    const up = ["up", "small.yaml", ...meet, "--tls", tls, "--out", "tls", "--join-timeout", "30"];
    const running = say(up);
    const plain = await say(["join", at, "--join-timeout", "2"]);
    expect([plain.exitCode, plain.stderr]).toEqual([69, expect.stringContaining("error[E047]")]);
    const joined = await say(["join", at, "--tls", tls]);
    expect(joined.exitCode, joined.stderr).toBe(0);
    expect((await running).exitCode).toBe(0);
  });

  it("takes no options that its file has no use for, and no file without a name", async () => {
    for (const words of [["--blind"], ["--max-blast", "5"], ["--allow-real-faults"]]) {
      const said = await say(["up", "small.yaml", "--standalone", "--out", "no", ...words]);
      expect([said.exitCode, said.stderr]).toEqual([
        2,
        expect.stringContaining(`error[E040] ${words[0]} is for drills, and this file is a sc`),
      ]);
    }
    const unnamed = await say(["join", "127.0.0.1:4", "--token-file", ""], {} as typeof TOKEN);
    expect([unnamed.exitCode, unnamed.stderr]).toEqual([
      77,
      expect.stringContaining("error[E045] the name of the token file is empty"),
    ]);
  });

  it("names some of many hosts that are missing", async () => {
    const { at } = await aPort();
    const options = ["--placement", "node", "--nnodes", "40", "--rdzv-endpoint", at];
    const said = await say(["up", "small.yaml", ...options, "--join-timeout", "1", "--out", "no"]);
    expect(said.stderr).toMatch(/missing after 1 s: host1, host2, .*host10 and 29 more\n/);
  });

  it("gives up on a coordinator that does not come", async () => {
    const { at } = await aPort();
    const said = await say(["join", at, "--join-timeout", "1"]);
    expect(said.exitCode).toBe(69);
    expect(said.stderr).toMatch(/^waiting for a coordinator at \S+\nerror\[E047\] cannot reach /);
  });

  it("beyond this machine is not made without TLS", async () => {
    const said = await say(["up", "small.yaml", "--nnodes", "2", "--rdzv-endpoint", "10.1.2.3:4"]);
    expect([said.exitCode, said.stderr]).toEqual([
      77,
      expect.stringContaining("error[E044] hosts that meet at 10.1.2.3 need TLS: say --tls FOLDER"),
    ]);
  });
});
