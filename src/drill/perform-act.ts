/** What an action asks of a run, at the instant at which it is due. */
import { violated } from "../base/assert.ts";
import { shiftFault } from "../fault/shift-fault.ts";
import type { FaultSpec } from "../model/fault.ts";
import { type HostFault, hostFaultText } from "../model/host-fault.ts";
import type { Act } from "./drill.ts";
import { describeFault } from "./story.ts";

/** An action's order, and a line about it. */
export interface ActOrder {
  readonly text: string;
  /** With instants of the run. */
  readonly fault?: FaultSpec;
  /** Name of the fault that ends now. */
  readonly heals?: string;
  /** A real fault. */
  readonly host?: HostFault;
}

/** The order of an action that is due at `atPs`. */
export function performAct(act: Act, atPs: number): ActOrder {
  if ("since" in act) {
    const { fault: given, since, func } = act;
    if (given.moment !== undefined) violated("moment-settled", `${given.name} has no instant`);
    const fault = since === "run" ? given : shiftFault(given, atPs);
    return { text: `${func} ${fault.name}: ${describeFault(fault, atPs)}`, fault };
  }
  if ("host" in act) return { text: `host fault: ${hostFaultText(act.host)}`, host: act.host };
  if (act.func === "wait") return { text: "waits" };
  if (act.func === "note") return { text: act.text };
  return { text: `${act.func} ${act.fault}`, heals: act.fault };
}
