/**
 * Entry point of a member of the bare barrier (see websocket-barrier.ts). Started by the bench,
 * never by hand.
 */

import { LOOPBACK } from "../../cluster/addresses.ts";
import type { Link } from "../../cluster/link.ts";
import { exitFailed, readInvitation } from "../../cluster/membership.ts";
import { onLauncherGone } from "../../cluster/process-launcher.ts";
import { dial, listen } from "../../cluster/websocket-transport.ts";
import { AUTH_WITHIN_MS, BARRIER_BYTES, LARGEST_BYTES } from "./websocket-barrier.ts";

const frame = new Uint8Array(BARRIER_BYTES);

/** A barrier of one process is its own neighbour. */
async function takePart(): Promise<void> {
  onLauncherGone(() => process.exit(0));
  const { host, port, identity, number, incarnation } = readInvitation(process.env);
  let coordinator: Link | undefined;
  let next: Link | undefined;
  let hasPrevious = false;
  let isAsked = false;
  let fromPrevious = 0;
  const answer = (): void => {
    if (!isAsked || fromPrevious === 0) return;
    isAsked = false;
    fromPrevious -= 1;
    coordinator?.send(frame);
  };
  const linked = (): void => {
    if (hasPrevious && next !== undefined) coordinator?.send(frame);
  };
  const listener = await listen({
    host: LOOPBACK,
    port: 0,
    identity,
    maxMessageBytes: LARGEST_BYTES,
    maxConnections: 8,
    authWithinMs: AUTH_WITHIN_MS,
    admit: () => undefined,
    accepted: (link) => {
      link.onMessage(() => {
        fromPrevious += 1;
        answer();
      });
      hasPrevious = true;
      linked();
    },
  });
  const dialOptions = { host, identity, maxMessageBytes: LARGEST_BYTES };
  const control = await dial({
    ...dialOptions,
    port,
    caller: { role: "worker", number, incarnation },
  });
  coordinator = control;
  control.onClosed(() => process.exit(0));
  control.onMessage((bytes) => {
    if (next !== undefined) {
      next.send(frame);
      isAsked = true;
      answer();
      return;
    }
    const neighbour = bytes[0] + 256 * bytes[1];
    dial({ ...dialOptions, port: neighbour, caller: { role: "peer", number, incarnation } }).then(
      (link) => {
        next = link;
        linked();
      },
      exitFailed,
    );
  });
  control.send(new Uint8Array(Uint16Array.of(listener.port).buffer));
}

takePart().catch(exitFailed);
