/** Where kernel lines go, as an option says it. Light: it opens nothing. */
import { type HostAddress, parseAddress } from "./addresses.ts";

/** An ordinary file, or a syslog daemon. */
export type KernelLogTarget =
  | { readonly type: "file"; readonly path: string }
  | { readonly type: "udp"; readonly address: HostAddress };

/**
 * A file, or `udp:HOST:PORT`; undefined: neither. Node has no datagram sockets in the file system,
 * so `/dev/log` cannot be reached: `unix:` is refused, as are other transports.
 */
export function parseKernelLogTarget(text: string): KernelLogTarget | undefined {
  if (text === "" || text.includes("\0")) return undefined;
  if (text.startsWith("udp:")) {
    const address = parseAddress(text.slice("udp:".length));
    return address === undefined ? undefined : { type: "udp", address };
  }
  // Another transport was meant, most likely; a file of that name has a ./ in front.
  if (/^(?:unix|unixgram|tcp|tls):/.test(text)) return undefined;
  return { type: "file", path: text };
}
