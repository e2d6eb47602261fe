/** What is written in the cells of the fleet's picture: only what fits. Pure. */
import type { FleetIndex } from "./fleet-index.ts";
import type { Cell } from "./layout.ts";
import { type FleetUse, formatRate } from "./use.ts";

/** Least height of a cell with a label, and pixels around it. */
const HEIGHT_MIN = 11;
const AROUND = 2;

/** What is written in a cell; empty: nothing. */
export function cellLabel({ run }: FleetIndex, { actor, width, height }: Cell): string {
  if (height < HEIGHT_MIN) return "";
  const { kind, ordinal } = run.actors;
  const room = width - 2 * AROUND;
  const word = WORDS[kind[actor]];
  const number = String(ordinal[actor]);
  const texts =
    word === undefined ? [`${kind[actor]} ${number}`, `${kind[actor]}${number}`, number] : [word];
  return texts.find((text) => textWidth(text) <= room) ?? "";
}

/** Least width of a cell that says what its device sends and receives, px. */
const RATES_WIDTH = 200;

/** What a GPU has over NVLink, a NIC over the network; empty: there is no room for it. */
export function cellRates(index: FleetIndex, use: FleetUse, { actor, width }: Cell): string {
  const kind = index.run.actors.kind[actor];
  if (width < RATES_WIDTH || (kind !== "gpu" && kind !== "nic")) return "";
  const bundles = index
    .bundlesOf(actor)
    .map((place) => index.bundles[place])
    .filter(({ lower, upper }) => {
      return (
        lower === actor && index.run.actors.kind[upper] === (kind === "gpu" ? "nvswitch" : "leaf")
      );
    });
  if (bundles.length === 0) return "";
  const [out, back] = [
    use.ofLanes(bundles.flatMap(({ up }) => up)),
    use.ofLanes(bundles.flatMap(({ down }) => down)),
  ];
  return `out ${formatRate(out.bitsPerSecond)}, in ${formatRate(back.bitsPerSecond)}`;
}

/** Kinds of which a node or a fleet has one. */
const WORDS: Readonly<Record<string, string>> = { nvswitch: "NVSwitch", controller: "control" };

/** About as wide as a text of 11 pixels is, px. */
export function textWidth(text: string): number {
  return 6 * text.length;
}
