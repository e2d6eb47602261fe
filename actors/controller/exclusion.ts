/**
 * Who has to leave a group so that all who stay can work together. Ranks say whom they gave up; a
 * rank *explains* that when it is one of the two, or when messages between them pass through it
 * (PXN). The smallest set that explains everything is sought greedily. No time, no messages.
 */
import type { Scenario } from "../../src/model/scenario.ts";

/** `by` gave `about` up because of a fault, or said of itself that it takes no further part. */
export interface Grievance {
  readonly by: number;
  readonly about: number;
  readonly fault: number;
}

/** How the ranks of a group reach each other. */
export interface GroupShape {
  readonly size: number;
  readonly ranksPerNode: number;
  /** Planes that the NICs of a node are on; 1: every NIC reaches every other. */
  readonly planes: number;
  /** Who passes messages on, so that two others need it. */
  readonly relays: "none" | "pxn" | "normal";
}

export function groupShapeOf({ cluster, workload }: Scenario): GroupShape {
  const { epSize, protocol, intraNode } = workload;
  const ranksPerNode = Math.min(epSize, cluster.gpusPerNode);
  const isOneNode = epSize === ranksPerNode;
  const isStraight = intraNode === "rdma" || cluster.nicPorts === "multi-port";
  const pxn = isStraight ? "none" : "pxn";
  return {
    size: epSize,
    ranksPerNode,
    planes: cluster.planes,
    relays: isOneNode ? "none" : protocol === "normal" ? "normal" : pxn,
  };
}

export class Exclusion {
  readonly #shape: GroupShape;
  #grievances: Grievance[] = [];
  /** By rank: 1 when its hardware says that it is cut off. */
  readonly #isSick: Uint8Array;

  constructor(shape: GroupShape) {
    this.#shape = shape;
    this.#isSick = new Uint8Array(shape.size);
  }

  /** Takes a grievance down; `isSick`: the one who has it sees its own ports down. */
  add(grievance: Grievance, isSick = false): void {
    this.#grievances.push(grievance);
    if (isSick) this.#isSick[grievance.by] = 1;
  }

  clear(): void {
    this.#grievances = [];
    this.#isSick.fill(0);
  }

  /**
   * The first fault that anybody gives for a rank, else that it gives itself; undefined: nobody.
   */
  faultOf(rank: number): number | undefined {
    const named = this.#grievances.filter(({ fault }) => fault >= 0);
    const grievance =
      named.find(({ about }) => about === rank) ?? named.find(({ by }) => by === rank);
    return grievance?.fault;
  }

  /**
   * Ranks that have to leave, ascending, of those that are in (`isIn`, by rank): those that leave
   * already, and what is needed beyond them.
   */
  leavers(isIn: Uint8Array, leaving: readonly number[] = []): number[] {
    const stays = isIn.slice();
    const leavers: number[] = [];
    let left = this.#pairs(stays);
    const leave = (rank: number): void => {
      stays[rank] = 0;
      leavers.push(rank);
      left.push(...this.#cutOffBy(rank));
      left = left.filter(
        ([a, b]) => stays[a] !== 0 && stays[b] !== 0 && !this.#passThrough(a, b).includes(rank),
      );
    };
    for (const rank of leaving) leave(rank);
    while (left.length > 0) leave(this.#worstOf(left, stays));
    return leavers.sort((a, b) => a - b);
  }

  /**
   * Of some ranks that want to come in those that can work with all that are in (`isIn`) while
   * everybody else is out: in the normal protocol two ranks need those that pass on between them.
   */
  fit(candidates: readonly number[], isIn: Uint8Array): number[] {
    let fit = [...candidates];
    for (;;) {
      const present = isIn.slice();
      for (const rank of fit) present[rank] = 1;
      const out = Array.from(present.keys()).filter((rank) => present[rank] === 0);
      const cut = out
        .flatMap((rank) => this.#cutOffBy(rank))
        .filter(([a, b]) => present[a] !== 0 && present[b] !== 0);
      const still = fit.filter((rank) => !cut.some(([a, b]) => a === rank || b === rank));
      if (still.length === fit.length) return fit;
      fit = still;
    }
  }

  /** Pairs of ranks that stay and cannot work together, each once. */
  #pairs(stays: Uint8Array): [number, number][] {
    const { size } = this.#shape;
    const keys = new Set<number>();
    for (const { by, about } of this.#grievances) {
      if (stays[by] === 0 || stays[about] === 0) continue;
      keys.add(Math.min(by, about) * size + Math.max(by, about));
    }
    return [...keys]
      .sort((a, b) => a - b)
      .map((key) => [Math.floor(key / size), key % size] as [number, number]);
  }

  /**
   * The rank that explains most pairs; of equals one that is sick, then the one of which most
   * complain, then one that said nothing, then the lowest.
   */
  #worstOf(pairs: readonly (readonly [number, number])[], stays: Uint8Array): number {
    const explains = new Int32Array(this.#shape.size);
    for (const [a, b] of pairs) {
      // Messages go round who is out already.
      for (const rank of new Set([a, b, ...this.#passThrough(a, b)])) explains[rank] += stays[rank];
    }
    const against = new Int32Array(this.#shape.size);
    const says = new Int32Array(this.#shape.size);
    for (const { by, about } of this.#grievances) {
      against[about] += 1;
      says[by] += 1;
    }
    let worst = pairs[0][0];
    const isWorse = (rank: number): boolean => {
      const order =
        explains[rank] - explains[worst] ||
        this.#isSick[rank] - this.#isSick[worst] ||
        against[rank] - against[worst] ||
        Number(says[rank] === 0) - Number(says[worst] === 0);
      return order > 0 || (order === 0 && rank < worst);
    };
    for (let rank = 0; rank < explains.length; rank += 1) if (isWorse(rank)) worst = rank;
    return worst;
  }

  /** Ranks that messages between two pass through, and that others can stand in for. */
  #passThrough(a: number, b: number): number[] {
    const { relays, planes } = this.#shape;
    if (relays !== "pxn" || this.#nodeOf(a) === this.#nodeOf(b)) return [];
    if (this.#localOf(a) % planes === this.#localOf(b) % planes) return [];
    return [this.#across(a, b), this.#across(b, a)];
  }

  /** Normal protocol: pairs that cannot work together without a rank. */
  #cutOffBy(rank: number): [number, number][] {
    const { relays, size, ranksPerNode } = this.#shape;
    if (relays !== "normal") return [];
    const all = Array.from({ length: size }, (_, other) => other);
    const here = all.filter(
      (other) => other !== rank && this.#nodeOf(other) === this.#nodeOf(rank),
    );
    const there = all.filter(
      (other) => other !== rank && other % ranksPerNode === this.#localOf(rank),
    );
    return here.flatMap((one) => there.map((other) => [one, other] as [number, number]));
  }

  /** The rank on the node of one in the place of the other. */
  #across(one: number, other: number): number {
    return this.#nodeOf(one) * this.#shape.ranksPerNode + this.#localOf(other);
  }

  #nodeOf(rank: number): number {
    return Math.floor(rank / this.#shape.ranksPerNode);
  }

  #localOf(rank: number): number {
    return rank % this.#shape.ranksPerNode;
  }
}
