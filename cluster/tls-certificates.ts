/**
 * Makes an authority and the certificate that all members of runs share, with the openssl of the
 * host; keys are made here and written so that only their owner can read them. The authority's key
 * is in a folder of its own: no member needs it.
 */
import { generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ExitCode, OperatingError, systemCodeOf } from "./errors.ts";
import { runTool } from "./process-launcher.ts";
import { SECRET_MODE, unusable, WRITABLE_BY_OTHERS } from "./secret-file.ts";
import { MEMBER_NAME, readTlsFolder, TlsFile } from "./tls-material.ts";

/** The folder with the authority's key, below the members' folder, and the key's name in it. */
export const AUTHORITY_FOLDER = "authority";
export const AUTHORITY_KEY = "ca-key.pem";

/**
 * Days for which an authority is good: its key never leaves one host, and replacing it means going
 * to every host. Ten years outlive the hosts.
 */
export const AUTHORITY_DAYS = 3650;

/**
 * Days for which a member's certificate is good unless the operator says otherwise. Nothing is ever
 * revoked, so a key that got lost is good until then; a year is once round the calendar.
 */
export const MEMBER_DAYS = 365;

/** Wall ms for one call of openssl, which takes a few. */
const OPENSSL_WITHIN_MS = 30_000;

const DAY_MS = 86_400_000;

/** Extensions of both kinds of certificate: openssl's own configuration file is not read. */
const OPENSSL_SETTINGS = `[req]
distinguished_name = name
prompt = no
[name]
CN = unnamed
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[member]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = DNS:${MEMBER_NAME}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`;

/** What is to be made in a folder. */
export interface CertificateOrder {
  readonly folder: string;
  /** Days for which the member's certificate is good. */
  readonly days: number;
  /**
   * `new`: an authority and a member, where there is nothing; `replace`: the same, whatever is
   * there; `renew`: another key and certificate for members, by the authority that is there.
   */
  readonly what: "new" | "replace" | "renew";
}

/** When what was made runs out, wall ms since 1970. */
export interface MadeCertificates {
  readonly authorityUntilMs: number;
  readonly memberUntilMs: number;
}

/**
 * Makes what `order` says: files of mode 0600 in folders of mode 0700. Nothing of what was there is
 * touched before everything has been made. Throws OperatingErrors: E033 when there is something
 * already, E045 when there is no authority to renew with, E048 when openssl is missing or fails.
 */
export async function makeCertificates(order: CertificateOrder): Promise<MadeCertificates> {
  const { folder, what } = order;
  const authorityFolder = join(folder, AUTHORITY_FOLDER);
  if (what === "new") refuseExisting(folder);
  makeFolder(folder);
  const work = mkdtempSync(join(folder, ".new-"));
  try {
    writeFileSync(join(work, "openssl.cnf"), OPENSSL_SETTINGS);
    if (what === "renew") copyAuthority(folder, work, order.days);
    else await makeAuthority(work);
    await makeMember(work, order.days);
    // The same check that every member makes: what fails it is not handed out.
    readTlsFolder(work);
    makeFolder(authorityFolder);
    renameSync(join(work, AUTHORITY_KEY), join(authorityFolder, AUTHORITY_KEY));
    for (const name of Object.values(TlsFile)) renameSync(join(work, name), join(folder, name));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const untilMs = (name: string): number => Date.parse(certificateIn(join(folder, name)).validTo);
  return { authorityUntilMs: untilMs(TlsFile.ca), memberUntilMs: untilMs(TlsFile.certificate) };
}

function refuseExisting(folder: string): void {
  for (const name of [...Object.values(TlsFile), join(AUTHORITY_FOLDER, AUTHORITY_KEY)]) {
    if (!existsSync(join(folder, name))) continue;
    throw new OperatingError(
      "E033",
      `'${join(folder, name)}' exists`,
      "name another folder, or use --renew for another member certificate, --force to start anew",
      ExitCode.cannotCreate,
    );
  }
}

/** A folder that only its owner can enter; in one that is there others can look at most. */
function makeFolder(folder: string): void {
  let mode: number;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    mode = statSync(folder).mode;
  } catch (error) {
    const message = `cannot create the folder '${folder}' (${systemCodeOf(error)})`;
    throw new OperatingError("E033", message, "", ExitCode.cannotCreate);
  }
  if ((mode & WRITABLE_BY_OTHERS) === 0) return;
  throw unusable(`others may change what is in '${folder}'`, `chmod 700 '${folder}'`);
}

async function makeAuthority(work: string): Promise<void> {
  writeKey(join(work, AUTHORITY_KEY));
  // A name of its own, so that a certificate of another authority is told from a damaged one.
  const subject = `/CN=Faultplane CA ${randomBytes(4).toString("hex")}`;
  await openssl(
    work,
    ...["req", "-x509", "-new", "-key", AUTHORITY_KEY, "-config", "openssl.cnf"],
    ...["-extensions", "ca", "-days", String(AUTHORITY_DAYS), "-sha256", "-subj", subject],
    ...["-set_serial", serial(), "-out", TlsFile.ca],
  );
}

function copyAuthority(folder: string, work: string, days: number): void {
  const keyPath = join(folder, AUTHORITY_FOLDER, AUTHORITY_KEY);
  const caPath = join(folder, TlsFile.ca);
  for (const path of [keyPath, caPath]) {
    if (existsSync(path)) continue;
    throw unusable(`cannot renew: '${path}' is not there`, "--force starts anew");
  }
  if (Date.parse(certificateIn(caPath).validTo) < Date.now() + days * DAY_MS) {
    const problem = `cannot renew: '${caPath}' ends before the ${days} days are over`;
    throw unusable(problem, "fewer --days, or --force, which starts anew");
  }
  writeSecret(join(work, AUTHORITY_KEY), readFileSync(keyPath));
  writeSecret(join(work, TlsFile.ca), readFileSync(caPath));
}

async function makeMember(work: string, days: number): Promise<void> {
  writeKey(join(work, TlsFile.key));
  await openssl(
    work,
    ...["req", "-new", "-key", TlsFile.key, "-config", "openssl.cnf"],
    ...["-subj", "/CN=Faultplane member", "-out", "member.csr"],
  );
  await openssl(
    work,
    ...["x509", "-req", "-in", "member.csr", "-CA", TlsFile.ca, "-CAkey", AUTHORITY_KEY],
    ...["-set_serial", serial(), "-days", String(days), "-sha256"],
    ...["-extfile", "openssl.cnf", "-extensions", "member", "-out", TlsFile.certificate],
  );
  for (const name of [TlsFile.ca, TlsFile.certificate]) chmodSync(join(work, name), SECRET_MODE);
}

/** Runs openssl in `folder`. */
async function openssl(folder: string, ...words: readonly string[]): Promise<void> {
  const settings = { OPENSSL_CONF: "openssl.cnf" };
  const { code, stderr } = await runTool({
    command: "openssl",
    words,
    folder,
    environment: settings,
    withinMs: OPENSSL_WITHIN_MS,
  });
  if (code === 0) return;
  const hint = "install the openssl command (package openssl), or make the files elsewhere";
  const message =
    code === undefined
      ? `cannot make certificates: openssl does not start (${stderr})`
      : `cannot make certificates: openssl ${words[0]} failed: ${stderr}`;
  throw new OperatingError("E048", message, code === undefined ? hint : "", ExitCode.unavailable);
}

/** An EC P-256 key: every OpenSSL, LibreSSL and cloud has it, and TLS 1.3 handshakes are cheap. */
function writeKey(path: string): void {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeSecret(path, privateKey.export({ type: "pkcs8", format: "pem" }));
}

function writeSecret(path: string, content: string | Uint8Array): void {
  writeFileSync(path, content, { mode: SECRET_MODE, flag: "wx" });
}

function certificateIn(path: string): X509Certificate {
  return new X509Certificate(readFileSync(path));
}

/** Sixteen random bytes that are a positive number, for openssl. */
function serial(): string {
  return `0x01${randomBytes(15).toString("hex")}`;
}
