/**
 * Entry point of one side of a comparison: does its workload and prints its figures as one line of
 * JSON. Started by the bench, never by hand.
 */
import { trainingScenario } from "../validation/training-rows.ts";
import { decodeScenario } from "./bench-scenarios.ts";
import { recordLayerTrace, runHeapGrowth, runLayer } from "./ep-layer.ts";
import { runFleet } from "./fleet.ts";
import type { SideFigures } from "./measure.ts";
import { runObjectHeap } from "./object-heap.ts";
import { compareReporting } from "./reporting.ts";
import { recordW128Trace, runW128 } from "./w128-side.ts";
import { runStep } from "./whole-step.ts";
import { compareWindows } from "./windows.ts";

type Side = (settings: readonly string[]) => SideFigures | Promise<SideFigures>;

const SIDES: Readonly<Record<string, Side>> = {
  w128: () => runW128(),
  "w128-trace": ([path]) => recordW128Trace(path),
  "object-heap": ([path]) => runObjectHeap(path),
  layer: () => runLayer(),
  "layer-trace": ([path]) => recordLayerTrace(path),
  "heap-growth": () => runHeapGrowth(),
  windows: ([workers, rounds]) => compareWindows(Number(workers), Number(rounds)),
  reporting: ([workers, rounds]) => compareReporting(Number(workers), Number(rounds)),
  fleet: () => runFleet(),
  decode: () => runStep(decodeScenario()),
  training: () => runStep(trainingScenario("mpft", "overlapped", 1)),
};

const [name, ...settings] = process.argv.slice(2);
const figures = await SIDES[name](settings);
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
