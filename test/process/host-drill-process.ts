/**
 * A coordinator in a process of its own that performs one real fault with a long lease, for tests
 * that kill it meanwhile: `stop_worker` or `stop_agent`, as its argument says. Prints a line with
 * the process ids of workers and agents when they are up.
 */
import { tinyScenario } from "../support/scenarios.ts";
import { act, performHostDrill } from "./host-drills.ts";

const LEASE_MS = 60_000;
const target = process.argv[2] === "stop_agent" ? { host: "host0" } : { worker: "pack1" };
const func = process.argv[2] === "stop_agent" ? "stop_agent" : "stop_worker";
await performHostDrill(
  tinyScenario({ run: { placement: "pack", workers: 3 } }),
  [act({ func, target, forMs: LEASE_MS })],
  { up: (workers, agents) => process.stdout.write(`${JSON.stringify({ workers, agents })}\n`) },
);
