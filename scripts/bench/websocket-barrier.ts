/**
 * The bare barrier that windows are compared with: a coordinator sends 64 bytes to each member; a
 * member sends 64 bytes to its neighbour in the ring and, when it has its other neighbour's,
 * answers. The same links, flags and host as a run's workers, and nothing computed.
 */
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LOOPBACK } from "../../cluster/addresses.ts";
import { identityOf } from "../../cluster/handshake.ts";
import { SILENCE_LIMIT_SECONDS } from "../../cluster/heartbeat.ts";
import { LOOPBACK_ONLY } from "../../cluster/host-security.ts";
import type { Link } from "../../cluster/link.ts";
import { invitationEnvironment } from "../../cluster/membership.ts";
import { type LaunchedProcess, launch, WORKER_FLAGS } from "../../cluster/process-launcher.ts";
import { listen } from "../../cluster/websocket-transport.ts";
import type { Turns } from "./turns.ts";

/** Bytes of every message of the barrier. */
export const BARRIER_BYTES = 64;

/** Largest message that anybody takes, bytes. */
export const LARGEST_BYTES = 65_536;

/** Wall ms that a link may take to prove itself: forty processes start at once on two cores. */
export const AUTH_WITHIN_MS = 20_000;

/** A barrier whose members have been started. */
export interface Barrier {
  /** Rejects when a member ends before `end` is called. */
  readonly failed: Promise<never>;
  end(): void;
}

/** Starts a barrier of `members` processes, which goes round and round as `turns` allows. */
export function startBarrier(members: number, turns: Turns): Barrier {
  const token = randomBytes(32);
  const identity = identityOf(token, "bench-barrier", "0");
  const frame = new Uint8Array(BARRIER_BYTES);
  const links: Link[] = [];
  const ports = new Uint16Array(members);
  let children: LaunchedProcess[] = [];
  let answers = 0;
  let round = -2;
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  const ask = (): void => {
    for (const link of links) link.send(frame);
  };
  /**
   * All have answered: first with their ports, then that they have both neighbours, then round by
   * round.
   */
  const complete = (): void => {
    answers = 0;
    round += 1;
    if (round < 0) {
      links.forEach((link, member) => {
        link.send(new Uint8Array(Uint16Array.of(ports[(member + 1) % members]).buffer));
      });
      return;
    }
    const wait = turns.over();
    if (wait === undefined) ask();
    else wait.then(ask);
  };
  const joined = (link: Link): void => {
    const { number } = link.caller;
    links[number] = link;
    link.onMessage((bytes) => {
      if (round === -2) ports[number] = bytes[0] + 256 * bytes[1];
      answers += 1;
      if (answers === members) complete();
    });
  };
  const start = (port: number): void => {
    const invitation = {
      host: LOOPBACK,
      port,
      identity,
      address: LOOPBACK,
      incarnation: 0,
      silenceLimitSeconds: SILENCE_LIMIT_SECONDS,
      security: LOOPBACK_ONLY,
    };
    children = Array.from({ length: members }, (_, member) =>
      launch({
        main: join(dirname(fileURLToPath(import.meta.url)), "barrier-member-main.js"),
        nodeFlags: WORKER_FLAGS,
        environment: {
          UV_THREADPOOL_SIZE: "1",
          ...invitationEnvironment({
            ...invitation,
            number: member,
          }),
        },
        exited: ({ stderr }) => fail(new Error(`a member has ended: ${stderr.join(" ")}`)),
      }),
    );
    turns.watch([process.pid, ...children.map((child) => child.pid)]);
  };
  listen({
    host: LOOPBACK,
    port: 0,
    identity,
    maxMessageBytes: LARGEST_BYTES,
    maxConnections: members + 8,
    authWithinMs: AUTH_WITHIN_MS,
    admit: () => undefined,
    accepted: joined,
  }).then(({ port }) => start(port), fail);
  return {
    failed,
    end: () => {
      for (const child of children) child.kill("SIGKILL");
    },
  };
}
