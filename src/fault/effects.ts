/**
 * What each kind of fault does: which actors it kills or ails, what it does to which lanes, which
 * ports show it, and how severe it is. One table for every process of a run; when it holds is the
 * engine's matter.
 */
import { violated } from "../base/assert.ts";
import type { FaultKind, FaultParameters, FaultSpec } from "../model/fault.ts";
import type { Topology } from "../model/topology.ts";
import { FaultTargets } from "./fault-targets.ts";

/**
 * To an actor: it handles nothing; it makes no progress; its compute is slower; its payloads have
 * flipped bits; an operator had it masked, or drained.
 */
export type ActorEffect = "dead" | "hung" | "slow" | "flips" | "masked" | "drained";

/**
 * To a lane: it drops everything; it loses some packets; it takes longer for a byte; it takes
 * longer to arrive; it carries nothing and loses nothing; switches are told to avoid it.
 */
export type LaneEffect = "down" | "lossy" | "slow" | "late" | "stalled" | "avoided";

/**
 * Ranks of {@link FaultEffects.severity}: what can stop every message, lose some, spoil them, delay
 * them. Only the first two can silence anybody.
 */
export const Severity = { stops: 4, loses: 3, spoils: 2, delays: 1 } as const;

/** What a fault does while it is in force. A fault has at most one effect of each sort. */
export interface FaultEffects {
  readonly actorEffect: ActorEffect | undefined;
  /** Actor indices, ascending. */
  readonly actors: readonly number[];
  readonly laneEffect: LaneEffect | undefined;
  /** Lane numbers, ascending. */
  readonly lanes: readonly number[];
  /** Lanes whose ports show it at both ends, ascending: a loud fault has them down or avoided. */
  readonly shownLanes: readonly number[];
  /** Actors that the fault names or hits: it explains every path across one of them. */
  readonly namedActors: readonly number[];
  /** Experts that it makes hot. */
  readonly experts: readonly number[];
  readonly severity: number;
}

/** How hard a fault hits at a level; what its kind does not read is harmless. */
export interface EffectStrength {
  readonly slowdown: number;
  readonly lossPerMillion: number;
  readonly sparedBytes: number;
  readonly extraLatencyPs: number;
  readonly psPerByteAtLeast: number;
  readonly flipsPerMillion: number;
  readonly sharePerMillion: number;
}

/**
 * A fault's strength at a level in thousandths of its parameters: slowdowns, losses and latencies
 * are scaled; {@link EffectStrength.psPerByteAtLeast} and `sparedBytes` are not, since they say
 * where others leave off.
 */
export function strengthAt(parameters: FaultParameters = {}, permille: number): EffectStrength {
  const scaled = (whole = 0): number => Math.round((whole * permille) / 1000);
  return {
    slowdown: 1 + (((parameters.slowdown ?? 1) - 1) * permille) / 1000,
    lossPerMillion: scaled(parameters.lossPerMillion),
    sparedBytes: parameters.sparedBytes ?? 0,
    extraLatencyPs: scaled(parameters.extraLatencyPs),
    psPerByteAtLeast: permille > 0 ? (parameters.psPerByteAtLeast ?? 0) : 0,
    flipsPerMillion: scaled(parameters.flipsPerMillion),
    sharePerMillion: scaled(parameters.sharePerMillion),
  };
}

interface Rule {
  readonly actorEffect?: ActorEffect;
  readonly laneEffect?: LaneEffect;
  /** Lanes of one target. */
  readonly lanes?: (targets: FaultTargets, target: string) => readonly number[];
  /** Actors of one target that the actor effect is on; default: those that it names. */
  readonly actors?: (targets: FaultTargets, target: string) => readonly number[];
  /** Does it name its targets as actors? Default: yes, if it has an actor effect. */
  readonly names?: true;
  /** Never shown by ports, whatever the parameters say. */
  readonly silent?: true;
  readonly severity: number;
}

const { stops, loses, spoils, delays } = Severity;
const DEAD: Rule = { actorEffect: "dead", severity: stops };
const networkOf = (targets: FaultTargets, nic: string) => targets.networkLanesOf(nic);
const busOf = (targets: FaultTargets, nic: string) => targets.busLanesOf(nic);
const linkOf = (targets: FaultTargets, link: string) => targets.linkLanes(link);

const RULES: Readonly<Record<FaultKind, Rule>> = {
  "gpu-dead": DEAD,
  "hbm-uncorrectable": DEAD,
  "node-crash": DEAD,
  "process-hang": { actorEffect: "hung", severity: stops },
  "slow-gpu": { actorEffect: "slow", severity: delays },
  "silent-corruption": { actorEffect: "flips", severity: spoils },
  "nic-down": { laneEffect: "down", lanes: networkOf, names: true, severity: stops },
  "nic-flap": { laneEffect: "down", lanes: networkOf, names: true, severity: stops },
  "slow-nic": { laneEffect: "slow", lanes: networkOf, names: true, severity: delays },
  "pcie-downgrade": { laneEffect: "slow", lanes: busOf, severity: delays },
  "kv-copy": { laneEffect: "slow", lanes: busOf, severity: delays },
  "link-down": { laneEffect: "down", lanes: linkOf, severity: stops },
  "one-way-loss": {
    laneEffect: "down",
    lanes: (targets, direction) => targets.directionLanes(direction),
    silent: true,
    severity: stops,
  },
  "grey-loss": {
    laneEffect: "lossy",
    lanes: (targets, target) =>
      targets.isLink(target) ? targets.linkLanes(target) : targets.networkLanesOf(target),
    severity: loses,
  },
  "slow-link": { laneEffect: "slow", lanes: linkOf, severity: delays },
  "late-link": {
    laneEffect: "late",
    lanes: (targets, target) =>
      targets.isLink(target) ? targets.linkLanes(target) : targets.planeLanes(target),
    severity: delays,
  },
  "switch-down": DEAD,
  "plane-down": DEAD,
  "nvlink-stall": {
    laneEffect: "stalled",
    lanes: (targets, target) => targets.nvlinkLanesOf(target),
    severity: stops,
  },
  "hot-expert": { severity: delays },
  incast: {
    laneEffect: "slow",
    lanes: (targets, nic) => targets.networkLanesOf(nic).filter((lane) => targets.endsAtNic(lane)),
    severity: delays,
  },
  "controller-down": DEAD,
  masked: { actorEffect: "masked", severity: stops },
  drained: {
    actorEffect: "drained",
    actors: (targets, target) => targets.gpusBehind(target),
    severity: stops,
  },
  rerouted: {
    laneEffect: "avoided",
    lanes: (targets, target) =>
      targets.isLink(target) ? targets.linkLanes(target) : targets.lanesAt(target),
    severity: delays,
  },
  "actors-lost": DEAD,
};

/** Finds out what faults do in one cluster; costs nothing until it is asked. */
export class EffectFinder {
  readonly #topology: Topology;
  #made: FaultTargets | undefined;

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  get #targets(): FaultTargets {
    this.#made ??= new FaultTargets(this.#topology);
    return this.#made;
  }

  /** Effects of a fault. Throws an InvariantError for a target that does not exist. */
  effectsOf(spec: FaultSpec): FaultEffects {
    const targets = this.#targets;
    const rule = RULES[spec.kind];
    if (spec.kind === "hot-expert") {
      return { ...NOTHING, severity: rule.severity, experts: spec.targets.map(expertOf) };
    }
    const collect = (pick: (target: string) => readonly number[]): number[] =>
      [...new Set(spec.targets.flatMap(pick))].sort((left, right) => left - right);
    const named = (target: string): readonly number[] => targets.actorsOf(target);
    const { actorEffect, laneEffect, lanes: lanesOf, actors: actorsOf } = rule;
    const actors =
      actorEffect === undefined
        ? []
        : collect((target) => (actorsOf === undefined ? named(target) : actorsOf(targets, target)));
    const lanes = lanesOf === undefined ? [] : collect((target) => lanesOf(targets, target));
    const isLoud = rule.silent !== true && spec.parameters?.silent !== true;
    const isShown = isLoud && (laneEffect === "down" || laneEffect === "avoided");
    const shown = isShown ? lanes : [];
    const around = isLoud && actorEffect === "dead" ? collect((id) => targets.lanesAround(id)) : [];
    return {
      actorEffect,
      actors,
      laneEffect,
      lanes,
      shownLanes: targets.bothWays([...shown, ...around]),
      namedActors: rule.names === true ? collect(named) : actors,
      experts: [],
      severity: rule.severity,
    };
  }

  /**
   * The actor in whose name a fault on a target is logged: the device; the first end of a link or
   * direction; the first device of a node or plane; the first GPU for an expert.
   */
  reporterOf(target: string): number {
    return this.#targets.reporterOf(target);
  }
}

const NOTHING: FaultEffects = {
  actorEffect: undefined,
  actors: [],
  laneEffect: undefined,
  lanes: [],
  shownLanes: [],
  namedActors: [],
  experts: [],
  severity: 0,
};

function expertOf(target: string): number {
  const number = /^expert(\d+)$/.exec(target)?.[1];
  return number === undefined ? violated("fault-target", `${target} is no expert`) : Number(number);
}
