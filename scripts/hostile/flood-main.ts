/**
 * Entry point of a process that floods ports of this machine (see flood.ts) and ends with what it
 * saw as one line of JSON on standard error. Started by flooded-run.ts, never by hand.
 */
import { onLauncherGone } from "../../cluster/process-launcher.ts";
import { FloodEnv, flood } from "./flood.ts";

const ports = (process.env[FloodEnv.ports] ?? "").split(",").map(Number);
const each = Math.ceil(Number(process.env[FloodEnv.connections]) / ports.length);
onLauncherGone(() => process.exit(0));
const results = await Promise.all(ports.map((port) => flood(port, each)));
const sum = (pick: (result: (typeof results)[number]) => number): number =>
  results.map(pick).reduce((left, right) => left + right, 0);
const total = {
  connections: sum(({ connections }) => connections),
  cutOff: sum(({ cutOff }) => cutOff),
  wallSeconds: Math.max(...results.map(({ wallSeconds }) => wallSeconds)),
};
process.stderr.write(`${JSON.stringify(total)}\n`, () => process.exit(0));
