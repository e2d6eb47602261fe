/**
 * The report of a run: verdict, where every assignment ended, and what the host saw. The object is
 * what `--json` prints and report.json holds; the texts say the same for people, with each figure's
 * source in words. Pure: it reads no clock and writes nothing.
 */

import type { Scenario } from "../src/model/scenario.ts";
import { formatTime } from "../src/model/time.ts";
import type { AssignmentTotals, FaultTotals } from "../src/model/window.ts";
import type { RunOutcome } from "./run-cluster.ts";
import type { FaultStory, RunStory } from "./run-story.ts";

export type Verdict = "PASS" | "FAIL" | "INVALID";

/** What `--json` prints. Durations in the unit that the name ends in. */
export interface RunReport {
  readonly format: "faultplane-report";
  readonly version: 1;
  readonly faultplane: string;
  readonly title: string;
  readonly runId: string;
  readonly verdict: Verdict;
  /** Why the verdict is not PASS; empty when it is. */
  readonly reasons: readonly string[];
  /** How the run ended: finished, interrupted, time-limit, worker-lost or stuck. */
  readonly end: string;
  readonly digest: string;
  readonly seed: string;
  readonly scenarioHash: string;
  readonly placement: string;
  readonly speed: number | "max";
  readonly assignments: AssignmentTotals;
  readonly byFault: readonly FaultTotals[];
  readonly mismatches: number;
  /** Masked assignments that no fault explains; the run is INVALID then. */
  readonly unexplained: number;
  readonly violations: readonly string[];
  /** Packets that NICs sent again, by timeout or on a NAK. */
  readonly retransmittedPackets: number;
  readonly ranks: { readonly total: number; readonly finished: number };
  /** Over all layers and ranks: the middle and the longest time from start to end of a layer. */
  readonly layers: { readonly medianNs: number; readonly slowestNs: number };
  readonly faults: readonly FaultReport[];
  /** Counters of the kernel, by their names there. */
  readonly fabric: Readonly<Record<string, number>>;
  readonly virtualTimeNs: number;
  /** Virtual time of one decode step; missing unless the run finished. */
  readonly stepTimeNs?: number;
  /** Tokens of the whole cluster per virtual second; missing unless the run finished. */
  readonly tokensPerSecond?: number;
  readonly wallSeconds: number;
  /** Most that a paced run was late. */
  readonly lagSeconds: number;
  readonly events: number;
  readonly windows: number;
  readonly processes: number;
  /** Sum of every process's own peak. */
  readonly peakRssBytes: number;
  readonly runDir: string;
}

/** One fault, and when the fleet felt it; virtual time. */
export interface FaultReport {
  readonly fault: string;
  readonly kind: string;
  readonly targets: readonly string[];
  readonly atNs: number;
  readonly healAtNs?: number;
  readonly firstTimeoutNs?: number;
  readonly firstMaskNs?: number;
}

/** What a report is made of. */
export interface ReportInput {
  readonly scenario: Scenario;
  readonly outcome: RunOutcome;
  readonly faultplane: string;
  readonly runId: string;
  readonly scenarioHash: string;
  readonly runDir: string;
  readonly retransmittedPackets: number;
  readonly story: RunStory;
  /** When the last rank finished, ps; without it the last event counts. */
  readonly finishedAtPs?: number;
}

/** Judges a run and gathers its figures. */
export function makeReport(input: ReportInput): RunReport {
  const { scenario, outcome } = input;
  const { verdict, reasons } = judge(scenario, outcome);
  const steps = scenario.workload.steps;
  const spanPs = input.finishedAtPs ?? outcome.virtualTimePs;
  const finished = outcome.end === "finished" && spanPs > 0;
  return {
    format: "faultplane-report",
    version: 1,
    faultplane: input.faultplane,
    title: scenario.title,
    runId: input.runId,
    verdict,
    reasons,
    end: outcome.end,
    digest: outcome.digest,
    seed: scenario.run.seed,
    scenarioHash: input.scenarioHash,
    placement: scenario.run.placement,
    speed: scenario.run.speed,
    assignments: outcome.assignments,
    byFault: outcome.byFault,
    mismatches: outcome.mismatches,
    unexplained: outcome.unexplained,
    violations: outcome.end === "finished" ? outcome.violations : [],
    retransmittedPackets: input.retransmittedPackets,
    ranks: { total: input.story.ranks, finished: input.story.ranksFinished },
    layers: {
      medianNs: input.story.medianLayerPs / 1e3,
      slowestNs: input.story.slowestLayerPs / 1e3,
    },
    faults: input.story.faults.map(faultReport),
    fabric: outcome.fabric,
    virtualTimeNs: outcome.virtualTimePs / 1e3,
    ...(finished
      ? {
          stepTimeNs: spanPs / steps / 1e3,
          tokensPerSecond: (input.story.tokensFinished * 1e12) / spanPs,
        }
      : {}),
    wallSeconds: outcome.wallSeconds,
    lagSeconds: outcome.maxLagSeconds,
    events: outcome.events,
    windows: outcome.windows,
    processes: outcome.processes,
    peakRssBytes: outcome.peakRssBytes,
    runDir: input.runDir,
  };
}

/**
 * PASS: the accounts balance, every combine equals the oracle, no invariant broke. FAIL: one of
 * these does not hold. INVALID: the run cannot say (cut short, a fault that never began, late,
 * nothing done). FAIL goes before INVALID: a wrong result is wrong however the run ended.
 */
export function judge(
  scenario: Scenario,
  outcome: RunOutcome,
): { verdict: Verdict; reasons: string[] } {
  const { dispatched, combined, masked, lost } = outcome.assignments;
  const failures: string[] = [];
  if (outcome.mismatches > 0) {
    failures.push(`${outcome.mismatches} combined results differ from the oracle`);
  }
  // What has to hold at the end cannot hold in the middle: frames on their way, packets in use.
  if (outcome.end === "finished") failures.push(...outcome.violations);
  if (outcome.end === "stuck") failures.push(`stuck: ${outcome.detail ?? "nothing left to do"}`);
  const sum = combined + masked + lost;
  if (outcome.end === "finished" && dispatched !== sum) {
    failures.push(`accounts do not balance: ${dispatched} dispatched, ${sum} ended`);
  }
  if (failures.length > 0) return { verdict: "FAIL", reasons: failures };

  const doubts: string[] = [];
  if (outcome.end !== "finished") {
    const detail = outcome.detail === undefined ? "" : `: ${outcome.detail}`;
    doubts.push(`${END_WORDS[outcome.end] ?? outcome.end}${detail}`);
  } else {
    const begun = new Set(outcome.faultsBegun);
    for (const { name } of scenario.faults) {
      if (!begun.has(name)) doubts.push(`fault '${name}' never began: the run was over before`);
    }
  }
  const { speed, lagBudgetSeconds } = scenario.run;
  if (speed !== "max" && outcome.maxLagSeconds > lagBudgetSeconds) {
    doubts.push(
      `ran ${outcome.maxLagSeconds.toFixed(3)} s late; the lag budget is ${lagBudgetSeconds} s`,
    );
  }
  if (outcome.unexplained > 0) {
    doubts.push(
      `${outcome.unexplained} assignments were masked without a fault: the ACK timeout ` +
        "(transport.ackTimeoutExponent) or the wait is shorter than the queues of this network",
    );
  }
  if (dispatched === 0 && outcome.end !== "worker-lost") doubts.push("nothing was dispatched");
  return { verdict: doubts.length > 0 ? "INVALID" : "PASS", reasons: doubts };
}

const END_WORDS: Readonly<Record<string, string>> = {
  interrupted: "interrupted",
  "time-limit": "time limit reached",
  "worker-lost": "a worker process was lost",
};

function faultReport(story: FaultStory): FaultReport {
  const { fault, kind, targets, atPs, healAtPs, firstTimeoutPs, firstMaskPs } = story;
  return {
    fault,
    kind,
    targets,
    atNs: atPs / 1e3,
    ...(healAtPs === undefined ? {} : { healAtNs: healAtPs / 1e3 }),
    ...(firstTimeoutPs === undefined ? {} : { firstTimeoutNs: firstTimeoutPs / 1e3 }),
    ...(firstMaskPs === undefined ? {} : { firstMaskNs: firstMaskPs / 1e3 }),
  };
}

/** A heading, a name and value a row, or a paragraph. */
export interface ReportSection {
  readonly title: string;
  readonly rows: readonly (readonly [name: string, value: string, source: string])[];
}

/** The report's tables, the same for the terminal and for Markdown. */
export function sectionsOf(report: RunReport): ReportSection[] {
  const { dispatched, combined, masked, lost } = report.assignments;
  const shareOf = (part: number): string =>
    dispatched === 0 ? "" : `${((100 * part) / dispatched).toFixed(3)} %`;
  const accounts: [string, string, string][] = [
    ["dispatched", whole(dispatched), "(token, expert) assignments, counted by the owning ranks"],
    ["= combined", whole(combined), `${shareOf(combined)}, each checked against the oracle`],
    ["+ masked", whole(masked), `${shareOf(masked)}, given up on purpose`],
  ];
  for (const fault of report.byFault) {
    if (fault.masked > 0)
      accounts.push([`    ${fault.fault}`, whole(fault.masked), "by this fault"]);
  }
  accounts.push(["+ lost", whole(lost), `${shareOf(lost)}, their owner died`]);
  for (const fault of report.byFault) {
    if (fault.lost > 0) accounts.push([`    ${fault.fault}`, whole(fault.lost), "by this fault"]);
  }
  const open = dispatched - combined - masked - lost;
  if (open !== 0) accounts.push(["+ still open", whole(open), "the run did not get to them"]);

  const emulated: [string, string, string][] = [
    ["virtual time", formatTime(report.virtualTimeNs * 1e3), "emulated clock"],
  ];
  if (report.stepTimeNs !== undefined) {
    emulated.push(["decode step", formatTime(report.stepTimeNs * 1e3), "emulated clock, a step"]);
  }
  if (report.tokensPerSecond !== undefined) {
    const rate = `${report.tokensPerSecond.toPrecision(5)} tokens/s`;
    emulated.push(["throughput", rate, "emulated clock, ranks that finished, layers that run"]);
  }
  const { ranks, layers } = report;
  emulated.push(["ranks finished", `${ranks.finished} of ${ranks.total}`, "counted"]);
  if (layers.medianNs > 0) {
    emulated.push(["layer, median", formatTime(layers.medianNs * 1e3), "emulated clock"]);
    emulated.push(["layer, longest", formatTime(layers.slowestNs * 1e3), "emulated clock"]);
  }
  emulated.push(["retried packets", whole(report.retransmittedPackets), "sent again by NICs"]);
  for (const [name, value] of Object.entries(report.fabric)) {
    if (value === 0) continue;
    emulated.push([spaced(name), whole(value), "counted in the fabric"]);
  }
  const perSecond = report.wallSeconds > 0 ? report.events / report.wallSeconds : 0;
  return [
    { title: "Assignments", rows: accounts },
    ...(report.faults.length === 0
      ? []
      : [{ title: "Faults", rows: report.faults.flatMap(faultRows) }]),
    { title: "Emulated cluster", rows: emulated },
    {
      title: "This host",
      rows: [
        ["wall time", `${report.wallSeconds.toFixed(2)} s`, "wall clock"],
        ["largest lag", `${report.lagSeconds.toFixed(3)} s`, `wall clock, speed ${report.speed}`],
        ["events", whole(report.events), `counted, ${whole(Math.round(perSecond))} a second`],
        ["windows", whole(report.windows), `counted, placement ${report.placement}`],
        ["processes", whole(report.processes), "counted"],
        [
          "peak memory",
          `${whole(Math.round(report.peakRssBytes / 2 ** 20))} MiB`,
          "resident, sum of each process's peak",
        ],
      ],
    },
    {
      title: "Identity",
      rows: [
        ["digest", report.digest, "of every event, in order"],
        ["seed", report.seed, ""],
        ["scenario", report.scenarioHash, "hash of what it resolved to"],
        ["run folder", report.runDir, ""],
      ],
    },
  ];
}

function faultRows(fault: FaultReport): [string, string, string][] {
  const at = (ns: number | undefined, none: string): string =>
    ns === undefined ? none : formatTime(ns * 1e3);
  const [first, ...others] = fault.targets;
  const target = others.length === 0 ? first : `${first} and ${others.length} more`;
  return [
    [fault.fault, at(fault.atNs, ""), `${fault.kind} on ${target} began, emulated clock`],
    ["  first timeout", at(fault.firstTimeoutNs, "none"), "a NIC or rank waited too long"],
    ["  first mask", at(fault.firstMaskNs, "none"), "a rank was given up for it"],
    ["  healed", at(fault.healAtNs, "never"), "as the scenario says"],
  ];
}

/** What PASS speaks of; the other verdicts come with their reasons. */
const PASS_MEANS =
  "the accounts balance and every combine is right; how well the fleet coped is below";

/** The report for a terminal, without colours; ends in a newline. */
export function reportText(report: RunReport, nextSteps: readonly string[]): string {
  const lines = ["", report.title, `verdict: ${report.verdict}`];
  if (report.verdict === "PASS") lines.push(`  ${PASS_MEANS}`);
  for (const reason of report.reasons) lines.push(`  because: ${reason}`);
  for (const section of sectionsOf(report)) {
    lines.push("", section.title);
    const wide = Math.max(...section.rows.map(([, value]) => value.length));
    for (const [name, value, source] of section.rows) {
      const aligned = wide <= 24 ? value.padStart(wide) : value.padEnd(24);
      lines.push(`  ${name.padEnd(22)} ${aligned}  ${source}`.trimEnd());
    }
  }
  if (nextSteps.length > 0) lines.push("", "Try next", ...nextSteps.map((step) => `  ${step}`));
  return `${lines.join("\n")}\n`;
}

/** The report as Markdown. */
export function reportMarkdown(report: RunReport): string {
  const lines = [`# ${report.title}`, "", `Verdict: **${report.verdict}**`];
  for (const reason of report.reasons) lines.push(`- ${reason}`);
  for (const section of sectionsOf(report)) {
    lines.push("", `## ${section.title}`, "", "| | | source |", "| --- | ---: | --- |");
    for (const [name, value, source] of section.rows) {
      lines.push(`| ${cell(name)} | ${cell(value)} | ${cell(source)} |`);
    }
  }
  lines.push("", `Run \`${report.runId}\`, faultplane ${report.faultplane}.`);
  return `${lines.join("\n")}\n`;
}

function cell(text: string): string {
  return text.trim().replaceAll("|", "\\|");
}

/** 12,345: grouping that does not depend on the host's locale. */
function whole(value: number): string {
  return value.toLocaleString("en-US");
}

/** `packetsSent` as `packets sent`. */
function spaced(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
