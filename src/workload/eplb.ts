/**
 * EPLB, DeepSeek's expert-parallel load balancer (github.com/deepseek-ai/EPLB, `eplb.py`): which
 * experts get replicas, and which GPU holds which replica, from how often each expert was chosen.
 * The same greedy steps, the same order among equals and the same 32-bit floating point as the
 * original, so that both give the same maps. (Sums of a group beyond 2^24 are the exception: the
 * original does not fix the order of its additions.)
 */
import { violated } from "../base/assert.ts";

/** What experts are balanced over. */
export interface BalanceShape {
  /** Physical experts: logical ones and their replicas; a multiple of `gpus`. */
  readonly replicas: number;
  /** Expert groups of the model's gate; divides the experts. */
  readonly groups: number;
  /** Nodes that the GPUs are in; divides `gpus`. */
  readonly nodes: number;
  readonly gpus: number;
}

/**
 * `hierarchical`: groups are packed to nodes, replicas stay on their expert's node. `global`:
 * replicas go anywhere. `auto`, as the original: hierarchical if the groups divide by the nodes.
 */
export type BalancePolicy = "auto" | "hierarchical" | "global";

/** Where replicas are, by layer. */
export interface BalancedExperts {
  /** Logical expert of each physical expert; GPU g holds the g-th equal part. */
  readonly physicalToLogical: readonly Int32Array[];
  /** Physical experts of each logical expert, in the order in which they were made. */
  readonly logicalToPhysical: readonly (readonly (readonly number[])[])[];
  /** Physical experts of each logical expert: how many. */
  readonly replicaCounts: readonly Int32Array[];
}

/** Which of the two policies `policy` comes to for this shape. */
export function policyFor(
  policy: BalancePolicy,
  shape: Pick<BalanceShape, "groups" | "nodes">,
): "hierarchical" | "global" {
  if (policy !== "auto") return policy;
  return shape.groups % shape.nodes === 0 ? "hierarchical" : "global";
}

/**
 * Balances every layer on its own. `weights` are loads, 0 or more: [layer][logical expert]. Throws
 * InvariantError when the numbers of the shape do not divide.
 */
export function rebalanceExperts(
  weights: readonly ArrayLike<number>[],
  shape: BalanceShape,
  policy: BalancePolicy = "auto",
): BalancedExperts {
  const isHierarchical = policyFor(policy, shape) === "hierarchical";
  const used = isHierarchical ? shape : { ...shape, groups: 1, nodes: 1 };
  const layers = weights.map((row) => balanceLayer(Float32Array.from(row), used));
  return {
    physicalToLogical: layers.map((layer) => layer.physicalToLogical),
    logicalToPhysical: layers.map((layer) => layer.logicalToPhysical),
    replicaCounts: layers.map((layer) => layer.replicaCounts),
  };
}

interface BalancedLayer {
  readonly physicalToLogical: Int32Array;
  readonly logicalToPhysical: readonly (readonly number[])[];
  readonly replicaCounts: Int32Array;
}

/** Groups to nodes, then replicas within each node, then replicas to the GPUs of the node. */
function balanceLayer(weights: Float32Array, shape: BalanceShape): BalancedLayer {
  const { replicas, groups, nodes, gpus } = shape;
  const experts = weights.length;
  checkShape(experts, shape);
  const expertsOfNode = expertsByNode(weights, groups, nodes);
  const replicasPerNode = replicas / nodes;
  const replicasPerGpu = replicas / gpus;
  const physicalToLogical = new Int32Array(replicas);
  const replicaCounts = new Int32Array(experts);
  const logicalToPhysical: number[][] = Array.from({ length: experts }, () => []);
  for (let node = 0; node < nodes; node += 1) {
    const own = expertsOfNode[node];
    const ownWeights = Float32Array.from(own, (expert) => weights[expert]);
    const { sourceOf, numberOf, counts } = replicate(ownWeights, replicasPerNode);
    const shares = Float32Array.from(sourceOf, (place) => ownWeights[place] / counts[place]);
    const packed = packEvenly(shares, gpus / nodes);
    for (let replica = 0; replica < replicasPerNode; replica += 1) {
      const place = packed.packOf[replica] * replicasPerGpu + packed.placeInPack[replica];
      const physical = node * replicasPerNode + place;
      const expert = own[sourceOf[replica]];
      physicalToLogical[physical] = expert;
      logicalToPhysical[expert][numberOf[replica]] = physical;
    }
    for (const [place, expert] of own.entries()) replicaCounts[expert] = counts[place];
  }
  return { physicalToLogical, logicalToPhysical, replicaCounts };
}

function checkShape(experts: number, shape: BalanceShape): void {
  const { replicas, groups, nodes, gpus } = shape;
  const divides = (part: number, whole: number): boolean => part >= 1 && whole % part === 0;
  if (
    replicas >= experts &&
    divides(groups, experts) &&
    divides(nodes, groups) &&
    divides(nodes, gpus) &&
    divides(gpus, replicas)
  ) {
    return;
  }
  const what = `${experts} experts as ${replicas} in ${groups} groups`;
  violated("experts-balance", `${what} on ${nodes} nodes with ${gpus} GPUs`);
}

/** Experts of each node, in the order in which the node counts them. */
function expertsByNode(weights: Float32Array, groups: number, nodes: number): Int32Array[] {
  const groupSize = weights.length / groups;
  const loads = new Float32Array(groups);
  for (let expert = 0; expert < weights.length; expert += 1) {
    loads[Math.floor(expert / groupSize)] += weights[expert];
  }
  const { packOf, placeInPack } = packEvenly(loads, nodes);
  const experts = Array.from({ length: nodes }, () => new Int32Array(weights.length / nodes));
  for (let group = 0; group < groups; group += 1) {
    const first = placeInPack[group] * groupSize;
    for (let place = 0; place < groupSize; place += 1) {
      experts[packOf[group]][first + place] = group * groupSize + place;
    }
  }
  return experts;
}

/**
 * Gives the next replica to the expert with the largest load a replica, until there are `total`;
 * of equals to the first. `sourceOf` and `numberOf`: of each replica the expert, and which of the
 * expert's replicas it is.
 */
function replicate(weights: Float32Array, total: number) {
  const experts = weights.length;
  const sourceOf = Int32Array.from({ length: total }, (_, replica) => replica);
  const numberOf = new Int32Array(total);
  const counts = new Int32Array(experts).fill(1);
  const shares = Float32Array.from(weights);
  for (let replica = experts; replica < total; replica += 1) {
    let most = 0;
    for (let expert = 1; expert < experts; expert += 1) {
      if (shares[expert] > shares[most]) most = expert;
    }
    sourceOf[replica] = most;
    numberOf[replica] = counts[most];
    counts[most] += 1;
    shares[most] = weights[most] / counts[most];
  }
  return { sourceOf, numberOf, counts };
}

/**
 * Packs items into packs of the same number of items: heaviest item first (of equals the first), to
 * the lightest pack that has room (of equals the first). Packs of one take items in their order.
 */
function packEvenly(weights: Float32Array, packs: number) {
  const items = weights.length;
  const room = items / packs;
  if (room === 1) {
    const packOf = Int32Array.from({ length: items }, (_, item) => item);
    return { packOf, placeInPack: new Int32Array(items) };
  }
  const packOf = new Int32Array(items);
  const placeInPack = new Int32Array(items);
  const loads = new Float32Array(packs);
  const held = new Int32Array(packs);
  const order = Array.from({ length: items }, (_, item) => item);
  order.sort((left, right) => weights[right] - weights[left] || left - right);
  for (const item of order) {
    let lightest = -1;
    for (let pack = 0; pack < packs; pack += 1) {
      if (held[pack] === room) continue;
      if (lightest < 0 || loads[pack] < loads[lightest]) lightest = pack;
    }
    packOf[item] = lightest;
    placeInPack[item] = held[lightest];
    loads[lightest] += weights[item];
    held[lightest] += 1;
  }
  return { packOf, placeInPack };
}
