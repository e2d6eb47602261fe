/**
 * What the catalogue of faults says of one kind, and the words that it uses. Only types and words;
 * the kinds stand in catalogue.ts.
 */
import type { FAULT_KINDS } from "../model/fault.ts";

/** A kind of fault that can be asked for. */
export type FaultName = (typeof FAULT_KINDS)[number];

/** What a fault can hit: a device, or several under one name. */
export const TARGET_KINDS = [
  "gpu",
  "nic",
  "nvswitch",
  "leaf",
  "spine",
  "node",
  "plane",
  "link",
  "direction",
  "expert",
  "controller",
] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];

/** Keys under which a scenario says how hard a fault hits. */
export type ParameterKey =
  | "slowdown"
  | "loss"
  | "spared"
  | "extraLatency"
  | "kvRate"
  | "load"
  | "flips"
  | "share";

/** One parameter of a kind; `fallback`, `least` and `most` in the unit that a file writes. */
export interface ParameterEntry {
  readonly key: ParameterKey;
  readonly fallback: number | string;
  readonly range: string;
  readonly about: string;
}

/** Does the hardware say that something is broken (ports go down), or do only clocks find out? */
export type Visibility = "loud" | "silent";

/** Times of a fault that comes and goes. */
export interface FlapTimes {
  readonly downPs: number;
  readonly upPs: number;
  readonly repeats: number;
}

/** What is known of one kind. */
export interface CatalogueEntry {
  readonly kind: FaultName;
  /** One sentence. */
  readonly about: string;
  /** Kinds of target; a domain such as `plane=3` means those of the first kind. */
  readonly targets: readonly TargetKind[];
  readonly parameters: readonly ParameterEntry[];
  /** How long its lease is when nothing is said, ps; undefined: to the end of the run. */
  readonly leasePs?: number;
  /** How it comes and goes when nothing is said. */
  readonly flap?: FlapTimes;
  /** How often it is seen at 2,048 GPUs, a day; undefined: no rate is published. */
  readonly perDay?: { readonly least: number; readonly most: number };
  readonly visibility: Visibility;
  /** May a file choose its visibility? Only where ports can go down. */
  readonly isVisibilityFree: boolean;
  /** Is it all or nothing? Then it has no ramp. */
  readonly isWhole: boolean;
  readonly source: string;
}
