/**
 * What the hardware of a real fleet would say of the faults of a run: Xid errors of GPUs and states
 * of NIC ports, from the facts about faults. Only of what is loud: where a fault is silent, or
 * nobody has published what the hardware says, nothing is said. Names of faults are not in it, so
 * it is shown in blind drills, too.
 */
import { EffectFinder } from "../src/fault/effects.ts";
import type { Fact, FactRecord } from "../src/model/fact.ts";
import type { FaultKind, FaultSpec } from "../src/model/fault.ts";
import type { Topology } from "../src/model/topology.ts";

/** What NVIDIA's driver says of a GPU. */
export const Xid = { nvlink: 74, offTheBus: 79, containedMemory: 94 } as const;

/** Xid of the GPU that a kind of fault hits; see docs/metrics.md for the sources. */
const XID_OF: Partial<Record<FaultKind, number>> = {
  "gpu-dead": Xid.offTheBus,
  "actors-lost": Xid.offTheBus,
  "hbm-uncorrectable": Xid.containedMemory,
};

/** One thing that hardware says. */
export type HardwareSignal =
  | { readonly type: "xid"; readonly atPs: number; readonly gpu: number; readonly xid: number }
  | {
      readonly type: "port";
      readonly atPs: number;
      /** Place in {@link HardwareSignals.ports}. */
      readonly port: number;
      readonly isUp: boolean;
    };

/** A NIC's port to a leaf. */
export interface NicPort {
  /** Index of the NIC among the actors. */
  readonly nic: number;
  readonly plane: number;
  /** As RDMA devices number them, from 1. */
  readonly number: number;
  /** Lanes out of the NIC and into it. */
  readonly out: number;
  readonly into: number;
}

/** What one fault does to one target, as far as hardware tells. */
interface Symptoms {
  /** GPUs, by actor index. */
  readonly gpus: readonly number[];
  readonly xid: number;
  /** GPUs that nothing can be read from. */
  readonly isUnreadable: boolean;
  /** Places of ports. */
  readonly ports: readonly number[];
  /** The node that has crashed with all that could tell; -1: none. */
  readonly node: number;
  isOn: boolean;
}

/** Follows the facts of a run. */
export class HardwareSignals {
  /** All ports of NICs, in the order of actors. */
  readonly ports: readonly NicPort[];
  /** By port: how often it went down. */
  readonly portDowns: Float64Array;
  readonly #downBy: Int32Array;
  /** By actor: Xid errors in force, the last one behind. */
  readonly #xids = new Map<number, number[]>();
  /** By actor: how often it had which Xid. */
  readonly #xidTotals = new Map<number, Map<number, number>>();
  readonly #unreadable = new Map<number, number>();
  readonly #crashed = new Map<number, number>();
  readonly #topology: Topology;
  readonly #effects: EffectFinder;
  readonly #specs = new Map<string, FaultSpec>();
  /** By fault and target. */
  readonly #symptoms = new Map<string, Symptoms>();
  readonly #portOfLane = new Map<number, number>();

  constructor(topology: Topology, faults: readonly FaultSpec[]) {
    this.#topology = topology;
    this.#effects = new EffectFinder(topology);
    this.know(faults);
    this.ports = portsOf(topology);
    this.ports.forEach(({ out, into }, port) => {
      this.#portOfLane.set(out, port);
      this.#portOfLane.set(into, port);
    });
    this.portDowns = new Float64Array(this.ports.length);
    this.#downBy = new Int32Array(this.ports.length);
  }

  /** Faults that were ordered: how loud each is. */
  know(faults: readonly FaultSpec[]): void {
    for (const fault of faults) this.#specs.set(fault.name, fault);
  }

  isPortUp(port: number): boolean {
    return this.#downBy[port] === 0;
  }

  /** The last Xid of a GPU that is not over; 0: none. */
  xidOf(gpu: number): number {
    return this.#xids.get(gpu)?.at(-1) ?? 0;
  }

  /** How often a GPU had which Xid, so far. */
  xidTotalsOf(gpu: number): ReadonlyMap<number, number> {
    return this.#xidTotals.get(gpu) ?? NO_TOTALS;
  }

  /** Is there still something that reads values from a GPU? */
  isReadable(gpu: number): boolean {
    return !this.#unreadable.has(gpu);
  }

  /** Has a server crashed? Then its exporters have, too. */
  isCrashed(node: number): boolean {
    return this.#crashed.has(node);
  }

  /** Takes a fact; what hardware says of it. */
  take({ atPs, fact }: FactRecord): readonly HardwareSignal[] {
    switch (fact.type) {
      case "fault.began":
        return this.#switch(fact, this.#levelAtOnset(fact.fault) > 0, atPs);
      case "fault.changed":
        return this.#switch(fact, fact.permille > 0, atPs);
      case "fault.healed":
        return this.#switch(fact, false, atPs);
      default:
        return NONE;
    }
  }

  #levelAtOnset(fault: string): number {
    return this.#specs.get(fault)?.levels?.[0]?.permille ?? 1000;
  }

  #switch(fact: FaultFact, isOn: boolean, atPs: number): readonly HardwareSignal[] {
    const key = `${fact.fault}\n${fact.target}`;
    let symptoms = this.#symptoms.get(key);
    if (symptoms === undefined) {
      symptoms = this.#symptomsOf(fact);
      this.#symptoms.set(key, symptoms);
    }
    if (symptoms.isOn === isOn) return NONE;
    symptoms.isOn = isOn;
    const { gpus, xid, isUnreadable, ports, node } = symptoms;
    const step = isOn ? 1 : -1;
    // A server that crashes says nothing any more; one that has booted begins anew.
    if (node >= 0) addTo(this.#crashed, node, step);
    const signals: HardwareSignal[] = [];
    for (const gpu of gpus) {
      if (isUnreadable) addTo(this.#unreadable, gpu, step);
      if (isOn) signals.push({ type: "xid", atPs, gpu, xid });
      this.#switchXid(gpu, xid, isOn);
    }
    for (const port of ports) {
      const wasUp = this.#downBy[port] === 0;
      this.#downBy[port] += step;
      const isUp = this.#downBy[port] === 0;
      if (wasUp === isUp) continue;
      if (!isUp) this.portDowns[port] += 1;
      if (node !== this.#topology.actors[this.ports[port].nic].node) {
        signals.push({ type: "port", atPs, port, isUp });
      }
    }
    return signals;
  }

  #switchXid(gpu: number, xid: number, isOn: boolean): void {
    const inForce = this.#xids.get(gpu) ?? [];
    this.#xids.set(gpu, inForce);
    if (!isOn) {
      inForce.splice(inForce.lastIndexOf(xid), 1);
      return;
    }
    inForce.push(xid);
    const totals = this.#xidTotals.get(gpu) ?? new Map<number, number>();
    this.#xidTotals.set(gpu, totals);
    addTo(totals, xid, 1);
  }

  #symptomsOf({ fault, kind, target }: FaultFact): Symptoms {
    const known = this.#specs.get(fault);
    const faultKind = kind as FaultKind;
    const isSilent = known?.parameters?.silent === true;
    const { parameters } = known ?? {};
    const spec: FaultSpec = {
      name: fault,
      kind: faultKind,
      targets: [target],
      atPs: 0,
      ...(parameters === undefined ? {} : { parameters }),
    };
    const { laneEffect, actorEffect, shownLanes, actors } = this.#effects.effectsOf(spec);
    const tells = !isSilent && (laneEffect === "down" || actorEffect === "dead");
    const shown = tells ? shownLanes : [];
    const ports = new Set(shown.flatMap((lane) => this.#portOfLane.get(lane) ?? []));
    const { gpus, xid } = tells ? this.#xidOf(faultKind, actors) : NO_XID;
    return {
      gpus,
      xid,
      isUnreadable: xid === Xid.offTheBus,
      ports: [...ports],
      node: tells && kind === "node-crash" ? this.#topology.actors[actors[0]].node : -1,
      isOn: false,
    };
  }

  /** GPUs that have an Xid because of what is dead. */
  #xidOf(kind: FaultKind, dead: readonly number[]): { gpus: readonly number[]; xid: number } {
    const { actors } = this.#topology;
    const xid = XID_OF[kind];
    if (xid !== undefined) return { gpus: dead.filter((one) => actors[one].kind === "gpu"), xid };
    if (kind !== "switch-down") return NO_XID;
    // GPUs whose NVLink ends at a dead NVSwitch see the link fail.
    const nodes = dead.filter((one) => actors[one].kind === "nvswitch").map((one) => actors[one]);
    const gpus = actors.flatMap(({ kind: other, node }, actor) =>
      other === "gpu" && nodes.some((place) => place.node === node) ? [actor] : [],
    );
    return { gpus, xid: Xid.nvlink };
  }
}

type FaultFact = Fact & { type: "fault.began" | "fault.changed" | "fault.healed" };

const NONE: readonly HardwareSignal[] = [];
const NO_TOTALS: ReadonlyMap<number, number> = new Map();
const NO_XID = { gpus: [], xid: 0 } as const;

/** Counts up or down; what is 0 is not kept. */
function addTo(counts: Map<number, number>, key: number, step: number): void {
  const count = (counts.get(key) ?? 0) + step;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function portsOf({ actors, lanes }: Topology): NicPort[] {
  const into = new Map<string, number>();
  lanes.forEach(({ from, link }, lane) => {
    if (actors[from].kind === "leaf") into.set(link, lane);
  });
  const ports = lanes.flatMap(({ from, to, fromPort, link }, out) => {
    if (actors[from].kind !== "nic" || actors[to].kind !== "leaf") return [];
    const { plane } = actors[to];
    return [{ nic: from, plane, number: fromPort, out, into: into.get(link) ?? -1 }];
  });
  return ports.sort((left, right) => left.nic - right.nic || left.number - right.number);
}
