/**
 * The hosts of a run: starts the agent of our own, takes in the others, and knows who is there.
 * Nobody joins once the run has its hosts.
 */
import { formatAddress, type HostAddress } from "./addresses.ts";
import { ExitCode, OperatingError } from "./errors.ts";
import type { Caller, Refusal, RunIdentity } from "./handshake.ts";
import type { HostSecurity } from "./host-security.ts";
import { HostSide } from "./host-side.ts";
import type { Link } from "./link.ts";
import { type Invitation, invitationEnvironment } from "./membership.ts";
import type { AgentNews, Envelope, Farewell, SpawnedWorker } from "./messages.ts";

/** Most hosts that a message names. */
const NAMED_MAX = 10;

export interface HostListOptions {
  /** Hosts of the run, ours included. */
  readonly hosts: number;
  /** Wall ms that the others have to join. */
  readonly joinWithinMs: number;
  readonly silenceLimitSeconds: number;
  readonly agentMain: string;
  readonly security: HostSecurity;
  readonly identity: RunIdentity;
  told(text: string): void;
  /** The agent of our own host is up again after it was lost. */
  back(host: HostSide): void;
  /** Throws the InvariantError of the rule that an agent breaks who speaks of this process. */
  judge(host: HostSide, about: SpawnedWorker): void;
  /** What an agent says of its workers. */
  said(host: HostSide, news: AgentNews): void;
  passedOn(envelope: Envelope): void;
  lost(host: HostSide, detail: string): void;
}

/** Who takes part. */
export class HostList {
  readonly #options: HostListOptions;
  readonly #hosts: HostSide[];
  /** Those that were lost for good; their memory still counts. */
  readonly #dropped: HostSide[] = [];
  #invitation: Invitation | undefined;
  /** Called when the last host has arrived; undefined: nobody joins any more. */
  #gathered: (() => void) | undefined;

  constructor(options: HostListOptions) {
    this.#options = options;
    this.#hosts = Array.from({ length: options.hosts }, (_, number) => this.#makeHost(number));
  }

  /** Those that take part, in the order of their numbers. */
  get all(): readonly HostSide[] {
    return this.#hosts;
  }

  /** Highest resident memory of all agents that have left, each one's peak added up, bytes. */
  get peakRssBytes(): number {
    const hosts = [...this.#hosts, ...this.#dropped];
    return hosts.reduce((sum, { peakRssBytes }) => sum + peakRssBytes, 0);
  }

  /**
   * Starts our own agent, which joins at `address`, and waits for the others. Rejects with
   * OperatingError E047 when some are missing after the time.
   */
  async gather(address: HostAddress): Promise<void> {
    const { identity, silenceLimitSeconds, security, hosts, joinWithinMs, told } = this.#options;
    this.#invitation = {
      ...address,
      identity,
      number: 0,
      incarnation: 0,
      address: address.host,
      silenceLimitSeconds,
      security,
    };
    if (hosts > 1)
      told(
        `waiting at ${formatAddress(address)} for ${hosts - 1} more ${hosts === 2 ? "host" : "hosts"}`,
      );
    await new Promise<void>((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.#gathered = undefined;
        reject(missing(this.#hosts, joinWithinMs));
      }, joinWithinMs);
      this.#gathered = () => {
        clearTimeout(deadline);
        this.#gathered = undefined;
        resolve();
      };
      this.launchAgain(this.#hosts[0]);
    });
  }

  /** Who an agent is taken for; a refusal goes back to it. */
  admit({ number, incarnation }: Caller): Refusal | undefined {
    const host = this.#hosts.find((one) => one.number === number);
    if (host?.isOurs === true) {
      if (incarnation !== host.incarnation) {
        return { code: "stale-incarnation", message: "this agent was replaced" };
      }
      const message = `rank ${number} is the host that coordinates`;
      return host.isLinked ? { code: "rank", message } : undefined;
    }
    const { hosts } = this.#options;
    if (number >= hosts) return { code: "rank", message: `rank ${number} of ${hosts} hosts` };
    const isGathering = this.#gathered !== undefined;
    if (isGathering && host?.isLinked === true) {
      return { code: "rank", message: `rank ${number} is taken` };
    }
    const isFull = !isGathering || this.#free(number) === undefined;
    return isFull ? { code: "not-expected", message: "the run has all its hosts" } : undefined;
  }

  /** Takes over the connection of an agent that was admitted. */
  join(link: Link): void {
    const { number } = link.caller;
    const ours = this.#hosts.find((one) => one.number === number && one.isOurs);
    const host = ours ?? this.#free(number);
    if (host === undefined) link.terminate();
    else host.join(link);
  }

  /** Starts the agent of our own host, again if it was lost. */
  launchAgain(host: HostSide): void {
    const { incarnation } = host;
    const invitation = { ...(this.#invitation as Invitation), incarnation };
    host.launch(this.#options.agentMain, invitationEnvironment(invitation));
  }

  /** A host that was lost has no part in the run any more. */
  drop(host: HostSide): void {
    this.#hosts.splice(this.#hosts.indexOf(host), 1);
    this.#dropped.push(host);
  }

  stopWatching(): void {
    for (const host of this.#hosts) host.stopWatching();
  }

  /** Sends everybody away; each try has `withinMs` of wall time. */
  async leave(withinMs: number, farewell: Farewell): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.leave(withinMs, farewell)));
  }

  #makeHost(number: number): HostSide {
    const { silenceLimitSeconds, judge, said, passedOn, lost } = this.#options;
    return new HostSide({
      number,
      silenceLimitSeconds,
      arrived: (host) => this.#arrived(host),
      judge,
      said,
      passedOn,
      lost: (host, detail) => {
        // One that had not begun may come again.
        if (this.#gathered !== undefined && !host.isOurs) host.fence();
        else lost(host, detail);
      },
    });
  }

  /** The host that an agent with this number, or none, may stand for. */
  #free(number: number): HostSide | undefined {
    const isFree = (host: HostSide): boolean => !host.isOurs && !host.isLinked && host.number > 0;
    return this.#hosts.find((host) => isFree(host) && (number < 0 || host.number === number));
  }

  #arrived(host: HostSide): void {
    const { arrival } = host;
    if (arrival === undefined) return;
    const { name, address, processors } = arrival;
    const { hosts } = this.#options;
    if (arrival.hosts > 0 && arrival.hosts !== hosts && this.#gathered !== undefined) {
      const why = `${arrival.hosts} hosts there, ${hosts} here`;
      this.#options.told(`turned away ${address}: ${why}`);
      const text = `the run has ${hosts} hosts, not ${arrival.hosts}: say the same --nnodes everywhere`;
      host.turnAway({ exitCode: ExitCode.unavailable, text });
      return;
    }
    if (hosts > 1) {
      const what = `${name}, ${address}, ${processors} processors`;
      this.#options.told(`${host.label} (${what}) has joined`);
    }
    if (this.#gathered === undefined) this.#options.back(host);
    else if (this.#hosts.every(({ arrival }) => arrival !== undefined)) this.#gathered();
  }
}

function missing(hosts: readonly HostSide[], joinWithinMs: number): OperatingError {
  const absent = hosts.filter(({ arrival }) => arrival === undefined).map(({ label }) => label);
  const more = absent.length - NAMED_MAX;
  const names = absent.slice(0, NAMED_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return new OperatingError(
    "E047",
    `${hosts.length - absent.length} of ${hosts.length} hosts have joined; ` +
      `missing after ${joinWithinMs / 1000} s: ${names}`,
    "start `faultplane join HOST:PORT` on each of them, or wait longer with --join-timeout",
    ExitCode.unavailable,
  );
}
