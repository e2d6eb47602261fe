/** Explanations as tests look at them: all parts, those inside others too. */
import type { Part, PartKind } from "../../src/explain/part.ts";

/** A list of parts and everything that they consist of. */
export function allParts(parts: readonly Part[]): Part[] {
  return parts.flatMap((part) => [part, ...allParts(part.parts ?? [])]);
}

/** Those of a kind. */
export function partsOf(parts: readonly Part[], kind: PartKind): Part[] {
  return allParts(parts).filter((part) => part.kind === kind);
}

/** Names of the faults that are to answer for a part of some parts' time. */
export function faultsIn(parts: readonly Part[]): string[] {
  const names = parts.flatMap(({ shares }) =>
    shares.flatMap(({ cause }) => (cause.type === "fault" ? [cause.name] : [])),
  );
  return [...new Set(names)].sort();
}
