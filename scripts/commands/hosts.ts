/**
 * What commands for several hosts have in common: the token, the way links are protected, and the
 * words about where they meet.
 */
import { homedir } from "node:os";
import { isLoopback } from "../../cluster/address-rule.ts";
import type { HostAddress } from "../../cluster/addresses.ts";
import { ExitCode, OperatingError } from "../../cluster/errors.ts";
import type { HostSecurity } from "../../cluster/host-security.ts";
import type { HostsOptions } from "../../cluster/prepared-run.ts";
import { readTlsFolder } from "../../cluster/tls-material.ts";
import { readToken } from "../../cluster/token.ts";
import { usageError } from "./option-values.ts";

/** Options of every command that takes part in a run over several hosts. */
export interface HostCommandOptions {
  readonly tokenFile?: string;
  readonly tls?: string;
  readonly insecure?: true;
  /** Seconds. */
  readonly joinTimeout?: number;
}

/** Seconds that hosts wait for each other. */
const JOIN_TIMEOUT_SECONDS = 300;

/** How long hosts wait for each other, wall ms. */
export function joinWithinMs({ joinTimeout }: HostCommandOptions): number {
  return (joinTimeout ?? JOIN_TIMEOUT_SECONDS) * 1000;
}

/**
 * How links to other hosts are protected. Throws OperatingError: E040 for both ways at once, E044
 * when nothing was said and the meeting point is beyond this machine, E045 for files that do not
 * serve.
 */
export function securityOf(
  { tls, insecure }: HostCommandOptions,
  { host }: HostAddress,
): HostSecurity {
  if (tls !== undefined && insecure === true) {
    throw usageError("E040", "--tls and --insecure cannot be used together");
  }
  if (tls !== undefined) {
    readTlsFolder(tls);
    return { tlsFolder: tls, insecure: false };
  }
  if (insecure !== true && !isLoopback(host)) {
    throw new OperatingError(
      "E044",
      `hosts that meet at ${host} need TLS: say --tls FOLDER`,
      "faultplane certificates FOLDER makes it; --insecure does without, on a network you trust",
      ExitCode.notPermitted,
    );
  }
  return { insecure: insecure === true };
}

/** The token that all hosts share. Throws OperatingError E045. `create`: make it on first use. */
export function hostToken({ tokenFile }: HostCommandOptions, create: boolean): Uint8Array {
  return readToken({
    environment: process.env,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    home: homedir(),
    create,
  });
}

/** What the first host has to know of the others. */
export function hostsOptions(
  count: number,
  address: HostAddress,
  options: HostCommandOptions,
): HostsOptions {
  return {
    count,
    address,
    token: hostToken(options, true),
    joinWithinMs: joinWithinMs(options),
    security: securityOf(options, address),
  };
}
