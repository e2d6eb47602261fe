/**
 * What an operator keeps in files for runs over several hosts: the token, and the folder with TLS
 * material. What is not safe or does not fit is refused with the file's name, and never shown.
 */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkDialling, checkListening, isLoopback } from "../../cluster/address-rule.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { readTlsFolder, type TlsMaterial } from "../../cluster/tls-material.ts";
import { readToken, type TokenSource } from "../../cluster/token.ts";
import { testAuthority } from "../support/certificates.ts";

const HEX = randomBytes(32).toString("hex");
const OTHER = randomBytes(32).toString("hex");
const ours = testAuthority("ours");
const theirs = testAuthority("theirs");
let home = "";

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "faultplane-home-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));
afterAll(() => {
  ours.remove();
  theirs.remove();
});

/** The error that `step` throws, as code, exit code and message. */
function failureOf(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    expect(error).toBeInstanceOf(OperatingError);
    const { code, exitCode, message } = error as OperatingError;
    return `${code} ${exitCode} ${message.replaceAll(home, "HOME")}`;
  }
  throw new Error("nothing was thrown");
}

function token(settings: Partial<TokenSource> = {}): string {
  const source = { environment: {}, home, create: false, ...settings };
  return Buffer.from(readToken(source)).toString("hex");
}

function fileWith(text: string, mode = 0o600): string {
  const path = join(home, "tok");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe("the token", () => {
  it("comes from the environment first, and is taken out of it", () => {
    const environment = { FAULTPLANE_TOKEN: HEX, FAULTPLANE_TOKEN_FILE: fileWith(OTHER) };
    expect(token({ environment })).toBe(HEX);
    expect(environment).not.toHaveProperty("FAULTPLANE_TOKEN");
  });

  it("comes from the file that was named, before the one that the environment names", () => {
    const tokenFile = fileWith(`${HEX}\n`);
    const environment = { FAULTPLANE_TOKEN_FILE: join(home, "none") };
    expect(token({ environment, tokenFile })).toBe(HEX);
    expect(token({ environment: { FAULTPLANE_TOKEN_FILE: tokenFile } })).toBe(HEX);
  });

  it("is made on first use, for its owner alone, and is the same from then on", () => {
    const path = join(home, ".config", "faultplane", "token");
    const made = token({ create: true });
    expect(made).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
    expect(token({ create: true })).toBe(made);
    expect(token()).toBe(made);
  });

  it("is where XDG_CONFIG_HOME says, unless that is a relative path", () => {
    const environment = { XDG_CONFIG_HOME: join(home, "xdg") };
    const made = token({ environment, create: true });
    expect(existsSync(join(home, "xdg", "faultplane", "token"))).toBe(true);
    expect(token({ environment })).toBe(made);
    token({ environment: { XDG_CONFIG_HOME: "xdg" }, create: true });
    expect(existsSync(join(home, ".config", "faultplane", "token"))).toBe(true);
  });

  it("is not made where one is only expected", () => {
    expect(failureOf(() => token())).toBe(
      "E045 77 there is no token: FAULTPLANE_TOKEN is not set, " +
        "and there is no 'HOME/.config/faultplane/token'",
    );
    const tokenFile = join(home, "tok");
    expect(failureOf(() => token({ tokenFile, create: true }))).toBe(
      "E045 77 token file 'HOME/tok': no such file",
    );
  });

  it.each([0o644, 0o640, 0o604, 0o660, 0o700, 0o400])("is refused in a file of mode %o", (mode) => {
    const tokenFile = fileWith(HEX, mode);
    const octal = mode.toString(8).padStart(4, "0");
    expect(failureOf(() => token({ tokenFile }))).toBe(
      `E045 77 'HOME/tok' is mode ${octal}, need 0600`,
    );
  });

  it("is refused behind a symbolic link, in a folder, and in a large file", () => {
    fileWith(HEX);
    symlinkSync("tok", join(home, "link"));
    const failure = (name: string) => failureOf(() => token({ tokenFile: join(home, name) }));
    expect(failure("link")).toBe("E045 77 'HOME/link' is a symbolic link; name the file itself");
    mkdirSync(join(home, "folder"));
    expect(failure("folder")).toBe("E045 77 'HOME/folder' is not a regular file");
    fileWith("0".repeat(257));
    expect(failure("tok")).toBe("E045 77 'HOME/tok' has 257 bytes, at most 256");
  });

  it.each([
    ["too short", "abcdef", "6 characters"],
    ["too long", `${HEX}00`, "66 characters"],
    ["empty", "", "0 characters"],
    ["no hexadecimal", "x".repeat(64), "other characters"],
    ["with spaces in front", ` ${HEX}`, "65 characters"],
  ])("is refused when it is %s, and not shown", (_kind, text, found) => {
    const tokenFile = fileWith(text);
    const failure = failureOf(() => token({ tokenFile }));
    expect(failure).toBe(
      `E045 77 the token in 'HOME/tok' is no 64 hexadecimal digits: it has ${found}`,
    );
    if (text !== "") {
      const environment = { FAULTPLANE_TOKEN: text };
      expect(failureOf(() => token({ environment }))).toMatch(
        /^E045 77 the token in FAULTPLANE_TOKEN is no 64/,
      );
      expect(environment).toEqual({});
    }
  });

  it.runIf(process.getuid?.() === 0)("is refused in another user's file", async () => {
    const tokenFile = fileWith(HEX);
    const { chownSync } = await import("node:fs");
    chownSync(tokenFile, 12345, 12345);
    expect(failureOf(() => token({ tokenFile }))).toBe(
      "E045 77 'HOME/tok' belongs to user 12345, and we are user 0",
    );
  });
});

describe("a folder with TLS material", () => {
  /** Puts material there and reads it; what is undefined is left out. */
  function readBack(material: Partial<Record<keyof TlsMaterial, string | undefined>>): TlsMaterial {
    const names = { ca: "ca.pem", certificate: "member.pem", key: "member-key.pem" } as const;
    for (const part of ["ca", "certificate", "key"] as const) {
      const text = material[part];
      if (text !== undefined) writeFileSync(join(home, names[part]), text, { mode: 0o600 });
    }
    return readTlsFolder(home);
  }

  it("is read when its parts fit together", () => {
    const material = ours.member();
    expect(readBack(material)).toEqual(material);
  });

  const good = ours.member();
  it.each([
    ["no authority", { ...good, ca: undefined }, "'HOME/ca.pem': no such file"],
    ["no key", { ...good, key: undefined }, "'HOME/member-key.pem': no such file"],
    ["garbage", { ...good, certificate: "x" }, "'HOME/member.pem': it holds no PEM certificate"],
    ["another key", { ...good, key: ours.member().key }, "'HOME/member-key.pem' is not the key of"],
    ["an empty key", { ...good, key: "" }, "'HOME/member-key.pem': it holds no PEM key"],
    ["no key in it", { ...good, key: "x" }, "'HOME/member-key.pem': it holds no PEM key"],
    ["another authority", { ...good, ca: theirs.ca }, "'HOME/member.pem' was not made by the aut"],
    ["a member as authority", { ...good, ca: good.certificate }, "'HOME/ca.pem' is no certificate"],
    ["an old certificate", ours.member({ days: -1 }), "'HOME/member.pem' expired on 20"],
    ["another name", ours.member({ name: "h.internal" }), "'HOME/member.pem' is not for faultpl"],
  ])("is refused with %s", (_kind, material, message) => {
    const failure = failureOf(() => readBack(material));
    expect(failure).toMatch(/^E045 77 /);
    expect(failure).toContain(message);
  });

  it("is refused when others can read the key or change a certificate", () => {
    readBack(good);
    chmodSync(join(home, "member-key.pem"), 0o640);
    expect(failureOf(() => readTlsFolder(home))).toBe(
      "E045 77 'HOME/member-key.pem' is mode 0640, need 0600",
    );
    chmodSync(join(home, "member-key.pem"), 0o600);
    chmodSync(join(home, "ca.pem"), 0o666);
    expect(failureOf(() => readTlsFolder(home))).toBe("E045 77 others may change 'HOME/ca.pem'");
  });

  it("is refused on a host whose clock is before its beginning", () => {
    readBack(good);
    const yesterday = Date.now() - 86_400_000;
    expect(failureOf(() => readTlsFolder(home, yesterday))).toMatch(
      /^E045 77 'HOME\/(ca|member)\.pem' is not valid yet, for 1\.0 days/,
    );
  });
});

describe("the address rule", () => {
  it.each(["127.0.0.1", "127.255.0.3", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "localhost"])(
    "counts %s as this machine",
    (host) => {
      expect(isLoopback(host)).toBe(true);
      checkListening({ host, hasTls: false, insecure: false });
      checkDialling({ host, hasTls: false, insecure: false });
    },
  );

  it.each([
    ...["0.0.0.0", "::", "10.0.0.1", "192.0.2.1", "fe80::1", "::ffff:10.0.0.1", "h2", ""],
    ...["2130706433", "0x7f000001", "127.1", "127.0.0.1.example.com", "localhost.", "LOCALHOST"],
  ])("wants TLS for %s, or the operator's word", (host) => {
    expect(isLoopback(host)).toBe(false);
    const plain = { host, hasTls: false, insecure: false };
    expect(failureOf(() => checkListening(plain))).toMatch(/^E044 77 refusing to listen beyond/);
    expect(failureOf(() => checkDialling(plain))).toMatch(/^E044 77 refusing to talk beyond/);
    checkListening({ ...plain, hasTls: true });
    checkDialling({ ...plain, insecure: true });
  });
});
