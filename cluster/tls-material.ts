/**
 * Certificates for links between hosts: one authority of the operator's own, one certificate that
 * all members share, and one fixed name in it, so that no address of a host matters. Read and
 * checked whole before any port is opened, so that a mistake is told with the name of its file.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { checkServerIdentity, createSecureContext, type SecureVersion } from "node:tls";
import { messageOf, type OperatingError } from "./errors.ts";
import { readWhole } from "./read-file.ts";
import { readSecret, unusable, WRITABLE_BY_OTHERS } from "./secret-file.ts";

/** PEM of what a member needs to prove itself, and to judge others. */
export interface TlsMaterial {
  /** Certificate of the only authority that counts. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Names in a folder with a member's material. */
export const TlsFile = {
  ca: "ca.pem",
  certificate: "member.pem",
  key: "member-key.pem",
} as const;

/** The name in every member's certificate, and the name by which members call each other. */
export const MEMBER_NAME = "faultplane.internal";

/** Oldest version of TLS that is spoken. */
const OLDEST_TLS: SecureVersion = "TLSv1.3";

/** Larger PEM files are not ours. */
const PEM_BYTES_MAX = 64 * 1024;

/** A day in milliseconds of wall time. */
const DAY_MS = 86_400_000;

/**
 * Reads `ca.pem`, `member.pem` and `member-key.pem` in `folder`. Throws E045, exit code 77, when
 * one is missing, can be read or changed by others, is not what its name says, has expired, or does
 * not belong to the others.
 */
export function readTlsFolder(folder: string, nowMs = Date.now()): TlsMaterial {
  const caPath = join(folder, TlsFile.ca);
  const certificatePath = join(folder, TlsFile.certificate);
  const keyPath = join(folder, TlsFile.key);
  const ca = readPem(caPath);
  const certificate = readPem(certificatePath);
  const keyBytes = readSecret(keyPath, PEM_BYTES_MAX);
  if (keyBytes === undefined) throw missing(keyPath);
  const key = Buffer.from(keyBytes).toString("latin1");
  const authority = parseCertificate(caPath, ca, nowMs);
  const member = parseCertificate(certificatePath, certificate, nowMs);
  if (!authority.ca) throw unusable(`'${caPath}' is no certificate of an authority`);
  if (!member.checkIssued(authority) || !member.verify(authority.publicKey)) {
    throw unusable(`'${certificatePath}' was not made by the authority in '${caPath}'`);
  }
  const nameProblem = checkServerIdentity(MEMBER_NAME, member.toLegacyObject());
  if (nameProblem !== undefined) {
    throw unusable(`'${certificatePath}' is not for ${MEMBER_NAME}`, REMAKE);
  }
  const material = { ca, certificate, key };
  try {
    // Without a key a context is made, too, and fails at the first link.
    if (!member.checkPrivateKey(createPrivateKey(key))) throw new Error("key values mismatch");
    createSecureContext(tlsOptions(material));
  } catch (error) {
    throw keyProblem(keyPath, certificatePath, error);
  }
  return material;
}

/** Options of `node:tls` at both ends of every link. Neither end is ever left unverified. */
export function tlsOptions({ ca, certificate, key }: TlsMaterial): {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly minVersion: SecureVersion;
  readonly rejectUnauthorized: true;
} {
  return { ca, cert: certificate, key, minVersion: OLDEST_TLS, rejectUnauthorized: true };
}

const REMAKE = "faultplane certificates makes a set that fits together";

function readPem(path: string): string {
  const read = readWhole(path, PEM_BYTES_MAX);
  if (read.ok && (statSync(path).mode & WRITABLE_BY_OTHERS) !== 0) {
    throw unusable(`others may change '${path}'`, `chmod 600 '${path}'`);
  }
  if (!read.ok) throw read.problem === "no such file" ? missing(path) : broken(path, read.problem);
  return Buffer.from(read.bytes).toString("latin1");
}

function parseCertificate(path: string, pem: string, nowMs: number): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw broken(path, "it holds no PEM certificate");
  }
  const { validFrom, validTo } = certificate;
  if (nowMs > Date.parse(validTo)) {
    throw unusable(`'${path}' expired on ${dayOf(Date.parse(validTo))}`, REMAKE);
  }
  if (nowMs < Date.parse(validFrom)) {
    const days = ((Date.parse(validFrom) - nowMs) / DAY_MS).toFixed(1);
    throw unusable(`'${path}' is not valid yet, for ${days} days`, "is this host's clock right?");
  }
  return certificate;
}

function keyProblem(keyPath: string, certificatePath: string, error: unknown): OperatingError {
  const text = messageOf(error);
  return text.includes("key values mismatch") || text.includes("key type mismatch")
    ? unusable(`'${keyPath}' is not the key of '${certificatePath}'`, REMAKE)
    : broken(keyPath, "it holds no PEM key without a passphrase");
}

function missing(path: string): OperatingError {
  return unusable(`'${path}': no such file`, "faultplane certificates FOLDER makes it");
}

function broken(path: string, problem: string): OperatingError {
  return unusable(`cannot use '${path}': ${problem}`);
}

/** `2026-11-28`, UTC. */
function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
