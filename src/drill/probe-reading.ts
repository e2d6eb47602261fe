/**
 * Probes of a drill file: the measure, its arguments and the tolerance. An unknown measure and a
 * tolerance that nothing can meet are errors: such a check would hold, or fail, for ever.
 */

import { didYouMean } from "../base/suggest.ts";
import { escapeText, quote, show } from "../scenario/problem.ts";
import type { ProblemList } from "../scenario/problem-list.ts";
import { readTime, TIME_ADVICE } from "../scenario/quantity.ts";
import type { DocumentPath } from "../scenario/yaml-text.ts";
import { PROBE_SPANS, type Probe, type ProbeSpan, type Tolerance } from "./drill.ts";
import type { ProbeFields } from "./drill-fields.ts";
import type { Measure, MeasureArgument } from "./measure.ts";
import { MEASURES, measureOf } from "./measures.ts";

const TOLERANCE_ADVICE =
  "a tolerance is a number, [least, most], {type: range, range: [least, most]}, true or false";

/** A probe; undefined, with problems, when it is wrong. `isJudged`: it must have a tolerance. */
export function readProbe(
  fields: Pick<ProbeFields, "name" | "tolerance" | "provider">,
  path: DocumentPath,
  isJudged: boolean,
  problems: ProblemList,
): Probe | undefined {
  const { func } = fields.provider;
  const measure = measureOf(func);
  if (measure === undefined) {
    const names = MEASURES.map(({ name }) => name);
    const message = `unknown measure '${escapeText(func)}'`;
    const hint = didYouMean(func, names) ?? `there are ${names.join(", ")}`;
    problems.add("E030", [...path, "provider", "func"], message, { hint });
  }
  const tolerance = readTolerance(fields.tolerance, [...path, "tolerance"], problems);
  if (fields.tolerance === undefined && isJudged) {
    const hint = `write a tolerance: ${TOLERANCE_ADVICE.slice("a tolerance is ".length)}`;
    problems.add("E030", path, `'${escapeText(fields.name)}' has no tolerance`, { hint });
  }
  if (measure === undefined) return undefined;
  const given = fields.provider.arguments;
  const argumentPath = [...path, "provider", "arguments"];
  const found = readArguments(measure, given, argumentPath, problems);
  const over = readSpan(measure, given.over, [...argumentPath, "over"], problems);
  const { name } = fields;
  return {
    type: "probe",
    name,
    measure: measure.name,
    arguments: found,
    over,
    ...(tolerance === undefined ? {} : { tolerance }),
  };
}

/** A tolerance; undefined when there is none, or, with a problem, when it is none. */
function readTolerance(
  value: unknown,
  path: DocumentPath,
  problems: ProblemList,
): Tolerance | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "boolean" || Number.isFinite(value)) {
    return { type: "exactly", value: value as number | boolean };
  }
  const range = isRange(value) ? value.range : value;
  const isPair = Array.isArray(range) && range.length === 2 && range.every(Number.isFinite);
  if (!isPair) {
    const isShare = typeof value === "string" && /%/.test(value);
    const hint = isShare ? "write a share such as 0.95; percentages are not read" : undefined;
    const found = Array.isArray(range) && range.length === 0 ? "an empty list" : show(value);
    problems.add("E030", path, `${TOLERANCE_ADVICE}; got ${found}`, { hint });
    return undefined;
  }
  const [least, most] = range as [number, number];
  if (least > most) {
    const hint = `did you mean [${most}, ${least}]?`;
    const message = `nothing is between ${least} and ${most}: least comes first`;
    problems.add("E030", path, message, { hint });
    return undefined;
  }
  return { type: "range", least, most };
}

function isRange(value: unknown): value is { readonly range: unknown } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  return keys.length === 2 && Reflect.get(value, "type") === "range" && keys.includes("range");
}

/** The part of the run that a probe looks at. */
function readSpan(
  measure: Measure,
  value: unknown,
  path: DocumentPath,
  problems: ProblemList,
): ProbeSpan {
  if (value === undefined) return "run";
  if (measure.ignoresSpan === true) {
    const message = `${measure.name} is about the whole run: leave 'over' out`;
    problems.add("E013", path, message, { atKey: true });
    return "run";
  }
  const span = PROBE_SPANS.find((word) => word === value);
  if (span !== undefined) return span;
  const hint = typeof value === "string" ? didYouMean(value, PROBE_SPANS) : undefined;
  const message = `must be one of ${PROBE_SPANS.join(", ")}, got ${quote(value)}`;
  problems.add("E013", path, message, { hint });
  return "run";
}

/** A measure's own arguments, with their fallbacks; times in ps. */
function readArguments(
  measure: Measure,
  given: Readonly<Record<string, unknown>>,
  path: DocumentPath,
  problems: ProblemList,
): Record<string, number | string> {
  const allowed = [...measure.arguments.map(({ key }) => key), "over"];
  for (const key of Object.keys(given)) {
    if (allowed.includes(key)) continue;
    const message = `unknown key '${escapeText(key)}'; allowed: ${allowed.join(", ")}`;
    const hint = didYouMean(key, allowed);
    problems.add("E010", [...path, key], message, { atKey: true, hint });
  }
  const found: Record<string, number | string> = {};
  for (const argument of measure.arguments) {
    const { key, fallback } = argument;
    const value =
      given[key] === undefined
        ? fallback
        : readArgument(argument, given[key], [...path, key], problems);
    if (value !== undefined) found[key] = value;
  }
  return found;
}

function readArgument(
  { kind, least = 0, most = Number.MAX_SAFE_INTEGER }: MeasureArgument,
  value: unknown,
  path: DocumentPath,
  problems: ProblemList,
): number | string | undefined {
  if (kind === "name") {
    if (typeof value === "string" && value !== "") return value;
    problems.add("E012", path, `expected string, got ${show(value)}`);
    return undefined;
  }
  if (kind === "time") {
    const reading = typeof value === "string" ? readTime(value) : undefined;
    if (reading?.ok === true && reading.ps >= least) return reading.ps;
    const isTooShort = reading?.ok === true;
    if (isTooShort) problems.add("E025", path, `must be > 0, got ${escapeText(String(value))}`);
    else problems.add("E016", path, `${TIME_ADVICE}; got ${quote(value)}`);
    return undefined;
  }
  if (typeof value === "number" && value >= least && value <= most) return value;
  if (typeof value === "number") {
    problems.add("E013", path, `must be ${least}..${most}, got ${value}`);
  } else problems.add("E012", path, `expected number, got ${show(value)}`);
  return undefined;
}
