/**
 * Random faults of every kind, and what operators do: which kinds, on which targets, how hard, from
 * when to when. Targets are one device, a minority, or all of one switch, plane or node; strengths
 * are log-uniform; onsets and leases are measured by the fleet's own clock.
 */
import type { RandomStream } from "../../src/base/random.ts";
import { CATALOGUE, isFaultName, targetKindsOf } from "../../src/fault/catalogue.ts";
import { DOMAINS, type Membership, TargetIndex } from "../../src/fault/target-index.ts";
import {
  FAULT_KINDS,
  type FaultKind,
  type FaultLevel,
  type FaultParameters,
  type FaultSpec,
  INTERVENTION_KINDS,
} from "../../src/model/fault.ts";
import { PS_PER_MS, PS_PER_NS } from "../../src/model/time.ts";
import type { Topology } from "../../src/model/topology.ts";
import { chance, logUniform, logUniformWhole, pick, shuffled } from "./draw.ts";
import type { FleetClock } from "./fleet-clock.ts";

/** Kinds that the swarm draws from. */
export const SWARM_KINDS: readonly FaultKind[] = [...FAULT_KINDS, ...INTERVENTION_KINDS];

/** Is it what an operator does? */
export function isIntervention(kind: FaultKind): boolean {
  return (INTERVENTION_KINDS as readonly string[]).includes(kind);
}

/** Kinds that may last as long as the run; all others always have a lease. */
const ENDLESS: readonly FaultKind[] = [
  ...(["gpu-dead", "node-crash", "nic-down", "link-down", "one-way-loss", "switch-down"] as const),
  ...(["plane-down", "slow-gpu", "slow-nic", "hot-expert", "masked", "rerouted"] as const),
];

/** What the faults of a fleet are drawn from. */
export interface FaultGround {
  readonly topology: Topology;
  /** Logical experts. */
  readonly experts: number;
  readonly clock: FleetClock;
  /** Kinds to draw from. */
  readonly kinds: readonly FaultKind[];
}

/**
 * The faults of a run: of one kind in 20 % of the runs, of all in 10 %, else each kind is there
 * with probability 1/2. Kinds that this cluster has no target for are left out.
 */
export function drawFaults(ground: FaultGround, random: RandomStream): FaultSpec[] {
  const index = new TargetIndex(ground.topology, ground.experts);
  const targets = new Map(ground.kinds.map((kind) => [kind, targetsOf(kind, index)]));
  const possible = ground.kinds.filter((kind) => (targets.get(kind)?.size ?? 0) > 0);
  const faults: FaultSpec[] = [];
  // Some runs have faults before they have done anything.
  const clock = chance(random, 4) ? { ...ground.clock, warmPs: 0 } : ground.clock;
  for (const kind of drawKinds(possible, random)) {
    const count = chance(random, 80) ? 1 : 2 + random.below(2);
    for (let left = count; left > 0; left -= 1) {
      const names = drawTargets(targets.get(kind) as Targets, random);
      const instants = faults.flatMap(({ atPs, healAtPs = atPs }) => [atPs, healAtPs]);
      const atPs = drawOnset(clock, instants, random);
      faults.push(drawFault(`f${faults.length}`, kind, names, atPs, clock, random));
    }
  }
  return faults;
}

function drawKinds(possible: readonly FaultKind[], random: RandomStream): readonly FaultKind[] {
  const draw = random.below(10);
  if (possible.length === 0 || draw === 0) return possible;
  if (draw <= 2) return [pick(random, possible)];
  const present = possible.filter(() => chance(random, 50));
  return present.length > 0 ? present : [pick(random, possible)];
}

type Targets = ReadonlyMap<string, Membership>;

/**
 * Everything that a kind can hit; links inside a node have no fault of their own, and only those
 * between switches have a way round.
 */
function targetsOf(kind: FaultKind, index: TargetIndex): Targets {
  const isHit = (name: string): boolean => {
    if (kind === "rerouted") return name.includes("spine");
    return !/--|->/.test(name) || /leaf|spine/.test(name);
  };
  const named = targetKindsOf(kind).flatMap((target) => [...index.ofKind(target)]);
  return new Map(named.filter(([name]) => isHit(name)));
}

/** One target, a minority, or all that share a switch, plane or node with one. */
function drawTargets(targets: Targets, random: RandomStream): string[] {
  const names = [...targets.keys()];
  const one = pick(random, names);
  const draw = random.below(10);
  if (draw < 6) return [one];
  if (draw < 8) {
    const most = Math.max(1, Math.floor(names.length / 4));
    return shuffled(names, random).slice(0, 1 + random.below(most));
  }
  const membership = targets.get(one) as Membership;
  const domains = DOMAINS.flatMap((domain) =>
    membership[domain].map((value) => [domain, value] as const),
  );
  if (domains.length === 0) return [one];
  const [domain, value] = pick(random, domains);
  return names.filter((name) => targets.get(name)?.[domain].includes(value));
}

/** In a phase, on an event or next to it, at another fault's instant, anywhere, or after it all. */
export function drawOnset(
  { lengthPs, warmPs, phases, instants }: FleetClock,
  others: readonly number[],
  random: RandomStream,
): number {
  const draw = random.below(100);
  const anywhere = Math.ceil(warmPs + (lengthPs - warmPs) * random.unit()) + 1;
  if (draw < 40 && phases.length > 0) {
    const { fromPs, untilPs } = pick(random, phases);
    return fromPs + 1 + Math.floor((untilPs - fromPs - 1) * random.unit());
  }
  if (draw < 65 && instants.length > 0) return pick(random, instants) + random.below(3) - 1;
  if (draw < 75 && others.length > 0) return pick(random, others);
  return draw < 80 ? logUniformWhole(random, lengthPs, lengthPs * 10) : anywhere;
}

/** A fault of one kind; its strength, visibility, levels and lease are drawn. */
export function drawFault(
  name: string,
  kind: FaultKind,
  targets: readonly string[],
  atPs: number,
  { lengthPs, phasePs }: FleetClock,
  random: RandomStream,
): FaultSpec {
  // What an NVSwitch lost nobody sends again, so those who wait for it need it to stay dead.
  const isForGood = kind === "switch-down" && targets.some((name) => name.endsWith("nvswitch"));
  const isEndless = isForGood || (ENDLESS.includes(kind) && chance(random, 35));
  const spanPs = logUniformWhole(random, Math.max(2, phasePs / 4), lengthPs * 20);
  const parameters = drawParameters(kind, random);
  const levels = drawLevels(kind, atPs, spanPs, random);
  return {
    ...{ name, kind, targets, atPs },
    ...(!isEndless && { healAtPs: atPs + spanPs }),
    ...(parameters !== undefined && { parameters }),
    ...(levels.length > 0 && { levels }),
  };
}

/** Flaps (always those of NICs), ramps, or neither. */
function drawLevels(
  kind: FaultKind,
  atPs: number,
  spanPs: number,
  random: RandomStream,
): FaultLevel[] {
  const isWhole = !isFaultName(kind) || CATALOGUE[kind].isWhole;
  const isFlap = kind === "nic-flap" || (isFaultName(kind) && chance(random, 15));
  const turns = isFlap ? 1 + random.below(6) : 2 + random.below(4);
  if (!isFlap && (isWhole || !chance(random, 25))) return [];
  if (spanPs < turns) return [];
  return Array.from({ length: turns }, (_, turn) => ({
    atPs: atPs + Math.floor((spanPs * turn) / turns),
    permille: isFlap ? (turn % 2 === 0 ? 1000 : 0) : Math.ceil((1000 * (turn + 1)) / turns),
  }));
}

const SLOWDOWN = { least: 1.1, most: 50 };

function drawParameters(kind: FaultKind, random: RandomStream): FaultParameters | undefined {
  // Rarer ones would hardly ever hit anything in runs of some thousand packets.
  const perMillion = (): number => logUniformWhole(random, 1_000, 1_000_000);
  const slowdown = logUniform(random, SLOWDOWN.least, SLOWDOWN.most);
  switch (kind) {
    case "slow-gpu":
    case "slow-nic":
    case "slow-link":
    case "pcie-downgrade":
      return { slowdown, silent: true };
    case "incast":
      return { slowdown: 1 / (1 - (1 + random.below(99)) / 100), silent: true };
    case "kv-copy":
      return { psPerByteAtLeast: logUniformWhole(random, 20, 1_000), silent: true };
    case "grey-loss": {
      const sparedBytes = pick(random, [0, 256, 4_096]);
      return { lossPerMillion: perMillion(), sparedBytes, silent: true };
    }
    case "late-link":
      return {
        extraLatencyPs: logUniformWhole(random, PS_PER_NS, 10 * PS_PER_MS),
        silent: true,
      };
    case "silent-corruption":
      return { flipsPerMillion: perMillion(), silent: true };
    case "hot-expert":
      return { sharePerMillion: perMillion(), silent: true };
    case "one-way-loss":
    case "nvlink-stall":
    case "process-hang":
      return { silent: true };
    default: {
      const mayHide = isFaultName(kind) && CATALOGUE[kind].isVisibilityFree;
      return mayHide && chance(random, 25) ? { silent: true } : undefined;
    }
  }
}
