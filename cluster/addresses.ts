/**
 * Addresses of hosts as people write them: `host:port`, with brackets around an IPv6 address.
 * Nothing is looked up here.
 */
import { isIP } from "node:net";

/** The address of a run on one host. */
export const LOOPBACK = "127.0.0.1";

/** Where somebody listens. */
export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port` or `[v6]:port`; undefined for anything else, port 0 included. */
export function parseAddress(text: string): HostAddress | undefined {
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  if (parts === null) return undefined;
  const host = parts[1] ?? parts[2];
  const port = Number(parts[3]);
  return port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

/** The inverse of {@link parseAddress}. */
export function formatAddress({ host, port }: HostAddress): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}
