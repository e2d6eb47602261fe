/**
 * How the links between hosts are protected, as every process of a run is told it: the folder with
 * the certificates, or that none are wanted. Whoever gives a folder gets TLS on every link of the
 * run but that of a worker to its own agent, which never leaves the host.
 */
import type { LinkSettings } from "./link.ts";
import { readTlsFolder, type TlsMaterial } from "./tls-material.ts";

/** What an operator chose. */
export interface HostSecurity {
  /** Folder with the files that `faultplane certificates` makes. */
  readonly tlsFolder?: string | undefined;
  /** Links to other hosts may go without TLS. */
  readonly insecure: boolean;
}

/** On this machine alone, and without TLS. */
export const LOOPBACK_ONLY: HostSecurity = { insecure: false };

const read = new Map<string, TlsMaterial>();

/** The settings of a link. Throws OperatingError E045 when the folder's files do not serve. */
export function securityFor({
  tlsFolder,
  insecure,
}: HostSecurity): Pick<LinkSettings, "tls" | "insecure"> {
  if (tlsFolder === undefined) return { insecure };
  const tls = read.get(tlsFolder) ?? readTlsFolder(tlsFolder);
  read.set(tlsFolder, tls);
  return { tls, insecure };
}
