/**
 * Metrics of the emulated fleet under names of our own. Every one counts virtual time or emulated
 * things, and says so; rates over wall time are those of a run that goes at its own speed.
 */
import type { FaultKind } from "../src/model/fault.ts";
import { INTERVENTION_KINDS } from "../src/model/fault.ts";
import { PS_PER_S } from "../src/model/time.ts";
import type { Topology } from "../src/model/topology.ts";
import { type FaultOnTarget, layersPlanned } from "./fact-counts.ts";
import type { Labels, MetricEntry, Sample } from "./metrics-registry.ts";
import { single } from "./metrics-run.ts";
import type { MetricSources } from "./metrics-sources.ts";

/** Bounds of durations, seconds: 1, 2, 5 in each decade from 10 us to 100 s. */
export const DURATION_BUCKETS: readonly number[] = [
  ...[-5, -4, -3, -2, -1, 0, 1].flatMap((power) =>
    [1, 2, 5].map((digit) => Number(`${digit}e${power}`)),
  ),
  100,
];

/** Metrics of ranks, faults, NICs, links and planes. */
export function fabricMetrics(sources: MetricSources): MetricEntry[] {
  return [...rankMetrics(sources), ...faultMetrics(sources), ...networkMetrics(sources)];
}

function rankMetrics({ options, counts, pace }: MetricSources): MetricEntry[] {
  const { scenario, topology } = options;
  const ranks = topology.actors.filter(({ kind }) => kind === "gpu").length;
  const planned = layersPlanned(scenario);
  const { masks } = counts;
  return [
    {
      name: "faultplane_assignments_total",
      type: "counter",
      help:
        "Emulated (token, expert) assignments that ended, as ranks complete layers; the rest, and " +
        "those lost with their owner, when the run is over.",
      labels: ["end"],
      samples: () => [
        { labels: { end: "combined" }, value: atLeast(counts.combined, pace.totals?.combined) },
        { labels: { end: "masked" }, value: atLeast(counts.masked, pace.totals?.masked) },
        { labels: { end: "lost" }, value: pace.totals?.lost ?? 0 },
      ],
    },
    single(
      "counter",
      "tokens_finished_total",
      "Emulated tokens through all layers, those on their way by the layers behind them.",
      () => counts.tokens,
    ),
    single(
      "counter",
      "layers_completed_total",
      "Layers that emulated ranks have completed; those of a step done again count again.",
      () => counts.layers,
    ),
    single(
      "gauge",
      "layers_planned",
      "Layers that all emulated ranks complete in this run.",
      () => planned,
    ),
    single(
      "counter",
      "steps_completed_total",
      "Steps that emulated ranks have completed.",
      () => counts.steps,
    ),
    single("gauge", "ranks", "Emulated ranks, each a GPU.", () => ranks),
    single(
      "gauge",
      "ranks_finished",
      "Emulated ranks that are done with the run.",
      () => counts.finished.size,
    ),
    single(
      "gauge",
      "ranks_masked",
      "Emulated ranks given up by more than half of the others in their EP group.",
      () => masks.mostlyMasked,
    ),
    single(
      "gauge",
      "ranks_trapped",
      "Emulated ranks that gave up waiting and ended their job.",
      () => counts.trapped.size,
    ),
    single(
      "gauge",
      "masks",
      "Pairs of emulated ranks of which the first has given the other up.",
      () => masks.pairs,
    ),
    {
      name: "faultplane_rank_masked_by",
      type: "gauge",
      help: "How many others have given up this emulated rank; ranks that somebody has only.",
      labels: ["rank"],
      samples: () => masks.ranks().map(({ rank, by }) => ({ labels: { rank }, value: by })),
    },
    single(
      "counter",
      "rank_wait_timeouts_total",
      "Times that an emulated rank waited transport.waitTimeout for others.",
      () => counts.waitTimeouts,
    ),
    single(
      "counter",
      "detours_total",
      "Emulated messages that went another way after theirs failed.",
      () => counts.detours,
    ),
    single(
      "counter",
      "copies_refused_total",
      "Emulated payloads that failed their end-to-end checksum.",
      () => counts.copiesRefused,
    ),
    single(
      "counter",
      "mismatches_total",
      "Results that differ from the oracle without a fault: the emulator is wrong.",
      () => counts.mismatches,
    ),
  ];
}

/** Totals know of layers that were not completed; of a step done again only the last time. */
function atLeast(counted: number, total = 0): number {
  return Math.max(counted, total);
}

function faultMetrics({ options, counts, hardware }: MetricSources): MetricEntry[] {
  const { topology, blind } = options;
  const gpus = ofKind(topology, "gpu");
  return [
    {
      name: "faultplane_fault_in_force",
      type: "gauge",
      help:
        "Faults that hold, 1 for each target; layer: emulated, operator (an intervention) or " +
        "host (a process of the emulator was lost). What a blind drill does is not shown.",
      labels: ["fault", "kind", "target", "layer"],
      samples: () =>
        [...counts.faults]
          .filter(({ fault }) => blind?.isOpen(fault) ?? true)
          .map(({ fault, kind, target }) => ({
            labels: { fault, kind, target, layer: layerOf({ fault, kind, target }) },
            value: 1,
          })),
    },
    {
      name: "faultplane_gpu_xid_error",
      type: "gauge",
      help: "Xid that the driver of an emulated GPU reported last and that is not over; 0: none.",
      labels: ["gpu"],
      samples: () => gpus.map(({ index, labels }) => ({ labels, value: hardware.xidOf(index) })),
    },
  ];
}

function layerOf({ kind }: FaultOnTarget): string {
  const interventions: readonly string[] = INTERVENTION_KINDS;
  if (interventions.includes(kind)) return "operator";
  return (kind as FaultKind) === "actors-lost" ? "host" : "emulated";
}

function networkMetrics(sources: MetricSources): MetricEntry[] {
  const { options, counts, hardware, links, pace } = sources;
  const { topology, as } = options;
  const nics = ofKind(topology, "nic");
  const byNic = (name: string, help: string, count: Float64Array): MetricEntry => ({
    ...{ name: `faultplane_${name}`, type: "counter", help, labels: ["nic"] },
    samples: () => nics.map(({ index, labels }) => ({ labels, value: count[index] })),
  });
  const ports = hardware.ports.map(({ nic, plane }, port) => ({
    port,
    labels: { nic: topology.actors[nic].id, plane: `${plane}` },
  }));
  const lanes = lanesShown(topology, as?.has("dcgm") === true);
  const planes = planesOf(topology);
  return [
    byNic(
      "qp_timeouts_total",
      "ACK timeouts of the queue pairs of an emulated NIC.",
      counts.qpTimeouts,
    ),
    byNic(
      "qp_retransmitted_packets_total",
      "Packets that an emulated NIC sent again.",
      counts.retransmitted,
    ),
    byNic(
      "qp_failures_total",
      "Queue pairs of an emulated NIC that ran out of retries.",
      counts.qpFailures,
    ),
    {
      name: "faultplane_nic_port_up",
      type: "gauge",
      help: "Whether the port of an emulated NIC says that its link is up; silent faults do not show.",
      labels: ["nic", "plane"],
      samples: () =>
        ports.map(({ port, labels }) => ({ labels, value: hardware.isPortUp(port) ? 1 : 0 })),
    },
    {
      name: "faultplane_nic_port_downs_total",
      type: "counter",
      help: "Times that the port of an emulated NIC went down.",
      labels: ["nic", "plane"],
      samples: () => ports.map(({ port, labels }) => ({ labels, value: hardware.portDowns[port] })),
    },
    single(
      "counter",
      "route_changes_total",
      "Changes of the routes of emulated switches.",
      () => counts.routeChanges,
    ),
    {
      name: "faultplane_link_bytes_total",
      type: "counter",
      help:
        "Bytes that arrived over one direction of an emulated link, with headers, " +
        "acknowledgements and resends.",
      labels: ["link", "from", "to", "plane"],
      samples: () => lanes.map(({ lane, labels }) => ({ labels, value: links.totals[lane] })),
    },
    {
      name: "faultplane_plane_use_ratio",
      type: "gauge",
      help:
        "Share of the rate of all links between NICs and leaves of an emulated plane that was " +
        "used in the last millisecond of virtual time.",
      labels: ["plane"],
      samples: () => {
        const recent = links.recent(pace.virtualTimePs);
        return planes.map(({ labels, lanes: own }) => {
          let busyPs = 0;
          for (const lane of own) busyPs += recent[lane] * topology.lanes[lane].lane.psPerByte;
          return { labels, value: busyPs / (own.length * links.spanPs) };
        });
      },
    },
    {
      name: "faultplane_plane_rate_bytes_per_second",
      type: "gauge",
      help: "Rate of all links between NICs and leaves of an emulated plane, both ways, virtual.",
      labels: ["plane"],
      samples: () =>
        planes.map(({ labels, lanes: own }) => ({
          labels,
          value: own.reduce((sum, lane) => sum + PS_PER_S / topology.lanes[lane].lane.psPerByte, 0),
        })),
    },
  ];
}

/** Actors of a kind, with the label that names them. */
function ofKind(
  { actors }: Topology,
  kind: "gpu" | "nic",
): { readonly index: number; readonly labels: Labels }[] {
  return actors.flatMap((place, index) =>
    place.kind === kind ? [{ index, labels: { [kind]: place.id } }] : [],
  );
}

const NETWORK: ReadonlySet<string> = new Set(["nic", "leaf", "spine"]);

/** Lanes between NICs, leaves and spines, or all but those of the controller, with their labels. */
function lanesShown(
  { actors, lanes }: Topology,
  all: boolean,
): { readonly lane: number; readonly labels: Labels }[] {
  return lanes.flatMap(({ link, from, to }, lane) => {
    const ends = [actors[from], actors[to]];
    const isNetwork = ends.every(({ kind }) => NETWORK.has(kind));
    if (!isNetwork && (!all || ends.some(({ kind }) => kind === "controller"))) return [];
    const switchPlane = ends.find(({ kind }) => kind === "leaf")?.plane ?? -1;
    const plane = switchPlane < 0 ? "" : `${switchPlane}`;
    return [{ lane, labels: { link, from: ends[0].id, to: ends[1].id, plane } }];
  });
}

/** Lanes between NICs and leaves, by plane, ascending. */
function planesOf({ actors, lanes }: Topology): {
  readonly labels: Labels;
  readonly lanes: readonly number[];
}[] {
  const byPlane = new Map<number, number[]>();
  lanes.forEach(({ from, to }, lane) => {
    const leaf = [actors[from], actors[to]].find(({ kind }) => kind === "leaf");
    const hasNic = actors[from].kind === "nic" || actors[to].kind === "nic";
    if (leaf === undefined || !hasNic) return;
    const own = byPlane.get(leaf.plane) ?? [];
    byPlane.set(leaf.plane, own);
    own.push(lane);
  });
  return [...byPlane]
    .sort(([left], [right]) => left - right)
    .map(([plane, own]) => ({ labels: { plane: `${plane}` }, lanes: own }));
}

/** A sample for each; a shorthand for families of other exporters. */
export function each<Item>(
  items: readonly Item[],
  sample: (item: Item) => Sample | undefined,
): Sample[] {
  return items.flatMap((item) => sample(item) ?? []);
}
