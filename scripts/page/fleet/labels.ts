/** What is written in the cells of the fleet's picture: only what fits. Pure. */
import type { FleetIndex } from "./fleet-index.ts";
import type { Cell } from "./layout.ts";

/** Least height of a cell with a label, and pixels around it. */
const HEIGHT_MIN = 11;
const AROUND = 3;

/** What is written in a cell; empty: nothing. */
export function cellLabel({ run }: FleetIndex, { actor, width, height }: Cell): string {
  if (height < HEIGHT_MIN) return "";
  const { kind, ordinal } = run.actors;
  const room = width - 2 * AROUND;
  const text = kind[actor] === "controller" ? "controller" : kind[actor] === "nvswitch" ? "NVSwitch" : `${kind[actor]} ${ordinal[actor]}`;
  if (textWidth(text) <= room) return text;
  const short = String(ordinal[actor]);
  return kind[actor] !== "nvswitch" && textWidth(short) <= room ? short : "";
}

/** About as wide as a text of 11 pixels is, px. */
export function textWidth(text: string): number {
  return 6 * text.length;
}
