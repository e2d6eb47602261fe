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

/** `1 leaf switch`, `2 leaf switches`. */
function counted(count: number, noun: string): string {
  const plural = noun.endsWith("ch") ? `${noun}es` : `${noun}s`;
  return `${count} ${count === 1 ? noun : plural}`;
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
    const own = isJoined ? "" : `, ${counted(spines, "spine switch")}`;
    const of = `${counted(nics, "NIC")}, ${counted(leaves, "leaf switch")}`;
    lines.push(`${name.padEnd(18)} ${of}${own}`);
    first = last + 1;
  }
  if (isJoined) {
    const shared = counted(census.sharedSpines, "spine switch");
    lines.push(`${"between all rails".padEnd(18)} ${shared}`);
  }
  lines.push("");
  for (const { placement, workers, lookaheadPs } of census.placements) {
    const lookahead = Number.isFinite(lookaheadPs)
      ? `lookahead ${formatTime(lookaheadPs)}`
      : "no link crosses workers";
    lines.push(row(`placement ${placement}`, workers, `workers, ${lookahead}`));
  }
  return lines;
}
