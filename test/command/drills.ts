/** Drill files for tests of the commands: one small fleet, broken in several ways. */

/** What a test changes of the small drill. */
export interface DrillText {
  readonly expects?: "PASS" | "FAIL" | "INVALID";
  /** Method and rollbacks, as YAML. */
  readonly method: string;
  readonly hypothesis?: string;
  /** Layers of the model that run, and steps. */
  readonly layers?: string;
  readonly steps?: number;
  readonly faults?: string;
}

/** One probe of a hypothesis. */
export function probe(func: string, tolerance: string): string {
  return (
    `    - {name: ${func}, tolerance: ${tolerance}, ` +
    `provider: {type: faultplane, func: ${func}}}\n`
  );
}

/** An action of the method, `before` (a time) after what came before it. */
export function inject(fault: string, before = "0 s"): string {
  return (
    `  - {type: action, name: break, pauses: {before: ${before}}, ` +
    `provider: {type: faultplane, func: inject, arguments: ${fault}}}\n`
  );
}

/** Halfway through a combine of the second of three layers. */
const COMBINING = "at: {step: 0, layer: 4, phase: combine, fraction: 0.5}";
/** A NIC that is gone for less than an ACK timeout: what it lost is sent again, once. */
export const FLAP = `{name: flap, kind: nic-down, target: node1.nic1, ${COMBINING}, healAfter: 50 us}`;
/** One that stays away: the retries run out, and its rank is masked. */
export const LOST = `{name: lost-nic, kind: nic-down, target: node1.nic1, ${COMBINING}}`;
/** The same without an instant: when its action is due. */
export const LOST_WHEN_DUE = "{name: lost-nic, kind: nic-down, target: node1.nic1}";

/** Four ranks over two nodes and two planes; ACK timeout 65.5 us, two retries. */
export function drillText(options: DrillText): string {
  const { expects, method, layers = "3-5", steps = 1, faults = "[]" } = options;
  const hypothesis = options.hypothesis ?? probe("corrupted_unseen", "0");
  return `title: small drill
description: It breaks a small fleet.
${expects === undefined ? "" : `expects: ${expects}\n`}scenario:
  title: small fleet
  model: models/deepseek-v3.json
  cluster: {nodes: 2, gpusPerNode: 2, planes: 2, switchPorts: 8}
  workload:
    {phase: decode, protocol: low-latency, tokensPerGpu: 4, steps: ${steps}, layers: ${layers}}
  routing: {source: gate, imbalance: 0}
  transport: {ackTimeoutExponent: 4, retryCount: 2}
  faults: ${faults}
  run: {seed: 7, placement: single}
leastTraffic: 10
steady-state-hypothesis:
  title: it holds
  probes:
${hypothesis}method:
${method}stop: {after: 10 s}
`;
}
