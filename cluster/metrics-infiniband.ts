/**
 * NIC metrics under names that rules know: those of node_exporter's InfiniBand collector (the ones
 * from hw_counters as of its version 1.11), and of `rdma statistic` with the prefix `rdma_`. Only
 * what the emulation knows; docs/metrics.md says how each is derived, and what is missing.
 */
import { PS_PER_S } from "../src/model/time.ts";
import { nicNames } from "./device-names.ts";
import type { NicPort } from "./hardware-signals.ts";
import { each } from "./metrics-own.ts";
import type { Labels, MetricEntry } from "./metrics-registry.ts";
import type { MetricSources } from "./metrics-sources.ts";

/** Port states of InfiniBand. */
const State = { down: 1, active: 4 } as const;
const PhysicalState = { polling: 2, linkUp: 5 } as const;

interface Port extends NicPort {
  readonly place: number;
  readonly node: number;
  readonly labels: Labels;
}

/** Values by port, of servers that have not crashed. */
function portMetric(
  { options, hardware }: MetricSources,
  prefix: string,
): (
  type: MetricEntry["type"],
  name: string,
  help: string,
  value: (port: Port) => number,
) => MetricEntry {
  const { actors } = options.topology;
  const ports: Port[] = hardware.ports.map((port, place) => {
    const { host, device } = nicNames(actors[port.nic]);
    const labels = { node: host, device, port: `${port.number}` };
    return { ...port, place, node: actors[port.nic].node, labels };
  });
  return (type, name, help, value) => ({
    ...{ name: `${prefix}${name}`, type, help: `Emulated: ${help}` },
    labels: ["node", "device", "port"],
    samples: () =>
      each(ports, (port) =>
        hardware.isCrashed(port.node) ? undefined : { labels: port.labels, value: value(port) },
      ),
  });
}

/**
 * The counters of a NIC's queue pairs, which a NIC with several ports has only once: its first port
 * shows them, as the others have 0.
 */
function once(port: Port, count: Float64Array): number {
  return port.number === 1 ? count[port.nic] : 0;
}

export function infinibandMetrics(sources: MetricSources): MetricEntry[] {
  const { options, counts, hardware, links } = sources;
  const { lanes } = options.topology;
  const metric = portMetric(sources, "node_infiniband_");
  return [
    metric(
      "counter",
      "port_data_transmitted_bytes_total",
      "number of data octets transmitted on all links; those that arrived.",
      ({ out }) => links.totals[out],
    ),
    metric(
      "counter",
      "port_data_received_bytes_total",
      "number of data octets received on all links.",
      ({ into }) => links.totals[into],
    ),
    metric(
      "counter",
      "link_downed_total",
      "number of times the link failed to recover from an error state and went down.",
      ({ place }) => hardware.portDowns[place],
    ),
    metric(
      "gauge",
      "state_id",
      "state of the InfiniBand port (1: down, 4: active).",
      ({ place }) => (hardware.isPortUp(place) ? State.active : State.down),
    ),
    metric(
      "gauge",
      "physical_state_id",
      "physical state of the InfiniBand port (2: polling, 5: link up).",
      ({ place }) => (hardware.isPortUp(place) ? PhysicalState.linkUp : PhysicalState.polling),
    ),
    metric(
      "gauge",
      "rate_bytes_per_second",
      "signal transfer rate; a port that a silent fault has slow says its own.",
      ({ out }) => PS_PER_S / lanes[out].lane.psPerByte,
    ),
    metric(
      "counter",
      "local_ack_timeout_errors_total",
      "number of times that the ACK timer of a queue pair expired at the sender.",
      (port) => once(port, counts.qpTimeouts),
    ),
    metric(
      "counter",
      "packet_sequence_errors_total",
      "number of received NAK sequence error packets.",
      (port) => once(port, counts.naks),
    ),
    metric(
      "counter",
      "req_cqes_errors_total",
      "number of completions with an error at the requester: one a failed queue pair.",
      (port) => once(port, counts.qpFailures),
    ),
  ];
}

export function rdmaMetrics(sources: MetricSources): MetricEntry[] {
  const { counts } = sources;
  const metric = portMetric(sources, "rdma_");
  return [
    metric(
      "counter",
      "local_ack_timeout_err",
      "number of times that the ACK timer of a queue pair expired at the sender.",
      (port) => once(port, counts.qpTimeouts),
    ),
    metric("counter", "packet_seq_err", "number of received NAK sequence error packets.", (port) =>
      once(port, counts.naks),
    ),
    metric(
      "counter",
      "req_cqe_error",
      "number of completions with an error at the requester: one a failed queue pair.",
      (port) => once(port, counts.qpFailures),
    ),
  ];
}
