/**
 * Certificates for tests, good and bad, made with the openssl of the host: authorities, and members
 * of them with any name, purpose and life.
 */
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MEMBER_NAME, type TlsMaterial } from "../../cluster/tls-material.ts";

/** What a test's member is given; what is left out is as it should be. */
export interface MemberKind {
  readonly name?: string;
  /** -1: it expired yesterday. */
  readonly days?: number;
  /** Extended key usages. */
  readonly usages?: string;
  /** Signs itself, with the authority far away. */
  readonly selfSigned?: true;
}

/** An authority of a test. */
export interface TestAuthority {
  /** PEM. */
  readonly ca: string;
  member(kind?: MemberKind): TlsMaterial;
  remove(): void;
}

/** Makes an authority in a folder of its own. */
export function testAuthority(name: string): TestAuthority {
  const folder = mkdtempSync(join(tmpdir(), "faultplane-ca-"));
  const settings = join(folder, "openssl.cnf");
  const path = (file: string): string => join(folder, file);
  const read = (file: string): string => readFileSync(path(file), "utf8");
  const openssl = (...words: string[]): void => {
    const env = { PATH: process.env.PATH ?? "", OPENSSL_CONF: settings };
    execFileSync("openssl", words, { cwd: folder, env, stdio: "pipe" });
  };
  const configure = (usages: string, memberName: string): void => {
    writeFileSync(
      settings,
      [
        ...["[req]", "distinguished_name = name", "prompt = no", "[name]", `CN = ${name}`],
        ...["[ca]", "basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign"],
        "subjectKeyIdentifier = hash",
        ...["[member]", "basicConstraints = critical, CA:FALSE", `extendedKeyUsage = ${usages}`],
        ...[`subjectAltName = DNS:${memberName}`, ""],
      ].join("\n"),
    );
  };
  configure("serverAuth", MEMBER_NAME);
  writeFileSync(path("ca.key"), newKey());
  openssl(...words("req -x509 -new -key ca.key -extensions ca -days 30 -sha256 -out ca.pem"));
  return {
    ca: read("ca.pem"),
    member: (kind = {}) => {
      const { usages = "serverAuth, clientAuth", name: memberName = MEMBER_NAME } = kind;
      configure(usages, memberName);
      writeFileSync(path("m.key"), newKey());
      openssl(...words("req -new -key m.key -subj /CN=member -out m.csr"));
      const extensions = "-sha256 -extfile openssl.cnf -extensions member -out m.pem";
      const signed =
        kind.selfSigned === true ? "-signkey m.key" : "-CA ca.pem -CAkey ca.key -set_serial 7";
      openssl(...words(`x509 -req -in m.csr -days ${kind.days ?? 30} ${signed} ${extensions}`));
      return { ca: read("ca.pem"), certificate: read("m.pem"), key: read("m.key") };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const words = (text: string): string[] => text.split(" ");

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
