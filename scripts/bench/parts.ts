/** The parts of the bench: which sides are compared, and what is said about them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram, runSide } from "./child-program.ts";
import { type Check, interleaved, type PartResult, type SideFigures, short } from "./measure.ts";
import { REPORTING_AMOUNTS } from "./reporting.ts";
import { compareWatching } from "./watching.ts";
import { AMOUNTS } from "./windows.ts";

export interface PartOptions {
  readonly rounds: number;
  /** The ns-3 program to compare W128 with, if there is one. */
  readonly ns3: string | undefined;
}

type Part = (options: PartOptions) => Promise<PartResult>;

/** Parts by their letter. */
export const PARTS: Readonly<Record<string, Part>> = {
  a: fabric,
  b: layer,
  c: windows,
  d: fleet,
  e: wholeSteps,
  f: reporting,
  g: watching,
};

/**
 * Completion of W128 without and with jitter, ps: what ns-3 prints, to its last digit and ours
 * beyond.
 */
const W128_PS = 168_952_520;
const W128_JITTER_PS = 173_649_480;

async function fabric(options: PartOptions): Promise<PartResult> {
  const { rounds, ns3 } = options;
  return withTrace("w128-trace", async (trace) => {
    const sides: Record<string, () => Promise<SideFigures>> = {
      ours: () => runSide("w128"),
      heap: () => runSide("object-heap", [trace]),
    };
    if (ns3 !== undefined) sides.ns3 = () => runNs3(ns3, []);
    const { ours, heap, ns3: peer } = await interleaved(rounds, sides);
    const jittered = ns3 === undefined ? undefined : await runNs3(ns3, ["--JIT=5000000"]);
    const eventsPerSecond = ours.events / ours.cpuSeconds;
    const packetsPerSecond = ours.packets / ours.cpuSeconds;
    const heapRatio = eventsPerSecond / (heap.events / heap.cpuSeconds);
    const lines = [
      `completion ${microseconds(ours.completionPs)}; with jitter ${microseconds(ours.jitterCompletionPs)}`,
      `${short(eventsPerSecond)} events and ${short(packetsPerSecond)} packets per CPU second (first run of a process: ${short(ours.events / ours.coldCpuSeconds)} events)`,
      `bare object heap over the same events: ${short(heap.events / heap.cpuSeconds)} events per CPU second; ours ${heapRatio.toFixed(2)} times that`,
    ];
    const checks: Check[] = [
      exactly("completion 168.95 us", ours.completionPs === W128_PS),
      exactly("completion 173.65 us with jitter", ours.jitterCompletionPs === W128_JITTER_PS),
      { what: "2.5 M events/s", holds: eventsPerSecond >= 2.5e6, exact: false },
    ];
    if (peer === undefined || jittered === undefined) lines.push("ns-3: not run (give --ns3 PATH)");
    else {
      const ratio = packetsPerSecond / (peer.packets / peer.cpuSeconds);
      lines.push(
        `ns-3: ${short(peer.packets / peer.cpuSeconds)} packets per CPU second, ` +
          `completion ${peer.completionUs} us, with jitter ${jittered.completionUs} us; ` +
          `ours ${ratio.toFixed(2)} times that`,
      );
      checks.push(
        exactly("ns-3 agrees", peer.completionUs === 168.95 && jittered.completionUs === 173.65),
        { what: "2 x ns-3's packets per CPU second", holds: ratio >= 2, exact: false },
      );
    }
    const workload =
      "W128: 128 hosts, 16 leaves, 8 spines, 260,096 packets, no transport, 1 process";
    const ns3Figures = peer === undefined ? {} : { ns3CpuSeconds: peer.cpuSeconds };
    const figures = { ...ours, heapCpuSeconds: heap.cpuSeconds, ...ns3Figures };
    return { part: "a", workload, lines, figures, checks };
  });
}

async function layer(options: PartOptions): Promise<PartResult> {
  return withTrace("layer-trace", async (trace) => {
    const { ours, heap } = await interleaved(options.rounds, {
      ours: () => runSide("layer"),
      heap: () => runSide("object-heap", [trace]),
    });
    const growth = await runSide("heap-growth", [], ["--expose-gc"]);
    const eventsPerSecond = ours.events / ours.cpuSeconds;
    const heapPerSecond = heap.events / heap.cpuSeconds;
    const ratio = eventsPerSecond / heapPerSecond;
    return {
      part: "b",
      workload:
        "one MoE layer of DeepSeek-V3, EP128 (16 nodes x 8), 128 tokens a GPU, " +
        "low-latency dispatch and combine, uniform routing, 1 process",
      lines: [
        `${ours.events} events, ${ours.copies} token copies; ` +
          `${ours.wallSeconds.toFixed(2)} s wall, ${ours.cpuSeconds.toFixed(2)} s CPU`,
        `${short(eventsPerSecond)} events and ${short(ours.copies / ours.cpuSeconds)} token copies ` +
          `per CPU second (first layer of a process: ` +
          `${short(ours.events / ours.coldCpuSeconds)} events)`,
        `bare object heap over the same events: ${short(heapPerSecond)} events per CPU second; ` +
          `ours ${ratio.toFixed(2)} times that`,
        `heap growth after warm-up: ${growth.bytesPerEvent.toFixed(4)} bytes per event ` +
          `over ${short(growth.events)} events`,
      ],
      figures: {
        ...ours,
        heapCpuSeconds: heap.cpuSeconds,
        grownBytesPerEvent: growth.bytesPerEvent,
      },
      checks: [
        { what: "4 x the object heap", holds: ratio >= 4, exact: false },
        exactly("no heap growth (at most 1 byte per event)", growth.bytesPerEvent <= 1),
      ],
    };
  });
}

async function windows(options: PartOptions): Promise<PartResult> {
  const lines: string[] = [];
  const checks: Check[] = [];
  const figures: Record<string, number> = {};
  for (const workers of Object.keys(AMOUNTS).map(Number)) {
    const found = await runSide("windows", [workers, options.rounds]);
    const wallRatio = found.barrierPerSecond / found.windowsPerSecond;
    const cpuRatio = found.windowCpuSeconds / found.barrierCpuSeconds;
    lines.push(
      `${workers} workers: ${short(found.windowsPerSecond)} windows/s, ` +
        `barrier ${short(found.barrierPerSecond)} rounds/s; ` +
        `cost ${cpuRatio.toFixed(2)} x CPU, ${wallRatio.toFixed(2)} x wall ` +
        `(${found.participants.toFixed(1)} workers and ` +
        `${found.eventsPerWindow.toFixed(0)} events a window)`,
    );
    checks.push({
      what: `${workers} workers: at most 1.5 x the barrier's CPU seconds`,
      holds: cpuRatio <= 1.5,
      exact: false,
    });
    for (const [name, value] of Object.entries({ ...found, wallRatio, cpuRatio })) {
      figures[`${name}${workers}`] = value;
    }
  }
  const workload =
    "windows of a run in which nearly every worker has a little to do, " +
    "against a bare WebSocket barrier of as many processes";
  return { part: "c", workload, lines, figures, checks };
}

async function reporting(options: PartOptions): Promise<PartResult> {
  const lines: string[] = [];
  const figures: Record<string, number> = {};
  for (const workers of Object.keys(REPORTING_AMOUNTS).map(Number)) {
    const found = await runSide("reporting", [workers, options.rounds]);
    const microsecondsOf = (name: string): string => (found[name] * 1e6).toFixed(0);
    const side = (name: string): string =>
      `${microsecondsOf(`${name}OwnCpuSeconds`)} us of the coordinator's CPU, ` +
      `${microsecondsOf(`${name}AllCpuSeconds`)} us of all, ` +
      `${microsecondsOf(`${name}WallSeconds`)} us wall`;
    lines.push(`${workers} workers, a window, through the agent: ${side("agent")}`);
    lines.push(`${workers} workers, a window, each directly:     ${side("coordinator")}`);
    for (const [name, value] of Object.entries(found)) figures[`${name}${workers}`] = value;
  }
  const workload =
    "windows in which nearly every worker has a little to do, one host, " +
    "workers reporting through their host's agent and each to the coordinator";
  return { part: "f", workload, lines, figures, checks: [] };
}

async function watching({ rounds }: PartOptions): Promise<PartResult> {
  const lines: string[] = [];
  const checks: Check[] = [];
  const figures: Record<string, number> = {};
  for (const placement of ["single", "node"]) {
    const found = await compareWatching(rounds, placement);
    const ratio = found.watchedPerSecond / found.alonePerSecond;
    lines.push(
      `placement ${placement}: ${short(found.events)} events; alone ` +
        `${short(found.alonePerSecond)} events/s, watched ${short(found.watchedPerSecond)} ` +
        `(${(100 * ratio).toFixed(0)} %); the viewer was told ${short(found.toldBytes)} bytes`,
    );
    checks.push({ what: `${placement}: at least 90 %`, holds: ratio >= 0.9, exact: false });
    for (const [name, value] of Object.entries({ ...found, ratio })) {
      figures[`${placement}.${name}`] = value;
    }
  }
  const workload =
    "decode, EP64 on 8 nodes, 6 layers, a NIC that flaps: the command with --quiet, " +
    "and with its live log and a page that one viewer follows";
  return { part: "g", workload, lines, figures, checks };
}

async function fleet(options: PartOptions): Promise<PartResult> {
  const { ours } = await interleaved(options.rounds, { ours: () => runSide("fleet") });
  return {
    part: "d",
    workload:
      "one MoE layer of DeepSeek-V3 on 2,048 GPUs (256 nodes x 8, 8 planes, 64-port switches), " +
      "EP groups of 64, 8 tokens a GPU, 1 process",
    lines: [
      `${ours.actors} actors, ${ours.events} events, ${ours.copies} token copies; ` +
        `${ours.wallSeconds.toFixed(2)} s wall, ${ours.cpuSeconds.toFixed(2)} s CPU, ` +
        `and ${ours.buildSeconds.toFixed(2)} s to build`,
      `${short(ours.events / ours.cpuSeconds)} events per CPU second`,
      `${short(ours.builtBytesPerActor)} bytes per actor when built, ` +
        `${short(ours.peakBytesPerActor)} at the peak of the run ` +
        `(resident memory, packets included)`,
    ],
    figures: ours,
    checks: [],
  };
}

async function wholeSteps(): Promise<PartResult> {
  const lines: string[] = [];
  const figures: Record<string, number> = {};
  for (const [side, what] of [
    ["decode", "decode step, 61 layers, EP144 on 18 nodes, 2 x 32 tokens a GPU"],
    ["training", "training layer, forward and backward overlapped, EP64, 4,096 tokens"],
  ] as const) {
    const found = await runSide(side);
    lines.push(
      `${what}: ${found.events} events, ${found.dispatched} assignments dispatched, ` +
        `${found.combined} combined; ${(found.virtualPs / 1e9).toFixed(2)} ms of virtual time, ` +
        `${found.wallSeconds.toFixed(1)} s wall`,
      `    ${short(found.events / found.cpuSeconds)} events per CPU second, ` +
        `${(found.peakBytes / 1e6).toFixed(0)} MB at the peak`,
    );
    for (const [name, value] of Object.entries(found)) figures[`${side}.${name}`] = value;
  }
  return {
    part: "e",
    workload: "DeepSeek-V3's published units, 1 process, one run each",
    lines,
    figures,
    checks: [
      exactly(
        "every assignment combined",
        figures["decode.dispatched"] === figures["decode.combined"] &&
          figures["training.dispatched"] === figures["training.combined"],
      ),
    ],
  };
}

/** Has a side write a trace to a file of its own, and takes the file away afterwards. */
async function withTrace(
  side: string,
  use: (path: string) => Promise<PartResult>,
): Promise<PartResult> {
  const folder = mkdtempSync(join(tmpdir(), "faultplane-bench-"));
  try {
    const path = join(folder, "events.trace");
    const { events, recorded } = await runSide(side, [path]);
    if (events !== recorded) throw new Error(`${recorded} of ${events} events were recorded`);
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs W128 in ns-3 and reads what the program prints: `name=value` pairs in a line. */
async function runNs3(program: string, settings: readonly string[]): Promise<SideFigures> {
  const printed = await runProgram(program, ["--mode=raw", ...settings]);
  const value = (name: string): number => Number(printed.match(` ${name}=([0-9.]+)`)?.[1]);
  return {
    packets: value("delivered"),
    events: value("events"),
    cpuSeconds: value("cpu"),
    completionUs: value("sim_us"),
  };
}

function exactly(what: string, holds: boolean): Check {
  return { what, holds, exact: true };
}

function microseconds(ps: number): string {
  return `${(ps / 1e6).toFixed(2)} us`;
}
