/** What can go wrong with a port or a link, as errors that say what to mend. */
import { ExitCode, messageOf, OperatingError, systemCodeOf } from "./errors.ts";
import type { Refusal } from "./handshake.ts";
import { type DialStage, dialFailure } from "./tls-words.ts";

/** Error E043: a port cannot be opened. */
export function cannotListen(error: Error, host: string, port: number): OperatingError {
  const unavailable = (message: string): OperatingError =>
    new OperatingError("E043", message, "", ExitCode.unavailable);
  switch (systemCodeOf(error)) {
    case "EADDRINUSE":
      return unavailable(`port ${port} is in use on ${host}; choose another`);
    case "EACCES":
      return unavailable(`port ${port} on ${host} is not permitted; choose one above 1023`);
    case "EADDRNOTAVAIL":
      return unavailable(`${host} is no address of this host`);
    default:
      return unavailable(`cannot listen on ${host}:${port} (${messageOf(error)})`);
  }
}

/** Error E046: the accepting end holds the token, or does not, and said no. */
export function refused(refusal: Refusal): OperatingError {
  const message = `coordinator refused: ${refusal.message}`;
  switch (refusal.code) {
    case "not-authorised":
      return new OperatingError("E046", message, "", ExitCode.notPermitted);
    case "not-expected":
    case "stale-incarnation":
      return new OperatingError("E046", message, "", ExitCode.tryAgain);
    case "rank": {
      const hint = "give each host a rank of its own, from 1 on, and all the same --nnodes";
      return new OperatingError("E046", message, hint, ExitCode.unavailable);
    }
    case "scenario": {
      const hint = "start every host with the same file and options, or with faultplane join";
      return new OperatingError("E046", message, hint, ExitCode.unavailable);
    }
    default: {
      const hint = "run the same Faultplane and the same Node major everywhere";
      return new OperatingError("E046", message, hint, ExitCode.unavailable);
    }
  }
}

/**
 * What ended a call before anybody said anything: E046 when one end does not take the other's TLS,
 * E047 when nobody is there.
 */
export function cannotReach(place: string, error: unknown, stage: DialStage): OperatingError {
  const { why, isTls } = dialFailure(error, stage);
  if (isTls) {
    const hint = "both ends need files of one `faultplane certificates`, and right clocks";
    return new OperatingError("E046", `no TLS with ${place}: ${why}`, hint, ExitCode.notPermitted);
  }
  const isUnknown = ["ENOTFOUND", "EAI_AGAIN"].includes(systemCodeOf(error));
  const hint = isUnknown ? "does this host know that name?" : "is the coordinator still running?";
  return new OperatingError("E047", `cannot reach ${place} (${why})`, hint, ExitCode.unavailable);
}
