/**
 * Random faults of every kind, with targets that exist, strengths that are felt and leases of the
 * length of a small run.
 */
import type { RandomStream } from "../../src/base/random.ts";
import { targetKindsOf } from "../../src/fault/catalogue.ts";
import { TargetIndex } from "../../src/fault/target-index.ts";
import {
  FAULT_KINDS,
  type FaultKind,
  type FaultParameters,
  type FaultSpec,
  INTERVENTION_KINDS,
} from "../../src/model/fault.ts";
import { PS_PER_NS, PS_PER_US } from "../../src/model/time.ts";
import type { Topology } from "../../src/model/topology.ts";

/** Kinds that a random run may have; what operators do as well. */
export const RANDOM_KINDS: readonly FaultKind[] = [...FAULT_KINDS, ...INTERVENTION_KINDS];

/** Kinds that last as long as the run when nothing ends them; all others always have a lease. */
const ENDLESS: readonly FaultKind[] = [
  ...(["gpu-dead", "node-crash", "nic-down", "link-down", "one-way-loss"] as const),
  ...(["switch-down", "plane-down", "slow-gpu", "slow-nic", "rerouted"] as const),
];

/** Up to three faults of the kinds given. */
export function randomFaults(
  random: RandomStream,
  topology: Topology,
  experts: number,
  kinds: readonly FaultKind[] = RANDOM_KINDS,
): FaultSpec[] {
  const index = new TargetIndex(topology, experts);
  const faults: FaultSpec[] = [];
  for (let left = random.below(4); left > 0; left -= 1) {
    const kind = kinds[random.below(kinds.length)];
    const names = targetKindsOf(kind).flatMap((target) => [...index.ofKind(target).keys()]);
    // Links of a node have no fault of their own.
    const targets = names.filter((name) => !/--|->/.test(name) || name.includes("plane"));
    if (targets.length === 0) continue;
    faults.push(
      randomFault(`f${faults.length}`, kind, targets[random.below(targets.length)], random),
    );
  }
  return faults;
}

function randomFault(
  name: string,
  kind: FaultKind,
  target: string,
  random: RandomStream,
): FaultSpec {
  const atPs = 1 + random.below(60) * PS_PER_US;
  const spanPs = (1 + random.below(400)) * 10 * PS_PER_US;
  // What an NVSwitch lost nobody sends again, so those who wait for it need it to stay dead.
  const isForGood = kind === "switch-down" && target.endsWith("nvswitch");
  const isEndless = isForGood || (ENDLESS.includes(kind) && random.below(2) === 0);
  const parameters = parametersOf(kind, random);
  return {
    ...{ name, kind, targets: [target], atPs },
    ...(!isEndless && { healAtPs: atPs + spanPs }),
    ...(parameters !== undefined && { parameters }),
    ...(kind === "nic-flap" && { levels: flapLevels(atPs, spanPs, random) }),
  };
}

/** Down and up in turn. */
function flapLevels(
  atPs: number,
  spanPs: number,
  random: RandomStream,
): { atPs: number; permille: number }[] {
  const turns = 1 + random.below(4);
  return Array.from({ length: turns }, (_, turn) => ({
    atPs: atPs + Math.floor((spanPs * turn) / turns),
    permille: turn % 2 === 0 ? 1000 : 0,
  }));
}

function parametersOf(kind: FaultKind, random: RandomStream): FaultParameters | undefined {
  const slowdown = 1 + random.below(40) / 4;
  switch (kind) {
    case "slow-gpu":
    case "slow-nic":
    case "slow-link":
    case "pcie-downgrade":
    case "incast":
      return { slowdown, silent: true };
    case "kv-copy":
      return { psPerByteAtLeast: 50 + random.below(400), silent: true };
    case "grey-loss":
      return {
        lossPerMillion: 1 + random.below(200_000),
        sparedBytes: random.below(2) * 256,
        silent: true,
      };
    case "late-link":
      return { extraLatencyPs: random.below(50_000) * PS_PER_NS, silent: true };
    case "silent-corruption":
      return { flipsPerMillion: 1 + random.below(1_000_000), silent: true };
    case "hot-expert":
      return { sharePerMillion: 1 + random.below(1_000_000), silent: true };
    case "one-way-loss":
    case "nvlink-stall":
    case "process-hang":
      return { silent: true };
    default:
      return random.below(4) === 0 && !isIntervention(kind) ? { silent: true } : undefined;
  }
}

function isIntervention(kind: FaultKind): boolean {
  return (INTERVENTION_KINDS as readonly string[]).includes(kind);
}
