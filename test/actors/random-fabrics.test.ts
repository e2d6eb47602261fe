/**
 * Random clusters and faults under each network and each rule of switch routing: one digest, every
 * assignment accounted for, and a fault behind every mask.
 */
import { expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import type { ClusterSpec, Scenario, SwitchRouting } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { topologyProblems } from "../../src/topology/problems.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { randomFaults } from "../support/random-faults.ts";
import { randomScenario } from "../support/random-scenario.ts";

const SEEDS = 30;

const FABRICS: readonly (readonly [ClusterSpec["network"], SwitchRouting])[] = [
  ["mpft", "ecmp"],
  ["mpft", "adaptive"],
  ["mrft", "static"],
  ["mrft", "ecmp"],
  ["mrft", "adaptive"],
];

/**
 * A random scenario on another fabric: twice the nodes on one plane or two rails, and switches as
 * small as can be, so that leaves need spines. Links that fail lead to these where there are any.
 */
function onFabric(seed: number, [network, switchRouting]: (typeof FABRICS)[number]): Scenario {
  const scenario = randomScenario(seed);
  const { nodes, gpusPerNode, planes } = scenario.cluster;
  const cluster: ClusterSpec = {
    ...scenario.cluster,
    nodes: nodes * 2,
    planes: network === "mpft" ? 1 : Math.min(planes, 2),
    switchPorts: 2,
    network,
    switchRouting,
    nicPorts: network === "mrft" ? "one-port" : scenario.cluster.nicPorts,
  };
  const enough = (switchPorts: number): boolean =>
    topologyProblems({ ...cluster, switchPorts }).length === 0;
  let switchPorts = 2;
  while (!enough(switchPorts)) switchPorts += 1;
  const built = { ...cluster, switchPorts };
  const topology = makeFatTree(built, HARDWARE_PRESETS["h800-infiniband"]);
  const all = topology.lanes.map(({ link }) => link).filter((link) => link.includes("leaf"));
  const trunks = all.filter((link) => link.includes("spine"));
  const links = trunks.length > 0 ? trunks : all;
  const draw = streamOf(String(seed), "trunk");
  const drawn = randomFaults(draw, topology, scenario.model.n_routed_experts);
  const faults = drawn.map((fault) =>
    fault.kind === "link-down" ? { ...fault, targets: [links[draw.below(links.length)]] } : fault,
  );
  const epSize = nodes * 2 * gpusPerNode;
  const intraNode =
    scenario.workload.protocol === "normal" ? "nvlink" : scenario.workload.intraNode;
  const workload = { ...scenario.workload, intraNode, epSize };
  return { ...scenario, cluster: built, workload, faults };
}

it.each(FABRICS)("random runs keep digest, accounts and explanations: %s, %s", (...fabric) => {
  const reached = { masked: 0, retransmitted: 0, trunks: 0 };
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const scenario = onFabric(seed, fabric);
    const where = `seed ${seed}`;
    const one = runInMemory(scenario, { placement: "single" });
    const shuffle = streamOf(String(seed), "shuffle");
    const placement = (["pack", "node", "actor"] as const)[seed % 3];
    expect(runInMemory(scenario, { placement, shuffle }).digest, where).toBe(one.digest);
    const { dispatched, combined, masked, lost } = one.assignments;
    expect(one.end, where).toBe("finished");
    expect(one.violations, where).toEqual([]);
    expect(one.mismatches, where).toBe(0);
    expect(one.unexplained, where).toBe(0);
    expect(combined + masked + lost, where).toBe(dispatched);
    if (masked > 0) reached.masked += 1;
    if (one.facts.some(({ fact }) => fact.type === "qp.retransmitted")) reached.retransmitted += 1;
    if (scenario.faults.some(({ targets }) => targets[0].includes("spine"))) reached.trunks += 1;
  }
  for (const [what, runs] of Object.entries(reached)) expect(runs, what).toBeGreaterThan(2);
});
