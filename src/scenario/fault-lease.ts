/**
 * How a fault goes on after its onset: at once or by a ramp, for good or coming and going, and when
 * its lease ends.
 */
import { CATALOGUE } from "../fault/catalogue.ts";
import type { FlapTimes } from "../fault/catalogue-entry.ts";
import type { FaultLevel } from "../model/fault.ts";
import { TIME_MAX_PS } from "../model/time.ts";
import type { FaultFields } from "./fault-fields.ts";
import type { Onset } from "./fault-onset.ts";
import type { ProblemList } from "./problem-list.ts";
import { timeAt } from "./units.ts";
import type { DocumentPath } from "./yaml-text.ts";

/** Levels and end of a fault; each undefined where there is none. */
export interface Lease {
  readonly healAtPs?: number;
  readonly levels?: readonly FaultLevel[];
}

/** Levels of a ramp that says nothing of them. */
const RAMP_STEPS = 4;

/** The whole of a fault, permille. */
const WHOLE = 1_000;

/** How a fault comes. */
type Shape =
  | { readonly type: "step" }
  | { readonly type: "ramp"; readonly spanPs: number; readonly steps: number }
  | ({ readonly type: "flap" } & FlapTimes);

/** The lease of a fault; undefined with a problem. */
export function readLease(
  fields: FaultFields,
  name: string,
  onset: Onset,
  path: DocumentPath,
  problems: ProblemList,
): Lease | undefined {
  const shape = readShape(fields, path, problems);
  const end = readEnd(fields, name, onset, path, problems);
  if (shape === undefined || end === undefined) return undefined;
  const levels = levelsOf(shape, onset.atPs);
  const healAtPs = end.healAtPs ?? (end.isOpen ? defaultEnd(fields, shape, onset.atPs) : undefined);
  if (shape.type === "ramp" && healAtPs !== undefined && onset.atPs + shape.spanPs > healAtPs) {
    const message = `${name} heals before its ramp has ended`;
    problems.add("E028", [...path, "onset"], message, { hint: "give a longer healAfter" });
    return undefined;
  }
  const kept = levels?.filter(({ atPs }) => atPs <= TIME_MAX_PS && atPs < (healAtPs ?? Infinity));
  return {
    ...(healAtPs === undefined ? {} : { healAtPs }),
    ...(kept === undefined ? {} : { levels: kept }),
  };
}

/** What the file says of the end: an instant, ps, or that it is left to the kind. */
function readEnd(
  fields: FaultFields,
  name: string,
  onset: Onset,
  path: DocumentPath,
  problems: ProblemList,
): { readonly healAtPs?: number; readonly isOpen: boolean } | undefined {
  const { heal, healAfter } = fields;
  const { atPs, moment } = onset;
  if (heal !== undefined && healAfter !== undefined) {
    problems.add("E028", [...path, "healAfter"], "give heal or healAfter, not both");
    return undefined;
  }
  if (healAfter === "never") return { isOpen: false };
  if (healAfter !== undefined) {
    const spanPs = timeAt([...path, "healAfter"], healAfter, 1, problems);
    if (spanPs === undefined) return undefined;
    return atPs + spanPs > TIME_MAX_PS
      ? { isOpen: false }
      : { healAtPs: atPs + spanPs, isOpen: false };
  }
  if (heal === undefined) return { isOpen: true };
  const healAtPs = timeAt([...path, "heal"], heal, 0, problems);
  if (healAtPs === undefined) return undefined;
  const hint = "heal is a virtual time; a duration is healAfter";
  if (moment !== undefined) {
    const message = `${name} begins in a phase of a layer: how long it lasts is healAfter`;
    problems.add("E028", [...path, "heal"], message, { hint });
    return undefined;
  }
  if (healAtPs <= atPs) {
    const message = `${name} heals at ${heal}, but begins at ${onset.text}`;
    problems.add("E028", [...path, "heal"], message, { hint });
    return undefined;
  }
  return { healAtPs, isOpen: false };
}

/** The end that the kind has: of a flap its last one, else that of the catalogue's lease. */
function defaultEnd({ kind }: FaultFields, shape: Shape, atPs: number): number | undefined {
  const { leasePs } = CATALOGUE[kind];
  const spanPs =
    shape.type === "flap"
      ? shape.repeats * shape.downPs + (shape.repeats - 1) * shape.upPs
      : leasePs;
  return spanPs === undefined || atPs + spanPs > TIME_MAX_PS ? undefined : atPs + spanPs;
}

/** How the fault comes; undefined with a problem. */
function readShape(
  { kind, onset }: FaultFields,
  above: DocumentPath,
  problems: ProblemList,
): Shape | undefined {
  const path = [...above, "onset"];
  const entry = CATALOGUE[kind];
  if (onset === undefined) {
    return entry.flap === undefined ? { type: "step" } : { type: "flap", ...entry.flap };
  }
  if (onset === "step") {
    if (entry.flap === undefined) return { type: "step" };
    const message = `${kind} comes and goes`;
    problems.add("E019", path, message, { hint: "nic-down is one that stays" });
    return undefined;
  }
  const { ramp, steps, flap } = onset;
  if (
    (ramp === undefined) === (flap === undefined) ||
    (flap !== undefined && steps !== undefined)
  ) {
    const hint = "step, {ramp: 10 ms, steps: 4} or {flap: {down: 3 s, up: 2 s, repeats: 3}}";
    problems.add("E019", path, "an onset is a step, a ramp or a flap", { hint });
    return undefined;
  }
  if (ramp !== undefined) {
    if (entry.isWhole) {
      const message = `${kind} is all or nothing: it has no ramp`;
      problems.add("E019", [...path, "ramp"], message, { hint: "leave onset out, or give a flap" });
      return undefined;
    }
    const spanPs = timeAt([...path, "ramp"], ramp, 1, problems);
    return spanPs === undefined ? undefined : { type: "ramp", spanPs, steps: steps ?? RAMP_STEPS };
  }
  if (flap === undefined) return undefined;
  const downPs = timeAt([...path, "flap", "down"], flap.down, 1, problems);
  const upPs =
    flap.up === undefined ? downPs : timeAt([...path, "flap", "up"], flap.up, 1, problems);
  if (downPs === undefined || upPs === undefined) return undefined;
  return { type: "flap", downPs, upPs, repeats: flap.repeats };
}

/**
 * Levels from the onset on. A ramp begins with the first of its equal levels and is whole when its
 * span is over; a flap is whole and nothing in turn.
 */
function levelsOf(shape: Shape, atPs: number): readonly FaultLevel[] | undefined {
  switch (shape.type) {
    case "step":
      return undefined;
    case "ramp": {
      const { spanPs, steps } = shape;
      return Array.from({ length: steps }, (_, level) => ({
        atPs: atPs + Math.round((level * spanPs) / (steps - 1)),
        permille: Math.round(((level + 1) * WHOLE) / steps),
      }));
    }
    case "flap": {
      const { downPs, upPs, repeats } = shape;
      return Array.from({ length: 2 * repeats - 1 }, (_, level) => {
        const cycles = Math.floor(level / 2);
        const isDown = level % 2 === 0;
        const begunPs = atPs + cycles * (downPs + upPs);
        return isDown
          ? { atPs: begunPs, permille: WHOLE }
          : { atPs: begunPs + downPs, permille: 0 };
      });
    }
  }
}
