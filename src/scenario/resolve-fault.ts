/**
 * One fault as people ask for it, in a scenario, a drill or a live command, to the fault that the
 * fabric carries out: targets by id, parameters with their defaults, instants in ps. What is wrong
 * is added to a list of problems, in the same words wherever it was asked.
 */
import type { FaultSpec } from "../model/fault.ts";
import type { FaultContext, FaultPlace } from "./fault-context.ts";
import { checkFault, type FaultFields } from "./fault-fields.ts";
import { readLease } from "./fault-lease.ts";
import { readOnset } from "./fault-onset.ts";
import { readParameters } from "./fault-parameters.ts";
import { resolveTargets } from "./fault-targets.ts";
import { addIssue, type SchemaPart } from "./issue-problems.ts";
import type { ProblemList } from "./problem-list.ts";
import { scenarioJsonSchema } from "./schema.ts";

/** What the mapping of one fault should be. */
const FAULT_SCHEMA: SchemaPart =
  (scenarioJsonSchema() as SchemaPart).properties?.faults.items ?? {};

/**
 * Checks a mapping `{kind, target, ...}` and resolves it. Undefined, with problems at or below
 * `place.path`, when something is wrong with it. With a phase of a layer as its onset the fault has
 * a `moment`, and its times count from there.
 */
export function resolveFault(
  value: unknown,
  place: FaultPlace,
  context: FaultContext,
  problems: ProblemList,
): FaultSpec | undefined {
  const { defaultAt } = place;
  const isMapping = typeof value === "object" && value !== null && !Array.isArray(value);
  const whole = defaultAt === undefined || !isMapping ? value : { at: defaultAt, ...value };
  const checked = checkFault(whole);
  if (!checked.ok) {
    for (const issue of checked.issues) {
      addIssue(problems.tree, issue, FAULT_SCHEMA, problems, place.path);
    }
    return undefined;
  }
  return resolveFields(checked.fields, place, context, problems);
}

/** As {@link resolveFault}, of fields that have passed already. */
export function resolveFields(
  fields: FaultFields,
  place: FaultPlace,
  context: FaultContext,
  problems: ProblemList,
): FaultSpec | undefined {
  const { kind } = fields;
  const { path } = place;
  const name = fields.name ?? place.defaultName;
  const targetPath = [...path, "target"];
  const targets = resolveTargets(kind, fields.target, name, targetPath, context, problems);
  const parameters = readParameters(fields, path, context, problems);
  const fault = { name, targets: targets ?? [] };
  const onset = readOnset(fields, fault, place, context, problems);
  const lease = onset && readLease(fields, name, onset, path, problems);
  if (targets === undefined || onset === undefined || lease === undefined) return undefined;
  if (!problems.isSound(path)) return undefined;
  const { healAtPs, levels } = lease;
  return {
    name,
    kind,
    targets,
    atPs: onset.atPs,
    ...(healAtPs === undefined ? {} : { healAtPs }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(levels === undefined ? {} : { levels }),
    ...(onset.moment === undefined ? {} : { moment: onset.moment }),
  };
}
