/** The only file that names all kinds of device: makes the actor for a place of the topology. */
import type { DeviceFactory } from "../src/model/device.ts";
import { PS_PER_MS } from "../src/model/time.ts";
import { DevicePort } from "../src/model/topology.ts";
import { Controller } from "./controller/controller.ts";
import { Gpu } from "./gpu/gpu.ts";
import { ackTimeoutPs, Nic } from "./nic/nic.ts";
import { Switch } from "./switch/switch.ts";

/** Time that an answer to a probe may take beyond the transport's own clock. */
const PROBE_MARGIN_PS = 10 * PS_PER_MS;

export const makeDevice: DeviceFactory = (actor, services) => {
  const { scenario, topology } = services;
  const { recovery } = scenario;
  const { ackTimeoutExponent, retryCount, waitTimeoutPs } = scenario.transport;
  const idOf = (other: number): string => topology.actors[other].id;
  switch (topology.actors[actor].kind) {
    case "gpu": {
      const untilFailedPs = (retryCount + 1) * ackTimeoutPs(ackTimeoutExponent);
      // With failover the probe may first fail on the usual way, and then the answer on its own.
      const attempts = recovery.failover === "none" ? 1 : 2;
      return new Gpu(actor, services, {
        waitTimeoutPs,
        probeSpanPs: attempts * untilFailedPs + PROBE_MARGIN_PS,
      });
    }
    case "nic":
      return new Nic({
        ackTimeoutExponent,
        retryCount,
        anyOrder: scenario.cluster.switchRouting === "adaptive",
        networkPorts: topology.actors[actor].ports - DevicePort.nicToLeaf,
        idOf,
      });
    case "controller":
      return new Controller(services);
    case "nvswitch":
      return new Switch(topology.routesOf(actor), scenario.cluster.switchRouting);
    default: {
      const { rerouteLocalPs, rerouteManagerPs } = recovery;
      const reroute = { topology, localPs: rerouteLocalPs, managerPs: rerouteManagerPs };
      return new Switch(topology.routesOf(actor), scenario.cluster.switchRouting, reroute);
    }
  }
};
