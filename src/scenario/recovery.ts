/**
 * How the fleet copes: the clocks of `recovery` in ps, and what must go together. A policy that
 * could never act is refused: a drill of it would show nothing.
 */
import type { ClusterSpec, RecoverySpec, WorkloadSpec } from "../model/scenario.ts";
import type { ProblemList } from "./problem-list.ts";
import type { RecoveryFields } from "./recovery-fields.ts";
import { timeAt } from "./units.ts";
import type { DocumentPath } from "./yaml-text.ts";

/** The policies with their clocks in ps. */
export function readRecovery(fields: RecoveryFields, problems: ProblemList): RecoverySpec {
  const { onSilence, failover, takeover, controller, integrity } = fields;
  const spanPs = (key: "rerouteLocal" | "rerouteManager" | "controllerDelay"): number =>
    fields[key] === "never" ? -1 : (timeAt(["recovery", key], fields[key], 1, problems) ?? -1);
  return {
    onSilence,
    failover,
    takeover,
    rerouteLocalPs: spanPs("rerouteLocal"),
    rerouteManagerPs: spanPs("rerouteManager"),
    controller,
    controllerDelayPs: spanPs("controllerDelay"),
    integrity,
  };
}

/** What the policies stand on. */
export interface RecoveryGround {
  readonly cluster: ClusterSpec;
  /** Undefined when it has problems. */
  readonly protocol: WorkloadSpec["protocol"] | undefined;
  readonly redundant: number | undefined;
}

/** Policies that contradict the rest of the scenario, or one another. */
export function addRecoveryProblems(
  fields: RecoveryFields,
  ground: RecoveryGround,
  problems: ProblemList,
): void {
  const { cluster, protocol, redundant } = ground;
  const complain = (key: keyof RecoveryFields, message: string, hint: string): void => {
    const path: DocumentPath = ["recovery", key];
    if (problems.isSound(path)) problems.add("E019", path, message, { hint });
  };
  if (fields.failover === "nvlink") addFailoverProblem(cluster, protocol, complain, problems);
  if (fields.takeover && redundant === 0) {
    const message = "takeover needs replicas, and experts.redundant is 0";
    complain("takeover", message, "set experts.redundant, such as one replica for each rank");
  }
  if (fields.onSilence === "trap" && fields.controller === "remap") {
    const message = "controller remap moves the experts of masked ranks; onSilence trap masks none";
    complain("controller", message, "set onSilence: mask, or controller: restart");
  }
  const delay = problems.tree.valueMark(["recovery", "controllerDelay"]).plain;
  if (fields.controller === "none" && delay !== undefined) {
    const message = "controllerDelay is the clock of a controller; controller is none";
    complain("controllerDelay", message, "set controller: remap or restart, or leave it out");
  }
}

/** Failover needs a neighbour whose NIC is on another plane, and messages that it can carry. */
function addFailoverProblem(
  { planes, nicPorts }: ClusterSpec,
  protocol: WorkloadSpec["protocol"] | undefined,
  complain: (key: keyof RecoveryFields, message: string, hint: string) => void,
  problems: ProblemList,
): void {
  if (protocol === "normal") {
    const message = "failover nvlink carries messages of protocol low-latency; protocol is normal";
    complain("failover", message, "set workload.protocol: low-latency, or failover: none");
  } else if (problems.isSound(["cluster"]) && planes === 1) {
    const message = "failover nvlink needs a neighbour on another plane; there is one plane";
    complain("failover", message, "set cluster.planes above 1, or failover: none");
  } else if (problems.isSound(["cluster"]) && nicPorts === "multi-port") {
    const message =
      "failover nvlink is for one-port NICs; a multi-port NIC is on every plane already";
    complain("failover", message, "set cluster.nicPorts: one-port, or failover: none");
  }
}
