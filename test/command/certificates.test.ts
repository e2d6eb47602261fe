/**
 * `faultplane certificates` as users run it: what it makes is safe and fits together, and it never
 * destroys what is there without being told to.
 */
import { X509Certificate } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readTlsFolder } from "../../cluster/tls-material.ts";
import { faultplane, program, workFolder } from "./command.ts";

const work = { path: "", remove: () => {} };
beforeEach(() => {
  Object.assign(work, workFolder());
});
afterEach(() => work.remove());

const certificates = (...args: string[]) => faultplane(work.path, ["certificates", ...args]);
const modeOf = (path: string): number => statSync(join(work.path, path)).mode & 0o777;
const certificateOf = (path: string): X509Certificate =>
  new X509Certificate(readFileSync(join(work.path, path)));
const daysOf = ({ validFrom, validTo }: X509Certificate): number =>
  (Date.parse(validTo) - Date.parse(validFrom)) / 86_400_000;

const FILES = ["authority", "ca.pem", "member-key.pem", "member.pem"];

describe("faultplane certificates", () => {
  it("makes a set that a member takes, readable by its owner alone", async () => {
    const said = await certificates("c");
    expect([said.exitCode, said.stderr]).toEqual([0, ""]);
    expect(said.stdout).toContain("scp -p c/ca.pem c/member.pem c/member-key.pem HOST:FOLDER/");
    expect(said.stdout).toMatch(/copy nowhere.*:\n {2}c\/authority\/ca-key\.pem\n/);
    const token = ".config/faultplane/token";
    expect(said.stdout).toContain(`\n  ${join(work.path, token)}\n`);
    expect(readFileSync(join(work.path, token), "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
    expect(modeOf(token)).toBe(0o600);
    readTlsFolder(join(work.path, "c"));
    expect(readdirSync(join(work.path, "c")).sort()).toEqual(FILES);
    expect([modeOf("c"), modeOf("c/authority")]).toEqual([0o700, 0o700]);
    for (const name of [...FILES.slice(1), "authority/ca-key.pem"]) {
      expect(modeOf(`c/${name}`)).toBe(0o600);
    }
    expect(daysOf(certificateOf("c/ca.pem"))).toBe(3650);
    expect(daysOf(certificateOf("c/member.pem"))).toBe(365);
    expect(certificateOf("c/member.pem").subjectAltName).toBe("DNS:faultplane.internal");
  });

  it("refuses to overwrite, renews under the same authority, and starts anew when told", async () => {
    await certificates("c");
    const before = certificateOf("c/member.pem");
    const refused = await certificates("c");
    expect([refused.exitCode, refused.stdout]).toEqual([73, ""]);
    expect(refused.stderr).toMatch(/^error\[E033\] 'c\/ca\.pem' exists\n/);
    expect(certificateOf("c/member.pem").fingerprint256).toBe(before.fingerprint256);

    const renewed = await certificates("c", "--renew", "--days", "30", "--json");
    expect(renewed.exitCode).toBe(0);
    const { memberUntil } = JSON.parse(renewed.stdout) as { memberUntil: string };
    const after = certificateOf("c/member.pem");
    expect(Date.parse(memberUntil)).toBe(Date.parse(after.validTo));
    expect(daysOf(after)).toBe(30);
    expect(after.verify(certificateOf("c/ca.pem").publicKey)).toBe(true);
    expect(before.verify(certificateOf("c/ca.pem").publicKey)).toBe(true);
    expect(after.publicKey.equals(before.publicKey)).toBe(false);

    expect((await certificates("c", "--force")).exitCode).toBe(0);
    expect(after.verify(certificateOf("c/ca.pem").publicKey)).toBe(false);
    readTlsFolder(join(work.path, "c"));
  });

  it("renews only what is there", async () => {
    const said = await certificates("c", "--renew");
    expect([said.exitCode, said.stderr]).toEqual([
      77,
      "error[E045] cannot renew: 'c/authority/ca-key.pem' is not there\n" +
        "  hint: --force starts anew\n",
    ]);
    expect(readdirSync(join(work.path, "c"))).toEqual([]);
  });

  it("refuses a folder that others may change", async () => {
    mkdirSync(join(work.path, "c"));
    chmodSync(join(work.path, "c"), 0o777);
    const said = await certificates("c");
    expect(said.exitCode).toBe(77);
    expect(said.stderr).toMatch(/^error\[E045\] others may change what is in 'c'\n/);
  });

  it("says so when there is no openssl, and leaves nothing", async () => {
    const environment = { PATH: "/nowhere" };
    const args = [join(import.meta.dirname, "../../dist/scripts/faultplane.js"), "certificates"];
    const said = await program(process.execPath, [...args, "c"], work.path, environment);
    expect(said.exitCode).toBe(69);
    expect(said.stderr).toMatch(/^error\[E048\] cannot make certificates: openssl does not start/);
    expect(existsSync(join(work.path, "c/ca.pem"))).toBe(false);
    expect(readdirSync(join(work.path, "c"))).toEqual([]);
  });

  it.each([
    ["--days", "0"],
    ["--days", "3651"],
    ["--renew", "--force"],
  ])("refuses %s %s", async (...args) => {
    const said = await certificates("c", ...args);
    expect(said.exitCode).toBe(2);
    expect(existsSync(join(work.path, "c"))).toBe(false);
  });
});
