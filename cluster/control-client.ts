/**
 * An operator's end of a control link: one request, one answer. A run that is over, was killed or
 * is another one by now is told apart from one that refuses.
 */

import { LOOPBACK } from "./addresses.ts";
import { isAlive, readControl } from "./control-file.ts";
import {
  ANSWER_BYTES,
  type ControlAnswer,
  type ControlRequest,
  decodeAnswer,
  encodeRequest,
} from "./control-messages.ts";
import { controlIdentity } from "./control-server.ts";
import { ExitCode, OperatingError } from "./errors.ts";
import type { Link } from "./link.ts";
import { dial } from "./websocket-transport.ts";

/**
 * Asks the run in `folder`. Throws OperatingError E064 when it is not up, and E046 when it refuses
 * us. Without a window that ends there is no answer: a run that hangs lets an operator wait.
 */
export async function askRun(folder: string, request: ControlRequest): Promise<ControlAnswer> {
  const control = readControl(folder);
  if (control === undefined) {
    throw notUp(folder, "it is over, or has not begun", "faultplane replay runs it again");
  }
  const { port, token, pid, runId } = control;
  const killed = `its process ${pid} is gone without having cleaned up`;
  if (!isAlive(pid)) throw notUp(folder, killed, "faultplane replay shows how far it came");
  let link: Link;
  try {
    link = await dial({
      host: LOOPBACK,
      port,
      identity: controlIdentity(Buffer.from(token, "hex"), runId),
      caller: { role: "control", number: -1, incarnation: 0 },
      maxMessageBytes: ANSWER_BYTES,
    });
  } catch (error) {
    if (!(error instanceof OperatingError) || error.code !== "E047") throw error;
    throw notUp(folder, `nobody answers on port ${port}`, "it has just ended, or was killed");
  }
  return await new Promise((resolve, reject) => {
    link.onClosed(() => reject(notUp(folder, "it ended before it answered", "")));
    link.onMessage((bytes) => {
      const answer = decodeAnswer(bytes);
      if (answer === undefined) reject(new Error("the run gave an answer of unknown form"));
      else resolve(answer);
      link.close();
    });
    link.send(encodeRequest(request));
  });
}

function notUp(folder: string, why: string, hint: string): OperatingError {
  return new OperatingError(
    "E064",
    `the run in '${folder}' is not up: ${why}`,
    hint,
    ExitCode.unavailable,
  );
}
