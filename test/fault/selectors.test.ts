/**
 * Selectors on clusters other than the default: shared spines, multi-port NICs, hostile patterns.
 */
import { describe, expect, it } from "vitest";
import { TargetFinder } from "../../src/fault/selectors.ts";
import { HARDWARE_PRESETS } from "../../src/hardware/presets.ts";
import type { FaultKind } from "../../src/model/fault.ts";
import { type ClusterSpec, DEFAULT_NETWORK } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";

const CLUSTER: ClusterSpec = {
  nodes: 4,
  gpusPerNode: 2,
  planes: 2,
  switchPorts: 4,
  ...DEFAULT_NETWORK,
};

function finderOf(changes: Partial<ClusterSpec> = {}): TargetFinder {
  const topology = makeFatTree({ ...CLUSTER, ...changes }, HARDWARE_PRESETS["h800-infiniband"]);
  return new TargetFinder(topology, { experts: 16 });
}

/** The targets, or why there are none. */
function found(kind: FaultKind, selector: string, finder = finderOf()): readonly string[] | string {
  const selection = finder.find(kind, selector);
  return selection.ok ? selection.targets : selection.message;
}

describe("a selector", () => {
  it("by leaf and by spine takes what is joined to it", () => {
    const finder = finderOf({ nodes: 8 });
    const links = found("link-down", "leaf=plane1.leaf0", finder);
    expect(links).toContain("node0.nic1--plane1.leaf0");
    expect(links).toContain("plane1.leaf0--plane1.spine0");
    const spine = found("link-down", "spine=plane1.spine0", finder);
    expect(spine).toContain("plane1.leaf0--plane1.spine0");
    expect(String(spine)).not.toContain("nic");
    expect(found("nic-down", "leaf=plane1.leaf0", finder)).toEqual(["node0.nic1", "node1.nic1"]);
    expect(found("nic-down", "leaf=plane1.leaf9", finder)).toMatch(
      /^selector 'leaf=plane1.leaf9' matches no nic \(leaves plane0.leaf0\.\.plane1.leaf\d\)$/,
    );
  });

  it("by plane takes no spine that all rails share, and knows it by its name", () => {
    const finder = finderOf({ network: "mrft" });
    expect(String(found("switch-down", "plane=0", finder))).not.toContain("spine");
    expect(found("switch-down", "spine0", finder)).toEqual(["spine0"]);
    expect(found("switch-down", "spine=spine0", finder)).toEqual(["spine0"]);
    // Links to shared spines are of the plane of their leaf.
    expect(found("link-down", "plane=0", finder)).toContain("plane0.leaf0--spine0");
  });

  it("by plane takes every NIC and GPU of a multi-port fleet, and one link of each", () => {
    const finder = finderOf({ nodes: 2, nicPorts: "multi-port" });
    const nics = ["node0.nic0", "node0.nic1", "node1.nic0", "node1.nic1"];
    expect(found("nic-down", "plane=1", finder)).toEqual(nics);
    expect(found("link-down", "plane=1", finder)).toEqual(
      nics.map((nic) => `${nic}--plane1.leaf0`),
    );
  });

  it("finds the links of a node in the network, and not those inside it", () => {
    expect(found("slow-link", "node=1")).toEqual([
      "node1.nic0--plane0.leaf0",
      "node1.nic1--plane1.leaf0",
    ]);
    expect(found("slow-link", "node1.gpu0--*")).toHaveLength(2);
  });

  it("of an intervention is checked like that of a fault", () => {
    expect(found("masked", "node=1")).toEqual(["node1.gpu0", "node1.gpu1"]);
    expect(found("drained", "node1")).toEqual(["node1"]);
    expect(found("rerouted", "node1")).toBe("rerouted takes a link or spine, 'node1' is a node");
  });

  it("does not run away with a hostile pattern", () => {
    const pattern = `${"*o".repeat(90)}!`;
    expect(found("link-down", pattern)).toMatch(/matches no link/);
    const finder = finderOf({ nodes: 8 });
    const count = (pattern: string): number => found("link-down", pattern, finder).length;
    // 8 nodes of 2 GPUs with 3 links each; 2 planes of 4 leaves with 2 uplinks each.
    expect(count("*--*")).toBe(8 * 2 * 3 + 2 * 4 * 2);
    expect(count("plane*.leaf*--plane*.spine*")).toBe(2 * 4 * 2);
    expect(found("nic-down", "****node1****nic1****")).toEqual(["node1.nic1"]);
  });

  it("does not let a star cross from one end of a link to the other", () => {
    expect(found("link-down", "node0.nic0*leaf0")).toMatch(/matches no link/);
    expect(found("one-way-loss", "node0.nic0*leaf0")).toMatch(/matches no direction/);
  });
});
