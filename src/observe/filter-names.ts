/**
 * Whether the names in a filter mean anything in a run: an actor that is none, or a plane that the
 * cluster does not have, would let nothing pass and say nothing.
 */
import { fitsGlob } from "../base/glob.ts";
import { didYouMean } from "../base/suggest.ts";
import {
  type EventFilterSpec,
  type FilterProblem,
  type NumberSpan,
  quoted,
} from "./filter-terms.ts";

/** What there is in a run. */
export interface KnownNames {
  /** Ids of all actors. */
  readonly actors: readonly string[];
  readonly nodes: number;
  readonly planes: number;
  /** Layers of the model that run. */
  readonly layers: readonly number[];
  readonly steps: number;
  /**
   * Names of all faults; undefined: others may still come, or must not be known. Facts that no
   * fault explains name `none`, which is nobody's surroundings.
   */
  readonly faults: readonly string[] | undefined;
}

/** The first name that means nothing, with the key of its term; undefined: all mean something. */
export function unknownName(
  spec: EventFilterSpec,
  known: KnownNames,
): (FilterProblem & { readonly key: string }) | undefined {
  const { actors, nodes, planes, layers, steps, faults } = known;
  for (const pattern of spec.actors) {
    if (actors.some((actor) => fitsGlob(pattern, actor))) continue;
    return { key: "actor", ...unknownActor(pattern, actors) };
  }
  return (
    outside("plane", spec.planes, 0, planes - 1) ??
    outside("node", spec.nodes, 0, nodes - 1) ??
    outside("step", spec.steps, 0, steps - 1) ??
    outside("layer", spec.layers, Math.min(...layers), Math.max(...layers)) ??
    unknownFault("fault", spec.faults, faults, ["none"]) ??
    unknownFault("around", spec.around, faults)
  );
}

function unknownActor(pattern: string, actors: readonly string[]): FilterProblem {
  const message = `this run has no actor ${quoted(pattern)}`;
  if (actors.some((actor) => actor.startsWith(`${pattern}.`))) {
    return { message, hint: `everything in it is '${pattern}.*'` };
  }
  const meant = didYouMean(pattern, actors);
  return { message, hint: meant ?? `actors are ${actors[0]}..${actors[actors.length - 1]}` };
}

function outside(
  key: string,
  spans: readonly NumberSpan[],
  least: number,
  most: number,
): (FilterProblem & { readonly key: string }) | undefined {
  const wrong = spans.find(({ first, last }) => last < least || first > most);
  if (wrong === undefined) return undefined;
  const all = least === most ? `only ${key} ${least}` : `${key}s ${least} to ${most}`;
  return { key, message: `this run has no ${key} ${wrong.first}`, hint: `it has ${all}` };
}

function unknownFault(
  key: string,
  patterns: readonly string[],
  faults: readonly string[] | undefined,
  others: readonly string[] = [],
): (FilterProblem & { readonly key: string }) | undefined {
  if (faults === undefined) return undefined;
  const names = [...faults, ...others];
  const wrong = patterns.find((pattern) => !names.some((name) => fitsGlob(pattern, name)));
  if (wrong === undefined) return undefined;
  const all = faults.length === 0 ? "it has none" : `its faults: ${faults.slice(0, 10).join(", ")}`;
  const hint = didYouMean(wrong, faults) ?? all;
  return { key, message: `this run has no fault ${quoted(wrong)}`, hint };
}
