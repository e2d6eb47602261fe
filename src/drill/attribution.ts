/**
 * Whose fault it was: every assignment of a run that came late, was masked or was lost goes to the
 * fault behind it, by laying the run over its healthy twin (same scenario and seed, no faults).
 * With several faults a chain of runs stands between the two, the k-th with the first k faults by
 * onset; what a link of the chain adds to a delay is that fault's own.
 */
import type { FaultHeal, FaultSpec } from "../model/fault.ts";
import type { AssignmentTotals, FaultTotals } from "../model/window.ts";
import type { RunTrace } from "./trace.ts";

/** Most links of a chain; more faults than that are told in groups. */
export const LINKS_MAX = 8;

/** What one fault, or a group of them, did to the tokens of a run. */
export interface FaultShare {
  /** Names; several when there are more faults than links. */
  readonly faults: readonly string[];
  /** Assignments whose combine came later than in the twin, most of all because of these. */
  readonly delayed: number;
  /** Assignments to whose delay these added, too, and others added more. */
  readonly partly: number;
  /**
   * Delay that these added, over all delayed assignments, ps; it is below 0 when they spared others
   * a wait, as a mask can.
   */
  readonly totalDelayPs: number;
  /** Most that these added to the combine of a rank in a layer, ps. */
  readonly longestDelayPs: number;
  readonly masked: number;
  readonly lost: number;
  /** Combined results that were wrong unseen, and token copies that a checksum refused. */
  readonly corrupted: number;
  readonly refused: number;
}

/** Every assignment of a run, by how it ended, and by fault. */
export interface Attribution {
  readonly shares: readonly FaultShare[];
  readonly dispatched: number;
  /** Combined, in layers that their rank completed no later than in the twin. */
  readonly onTime: number;
  /** Combined, in layers that their rank completed later. */
  readonly delayed: number;
  readonly masked: number;
  readonly lost: number;
  /** Combined in layers that their rank never completed: there is no instant to compare. */
  readonly unfinished: number;
  /** Neither combined, masked nor lost when the run was cut. */
  readonly open: number;
  /** Dispatched in the twin, and in this run never: it was over, or the rank dead, before. */
  readonly neverReached: number;
  /** What does not add up; empty when every assignment is in one place and has a cause. */
  readonly problems: readonly string[];
}

export interface AttributionInput {
  /** Links by onset: the faults that each adds. See {@link linksOf}. */
  readonly links: readonly (readonly FaultSpec[])[];
  /** The healthy twin first, then a run a link; the last is the run itself. */
  readonly chain: readonly RunTrace[];
  readonly assignments: AssignmentTotals;
  readonly twinAssignments: AssignmentTotals;
  readonly byFault: readonly FaultTotals[];
}

/**
 * The faults of a run that was directed: those of the scenario and those that were ordered, with
 * the ends that orders gave them. Without what began at `endPs` or later.
 */
export function faultsInForce(
  faults: readonly FaultSpec[],
  heals: readonly FaultHeal[],
  endPs: number,
): FaultSpec[] {
  const healed = faults.map((fault): FaultSpec => {
    const ends = heals.filter(({ fault: name }) => name === fault.name).map(({ atPs }) => atPs);
    const endsPs = Math.min(...ends, fault.healAtPs ?? Number.POSITIVE_INFINITY);
    if (endsPs === (fault.healAtPs ?? Number.POSITIVE_INFINITY)) return fault;
    const { levels, ...rest } = fault;
    const kept = levels?.filter(({ atPs }) => atPs < endsPs);
    return { ...rest, healAtPs: endsPs, ...(kept === undefined ? {} : { levels: kept }) };
  });
  return healed.filter(
    ({ atPs, healAtPs }) => atPs < endPs && (healAtPs === undefined || healAtPs > atPs),
  );
}

/** Faults as the links of a chain: by onset, one a link, or in {@link LINKS_MAX} groups. */
export function linksOf(faults: readonly FaultSpec[]): FaultSpec[][] {
  const byOnset = [...faults].sort((left, right) => left.atPs - right.atPs);
  const count = Math.min(byOnset.length, LINKS_MAX);
  return Array.from({ length: count }, (_, link) =>
    byOnset.slice(
      Math.floor((link * byOnset.length) / count),
      Math.floor(((link + 1) * byOnset.length) / count),
    ),
  );
}

/** Attributes every assignment of the last run of a chain. */
export function attribute(input: AttributionInput): Attribution {
  const { links, chain, assignments, twinAssignments, byFault } = input;
  const delays = delaysOf(chain, links.length);
  const run = chain[chain.length - 1];
  const { dispatched, combined, masked, lost } = assignments;
  const shares = links.map((faults, link): FaultShare => {
    const names = faults.map(({ name }) => name);
    const own = byFault.filter(({ fault }) => names.includes(fault));
    return {
      faults: names,
      delayed: delays.delayed[link],
      partly: delays.partly[link],
      totalDelayPs: delays.totalPs[link],
      longestDelayPs: delays.longestPs[link],
      masked: own.reduce((sum, totals) => sum + totals.masked, 0),
      lost: own.reduce((sum, totals) => sum + totals.lost, 0),
      corrupted: sumOf(names, (name) => run.faults.get(name)?.corrupted ?? 0),
      refused: sumOf(names, (name) => run.faults.get(name)?.refused ?? 0),
    };
  });
  const totals = {
    dispatched,
    onTime: delays.onTime,
    delayed: delays.late,
    masked,
    lost,
    unfinished: combined - delays.onTime - delays.late,
    open: dispatched - combined - masked - lost,
    neverReached: Math.max(0, twinAssignments.dispatched - dispatched),
  };
  return { shares, ...totals, problems: problemsOf(totals, shares, delays.unexplained) };
}

function sumOf(names: readonly string[], count: (name: string) => number): number {
  return names.reduce((sum, name) => sum + count(name), 0);
}

interface Delays {
  onTime: number;
  late: number;
  /** Late although there is no link, or the twin never completed that layer. */
  unexplained: number;
  readonly delayed: Float64Array;
  readonly partly: Float64Array;
  readonly totalPs: Float64Array;
  readonly longestPs: Float64Array;
}

function delaysOf(chain: readonly RunTrace[], links: number): Delays {
  const run = chain[chain.length - 1];
  const delays: Delays = {
    onTime: 0,
    late: 0,
    unexplained: 0,
    delayed: new Float64Array(links),
    partly: new Float64Array(links),
    totalPs: new Float64Array(links),
    longestPs: new Float64Array(links),
  };
  const added = new Float64Array(links);
  for (const { place, atPs, combined } of run.redone) {
    judge(chain, place, atPs, combined, added, delays);
  }
  for (let place = 0; place < run.combinedAtPs.length; place += 1) {
    const atPs = run.combinedAtPs[place];
    if (!Number.isNaN(atPs)) judge(chain, place, atPs, run.combined[place], added, delays);
  }
  return delays;
}

/** Adds the assignments that a rank completed in a layer at `atPs` to the delays. */
function judge(
  chain: readonly RunTrace[],
  place: number,
  atPs: number,
  combined: number,
  added: Float64Array,
  delays: Delays,
): void {
  const healthyPs = chain[0].combinedAtPs[place];
  if (atPs <= healthyPs) {
    delays.onTime += combined;
    return;
  }
  delays.late += combined;
  if (Number.isNaN(healthyPs) || added.length === 0) {
    delays.unexplained += combined;
    return;
  }
  let beforePs = healthyPs;
  let worst = 0;
  for (let link = 0; link < added.length; link += 1) {
    const isLast = link === added.length - 1;
    const herePs = isLast ? atPs : chain[link + 1].combinedAtPs[place];
    added[link] = Number.isNaN(herePs) ? 0 : herePs - beforePs;
    if (!Number.isNaN(herePs)) beforePs = herePs;
    if (added[link] > added[worst]) worst = link;
  }
  delays.delayed[worst] += combined;
  for (let link = 0; link < added.length; link += 1) {
    delays.totalPs[link] += added[link] * combined;
    if (link !== worst && added[link] > 0) delays.partly[link] += combined;
    if (added[link] > delays.longestPs[link]) delays.longestPs[link] = added[link];
  }
}

function problemsOf(
  totals: Omit<Attribution, "shares" | "problems">,
  shares: readonly FaultShare[],
  unexplained: number,
): string[] {
  const problems: string[] = [];
  if (totals.unfinished < 0) {
    problems.push(`${-totals.unfinished} assignments were completed and are not in the ledger`);
  }
  if (totals.open < 0) problems.push(`${-totals.open} assignments ended and never began`);
  if (unexplained > 0) problems.push(`${unexplained} assignments came late without a fault`);
  for (const key of ["masked", "lost"] as const) {
    const named = shares.reduce((sum, share) => sum + share[key], 0);
    if (named !== totals[key]) {
      problems.push(`${totals[key]} assignments ${key}, ${named} of them by a fault`);
    }
  }
  return problems;
}
