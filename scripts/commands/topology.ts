/**
 * `faultplane topology`: counts what a scenario's cluster consists of, and what each placement
 * gives.
 */
import { formatTime } from "../../src/model/time.ts";
import { type Census, takeCensus } from "../../src/topology/census.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { loadScenario, printProblems } from "./load-scenario.ts";

/** Prints the counts on stdout; returns the exit code. */
export async function topologyCommand(
  path: string,
  options: { readonly json?: true; readonly color: boolean },
): Promise<number> {
  const terminal = new Terminal(options.color);
  try {
    const { scenario } = loadScenario(path);
    const census = takeCensus(
      makeFatTree(scenario.cluster, scenario.hardware),
      scenario.run.workers,
    );
    const text =
      options.json === true
        ? `${JSON.stringify(jsonCensus(census))}\n`
        : `${censusLines(census).join("\n")}\n`;
    await terminal.result(text);
    return Exit.pass;
  } catch (error) {
    return printProblems(error);
  }
}

/** The census with a null where no link crosses two workers: JSON has no infinity. */
function jsonCensus(census: Census): object {
  return {
    ...census,
    placements: census.placements.map((placement) => ({
      ...placement,
      lookaheadPs: Number.isFinite(placement.lookaheadPs) ? placement.lookaheadPs : null,
    })),
  };
}

/** The census as lines; planes that look the same share one. */
export function censusLines(census: Census): string[] {
  const row = (name: string, value: number | string, note = ""): string =>
    `${name.padEnd(18)} ${String(value).padStart(8)}${note === "" ? "" : `  ${note}`}`;
  const { links } = census;
  const lines = [
    row("actors", census.actors),
    row("GPUs", census.gpus),
    row("NICs", census.nics),
    row("NVSwitches", census.nvswitches),
    row("leaf switches", census.leaves),
    row("spine switches", census.spines),
    row("links", links.total),
    row("  GPU-NVSwitch", links.gpuNvswitch),
    row("  GPU-NIC", links.gpuNic),
    row("  NIC-leaf", links.nicLeaf),
    row("  leaf-spine", links.leafSpine),
    "",
  ];
  const isJoined = census.sharedSpines > 0;
  for (let first = 0; first < census.planes.length; ) {
    const { nics, leaves, spines } = census.planes[first];
    let last = first;
    while (last + 1 < census.planes.length) {
      const next = census.planes[last + 1];
      if (next.nics !== nics || next.leaves !== leaves || next.spines !== spines) break;
      last += 1;
    }
    const noun = isJoined ? "rail" : "plane";
    const name = first === last ? `${noun} ${first}` : `${noun}s ${first}-${last}, each`;
    const own = isJoined ? "" : `, ${spines} spine switches`;
    lines.push(`${name.padEnd(18)} ${nics} NICs, ${leaves} leaf switches${own}`);
    first = last + 1;
  }
  if (isJoined)
    lines.push(`${"between all rails".padEnd(18)} ${census.sharedSpines} spine switches`);
  lines.push("");
  for (const { placement, workers, lookaheadPs } of census.placements) {
    const lookahead = Number.isFinite(lookaheadPs)
      ? `lookahead ${formatTime(lookaheadPs)}`
      : "no link crosses workers";
    lines.push(row(`placement ${placement}`, workers, `workers, ${lookahead}`));
  }
  return lines;
}
