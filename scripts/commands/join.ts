/**
 * `faultplane join`: puts this host at the disposal of a run that another host coordinates. It
 * starts the workers that it is told to, and ends when the run does.
 */

import { formatAddress, type HostAddress } from "../../cluster/addresses.ts";
import { type ServingAgent, serveAsAgent } from "../../cluster/agent.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { identityOf, runTokenOf } from "../../cluster/handshake.ts";
import { SILENCE_LIMIT_SECONDS } from "../../cluster/heartbeat.ts";
import { escapeControls } from "../../src/base/escape.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { type HostCommandOptions, hostToken, joinWithinMs, securityOf } from "./hosts.ts";
import { usageError } from "./option-values.ts";
import { buildFingerprint, processMains } from "./package-files.ts";

/** Options of `faultplane join` after parsing. */
export interface JoinOptions extends HostCommandOptions {
  readonly nodeRank?: number;
  /** Hosts that the run is to have; default: whatever it has. */
  readonly nnodes?: number;
  readonly quiet?: true;
  readonly color: boolean;
}

/** Wall ms between two tries to reach a coordinator that is not up yet. */
const RETRY_MS = 500;

/** Signals that end a host's part, and the exit codes that say so. */
const SIGNALS = {
  SIGINT: Exit.interrupted,
  SIGTERM: Exit.terminated,
  SIGHUP: Exit.hangup,
} as const;

/** How this host's part ends when the coordinator has not said how the run did. */
const LEFT = "left the run";
const GONE = "the run is gone: its coordinator does not answer";

/**
 * Wall ms that a host stays after a signal when whoever started it signals all hosts: enough for
 * the coordinator to end the run, and less than the 30 s after which Slurm and Kubernetes kill.
 */
export const SIGNAL_GRACE_MS = 20_000;

/**
 * Joins the run at `address`, waiting for it to come up; resolves with the exit code when it is
 * over: 0 when the run came to its end, whatever its verdict. `scenarioHash` empty: whatever it is
 * that is run. `signalGraceMs`: how long a signal leaves it to the coordinator to end the run, wall
 * ms. Throws OperatingError E040 and E044 to E047.
 */
export async function joinCommand(
  address: HostAddress,
  options: JoinOptions,
  scenarioHash = "",
  signalGraceMs = 0,
): Promise<number> {
  const terminal = new Terminal(options.color);
  const say = (text: string): void => {
    if (options.quiet !== true) terminal.log(text);
  };
  if (options.nodeRank === 0) {
    const hint = "the first host is started with faultplane up; the others have ranks from 1 on";
    throw usageError("E040", "rank 0 is the host that coordinates, and does not join", hint);
  }
  const security = securityOf(options, address);
  const token = hostToken(options, false);
  const build = buildFingerprint();
  const place = formatAddress(address);
  let serving: ServingAgent | undefined;
  let stoppedWith: number | undefined;
  let hasQuit = false;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (serving === undefined) process.exit(code);
      // Schedulers repeat themselves: with a grace period only the first signal counts.
      if (stoppedWith !== undefined && signalGraceMs > 0) return;
      stoppedWith ??= code;
      if (signalGraceMs > 0) say("leaving it to the coordinator to end the run");
      setTimeout(() => {
        hasQuit = true;
        serving?.quit();
      }, signalGraceMs).unref();
    });
  }
  return await new Promise((resolve, reject) => {
    const deadlineMs = performance.now() + joinWithinMs(options);
    let isToldOfWaiting = false;
    const attempt = (): void => {
      let runId = "";
      serveAsAgent({
        address,
        identity: (id) => {
          runId = id;
          return identityOf(runTokenOf(token, id), id, scenarioHash, build);
        },
        number: options.nodeRank ?? -1,
        incarnation: 0,
        silenceLimitSeconds: SILENCE_LIMIT_SECONDS,
        security,
        ...processMains(),
        joined: () => say(`joined run ${runId} at ${place}`),
        ...(options.nnodes === undefined ? {} : { hosts: options.nnodes }),
        over: (farewell) => {
          say(escapeControls(farewell?.text ?? (hasQuit ? LEFT : GONE)));
          resolve(stoppedWith ?? farewell?.exitCode ?? Exit.tryAgain);
        },
      }).then((agent) => {
        serving = agent;
      }, again);
    };
    const again = (error: unknown): void => {
      const isAbsent = error instanceof OperatingError && error.code === "E047";
      if (!isAbsent || performance.now() + RETRY_MS > deadlineMs) {
        reject(error);
        return;
      }
      if (!isToldOfWaiting) say(`waiting for a coordinator at ${place}`);
      isToldOfWaiting = true;
      setTimeout(attempt, RETRY_MS);
    };
    attempt();
  });
}
