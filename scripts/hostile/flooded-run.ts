/**
 * A real run, paced, whose ports are flooded by another process while it goes on: it must end with
 * the digest of a quiet one, keep its pace, take operators in, and leave nothing behind.
 */
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeDevice } from "../../actors/catalogue.ts";
import { LOOPBACK } from "../../cluster/addresses.ts";
import type { ControlRequest } from "../../cluster/control-messages.ts";
import { decodeAnswer, encodeRequest } from "../../cluster/control-messages.ts";
import { controlIdentity } from "../../cluster/control-server.ts";
import { messageOf } from "../../cluster/errors.ts";
import { LOOPBACK_ONLY } from "../../cluster/host-security.ts";
import type { ControlAddress } from "../../cluster/prepared-run.ts";
import { launch } from "../../cluster/process-launcher.ts";
import { runCluster } from "../../cluster/run-cluster.ts";
import { dial } from "../../cluster/websocket-transport.ts";
import { DEFAULT_NETWORK, type Scenario } from "../../src/model/scenario.ts";
import { deepseekScenario } from "../deepseek-scenario.ts";
import { FloodEnv, type FloodResult } from "./flood.ts";

/** What a run with or without a flood was like. */
export interface FloodedRun {
  readonly digest: string;
  readonly end: string;
  /** Most that a window came later than its wall-clock moment, s. */
  readonly lagSeconds: number;
  /** Growth of resident memory of this process, which coordinates, from first to highest, bytes. */
  readonly grownBytes: number;
  /** Times that an operator's whole visit took, dialling included, wall ms. */
  readonly visitsMs: readonly number[];
  /** Visits that came to nothing, in words. */
  readonly visitsFailed: readonly string[];
  /** Open file descriptors of this process, after less before. */
  readonly descriptorsLeft: number;
  readonly flood: FloodResult | undefined;
}

const SCRIPTS = dirname(dirname(fileURLToPath(import.meta.url)));
const RUN_ID = "flooded-run";

/** Wall s that a quiet run is watched, and after which any run is stopped. */
const QUIET_SECONDS = 5;
const LONGEST_SECONDS = 300;

/** Wall ms between two visits of an operator, and between two looks at memory. */
const VISIT_EVERY_MS = 250;

/**
 * Slower than life, so that it lasts as long as any flood: 600 steps of about 100 us would take ten
 * minutes. It is set free when the flood is over.
 */
function pacedScenario(): Scenario {
  return deepseekScenario({
    title: "a run under flood",
    cluster: { nodes: 2, gpusPerNode: 4, planes: 4, switchPorts: 16, ...DEFAULT_NETWORK },
    workload: { tokensPerGpu: 8, epSize: 8, steps: 600 },
    run: { placement: "pack", workers: 2, speed: 0.0001 },
  });
}

/** Runs the scenario, with `connections` hostile ones while it goes on; 0: none. */
export async function runFlooded(connections: number): Promise<FloodedRun> {
  const descriptorsBefore = openDescriptors();
  const stop = new AbortController();
  const deadline = setTimeout(() => stop.abort(), LONGEST_SECONDS * 1000);
  const port = await freePort();
  const visitsMs: number[] = [];
  const visitsFailed: string[] = [];
  globalThis.gc?.();
  const rssBefore = process.memoryUsage().rss;
  let rssMost = rssBefore;
  let flood: FloodResult | undefined;
  let watch: NodeJS.Timeout | undefined;
  const visit = async (control: ControlAddress, request: ControlRequest): Promise<void> => {
    rssMost = Math.max(rssMost, process.memoryUsage().rss);
    const fromMs = performance.now();
    try {
      await ask(control, request);
      visitsMs.push(performance.now() - fromMs);
    } catch (error) {
      visitsFailed.push(messageOf(error));
    }
  };
  const attacked = async (control: ControlAddress): Promise<void> => {
    watch = setInterval(() => visit(control, { command: "status" }), VISIT_EVERY_MS);
    flood = await floodFrom([port, control.port], connections);
    clearInterval(watch);
    await visit(control, { command: "speed", speed: "max" });
  };
  const outcome = await runCluster({
    scenario: pacedScenario(),
    runId: RUN_ID,
    agentMain: join(SCRIPTS, "agent-main.js"),
    workerMain: join(SCRIPTS, "worker-main.js"),
    devices: makeDevice,
    hosts: {
      count: 1,
      address: { host: LOOPBACK, port },
      token: randomBytes(32),
      joinWithinMs: 30_000,
      security: LOOPBACK_ONLY,
    },
    operators: true,
    stop: stop.signal,
    observer: {
      started: ({ control }) => {
        if (control !== undefined) attacked(control).catch(() => stop.abort());
      },
      committed: () => undefined,
    },
  });
  clearTimeout(deadline);
  clearInterval(watch);
  return {
    digest: outcome.digest,
    end: outcome.end,
    lagSeconds: outcome.maxLagSeconds,
    grownBytes: rssMost - rssBefore,
    visitsMs,
    visitsFailed,
    descriptorsLeft: openDescriptors() - descriptorsBefore,
    flood,
  };
}

/** Floods `ports` from another process; with no connections it only waits a while. */
function floodFrom(
  ports: readonly number[],
  connections: number,
): Promise<FloodResult | undefined> {
  if (connections === 0) {
    return new Promise((resolve) => {
      setTimeout(() => resolve(undefined), QUIET_SECONDS * 1000);
    });
  }
  return new Promise((resolve, reject) => {
    launch({
      main: join(SCRIPTS, "hostile", "flood-main.js"),
      nodeFlags: [],
      environment: {
        [FloodEnv.ports]: ports.join(","),
        [FloodEnv.connections]: String(connections),
      },
      exited: ({ code, stderr }) => {
        if (code === 0) resolve(JSON.parse(stderr.at(-1) ?? "") as FloodResult);
        else reject(new Error(`the flood ended with ${code}: ${stderr.join(" ")}`));
      },
    });
  });
}

/** One operator's visit: a new connection, one request, one answer. */
async function ask({ port, token }: ControlAddress, request: ControlRequest): Promise<void> {
  const link = await dial({
    host: LOOPBACK,
    port,
    identity: controlIdentity(Buffer.from(token, "hex"), RUN_ID),
    caller: { role: "control", number: -1, incarnation: 0 },
    maxMessageBytes: 2 ** 20,
  });
  await new Promise<void>((resolve, reject) => {
    link.onClosed((reason) => reject(new Error(reason)));
    link.onMessage((bytes) => {
      if (decodeAnswer(bytes)?.ok === true) resolve();
      else reject(new Error("the run refused"));
      link.close();
    });
    link.send(encodeRequest(request));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, LOOPBACK, () => {
      const address = server.address();
      server.close(() => {
        resolve(address !== null && typeof address !== "string" ? address.port : 0);
      });
    });
  });
}

/** Open file descriptors of this process. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
