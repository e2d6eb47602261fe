/**
 * A coordinator in a process of its own, for tests that kill it: runs a slowed scenario that would
 * take minutes, and prints a line when the workers have begun.
 */
import { PS_PER_S } from "../../src/model/time.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { runScenario } from "./child-processes.ts";

const run = { placement: "pack", workers: 3, timeLimitPs: PS_PER_S } as const;
await runScenario(tinyScenario({ run, workload: { steps: 40 } }), {
  delays: new Map([["pack0", 100]]),
  observer: {
    started: (start) => process.stdout.write(`${JSON.stringify(start.pids)}\n`),
    committed: () => undefined,
  },
});
