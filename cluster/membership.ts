/**
 * How a child process of a run finds and joins its coordinator, and how it leaves: what it needs is
 * in its environment, and it ends as soon as its launcher or the coordinator is gone. Shared by
 * agent and worker.
 */
import { resourceUsage } from "node:process";
import { formatAddress, type HostAddress, parseAddress } from "./addresses.ts";
import { ExitCode, messageOf } from "./errors.ts";
import { type Caller, identityOf, type RunIdentity } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type HostSecurity, securityFor } from "./host-security.ts";
import type { DialOptions, Link } from "./link.ts";
import { type CoordinatorMessage, Env, Tag } from "./messages.ts";
import { onLauncherGone } from "./process-launcher.ts";
import { dial } from "./websocket-transport.ts";
import { decodeCoordinatorMessage, encodeTag } from "./wire.ts";

/**
 * Largest message that a member takes from the coordinator: the scenario with its routing table.
 */
export const CONTROL_MESSAGE_BYTES = 256 * 1024 * 1024;

/** What a member is told by the process that launched it. */
export interface Invitation extends HostAddress {
  readonly identity: RunIdentity;
  /** Number of the worker or host; -1: the coordinator gives one. */
  readonly number: number;
  readonly incarnation: number;
  /** Address of this host at which a worker listens for its peers. */
  readonly address: string;
  readonly silenceLimitSeconds: number;
  readonly security: HostSecurity;
  /** Whether a worker reports to its agent, on this host; default: to the coordinator. */
  readonly viaAgent?: boolean;
  /** Peers of a worker that dial it through a proxy; default: none. */
  readonly proxiedPeers?: readonly number[];
}

/** The environment that invites a process; {@link readInvitation} reads it. */
export function invitationEnvironment(invitation: Invitation): Record<string, string> {
  const { identity, number, incarnation, address, silenceLimitSeconds, security } = invitation;
  return {
    [Env.coordinator]: formatAddress(invitation),
    [Env.token]: Buffer.from(identity.token).toString("hex"),
    [Env.runId]: identity.runId,
    [Env.scenarioHash]: identity.scenarioHash,
    [Env.build]: identity.build,
    [Env.number]: String(number),
    [Env.incarnation]: String(incarnation),
    [Env.address]: address,
    [Env.silenceLimit]: String(silenceLimitSeconds),
    [Env.tlsFolder]: security.tlsFolder ?? "",
    [Env.insecure]: security.insecure ? "yes" : "",
    [Env.viaAgent]: invitation.viaAgent === true ? "yes" : "",
    [Env.proxiedPeers]: (invitation.proxiedPeers ?? []).join(","),
  };
}

/**
 * Reads the invitation and takes the token out of the environment. Throws an Error when it is
 * incomplete.
 */
export function readInvitation(environment: NodeJS.ProcessEnv): Invitation {
  const given = (name: string): string => {
    const value = environment[name];
    if (value === undefined)
      throw new Error(`${name} is not set; this program is started by a run`);
    return value;
  };
  const meetsAt = parseAddress(given(Env.coordinator));
  if (meetsAt === undefined) throw new Error(`${Env.coordinator} is no address`);
  const token = Buffer.from(given(Env.token), "hex");
  delete environment[Env.token];
  const proxied = environment[Env.proxiedPeers] ?? "";
  const [runId, scenarioHash, build] = [Env.runId, Env.scenarioHash, Env.build].map(given);
  return {
    ...meetsAt,
    identity: identityOf(token, runId, scenarioHash, build),
    number: Number(given(Env.number)),
    incarnation: Number(given(Env.incarnation)),
    address: given(Env.address),
    silenceLimitSeconds: Number(given(Env.silenceLimit)),
    security: {
      ...(environment[Env.tlsFolder] ? { tlsFolder: environment[Env.tlsFolder] } : {}),
      insecure: environment[Env.insecure] === "yes",
    },
    viaAgent: environment[Env.viaAgent] === "yes",
    proxiedPeers: proxied === "" ? [] : proxied.split(",").map(Number),
  };
}

export interface MembershipOptions {
  readonly security: HostSecurity;
  readonly address: HostAddress;
  readonly identity: DialOptions["identity"];
  readonly caller: Caller;
  readonly silenceLimitSeconds: number;
  /** Called once, before the first message. */
  joined(link: Link): void;
  received(message: CoordinatorMessage): void;
  /** The run is gone: connection closed or silent. Must end the process. */
  orphaned(): void;
}

/** Ties this process to the one that launched it: `orphaned` is called when that has ended. */
export function followLauncher(orphaned: () => void): void {
  // The terminal sends these to every process of the group; the coordinator decides what they mean.
  process.on("SIGINT", () => undefined);
  process.on("SIGHUP", () => undefined);
  process.on("SIGTERM", () => undefined);
  onLauncherGone(orphaned);
}

/**
 * Joins the run; the link's messages go to `received`. Rejects when the coordinator is not reached
 * or refuses.
 */
export async function join(options: MembershipOptions): Promise<void> {
  const { address, identity, caller, silenceLimitSeconds, security } = options;
  const link = await dial({
    ...address,
    ...securityFor(security),
    identity,
    caller,
    maxMessageBytes: CONTROL_MESSAGE_BYTES,
  });
  const beat = encodeTag(Tag.heartbeat);
  const heartbeat = new Heartbeat({
    beat: () => link.send(beat),
    silent: options.orphaned,
    limitSeconds: silenceLimitSeconds,
  });
  link.onClosed(() => {
    heartbeat.stop();
    options.orphaned();
  });
  options.joined(link);
  link.onMessage((bytes) => {
    heartbeat.heard();
    options.received(decodeCoordinatorMessage(bytes));
  });
}

/** Highest resident memory of this process so far, bytes. */
export function peakRssBytes(): number {
  return resourceUsage().maxRSS * 1024;
}

/** Ends a member because its run is gone. */
export function exitOrphaned(): never {
  process.exit(ExitCode.tryAgain);
}

/**
 * Ends a member after an error that it cannot report otherwise; its launcher passes the text on.
 */
export function exitFailed(error: unknown): never {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(70);
}
