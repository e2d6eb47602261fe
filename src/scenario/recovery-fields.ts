/** The keys of `recovery`, with their defaults; what they mean together is in recovery.ts. */
import { flag, mapping, oneOf, time, timeOrNever } from "./field-kinds.ts";

/** The section as people write it. */
export const recoveryFields = mapping({
  onSilence: oneOf(["mask", "trap"])
    .default("mask")
    .describe("A rank that does not answer is masked, or the waiting rank's job ends."),
  failover: oneOf(["none", "nvlink"])
    .default("none")
    .describe("Undeliverable messages go once more, over NVLink and another plane's NIC."),
  takeover: flag().default(false).describe("Live replicas take over the experts of masked ranks."),
  rerouteLocal: timeOrNever()
    .default("never")
    .describe("After which a switch avoids its own dead port; 1 ms in the field."),
  rerouteManager: timeOrNever()
    .default("never")
    .describe("After which a plane's switches avoid a dead link; 5-20 s in the field."),
  controller: oneOf(["none", "remap", "restart"])
    .default("none")
    .describe("What a recovery controller does about ranks that are reported silent."),
  controllerDelay: time()
    .default("8 s")
    .describe("From the first report to its order; remap 6-13 s, restart 83-180 s in the field."),
  integrity: oneOf(["none", "checksum"])
    .default("none")
    .describe("Are token copies and results checked end to end?"),
}).describe("How the fleet copes with what breaks.");

/** The section with its defaults. */
export type RecoveryFields = ReturnType<typeof recoveryFields.parse>;
