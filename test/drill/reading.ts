/** Parses drills in tests as the command would: files come from the drills folder. */
import { readFileSync } from "node:fs";
import type { Drill } from "../../src/drill/drill.ts";
import { type DrillOverrides, type DrillResult, parseDrill } from "../../src/drill/parse-drill.ts";
import { formatProblem } from "../../src/scenario/problem.ts";

/** A drill as small as it can be: 32 GPUs, a hypothesis, a NIC that goes down for 30 ms. */
export const SMALL = `title: a flap
scenario:
  model: models/deepseek-v3.json
  cluster: {nodes: 4}
  transport: {ackTimeoutExponent: 14, retryCount: 7}
steady-state-hypothesis:
  title: nobody is masked
  probes:
    - name: masks
      type: probe
      tolerance: 0
      provider: {type: faultplane, func: ranks_masked}
method:
  - name: take it down
    type: action
    provider:
      type: faultplane
      func: inject
      arguments: {name: flap, kind: nic-down, target: node2.nic3, healAfter: 30 ms}
    pauses: {before: 6 ms}
stop: {after: 2 s}
`;

/** Parses `text`; `files` stand in for, or add to, those of the drills folder. */
export function parse(
  text: string,
  files: Readonly<Record<string, string>> = {},
  overrides?: DrillOverrides,
): DrillResult {
  return parseDrill({
    text,
    file: "d.yaml",
    overrides,
    readFile: (path) => {
      const given = files[path];
      if (given !== undefined) {
        return { ok: true, bytes: new TextEncoder().encode(given), file: path };
      }
      try {
        const bytes = readFileSync(new URL(`../../drills/${path}`, import.meta.url));
        return { ok: true, bytes, file: path };
      } catch {
        return { ok: false, problem: "there is no such file" };
      }
    },
  });
}

/** The drill of a text that is right. */
export function drillOf(text: string, files?: Readonly<Record<string, string>>): Drill {
  const result = parse(text, files);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.drill;
}

/** The problems of a text as printed. */
export function printed(
  text: string,
  files?: Readonly<Record<string, string>>,
  overrides?: DrillOverrides,
): readonly string[] {
  const result = parse(text, files, overrides);
  return result.ok ? [] : result.problems.map(formatProblem);
}
