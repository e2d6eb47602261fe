/** The only file that names all kinds of device: makes the actor for a place of the topology. */
import type { DeviceFactory } from "../src/model/device.ts";
import { PS_PER_MS } from "../src/model/time.ts";
import { Gpu } from "./gpu/gpu.ts";
import { ackTimeoutPs, Nic } from "./nic/nic.ts";
import { Switch } from "./switch/switch.ts";

/** Time that an answer to a probe may take beyond the transport's own clock. */
const PROBE_MARGIN_PS = 10 * PS_PER_MS;

export const makeDevice: DeviceFactory = (actor, services) => {
  const { scenario, topology } = services;
  const { ackTimeoutExponent, retryCount, waitTimeoutPs } = scenario.transport;
  const idOf = (other: number): string => topology.actors[other].id;
  switch (topology.actors[actor].kind) {
    case "gpu": {
      const untilFailedPs = (retryCount + 1) * ackTimeoutPs(ackTimeoutExponent);
      return new Gpu(actor, services, {
        waitTimeoutPs,
        probeSpanPs: untilFailedPs + PROBE_MARGIN_PS,
      });
    }
    case "nic":
      return new Nic({
        ackTimeoutExponent,
        retryCount,
        anyOrder: scenario.cluster.switchRouting === "adaptive",
        idOf,
      });
    default:
      return new Switch(topology.routesOf(actor), scenario.cluster.switchRouting);
  }
};
