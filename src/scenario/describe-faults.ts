/** Faults and recovery policies of a scenario in words, one line each. */
import type { FaultLevel, FaultMoment, FaultParameters, FaultSpec } from "../model/fault.ts";
import type { RecoverySpec } from "../model/scenario.ts";
import { formatTime } from "../model/time.ts";

/** Targets that are named before the rest is counted. */
const TARGETS_SHOWN = 4;

/** `lost-nic: nic-down node2.nic3 at 6.000 ms, never heals`. */
export function describeFault(fault: FaultSpec): string {
  const { name, kind, targets, atPs, healAtPs, levels = [], moment } = fault;
  const at = moment === undefined ? formatTime(atPs) : describeMoment(moment);
  const heals = moment === undefined ? "heals at" : "heals after";
  const end = healAtPs === undefined ? "never heals" : `${heals} ${formatTime(healAtPs)}`;
  const parts = [
    `${name}: ${kind} ${describeTargets(targets)} at ${at}`,
    ...describeParameters(fault.parameters ?? {}),
    ...describeLevels(levels),
    end,
  ];
  return parts.join(", ");
}

function describeTargets(targets: readonly string[]): string {
  const more = targets.length - TARGETS_SHOWN;
  const shown = targets.slice(0, TARGETS_SHOWN).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function describeMoment({ step, layer, phase, fractionPerMillion, rank }: FaultMoment): string {
  const whose = rank === undefined ? "the first rank there" : rank;
  return `${fractionPerMillion / 1e4} % into ${phase} of layer ${layer}, step ${step}, of ${whose}`;
}

function describeParameters(parameters: FaultParameters): string[] {
  const told: string[] = [];
  const tell = (value: number | undefined, text: (value: number) => string): void => {
    if (value !== undefined) told.push(text(value));
  };
  tell(parameters.slowdown, (times) => `x${short(times)} as long`);
  tell(parameters.lossPerMillion, (share) => `loses ${short(share / 1e4)} %`);
  tell(parameters.sparedBytes, (bytes) => `packets up to ${bytes} bytes pass`);
  tell(parameters.extraLatencyPs, (span) => `${formatTime(span)} later`);
  tell(parameters.psPerByteAtLeast, (rate) => `${short(1_000 / rate)} GB/s left`);
  tell(parameters.flipsPerMillion, (share) => `${short(share / 1e4)} % of messages flipped`);
  tell(parameters.sharePerMillion, (share) => `${short(share / 1e4)} % of tokens`);
  if (parameters.silent === true) told.push("silent");
  return told;
}

/** A number without the digits that nobody reads. */
function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** How it comes: levels that end at nothing are a flap, others a ramp. */
function describeLevels(levels: readonly FaultLevel[]): string[] {
  if (levels.length < 2) return [];
  const comes = levels.filter(({ permille }) => permille === 1_000).length;
  return levels.some(({ permille }) => permille === 0)
    ? [`comes ${comes} times`]
    : [`in ${levels.length} steps to ${formatTime(levels[levels.length - 1].atPs)}`];
}

/** What the fleet does, in the order in which it would. */
export function describeRecovery(recovery: RecoverySpec): string {
  const { onSilence, failover, takeover, controller, integrity } = recovery;
  const clock = (spanPs: number, what: string): string[] =>
    spanPs < 0 ? [] : [`${what} after ${formatTime(spanPs)}`];
  return [
    onSilence === "mask" ? "silent ranks are masked" : "a rank that waits in vain traps",
    ...clock(recovery.rerouteLocalPs, "switches avoid dead ports"),
    ...clock(recovery.rerouteManagerPs, "planes avoid dead links"),
    ...(failover === "nvlink" ? ["failover over NVLink"] : []),
    ...(takeover ? ["replicas take over"] : []),
    ...(controller === "none"
      ? []
      : clock(recovery.controllerDelayPs, `controller orders ${controller}`)),
    ...(integrity === "checksum" ? ["checksums end to end"] : []),
  ].join(", ");
}
