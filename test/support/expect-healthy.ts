/**
 * What every run without faults must show; used on good runs, and shown to fail on sabotaged ones.
 */
import { expect } from "vitest";
import type { InMemoryResult } from "./in-memory-run.ts";

export function expectHealthy(result: InMemoryResult): void {
  const { dispatched, combined } = result.assignments;
  expect(result.end).toBe("finished");
  expect(result.violations).toEqual([]);
  expect(result.mismatches).toBe(0);
  expect(dispatched).toBeGreaterThan(0);
  expect(combined).toBe(dispatched);
  const types = new Set(result.facts.map((record) => record.fact.type));
  for (const trouble of [
    "qp.timed-out",
    "qp.retransmitted",
    "rank.masked",
    "rank.wait-timed-out",
  ]) {
    expect(types.has(trouble as never), trouble).toBe(false);
  }
}
