/**
 * Whether and how to colour. A flag goes over the environment, the environment over what the stream
 * is. The only file that imports picocolors.
 */
import picocolors from "picocolors";

/** Paints text, or leaves it as it is. */
export interface Palette {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/** What the choice depends on. */
export interface ColourSurroundings {
  /** `--no-color` was given. */
  readonly refused: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
}

/** `--no-color`, then NO_COLOR, FORCE_COLOR, TERM=dumb, then whether it is a terminal. */
export function wantsColour(surroundings: ColourSurroundings): boolean {
  const { refused, environment, isTerminal } = surroundings;
  if (refused || (environment.NO_COLOR ?? "") !== "") return false;
  const forced = environment.FORCE_COLOR;
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false";
  return isTerminal && environment.TERM !== "dumb";
}

/** The palette; every colour is the identity when `enabled` is false. */
export function makePalette(enabled: boolean): Palette {
  return picocolors.createColors(enabled);
}
