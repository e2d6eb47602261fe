/**
 * An agent of the tests' own, whose workers run lying-worker-main.ts. In a run that is called for
 * it its first process lies itself, once: it passes on a message of a worker that it does not have.
 */
import { resolve } from "node:path";
import { WebSocket } from "ws";
import { runAgent } from "../../cluster/agent.ts";
import { exitFailed } from "../../cluster/membership.ts";
import { Env, Tag } from "../../cluster/messages.ts";
import { encodeEnvelopes, encodeTag, tagOf } from "../../cluster/wire.ts";
import { processMains } from "../../scripts/commands/package-files.ts";

/** Messages of workers that it passes on before. */
const HONEST_MESSAGES = 30;

if (process.env[Env.runId] === "lie-of-agent" && process.env[Env.incarnation] === "0") {
  const send = WebSocket.prototype.send as (this: WebSocket, bytes: Uint8Array) => void;
  let passedOn = 0;
  WebSocket.prototype.send = function lie(this: WebSocket, bytes: Uint8Array): void {
    send.call(this, bytes);
    if (tagOf(bytes) !== Tag.relayed) return;
    passedOn += 1;
    if (passedOn !== HONEST_MESSAGES) return;
    const stranger = { worker: 99, incarnation: 0, bytes: encodeTag(Tag.linked) };
    send.call(this, encodeEnvelopes([stranger]));
  };
}

const workerMain = resolve(import.meta.dirname, "lying-worker-main.js");
runAgent({ ...processMains(), workerMain }).catch(exitFailed);
