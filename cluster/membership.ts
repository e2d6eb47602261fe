/**
 * How a child process of a run finds and joins its coordinator, and how it leaves: what it needs is
 * in its environment, and it ends as soon as its launcher or the coordinator is gone. Shared by
 * agent and worker.
 */
import { resourceUsage } from "node:process";
import { messageOf } from "./errors.ts";
import { identityOf, type Role, type RunIdentity } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Link } from "./link.ts";
import { onLauncherGone } from "./process-launcher.ts";
import { dial } from "./websocket-transport.ts";
import { type CoordinatorMessage, decodeCoordinatorMessage, Env, encodeTag, Tag } from "./wire.ts";

/**
 * Largest message that a member takes from the coordinator: the scenario with its routing table.
 */
const CONTROL_MESSAGE_BYTES = 256 * 1024 * 1024;

/** The only address of a run on one host. */
export const LOOPBACK = "127.0.0.1";

/** Exit code of a member whose run went away under it. */
const EXIT_ORPHANED = 75;

/** What a member is told by the process that launched it. */
export interface Invitation {
  readonly host: string;
  readonly port: number;
  readonly identity: RunIdentity;
  /** Worker number; -1 for an agent. */
  readonly worker: number;
}

/**
 * Reads the invitation and takes the token out of the environment. Throws an Error when it is
 * incomplete.
 */
export function readInvitation(environment: NodeJS.ProcessEnv, role: Role): Invitation {
  const given = (name: string): string => {
    const value = environment[name];
    if (value === undefined)
      throw new Error(`${name} is not set; this program is started by a run`);
    return value;
  };
  const [host, port] = given(Env.coordinator).split(":");
  const token = Buffer.from(given(Env.token), "hex");
  delete environment[Env.token];
  const identity = identityOf(token, given(Env.runId), given(Env.scenarioHash));
  const worker = role === "agent" ? -1 : Number(given(Env.worker));
  return { host, port: Number(port), identity, worker };
}

export interface MembershipOptions {
  readonly invitation: Invitation;
  readonly role: Role;
  /** Called once, before the first message. */
  joined(link: Link): void;
  received(message: CoordinatorMessage): void;
  /** The run is gone: launcher ended, connection closed or silent. Must end the process. */
  orphaned(): void;
}

/**
 * Joins the run; the link's messages go to `received`. Rejects when the coordinator is not reached
 * or refuses.
 */
export async function join(options: MembershipOptions): Promise<void> {
  const { invitation, role } = options;
  // The terminal sends these to every process of the group; the coordinator decides what they mean.
  process.on("SIGINT", () => undefined);
  process.on("SIGHUP", () => undefined);
  process.on("SIGTERM", () => undefined);
  onLauncherGone(options.orphaned);
  const { host, port, identity, worker } = invitation;
  const caller = { role, worker };
  const link = await dial({ host, port, identity, caller, maxMessageBytes: CONTROL_MESSAGE_BYTES });
  const beat = encodeTag(Tag.heartbeat);
  const heartbeat = new Heartbeat({
    beat: () => link.send(beat),
    silent: options.orphaned,
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
  process.exit(EXIT_ORPHANED);
}

/**
 * Ends a member after an error that it cannot report otherwise; its launcher passes the text on.
 */
export function exitFailed(error: unknown): never {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(70);
}
