/** One scenario under several placements: they must agree in everything that is of the model. */
import { expect } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import type { Fact } from "../../src/model/fact.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { type InMemoryResult, runInMemory } from "./in-memory-run.ts";

/** Runs in one process and in many; the digests, facts and violations must be equal, and none. */
export function runEverywhere(scenario: Scenario): InMemoryResult {
  const one = runInMemory(scenario, { placement: "single" });
  expect(one.violations).toEqual([]);
  expect(one.mismatches).toBe(0);
  expect(one.unexplained).toBe(0);
  const { dispatched, combined, masked, lost } = one.assignments;
  if (one.end === "finished") expect(combined + masked + lost).toBe(dispatched);
  for (const placement of ["node", "actor"] as const) {
    const other = runInMemory(scenario, { placement, shuffle: streamOf("3", placement) });
    expect(other.digest).toBe(one.digest);
    expect(other.facts).toEqual(one.facts);
    expect(other.traffic).toEqual(one.traffic);
    expect(other.violations).toEqual([]);
    expect(other.assignments).toEqual(one.assignments);
  }
  return one;
}

/** A fact of one type, when it was said and by whom. */
export type Said<Type extends Fact["type"]> = Extract<Fact, { type: Type }> & {
  readonly atPs: number;
  readonly by: string;
};

/** The facts of one type, in order, with the ids of those who said them. */
export function said<Type extends Fact["type"]>(
  scenario: Scenario,
  { facts }: Pick<InMemoryResult, "facts">,
  type: Type,
): Said<Type>[] {
  const { actors } = makeFatTree(scenario.cluster, scenario.hardware);
  return facts.flatMap(({ atPs, actor, fact }) =>
    fact.type === type ? [{ ...fact, atPs, by: actors[actor].id } as Said<Type>] : [],
  );
}
