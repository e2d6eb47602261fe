/** What faults of scenario files resolve to: targets, parameters, onsets, leases. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CATALOGUE, catalogueEntries } from "../../src/fault/catalogue.ts";
import type { CatalogueEntry, TargetKind } from "../../src/fault/catalogue-entry.ts";
import { FAULT_KINDS, type FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_MS, PS_PER_S, PS_PER_US } from "../../src/model/time.ts";
import { describeScenario } from "../../src/scenario/describe-scenario.ts";
import { faultContextOf } from "../../src/scenario/fault-context.ts";
import { ProblemList } from "../../src/scenario/problem-list.ts";
import { resolveFault } from "../../src/scenario/resolve-fault.ts";
import { readTree } from "../../src/scenario/yaml-text.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { parse, printed, SMALLEST } from "./reading.ts";

/** The only fault of a file; `fields` as in a flow mapping. */
function faultOf(fields: string, seed = "42"): FaultSpec {
  const text =
    `${SMALLEST}run: {seed: "${seed}"}\nrecovery: {controller: remap}\n` +
    `faults:\n  - {${fields}}\n`;
  const result = parse(text);
  if (!result.ok) throw new Error(printed(text).join("\n"));
  return result.scenario.faults[0];
}

const TARGETS: Readonly<Record<TargetKind, string>> = {
  gpu: "node2.gpu3",
  nic: "node2.nic3",
  nvswitch: "node2.nvswitch",
  leaf: "plane3.leaf0",
  spine: "plane3.spine0",
  node: "node2",
  plane: "plane3",
  link: "node2.nic3--plane3.leaf0",
  direction: "node2.nic3->plane3.leaf0",
  expert: "expert17",
  controller: "controller",
};

describe("the catalogue", () => {
  it("has every kind once, under its own name", () => {
    expect(catalogueEntries().map(({ kind }) => kind)).toEqual([...FAULT_KINDS]);
    expect(Object.keys(CATALOGUE)).toHaveLength(FAULT_KINDS.length);
  });

  it.each(catalogueEntries())("resolves $kind with its defaults", (entry: CatalogueEntry) => {
    const target = TARGETS[entry.targets[0]];
    const fault = faultOf(`kind: ${entry.kind}, target: ${target}, at: 6 ms`);
    expect(fault).toMatchObject({ name: "f1", targets: [target], atPs: 6 * PS_PER_MS });
    const spanPs = entry.leasePs ?? (entry.flap === undefined ? undefined : 15 * PS_PER_S);
    expect(fault.healAtPs).toBe(spanPs === undefined ? undefined : fault.atPs + spanPs);
    expect(fault.parameters?.silent).toBe(entry.visibility === "silent" ? true : undefined);
  });

  it.each(
    catalogueEntries().flatMap(({ kind, parameters }) =>
      parameters.map((parameter) => ({ kind, ...parameter })),
    ),
  )("$kind says as much as with $key: $fallback written out", ({ kind, key, fallback }) => {
    const target = TARGETS[CATALOGUE[kind].targets[0]];
    const whole = `kind: ${kind}, target: ${target}, at: 6 ms`;
    expect(faultOf(`${whole}, ${key}: ${fallback}`)).toEqual(faultOf(whole));
  });
});

describe("a fault's parameters", () => {
  it.each([
    ["kind: slow-nic, target: node0.nic0, slowdown: 4", { slowdown: 4 }],
    [
      "kind: grey-loss, target: node0.nic0, loss: 0.00001, spared: 1 kB",
      {
        lossPerMillion: 10,
        sparedBytes: 1_000,
      },
    ],
    ["kind: late-link, target: plane3, extraLatency: 0.5 us", { extraLatencyPs: PS_PER_US / 2 }],
    ["kind: incast, target: node0.nic0, load: 0.5", { slowdown: 2 }],
    // PCIe has 64 GB/s: 24 GB/s are left, 41.67 ps a byte.
    ["kind: kv-copy, target: node0.nic0, kvRate: 40 GB/s", { psPerByteAtLeast: 1_000 / 24 }],
    ["kind: silent-corruption, target: node0.gpu0, flips: 1", { flipsPerMillion: 1e6 }],
    ["kind: hot-expert, target: expert3, share: 0.25", { sharePerMillion: 250_000 }],
  ])("%s", (fields, parameters) => {
    expect(faultOf(`${fields}, at: 1 ms`).parameters).toEqual({ ...parameters, silent: true });
  });

  it("are none for a loud fault that is all or nothing, and silent where the file says so", () => {
    const fields = "kind: nic-down, target: node0.nic0, at: 1 ms";
    expect(faultOf(fields)).toEqual({
      name: "f1",
      kind: "nic-down",
      targets: ["node0.nic0"],
      atPs: PS_PER_MS,
    });
    expect(faultOf(`${fields}, visibility: silent`).parameters).toEqual({ silent: true });
  });
});

describe("a fault's lease", () => {
  it("ends when the file says, or not at all, or when the kind does", () => {
    const crash = "kind: node-crash, target: node1, at: 1 ms";
    expect(faultOf(`${crash}, healAfter: 2 ms`).healAtPs).toBe(3 * PS_PER_MS);
    expect(faultOf(`${crash}, heal: 2 ms`).healAtPs).toBe(2 * PS_PER_MS);
    expect(faultOf(`${crash}, healAfter: never`).healAtPs).toBeUndefined();
    expect(faultOf(crash).healAtPs).toBe(PS_PER_MS + 600 * PS_PER_S);
  });

  it("lets a dead GPU come back", () => {
    const fault = faultOf("kind: gpu-dead, target: node0.gpu0, at: 1 ms, healAfter: 1 ms");
    expect(fault.healAtPs).toBe(2 * PS_PER_MS);
  });

  it("of a flap is down and up in turn, and ends with the last time down", () => {
    const flap = "onset: {flap: {down: 3 ms, up: 2 ms, repeats: 3}}";
    const fault = faultOf(`kind: nic-flap, target: node0.nic0, at: 1 ms, ${flap}`);
    expect(fault.levels?.map(({ atPs, permille }) => [atPs / PS_PER_MS, permille])).toEqual([
      [1, 1000],
      [4, 0],
      [6, 1000],
      [9, 0],
      [11, 1000],
    ]);
    expect(fault.healAtPs).toBe(14 * PS_PER_MS);
    const cut = faultOf(`kind: nic-flap, target: node0.nic0, at: 1 ms, healAfter: 5 ms, ${flap}`);
    expect(cut.levels?.map(({ atPs }) => atPs / PS_PER_MS)).toEqual([1, 4]);
  });

  it("of a ramp rises in equal levels and is whole at its end", () => {
    const ramp = "onset: {ramp: 9 ms, steps: 4}";
    const fault = faultOf(`kind: slow-gpu, target: node0.gpu0, at: 1 ms, ${ramp}`);
    expect(fault.levels?.map(({ atPs, permille }) => [atPs / PS_PER_MS, permille])).toEqual([
      [1, 250],
      [4, 500],
      [7, 750],
      [10, 1000],
    ]);
  });
});

describe("a fault's targets", () => {
  it.each([
    ["nic-down", "node*.nic3", ["node0.nic3", "node1.nic3", "node2.nic3", "node3.nic3"]],
    ["nic-down", "plane=3", ["node0.nic3", "node1.nic3", "node2.nic3", "node3.nic3"]],
    ["gpu-dead", "leaf=plane3.leaf0", ["node0.gpu3", "node1.gpu3", "node2.gpu3", "node3.gpu3"]],
    ["link-down", "plane3.leaf0--node2.nic3", ["node2.nic3--plane3.leaf0"]],
    [
      "link-down",
      "plane3.leaf0--node*.nic3",
      [0, 1, 2, 3].map((n) => `node${n}.nic3--plane3.leaf0`),
    ],
    ["slow-link", "node=1", [0, 1, 2, 3, 4, 5, 6, 7].map((n) => `node1.nic${n}--plane${n}.leaf0`)],
    ["one-way-loss", "plane3.leaf0->node2.*", ["plane3.leaf0->node2.nic3"]],
    ["switch-down", "plane=3", ["plane3.leaf0"]],
    ["switch-down", "node=3", ["node3.nvswitch"]],
    ["late-link", "plane3", ["plane3"]],
    ["node-crash", "node*", ["node0", "node1", "node2", "node3"]],
    ["hot-expert", "expert25*", [25, 250, 251, 252, 253, 254, 255].map((n) => `expert${n}`)],
    [
      "nic-down",
      "[node1.nic0, node0.nic0, node1.*]",
      ["node1.nic0", "node0.nic0", ...[1, 2, 3, 4, 5, 6, 7].map((n) => `node1.nic${n}`)],
    ],
  ])("of %s by %s", (kind, selector, targets) => {
    expect(faultOf(`kind: ${kind}, target: ${selector}, at: 1 ms`).targets).toEqual(targets);
  });

  it("are drawn by seed and name alone: neither a draw of the onset nor another fault shifts them", () => {
    const draw = "name: a, kind: nic-down, target: {draw: 3, from: node*.nic*}";
    const { targets } = faultOf(`${draw}, at: 1 ms`);
    expect(new Set(targets).size).toBe(3);
    expect(faultOf(`${draw}, at: {between: [1 ms, 9 ms]}`).targets).toEqual(targets);
    const text = `${SMALLEST}faults:\n  - {kind: gpu-dead, target: {draw: 1, from: node=0}, at: 1 ms}\n  - {${draw}, at: 1 ms}\n`;
    const both = parse(text);
    expect(both.ok && both.scenario.faults[1].targets).toEqual(targets);
    const others = ["1", "2", "3"].map((seed) => faultOf(`${draw}, at: 1 ms`, seed).targets.join());
    expect(new Set([...others, targets.join()]).size).toBeGreaterThan(2);
  });

  it("take each of a pool about as often, over many seeds", () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 400; seed += 1) {
      const draw = "kind: gpu-dead, target: {draw: 2, from: node=1}, at: 1 ms";
      for (const target of faultOf(draw, String(seed)).targets) {
        counts.set(target, (counts.get(target) ?? 0) + 1);
      }
    }
    expect(counts.size).toBe(8);
    // 100 each are expected, with a standard deviation of 8.7.
    for (const count of counts.values()) expect(Math.abs(count - 100)).toBeLessThan(40);
  });
});

describe("a fault's onset", () => {
  it("is drawn between two times, another one for another seed", () => {
    const fields = "kind: gpu-dead, target: node0.gpu0, at: {between: [5 ms, 20 ms]}";
    const drawn = Array.from({ length: 50 }, (_, seed) => faultOf(fields, String(seed)).atPs);
    expect(new Set(drawn).size).toBe(50);
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(5 * PS_PER_MS);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(20 * PS_PER_MS);
    expect(Math.max(...drawn) - Math.min(...drawn)).toBeGreaterThan(12 * PS_PER_MS);
  });

  it("is a moment of the target's own rank, from which its times count", () => {
    const at = "at: {step: 0, layer: 12, phase: combine, fraction: 0.25}";
    const fault = faultOf(`kind: nic-down, target: node2.nic3, ${at}, healAfter: 1 ms`);
    expect(fault).toMatchObject({ atPs: 0, healAtPs: PS_PER_MS });
    expect(fault.moment).toEqual({
      step: 0,
      layer: 12,
      phase: "combine",
      fractionPerMillion: 250_000,
      rank: "node2.gpu3",
    });
    expect(faultOf(`kind: plane-down, target: plane3, ${at}`).moment?.rank).toBeUndefined();
  });
});

describe("a described fault", () => {
  it("is told with what it does and when it ends", () => {
    const text = `${SMALLEST}recovery: {rerouteLocal: 1 ms, integrity: checksum}
faults:
  - {name: flap, kind: nic-flap, target: node*.nic*, at: 1 ms}
  - {name: grey, kind: grey-loss, target: node0.nic0, at: 1 ms}
  - {name: mid, kind: gpu-dead, target: node0.gpu0, at: {step: 0, layer: 12, phase: dispatch, fraction: 0.5}}
`;
    const result = parse(text);
    const lines = result.ok ? describeScenario(result.scenario, result.given) : printed(text);
    expect(lines).toEqual(
      expect.arrayContaining([
        "recovery   silent ranks are masked, switches avoid dead ports after 1.000 ms, checksums end to end",
        "fault      flap: nic-flap node0.nic0, node0.nic1, node0.nic2, node0.nic3 and 28 more at 1.000 ms, comes 3 times, heals at 15.001 s",
        "fault      grey: grey-loss node0.nic0 at 1.000 ms, loses 0.1 %, packets up to 256 bytes pass, silent, heals at 60.001 s",
        "fault      mid: gpu-dead node0.gpu0 at 50 % into dispatch of layer 12, step 0, of node0.gpu0, never heals",
      ]),
    );
  });
});

describe("a fault outside of a scenario file", () => {
  const scenario = tinyScenario();
  const context = faultContextOf(scenario, makeFatTree(scenario.cluster, scenario.hardware));
  const resolve = (mapping: object) => {
    const tree = readTree(new TextEncoder().encode(JSON.stringify({ inject: mapping })), "live");
    if (!tree.ok) throw new Error("no tree");
    const problems = new ProblemList(tree.tree);
    const place = {
      path: ["inject"],
      defaultName: "live-1",
      defaultAt: "0 ps",
      allowMoments: false,
    };
    return { fault: resolveFault(mapping, place, context, problems), problems: problems.problems };
  };

  it("may leave its onset out: its times count from when it is due", () => {
    const { fault } = resolve({ kind: "nic-flap", target: "node0.nic1" });
    expect(fault).toMatchObject({ name: "live-1", atPs: 0, healAtPs: 15 * PS_PER_S });
  });

  it("is refused in the same words, with its place", () => {
    const told = (mapping: object) =>
      resolve(mapping).problems.map(({ path, message, hint }) => `${path}: ${message}; ${hint}`);
    expect(told({ kind: "nic-dwn", target: "node0.nic1" })[0]).toMatch(
      /^inject.kind: must be one of .*; did you mean 'nic-down'\?$/,
    );
    expect(told({ kind: "nic-down", taget: "node0.nic1" })).toEqual([
      expect.stringMatching(/^inject.target: inject.target is required/),
      expect.stringMatching(
        /^inject.taget: unknown key 'taget'; allowed: name, kind, .*'target'\?$/,
      ),
    ]);
    expect(told({ kind: "nic-down", target: "node0.nic1", at: { step: 0 } })).toEqual([
      "inject.at: a phase of a layer is the onset of a fault of the scenario; write a time here; undefined",
    ]);
  });
});

describe("the documented faults", () => {
  it("are good, and every kind and key is named", () => {
    const docs = readFileSync(new URL("../../docs/scenario.md", import.meta.url), "utf8");
    const section = docs.slice(docs.indexOf("## Faults"), docs.indexOf("## Units"));
    const example = /```yaml\n(faults:[\s\S]*?)```/.exec(section)?.[1] ?? "";
    expect(printed(`${SMALLEST}${example}`)).toEqual([]);
    for (const kind of FAULT_KINDS) expect(section).toContain(`\`${kind}\``);
    for (const { parameters } of catalogueEntries()) {
      for (const { key } of parameters) expect(section).toContain(`\`${key}\``);
    }
  });
});
