/**
 * Why a token took as long as it did, as lines: its copies, then the way of each that was asked for
 * part by part, and who is to answer for how much. Times are exact, in microseconds with all six
 * digits.
 */
import { escapeControls } from "../../src/base/escape.ts";
import { grouped } from "../../src/base/ranges.ts";
import { counted } from "../../src/base/words.ts";
import type { MessageSize } from "../../src/explain/copy-way.ts";
import type { Cause, Part, Share } from "../../src/explain/part.ts";
import type { CopyOutcome } from "../../src/explain/token-way.ts";
import type { Palette } from "./colour.ts";

/** Which replica of an expert serves, from 0, of how many; -1: one that a recovery placed. */
export type ReplicaOf = (
  expert: number,
  rank: string,
) => { readonly replica: number; readonly replicas: number };

/** A copy that is explained; times in ps. */
export interface CopyReport {
  readonly choice: number;
  readonly fromPs: number;
  readonly untilPs: number;
  readonly latencyPs: number;
  /** The messages that it went out in and its result came back in; null: there was none. */
  readonly out: MessageSize | null;
  readonly result: MessageSize | null;
  readonly parts: readonly Part[];
  readonly shares: readonly Share[];
}

/** What `explain` found; `--json` prints it as it is. */
export interface TokenReport {
  readonly token: {
    readonly rank: string;
    readonly number: number;
    readonly layer: number;
    readonly step: number;
    readonly chain: string;
    /** How many chains the run has. */
    readonly chains: number;
  };
  readonly workload: {
    readonly phase: string;
    readonly protocol: string;
    readonly grain: string;
  };
  /** When its rank's dispatch began; from then to the end of its last copy. */
  readonly openedPs: number;
  readonly latencyPs: number;
  /** The token of the slowest of so many copies; null: it was named. */
  readonly slowestOf: number | null;
  readonly copies: readonly (CopyOutcome & {
    readonly replica: number;
    readonly replicas: number;
  })[];
  readonly explained: readonly CopyReport[];
  /** Facts and epochs of the record that are equal in the run again; its digest at the end. */
  readonly compared: {
    readonly facts: number;
    readonly epochs: number;
    readonly digest: string | null;
  };
  /** The run is up and copies have not ended in its record: when to ask again. */
  readonly later?: string;
}

/** How it is shown; `command` begins a further `explain` of the same run. */
export interface ExplanationStyle {
  readonly palette: Palette;
  readonly command: string;
}

const PS_PER_US = 1e6;
/** Senders that are named of what was ahead in a queue, and causes of a kind. */
const NAMED = 3;

/** Microseconds with all their digits: `1,234.567890`. */
export function exactUs(ps: number): string {
  const whole = Math.floor(ps / PS_PER_US);
  const rest = String(ps - whole * PS_PER_US).padStart(6, "0");
  return `${grouped(whole)}.${rest}`;
}

/** The whole explanation. */
export function explanationLines(report: TokenReport, style: ExplanationStyle): string[] {
  const { palette, command } = style;
  const { token, workload, latencyPs, slowestOf, compared } = report;
  const chain = token.chains > 1 ? `, chain ${token.chain}` : "";
  const of = slowestOf === null ? "" : `, the slowest of ${copiesWords(slowestOf)}`;
  const name = `token ${token.number} of ${token.rank}, layer ${token.layer}, step ${token.step}`;
  const isDone = report.copies.every(({ state }) => state === "combined");
  const isOpen = report.copies.some(({ state }) => state === "open");
  const end = isDone
    ? "its last result"
    : isOpen
      ? "the end of the record"
      : "the end of its last copy";
  return [
    palette.bold(`${name}${chain}${of}`),
    `${exactUs(latencyPs)} us from the begin of its rank's dispatch to ${end}`,
    `${workload.phase}, ${workload.protocol} protocol, messages of ${grainWords(workload)}`,
    "",
    ...copyLines(report, palette),
    ...report.explained.flatMap((copy) => ["", ...wayLines(report, copy, palette)]),
    "",
    comparedWords(compared),
    ...(report.later === undefined ? [] : [report.later]),
    ...nextLines(report, command),
  ].map((line) => line.trimEnd());
}

function comparedWords({ facts, epochs, digest }: TokenReport["compared"]): string {
  const both = `${counted(facts, "fact")} and ${counted(epochs, "epoch")}`;
  if (digest === null) return `run again up to there: ${both} equal to the record`;
  return `run again to its end: ${both} equal to the record, digest ${digest}`;
}

function copiesWords(count: number): string {
  return count === 1 ? "1 copy" : `${count.toLocaleString("en-US")} copies`;
}

function grainWords({ protocol, grain }: TokenReport["workload"]): string {
  if (grain === "message") return "many copies";
  return protocol === "normal" ? "one token" : "one copy";
}

function copyLines({ copies, explained }: TokenReport, palette: Palette): string[] {
  const isShown = (choice: number): boolean => explained.some((one) => one.choice === choice);
  const width = Math.max(7, ...copies.map(({ rank }) => rank.length));
  return [
    palette.dim(`  copy  expert  ${"rank".padEnd(width)}  how it went`),
    ...copies.map((copy) => {
      const mark = isShown(copy.choice) ? ">" : " ";
      const number = `${mark} ${String(copy.choice).padStart(4)}  ${String(copy.expert).padStart(6)}`;
      const line = `${number}  ${copy.rank.padEnd(width)}  ${outcomeWords(copy)}`;
      return copy.state === "combined" ? line : palette.yellow(line);
    }),
  ];
}

function outcomeWords(copy: TokenReport["copies"][number]): string {
  const { state, fault, latencyPs, replica, replicas } = copy;
  const place = replica < 0 ? "a replica of a recovery" : `replica ${replica} of ${replicas}`;
  const which = replicas > 1 || replica < 0 ? `, ${place}` : "";
  const why = fault === null ? "" : `: fault ${escapeControls(fault)}`;
  const verb = state === "open" ? "no result" : state;
  const when = latencyPs === 0 ? "at once" : `after ${exactUs(latencyPs)} us`;
  return `${verb} ${when}${why}${which}`;
}

/** The way of one copy. */
function wayLines(report: TokenReport, copy: CopyReport, palette: Palette): string[] {
  const { choice, parts, fromPs, untilPs, latencyPs } = copy;
  const { expert, rank, state } = report.copies[choice];
  const title = palette.bold(`copy ${choice}, to expert ${expert} on ${rank} and back`);
  if (latencyPs === 0) {
    const why = state === "masked" ? `${rank} had been given up before` : "it ended as it began";
    return [title, `  nothing was sent: ${why}`];
  }
  const lines = parts.flatMap((part) => partLines(part, 0));
  const widths = [0, 1, 2].map((column) =>
    Math.max(0, ...lines.map((line) => line.cells[column].length)),
  );
  const row = ([at, takes, where]: readonly string[], what: string): string =>
    `  ${at.padStart(widths[0])}  ${takes.padStart(widths[1])}  ${where.padEnd(widths[2])}  ${what}`;
  const sum = row(
    ["sum", exactUs(latencyPs), counted(parts.length, "part")],
    `from ${exactUs(fromPs)} to ${exactUs(untilPs)}`,
  );
  return [
    title,
    ...sizeLines(copy),
    palette.dim(row(["at, us", "takes, us", "where"], "what")),
    ...lines.map(({ cells, what, tone }) => {
      const text = row(cells, what);
      if (tone === "fault") return palette.yellow(text);
      return tone === "inner" ? palette.dim(text) : text;
    }),
    palette.bold(sum),
    "",
    ...causeLines(copy, palette),
  ];
}

function sizeLines({ out, result }: CopyReport): string[] {
  const words = (size: MessageSize | null, way: string): string[] =>
    size === null || size.copies <= 1
      ? []
      : [`${way} in a message of ${copiesWords(size.copies)}, ${grouped(size.sizeBytes)} bytes`];
  const both = [...words(out, "out"), ...words(result, "back")];
  return both.length === 0 ? [] : [`  it went ${both.join(", ")}: that message is followed`];
}

interface PartLine {
  readonly cells: readonly [at: string, takes: string, where: string];
  readonly what: string;
  readonly tone: "plain" | "inner" | "fault";
}

/** A part and, indented, what it waits for; what a hop consists of stands in its own line. */
function partLines(part: Part, depth: number, told = ""): PartLine[] {
  const hasFault = part.shares.some(({ cause }) => cause.type === "fault");
  const indent = "  ".repeat(depth);
  const inner = part.kind === "hop" ? [] : (part.parts ?? []);
  // A message that is not the copy's own is named where it is first met.
  const name = depth > 0 && part.message !== told ? (part.message ?? "") : "";
  const line: PartLine = {
    cells: [exactUs(part.fromPs), exactUs(part.untilPs - part.fromPs), `${indent}${part.where}`],
    what: escapeControls(
      `${indent}${name === "" ? "" : `${name}: `}${part.what}${detailWords(part)}`,
    ),
    tone: hasFault ? "fault" : depth > 0 ? "inner" : "plain",
  };
  let last = "";
  return [
    line,
    ...inner.flatMap((one) => {
      const lines = partLines(one, depth + 1, last);
      last = one.message ?? last;
      return lines;
    }),
  ];
}

function detailWords(part: Part): string {
  const { kind, shares, parts = [] } = part;
  if (kind === "hop") {
    const times = parts.map((one) => `${hopWord(one)} ${exactUs(one.untilPs - one.fromPs)}`);
    return `: ${times.join(", ")}${faultWords(shares, true)}`;
  }
  if (kind === "behind" || kind === "posting") {
    const traffic = shares.filter(({ cause }) => cause.type === "traffic");
    const named = traffic
      .slice(0, NAMED)
      .map(({ cause, messages = 0 }) => `${messages} of ${cause.name}`);
    const more = traffic.length > NAMED ? [counted(traffic.length - NAMED, "more sender")] : [];
    const list = [...named, ...more].join(", ");
    return `${list === "" ? "" : `: ${list}`}${faultWords(shares, true)}`;
  }
  // Most others name their fault themselves, but not how much of the time is its own.
  return faultWords(shares, !part.what.includes("fault "));
}

function hopWord({ kind, what }: Part): string {
  return kind === "requests" || kind === "order" ? what : kind;
}

/** What faults added; `always`: also where they are to answer for all of it. */
function faultWords(shares: readonly Share[], always: boolean): string {
  const sums = new Map<string, number>();
  for (const { cause, ps } of shares) {
    if (cause.type === "fault") sums.set(cause.name, (sums.get(cause.name) ?? 0) + ps);
  }
  if (!always && shares.length < 2) return "";
  return [...sums].map(([name, ps]) => ` (${exactUs(ps)} us of it: fault ${name})`).join("");
}

/** Who is to answer for the time, kind by kind. */
function causeLines({ shares, latencyPs }: CopyReport, palette: Palette): string[] {
  const kinds = [...new Set(shares.map(({ cause }) => cause.type))]
    .map((type) => shares.filter(({ cause }) => cause.type === type))
    .sort((left, right) => sumOf(right) - sumOf(left));
  const width = exactUs(latencyPs).length;
  const line = (ps: number, words: string): string => {
    const percent = `${((ps / latencyPs) * 100).toFixed(1).padStart(5)} %`;
    return `  ${exactUs(ps).padStart(width)} us  ${percent}  ${escapeControls(words)}`;
  };
  const lines = kinds.flatMap((list) => {
    const { type } = list[0].cause;
    const [all, one] = CAUSE_WORDS[type];
    if (list.length === 1 || type === "healthy" || type === "fault") {
      return list.map((share) => {
        const row = line(share.ps, `${one(share.cause.name)}${sizeWords(share)}`);
        return type === "fault" ? palette.yellow(row) : row;
      });
    }
    const rest = list.slice(NAMED);
    return [
      line(sumOf(list), `${all}:`),
      ...list
        .slice(0, NAMED)
        .map((share) => line(share.ps, `  ${share.cause.name}${sizeWords(share)}`)),
      ...(rest.length === 0 ? [] : [line(sumOf(rest), `  ${counted(rest.length, "other")}`)]),
    ];
  });
  return [palette.bold("who is to answer for it"), ...lines];
}

function sumOf(shares: readonly Share[]): number {
  return shares.reduce((sum, { ps }) => sum + ps, 0);
}

/** What causes of a kind are called together, and one by its name. */
const CAUSE_WORDS: Readonly<Record<Cause["type"], readonly [string, (name: string) => string]>> = {
  fault: ["faults", (name) => `fault ${name}`],
  traffic: ["messages ahead of it", (name) => `messages of ${name} ahead of it`],
  rank: ["ranks that were waited for", (name) => `${name}, which was waited for`],
  link: ["links that cannot keep up", (name) => `${name}, which cannot keep up`],
  schedule: ["the order of the step", (name) => `the order of the step: ${name}`],
  healthy: [
    "",
    (name) => (name === "links" ? "its own way, where nothing is wrong" : "its expert"),
  ],
  unknown: ["not known", (name) => name],
};

function sizeWords({ messages, bytes = 0 }: Share): string {
  if (messages === undefined) return "";
  return ` (${counted(messages, "message")}, ${grouped(bytes)} bytes)`;
}

/** The token that was waited for longest, if it was one. */
function nextLines({ explained, token }: TokenReport, command: string): string[] {
  const waits = explained
    .flatMap(({ parts }) => parts)
    .filter(({ kind }) => kind === "wait")
    .sort((left, right) => right.untilPs - right.fromPs - (left.untilPs - left.fromPs));
  const match = /copy of token (\d+) of (node\d+\.gpu\d+)/.exec(waits.at(0)?.what ?? "");
  if (match === null) return [];
  const options = `${token.step > 0 ? ` --step ${token.step}` : ""}${
    token.chains > 1 ? ` --chain ${token.chain}` : ""
  }`;
  return [
    `the one it waited for: ${command} ${match[2]}:${match[1]}@${token.layer}${options} --all`,
  ];
}
