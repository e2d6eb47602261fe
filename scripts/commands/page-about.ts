/** What the page of a run is told once, and the files that the page consists of. */
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { OperatingError } from "../../cluster/errors.ts";
import type { PageFile } from "../../cluster/view-server.ts";
import { expertsOnRanks } from "../../src/drill/experts-out.ts";
import { CATALOGUE } from "../../src/fault/catalogue.ts";
import { FAULT_KINDS } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import type { Topology } from "../../src/model/topology.ts";
import { bytesPerSecondOf } from "../../src/observe/lane-use.ts";
import type { FaultKindView, RunView } from "../../src/observe/view-api.ts";
import { makeExpertMap } from "../../src/workload/expert-map.ts";
import { makeSchedule } from "../../src/workload/schedules.ts";
import { Exit } from "./exit-codes.ts";
import { packageRoot } from "./package-files.ts";

/** Kinds of files of the page. */
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** A run for which a page is made. */
export interface PagedRun {
  readonly faultplane: string;
  readonly runId: string;
  /** Of the drill, or of the scenario. */
  readonly title: string;
  readonly scenario: Scenario;
  readonly topology: Topology;
  readonly isBlind: boolean;
}

/** All that does not change while the run goes on. */
export function aboutRun(run: PagedRun): Omit<RunView, "isLive"> {
  const { faultplane, runId, scenario, topology, isBlind } = run;
  const { cluster, workload } = scenario;
  const { actors, lanes } = topology;
  return {
    ...{ faultplane, runId, isBlind },
    title: isBlind ? "blind drill" : run.title,
    seed: scenario.run.seed,
    placement: scenario.run.placement,
    cluster: {
      nodes: cluster.nodes,
      gpusPerNode: cluster.gpusPerNode,
      planes: cluster.planes,
      network: cluster.network,
    },
    workload: {
      phase: workload.phase,
      protocol: workload.protocol,
      layers: workload.layers,
      steps: workload.steps,
      chains: makeSchedule(scenario).chains,
      tokensPerGpu: workload.tokensPerGpu,
    },
    actors: {
      id: actors.map(({ id }) => id),
      kind: actors.map(({ kind }) => kind),
      node: actors.map(({ node }) => node),
      plane: actors.map(({ plane }) => plane),
      ordinal: actors.map(({ ordinal }) => ordinal),
    },
    lanes: {
      link: lanes.map(({ link }) => link),
      from: lanes.map(({ from }) => from),
      to: lanes.map(({ to }) => to),
      bytesPerSecond: lanes.map(bytesPerSecondOf),
    },
    experts: expertsOnRanks(makeExpertMap(scenario), scenario),
    trafficEveryPs: scenario.run.trafficEveryPs,
    faultKinds: FAULT_KINDS.map(kindView),
  };
}

function kindView(kind: (typeof FAULT_KINDS)[number]): FaultKindView {
  const { about, targets, parameters } = CATALOGUE[kind];
  return {
    kind,
    about,
    targets,
    parameters: parameters.map(({ key, fallback }) => ({ key, fallback })),
  };
}

/** The built page, by path. Throws OperatingError E062 when this package lacks it. */
export function pageFiles(): ReadonlyMap<string, PageFile> {
  const folder = join(packageRoot(), "dist", "page");
  const files = new Map<string, PageFile>();
  try {
    for (const name of readdirSync(folder)) {
      const type = TYPES[extname(name)];
      if (type === undefined) continue;
      const path = name === "index.html" ? "/" : `/${name}`;
      files.set(path, { type, bytes: readFileSync(join(folder, name)) });
    }
  } catch {
    // The same as a folder that has nothing in it.
  }
  if (files.has("/")) return files;
  const message = `the page is not there: no index.html in '${folder}'`;
  throw new OperatingError("E062", message, "install Faultplane again", Exit.unavailable);
}
