/**
 * What to change: rules over what a drill measured. Each speaks only when its sign was seen, and
 * says which. They point at keys of the scenario, which stand for the clocks and policies of the
 * real fleet.
 */
import type { FaultKind, FaultSpec } from "../model/fault.ts";
import { formatTime, NEVER_PS, PS_PER_MS } from "../model/time.ts";
import { type Advice, type AdviceInput, type Rule, total } from "./advice-rule.ts";
import { ackTimeoutPs, longestOnEndPs } from "./patience.ts";
import { controllerClock, owners, traps } from "./recovery-advice.ts";
import { counted, grouped, listed, share } from "./words.ts";

/** Everything that the rules have to say; the weightiest first. */
export function adviceFor(input: AdviceInput): Advice[] {
  return RULES.map((rule) => rule(input)).filter((advice) => advice !== undefined);
}

/** Packets sent again beyond those of the healthy twin. */
const resends = ({ series, healthy }: AdviceInput): number =>
  total(series.retransmits) - total(healthy.retransmits);

/** Kinds that take links of a network away, or the NICs and switches at their ends. */
const NETWORK_KINDS: readonly FaultKind[] = [
  "nic-down",
  "nic-flap",
  "link-down",
  "one-way-loss",
  "switch-down",
  "plane-down",
];
const SLOW_KINDS: readonly FaultKind[] = [
  "slow-gpu",
  "slow-nic",
  "pcie-downgrade",
  "kv-copy",
  "incast",
];

/** Faults of the network between the nodes: other NICs or planes can carry what they took. */
const ofNetwork = (faults: readonly FaultSpec[]): readonly FaultSpec[] =>
  faults.filter(
    ({ kind, targets }) =>
      NETWORK_KINDS.includes(kind) && targets.some((target) => !target.includes("nvswitch")),
  );

const namesOf = (faults: readonly FaultSpec[], kinds: readonly FaultKind[]): string[] =>
  faults.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => name);

const integrity: Rule = ({ scenario, attribution }) => {
  const corrupted = attribution.shares.reduce((sum, { corrupted }) => sum + corrupted, 0);
  if (corrupted === 0 || scenario.recovery.integrity !== "none") return undefined;
  return {
    change: "recovery.integrity: checksum",
    because: `${counted(corrupted, "combined result")} were wrong and nobody noticed`,
  };
};

const replicas: Rule = ({ scenario, attribution, reach }) => {
  const { missingExperts } = reach;
  const { redundant } = scenario.experts;
  const { takeover, controller } = scenario.recovery;
  if (attribution.masked === 0 || reach.maskers === 0 || controller !== "none") {
    return undefined;
  }
  const without = `${share(attribution.masked, attribution.dispatched)} of the assignments`;
  const names = listed(missingExperts.map(String));
  const experts = missingExperts.length === 1 ? "expert" : "experts";
  if (missingExperts.length > 0 && (redundant === 0 || takeover)) {
    return {
      change: "more experts.redundant, with recovery.takeover; or recovery.controller: remap",
      because: `${without} went without ${experts} ${names}: some rank could reach no replica`,
    };
  }
  if (takeover) return undefined;
  return {
    change: "recovery.takeover: true, so that live replicas serve",
    because: `${without} went without their experts, and nobody took over`,
  };
};

const retryClock: Rule = ({ scenario, trace, series, faults, twin }) => {
  const { ackTimeoutExponent, retryCount } = scenario.transport;
  if (trace.masks.length === 0 || total(series.queuePairFailures) === 0) return undefined;
  const clockPs = (retryCount + 1) * ackTimeoutPs(ackTimeoutExponent);
  const canDetour = ofNetwork(faults).length > 0;
  const other =
    canDetour && scenario.recovery.failover === "none"
      ? "recovery.failover: nvlink, or a shorter transport.ackTimeoutExponent"
      : "a shorter transport.ackTimeoutExponent, or a lower retryCount";
  return {
    change: other,
    because:
      `ranks were given up only after ${retryCount + 1} ACK timeouts, ${formatTime(clockPs)}; ` +
      `healthy, the whole run takes ${formatTime(twin.endPs)}`,
  };
};

const waitClock: Rule = ({ scenario, trace, series }) => {
  if (trace.masks.length === 0 || trace.waitTimeouts === 0) return undefined;
  const wait = formatTime(scenario.transport.waitTimeoutPs);
  const told =
    total(series.queuePairFailures) > 0
      ? "the transport did not tell every rank in time"
      : "no queue pair failed";
  return {
    change: "a shorter transport.waitTimeout, or probes that ask before it has passed",
    because: `${told}; ranks waited ${wait} before they asked who lives`,
  };
};

const tick: Rule = (input) => {
  const { scenario, faults, trace, twin, attribution } = input;
  const tickPs = ackTimeoutPs(scenario.transport.ackTimeoutExponent);
  const lostPs = trace.endPs - twin.endPs;
  const isStall = resends(input) > 0 && lostPs >= 0.9 * tickPs;
  if (!isStall || attribution.masked > 0 || trace.waitTimeouts > 0) return undefined;
  const outages = ofNetwork(faults)
    .filter(({ healAtPs }) => healAtPs !== undefined)
    .map((fault) => longestOnEndPs(fault, (fault.healAtPs ?? fault.atPs) - fault.atPs));
  const outage =
    outages.length === 0 ? "" : `; the longest outage was ${formatTime(Math.max(...outages))}`;
  return {
    change: "a shorter transport.ackTimeoutExponent: nothing is sent again before its tick",
    because: `nobody was masked, and the run lost ${formatTime(lostPs)} to ticks of ${formatTime(tickPs)}${outage}`,
  };
};

const planes: Rule = ({ scenario, faults, attribution }) => {
  const names = namesOf(ofNetwork(faults), ["plane-down", "switch-down"]);
  const { nicPorts, planes: count } = scenario.cluster;
  if (names.length === 0 || nicPorts !== "one-port" || attribution.masked === 0) return undefined;
  return {
    change: "cluster.nicPorts: multi-port, or recovery.failover: nvlink",
    because:
      `with one port a NIC, ${listed(names)} cut whole ranks off ` +
      `(${share(attribution.masked, attribution.dispatched)} of the assignments masked); with a ` +
      `port on each plane a plane is 1/${count} of the bandwidth`,
  };
};

const reroute: Rule = (input) => {
  const { scenario, faults } = input;
  const { rerouteLocalPs, rerouteManagerPs } = scenario.recovery;
  const touched = faults.filter(
    ({ kind, targets }) =>
      (kind === "switch-down" && targets.some((target) => target.includes("spine"))) ||
      (kind === "link-down" && targets.some((target) => /leaf.*spine|spine.*leaf/.test(target))),
  );
  if (
    touched.length === 0 ||
    resends(input) === 0 ||
    rerouteLocalPs >= 0 ||
    rerouteManagerPs >= 0
  ) {
    return undefined;
  }
  return {
    change: "recovery.rerouteLocal: 1 ms, so that switches leave out a port that is down",
    because: `leaves went on sending into ${listed(touched.map(({ name }) => name))}`,
  };
};

/** That some faults made assignments late and nobody noticed; undefined: it was not so. */
const unnoticed = (names: readonly string[], { series, attribution }: AdviceInput) => {
  const hasWaited = series.waits.firstBetween(0, NEVER_PS) !== undefined;
  const isSilent = hasWaited
    ? series.pointers.firstBetween(0, NEVER_PS) === undefined && total(series.timeouts) === 0
    : series.signs.firstBetween(0, NEVER_PS) === undefined;
  if (names.length === 0 || !isSilent || attribution.delayed === 0) return undefined;
  const late = share(attribution.delayed, attribution.dispatched);
  const noticed = hasWaited ? "who was asked said that it lives" : "no clock noticed";
  return `${listed(names)}: ${late} of the assignments came late, and ${noticed}`;
};

const straggler: Rule = (input) => {
  const because = unnoticed(namesOf(input.faults, SLOW_KINDS), input);
  if (because === undefined) return undefined;
  return {
    change: "alert on each rank's own dispatch and compute times, and drain the slow rank",
    because,
  };
};

const slowLink: Rule = (input) => {
  const slow = input.faults.filter(({ kind }) => kind === "slow-link");
  const because = unnoticed(namesOf(slow, ["slow-link"]), input);
  if (because === undefined) return undefined;
  // Only between switches there is another way.
  const hasOther = slow.some(({ targets }) =>
    targets.some((one) => /leaf.*spine|spine.*leaf/.test(one)),
  );
  const mend = hasOther
    ? "reroute around the slow link and replace its cable; the ranks at its ends are well"
    : "replace the slow link's cable; until then drain the rank whose link it is";
  return { change: `alert on the times of each pair of ranks, ${mend}`, because };
};

const stall: Rule = ({ faults, series, attribution }) => {
  const names = namesOf(faults, ["process-hang", "nvlink-stall"]);
  const isSilent = series.signs.firstBetween(0, NEVER_PS) === undefined;
  if (names.length === 0 || !isSilent || attribution.delayed === 0) return undefined;
  return {
    change: "alert when a rank completes no layer for longer than a few healthy ones",
    because: `${listed(names)}: the fleet stood still, no port went down and no clock noticed`,
  };
};

const hotExpert: Rule = ({ scenario, faults, attribution }) => {
  const names = namesOf(faults, ["hot-expert"]);
  const isBalanced = scenario.experts.placement === "eplb" && scenario.experts.redundant > 0;
  if (names.length === 0 || attribution.delayed === 0 || isBalanced) return undefined;
  return {
    change: "experts.redundant with placement: eplb, from loads that know the hot expert",
    because: `${grouped(attribution.delayed)} assignments waited for the rank of one expert`,
  };
};

const noEffect: Rule = ({ faults, attribution, series }) => {
  const { delayed, masked, lost, unfinished } = attribution;
  const corrupted = attribution.shares.reduce((sum, one) => sum + one.corrupted + one.refused, 0);
  const felt = delayed + masked + lost + unfinished + corrupted + total(series.timeouts);
  if (faults.length === 0 || felt > 0) return undefined;
  const shortPs = Math.min(...faults.map(({ atPs, healAtPs }) => (healAtPs ?? atPs) - atPs));
  const isShort = shortPs > 0 && shortPs < PS_PER_MS;
  return {
    change: `a harder${isShort ? " or longer" : ""} fault, or another moment: it met nothing`,
    because: "nothing came late, nothing was masked, lost or sent again",
  };
};

const RULES: readonly Rule[] = [
  integrity,
  planes,
  traps,
  waitClock,
  retryClock,
  controllerClock,
  replicas,
  tick,
  reroute,
  straggler,
  slowLink,
  stall,
  hotExpert,
  owners,
  noEffect,
];
