/**
 * `npm run swarm`: many small random runs with faults of every kind, each checked for accounts,
 * leases, one digest in two placements and an equal replay. Prints one line a failure, with the
 * command that repeats it and the smallest case found, and a summary. Exit code 0 when every seed
 * holds, 1 when one does not or the tier as a whole proves too little, 2 for wrong usage.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { makeDevice } from "../../actors/catalogue.ts";
import { makeCanaryDevices } from "./canary.ts";
import { checkSeed, type SeedQuestion } from "./check-seed.ts";
import { SEEN_OF_LOSSES } from "./crashed-run.ts";
import { SWARM_KINDS } from "./draw-faults.ts";
import type { ThreadAnswer, ThreadQuestion } from "./seed-runner-main.ts";
import { commandFor, failureLine, seedText } from "./seed-words.ts";
import { PLAIN } from "./swarm-case.ts";
import { SEEDS_FOR_ALL, Tally } from "./tally.ts";
import { askAll } from "./thread-pool.ts";

const USAGE = `npm run swarm -- [--seeds N] [--from S] [--kinds a,b] [--threads T] [--losses] [--canary]
npm run swarm -- --seed K [--kinds a,b] [--only f0,o1] [--plain recovery,steps] [--losses] [--canary]

  --seeds N    how many seeds (200)
  --from S     the first of them (0)
  --kinds      kinds of fault to draw from: ${SWARM_KINDS.join(", ")}
  --threads T  threads (as many as there are cores)
  --seed K     one seed, with everything about it
  --only       keep only these faults and orders of the seed; none: no faults
  --plain      put parts of its fleet back to something plain: ${Object.keys(PLAIN).join(", ")}
  --losses     lose worker processes on the way, and replace them
  --canary     plant a bug, which the swarm must find`;

/** Seeds in which the tier looks for its canary. */
const CANARY_SEEDS = 20;
/** Failures that are made smaller; more would say the same. */
const SHRUNK_MAX = 5;
const PROGRESS_MS = 5_000;

interface Settings {
  readonly from: number;
  readonly seeds: number;
  readonly threads: number;
  readonly kinds: readonly (typeof SWARM_KINDS)[number][] | undefined;
  readonly isCanary: boolean;
  readonly withLosses: boolean;
}

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const { values } = parseArgs({
      options: {
        ...{ seeds: { type: "string" }, from: { type: "string" }, seed: { type: "string" } },
        ...{ kinds: { type: "string" }, only: { type: "string" }, plain: { type: "string" } },
        ...{ threads: { type: "string" }, canary: { type: "boolean" } },
        ...{ losses: { type: "boolean" } },
      },
    });
    const kinds = namesIn(values.kinds, SWARM_KINDS, "kind of fault");
    const isCanary = values.canary === true;
    const withLosses = values.losses === true;
    if (values.seed !== undefined) {
      const plain = namesIn(values.plain, Object.keys(PLAIN), "part of a fleet");
      const only = values.only === "none" ? [] : values.only?.split(",");
      const seed = wholeNumber(values.seed, "--seed");
      return showSeed(
        {
          seed,
          ...(kinds && { kinds }),
          ...(only && { only }),
          ...(plain && { plain }),
          ...(withLosses && { withLosses }),
        },
        isCanary,
      );
    }
    return await runTier({
      from: wholeNumber(values.from ?? "0", "--from"),
      seeds: wholeNumber(values.seeds ?? "200", "--seeds"),
      threads: wholeNumber(values.threads ?? String(availableParallelism()), "--threads"),
      kinds,
      isCanary,
      withLosses,
    });
  } catch (error) {
    if (!(error instanceof UsageError) && !isArgumentError(error)) throw error;
    console.error(`error: ${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
}

/** One seed, with everything about it. */
function showSeed(question: SeedQuestion, isCanary: boolean): number {
  const checked = checkSeed(question, isCanary ? makeCanaryDevices : () => makeDevice);
  console.log(seedText(checked));
  const { answer } = checked;
  if (answer.problems.length === 0) {
    console.log("PASS");
    return 0;
  }
  console.log(failureLine(answer, commandFor(question, isCanary)));
  return 1;
}

async function runTier(settings: Settings): Promise<number> {
  const { from, seeds, threads, kinds, isCanary, withLosses } = settings;
  if (!isCanary && !findsCanary(from)) {
    console.log(`FAIL: a planted bug was not found in ${CANARY_SEEDS} seeds; see --canary`);
    return 1;
  }
  const tally = withLosses ? new Tally(SEEN_OF_LOSSES) : new Tally();
  const beganAt = performance.now();
  const seconds = (): number => (performance.now() - beganAt) / 1_000;
  let asked = 0;
  const next = (): ThreadQuestion | undefined => {
    if (asked >= seeds) return undefined;
    const question: SeedQuestion = {
      seed: from + asked,
      ...(kinds !== undefined && { kinds }),
      ...(withLosses && { withLosses }),
    };
    asked += 1;
    return { question, isCanary, mayShrink: tally.failed < SHRUNK_MAX };
  };
  const progress = setInterval(() => {
    const { seeds: done, failed } = tally;
    const rate = (done / seconds()).toFixed(1);
    console.error(`${done} of ${seeds} seeds, ${failed} failed, ${rate} seeds/s`);
  }, PROGRESS_MS);
  await askAll({
    threads,
    next,
    answered: (answer, question) => {
      tally.add(answer.answer);
      if (answer.answer.problems.length > 0) report(answer, question, isCanary);
    },
  });
  clearInterval(progress);
  return summarize(tally, settings, seconds());
}

function summarize(tally: Tally, settings: Settings, seconds: number): number {
  const { seeds, kinds, isCanary, withLosses } = settings;
  const measured = withLosses ? [] : SWARM_KINDS;
  console.log(`\n${tally.text(kinds ?? measured)}`);
  const isWholeTier = seeds >= SEEDS_FOR_ALL && kinds === undefined;
  const missed = isWholeTier && !isCanary ? tally.missed(measured) : [];
  for (const what of missed) console.log(`MISSED ${what}`);
  const rate = (tally.seeds / seconds).toFixed(1);
  const share = ((100 * 3) / Math.max(1, tally.seeds)).toFixed(2);
  console.log(
    `\n${tally.seeds} seeds in ${seconds.toFixed(0)} s (${rate} seeds/s): ` +
      `${tally.failed} failed; ${tally.faultsBegun} faults, ${tally.events} events in first runs` +
      (tally.failed === 0 ? `; fewer than ${share} % of seeds fail (95 % confidence)` : ""),
  );
  return tally.failed > 0 || missed.length > 0 ? 1 : 0;
}

/** The failing artefact on one line, and the smallest case on another. */
function report(answered: ThreadAnswer, question: SeedQuestion, isCanary: boolean): void {
  const { answer, shrunk } = answered;
  console.log(failureLine(answer, commandFor(question, isCanary)));
  if (shrunk === undefined) return;
  const { question: smallest, answer: found, tries } = shrunk;
  const names = smallest.only ?? [];
  const what = found.problems.map(({ check }) => check).join(", ");
  console.log(
    `  smallest of ${tries} cases: ${names.length} of ${answer.names.length} faults and orders, ` +
      `${what}; see ${commandFor(smallest, isCanary)}`,
  );
}

/** Is the planted bug found in one of the first seeds? */
function findsCanary(from: number): boolean {
  for (let seed = from; seed < from + CANARY_SEEDS; seed += 1) {
    if (checkSeed({ seed }, makeCanaryDevices).answer.problems.length > 0) return true;
  }
  return false;
}

class UsageError extends Error {}

function isArgumentError(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code.startsWith("ERR_PARSE_ARGS");
}

function wholeNumber(text: string, option: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${option} ${text}: not a whole number`);
  return Number(text);
}

/** Names in a list with commas, each one of those that are known. */
function namesIn<Name extends string>(
  text: string | undefined,
  known: readonly Name[],
  what: string,
): Name[] | undefined {
  return text?.split(",").map((name) => {
    const found = known.find((one) => one === name);
    if (found === undefined) {
      throw new UsageError(`${name} is no ${what}; there are ${known.join(", ")}`);
    }
    return found;
  });
}
