/**
 * Which addresses a process may listen on or dial without TLS: this machine's own, and no other
 * unless the operator has said so in as many words. Pure: names are not looked up.
 */
import { BlockList, isIP } from "node:net";
import { ExitCode, OperatingError } from "./errors.ts";

const LOOPBACK_ADDRESSES = new BlockList();
LOOPBACK_ADDRESSES.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK_ADDRESSES.addAddress("::1", "ipv6");

/** An address and how it is protected. */
export interface AddressUse {
  /** An IP address or a name. */
  readonly host: string;
  readonly hasTls: boolean;
  /** The operator has said that this network is safe. */
  readonly insecure: boolean;
}

/**
 * Whether what is sent to `host` stays on this machine. A name is not looked up, so only
 * `localhost` does.
 */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version === 0) return host === "localhost";
  return LOOPBACK_ADDRESSES.check(host, version === 4 ? "ipv4" : "ipv6");
}

/** Throws E044, exit code 77, when `use` would open a port to others without TLS. */
export function checkListening(use: AddressUse): void {
  check(use, `refusing to listen beyond this machine without TLS (on ${use.host})`);
}

/** Throws E044, exit code 77, when `use` would reach out to others without TLS. */
export function checkDialling(use: AddressUse): void {
  check(use, `refusing to talk beyond this machine without TLS (to ${use.host})`);
}

function check({ host, hasTls, insecure }: AddressUse, message: string): void {
  if (hasTls || insecure || isLoopback(host)) return;
  const hint = "faultplane certificates FOLDER makes what TLS needs";
  throw new OperatingError("E044", message, hint, ExitCode.notPermitted);
}
