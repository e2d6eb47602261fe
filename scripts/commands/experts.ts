/**
 * `faultplane experts`: how evenly a scenario's experts, ranks and nodes are loaded and how far its
 * tokens go, beside contiguous blocks without replicas.
 */
import { rangesOf } from "../../src/base/ranges.ts";
import type { RecordedLoads, Scenario } from "../../src/model/scenario.ts";
import {
  type ExpertSpread,
  expertSpread,
  type LayerSpread,
  type PlacementSpread,
} from "../../src/workload/expert-spread.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { loadScenario, printProblems } from "./load-scenario.ts";

/** Tokens that are drawn in a layer; of 58 layers about two seconds. */
const TOKENS_PER_LAYER = 8_192;

/** Where the loads come from: a file of the placement or of the routing, or tokens drawn here. */
export type LoadsOrigin = "placement" | "routing" | "drawn";

/** Prints what was measured on stdout; returns the exit code. */
export async function expertsCommand(
  path: string,
  options: { readonly json?: true; readonly color: boolean },
): Promise<number> {
  const terminal = new Terminal(options.color);
  try {
    const { scenario, loads, notes } = loadScenario(path);
    const [origin, used] = loadsOf(scenario, loads);
    const spread = expertSpread(scenario, used, TOKENS_PER_LAYER);
    if (options.json === true) {
      await terminal.result(`${JSON.stringify(jsonSpread(scenario, origin, spread))}\n`);
      return Exit.pass;
    }
    for (const note of notes) terminal.log(`note: ${note}`);
    await terminal.result(`${spreadLines(scenario, origin, spread).join("\n")}\n`);
    return Exit.pass;
  } catch (error) {
    return printProblems(error);
  }
}

function loadsOf(
  { routing }: Scenario,
  placementLoads: RecordedLoads | undefined,
): readonly [LoadsOrigin, RecordedLoads | undefined] {
  if (placementLoads !== undefined) return ["placement", placementLoads];
  return routing.source === "loads" ? ["routing", routing.table] : ["drawn", undefined];
}

/** Numbers of the EP group that say what the spread is of. */
function groupOf({ model, workload, cluster, experts }: Scenario) {
  return {
    experts: model.n_routed_experts,
    redundant: experts.redundant,
    placement: experts.placement,
    ranks: workload.epSize,
    nodes: Math.ceil(workload.epSize / cluster.gpusPerNode),
    topK: model.num_experts_per_tok,
    groups: model.n_group,
    topkGroup: model.topk_group,
  };
}

function jsonSpread(scenario: Scenario, loads: LoadsOrigin, spread: ExpertSpread): object {
  return { ...groupOf(scenario), loads, ...spread };
}

/** Rows of the table: a name, and the number of a layer under a placement. */
const ROWS: readonly (readonly [string, (spread: PlacementSpread) => number])[] = [
  ["max/mean load, experts", ({ load }) => load.expert],
  ["max/mean load, ranks", ({ load }) => load.rank],
  ["max/mean load, nodes", ({ load }) => load.node],
  ["ranks of a token", ({ token }) => token.ranks],
  ["nodes of a token", ({ token }) => token.nodes],
  ["copies to other nodes", ({ token }) => token.copiesPerChoice],
  ["  one for each node", ({ token }) => token.copiesPerNode],
];

/**
 * The measurement as lines: mean over layers and worst layer; before and after, unless the scenario
 * places experts in blocks without replicas itself.
 */
export function spreadLines(
  scenario: Scenario,
  origin: LoadsOrigin,
  { layers, tokensPerLayer }: ExpertSpread,
): string[] {
  const { experts, redundant, placement, ranks, nodes, topK, groups, topkGroup } =
    groupOf(scenario);
  const line = (name: string, text: string): string => `${name.padEnd(24)} ${text}`;
  const cell = (text: string): string => text.padStart(8);
  const side = (of: (layer: LayerSpread) => number): string => {
    const worst = layers.reduce((most, layer) => (of(layer) > of(most) ? layer : most));
    const mean = layers.reduce((sum, layer) => sum + of(layer), 0) / layers.length;
    return cell(mean.toFixed(3)) + cell(of(worst).toFixed(3)) + cell(`${worst.layer}`);
  };
  const limit = topkGroup < groups ? `${topkGroup} of ${groups} groups` : "no limit";
  const replicas = redundant === 0 ? "" : ` + ${redundant}`;
  const source = origin === "drawn" ? "the tokens drawn" : `the recorded loads of the ${origin}`;
  const isSame = scenario.experts.physicalToLogical.length === 0;
  const both = (left: string, right: string): string => (isSame ? left : `${left}   ${right}`);
  const heads = cell("mean") + cell("worst") + cell("layer");
  return [
    line("experts", `${experts}${replicas} on ${ranks} ranks of ${nodes} nodes, top ${topK}`),
    line("layers", rangesOf(layers.map(({ layer }) => layer))),
    line("node-limited routing", limit),
    line("loads", source),
    line("tokens drawn", `${tokensPerLayer} in each layer`),
    "",
    line("", both("contiguous, no replicas".padStart(24), `${placement}${replicas}`.padStart(24))),
    line("", both(heads, heads)),
    ...ROWS.map(([name, of]) => {
      const before = side((layer) => of(layer.contiguous));
      return line(
        name,
        both(
          before,
          side((layer) => of(layer.placed)),
        ),
      );
    }),
  ];
}
