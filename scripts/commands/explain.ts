/**
 * `faultplane explain`: why a token took as long as it did. Runs a recorded run again in this
 * process, as `replay` does, until the token's exchange is over, and looks on. It writes nothing.
 */
import { makeDevice } from "../../actors/catalogue.ts";
import { makeCopiesIn } from "../../actors/gpu/copies-in.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { type RunOutcome, runCluster } from "../../cluster/run-cluster.ts";
import { makeDeviceServices } from "../../src/engine/device-services.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { formatTime } from "../../src/model/time.ts";
import type { HomeExchange } from "../../src/observe/exchange-log.ts";
import { RunView } from "../../src/observe/run-view.ts";
import { RunWatch } from "../../src/observe/run-watch.ts";
import { copyWay, slowestCopy, type TokenWay, tokenWay } from "../../src/observe/token-way.ts";
import {
  type CopyReport,
  explanationLines,
  type ReplicaOf,
  type TokenReport,
} from "../terminal/explanation-text.ts";
import { runContext } from "../terminal/failure.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import {
  type ExplainChoice,
  type ExplainTarget,
  parseTokenWord,
  targetIn,
} from "./explain-target.ts";
import { findRun } from "./find-run.ts";
import { shellWord } from "./next-steps.ts";
import { usageError } from "./option-values.ts";
import type { ReplayCheck } from "./replay-check.ts";
import {
  checkOf,
  type RecordedFolder,
  readFolder,
  refuseDifference,
  runAgain,
} from "./replay-folder.ts";
import { StopSignals } from "./signals.ts";

/** Options of `faultplane explain` after parsing. */
export interface ExplainOptions extends ExplainChoice {
  readonly all?: true;
  readonly json?: true;
  readonly quiet?: true;
  readonly color: boolean;
}

/**
 * Explains a token of a run; `words` are the run, which may be left out, and the token. Returns the
 * exit code. Throws OperatingError E001, E040, E042, E065, E067, E068, and what a replay throws.
 */
export async function explainCommand(
  words: readonly string[],
  options: ExplainOptions,
): Promise<number> {
  if (words.length === 0 || words.length > 2) {
    const what = words.length === 0 ? "explain needs <token@layer>" : "too many arguments";
    throw usageError("E040", what, "see faultplane explain --help");
  }
  const word = parseTokenWord(words[words.length - 1]);
  if (word.token === undefined && options.copy !== undefined) {
    throw usageError("E040", "--copy is for a token by its number", "the slowest is one copy");
  }
  const recorded = readFolder(findRun(words.length === 2 ? words[0] : undefined));
  const { scenario, topology } = recorded;
  const services = makeDeviceServices(scenario, topology);
  const target = targetIn(services, word, options);
  const terminal = new Terminal(options.color);
  runContext.seed = scenario.run.seed;
  runContext.runDir = recorded.given;
  for (const note of recorded.notes) terminal.log(`note: ${note}`);
  const signals = new StopSignals((text) => terminal.log(text));
  try {
    const watched = await watchAgain(recorded, services, target, {
      stop: signals.signal,
      progress: (atPs, wallMs) => {
        if (options.quiet === true) return;
        terminal.status(() => `looking on: ${formatTime(atPs)}`, wallMs);
      },
    });
    terminal.endStatus();
    if (watched === undefined) return signals.exitCode ?? Exit.internal;
    const report = reportOn(watched, services, target, options);
    const text =
      options.json === true
        ? JSON.stringify({ ...report, run: recorded.journal.header.runId })
        : explanationLines(report, {
            palette: terminal.resultPalette,
            command: `faultplane explain ${shellWord(recorded.given)}`,
          }).join("\n");
    await terminal.result(`${text}\n`);
    return Exit.pass;
  } finally {
    recorded.events.close();
    signals.close();
  }
}

/** A run that was watched until the exchange was over. */
interface Watched {
  readonly view: RunView;
  readonly check: ReplayCheck;
}

/** Undefined when `stop` was aborted before. Throws E053 and E068. */
async function watchAgain(
  recorded: RecordedFolder,
  { schedule }: DeviceServices,
  { wanted, home, layer }: ExplainTarget,
  on: { readonly stop: AbortSignal; progress(atPs: number, wallMs: number): void },
): Promise<Watched | undefined> {
  const { topology } = recorded;
  const again = runAgain(recorded);
  const { scenario } = again;
  const copiesIn = makeCopiesIn(scenario);
  const watch = new RunWatch({ scenario, topology, schedule, wanted, copiesIn, home });
  const check = checkOf(recorded);
  const seen = new AbortController();
  const outcome = await runCluster({
    ...again,
    devices: watch.devices(makeDevice),
    watch: watch.lanes,
    observer: {
      started: () => undefined,
      committed: (window, status) => {
        check.committed(window);
        if (check.isOver || watch.isOver) seen.abort();
        on.progress(status.virtualTimePs, status.wallSeconds * 1e3);
      },
    },
    stop: AbortSignal.any([on.stop, seen.signal]),
  });
  if (on.stop.aborted && !seen.signal.aborted) return undefined;
  if (outcome.end !== "interrupted") check.ended(outcome);
  refuseDifference(recorded, check);
  const { homes } = watch.exchanges;
  if (home === undefined ? homes.size === 0 : !homes.has(home)) {
    const who = home === undefined ? "no rank" : `${topology.actors[home].id} never`;
    throw new OperatingError(
      "E068",
      `${who} came to layer ${layer} of step ${wanted.step} in this run`,
      endWords(recorded, outcome),
      Exit.badData,
    );
  }
  return { view: new RunView(watch), check };
}

function endWords({ isWhole }: RecordedFolder, outcome: RunOutcome): string {
  const at = formatTime(outcome.virtualTimePs);
  if (!isWhole) return `its record ends at ${at}; faultplane resume takes the run up again`;
  const detail = outcome.detail === undefined ? "" : ` (${outcome.detail})`;
  return `it was over at ${at}: ${outcome.end}${detail}`;
}

function reportOn(
  { view, check }: Watched,
  { scenario, schedule, experts }: DeviceServices,
  { home, token, layer, wanted, copy }: ExplainTarget,
  options: ExplainOptions,
): TokenReport {
  const found = foundIn(view, home, token);
  const way = tokenWay(view, found.home, found.token);
  const chosen = copy ?? found.choice ?? way.slowest;
  const choices = options.all === true ? way.copies.map(({ choice }) => choice) : [chosen];
  const replicaOf: ReplicaOf = (expert, rank) => {
    const count = experts.replicasOf(wanted.place, expert);
    const ranks = Array.from({ length: count }, (_, one) =>
      experts.replicaAt(wanted.place, expert, one),
    );
    const holder = found.home.actorOf.findIndex((actor) => view.idOf(actor) === rank);
    return { replica: ranks.indexOf(holder), replicas: count };
  };
  return {
    token: {
      rank: view.idOf(found.home.actor),
      number: found.token,
      layer,
      step: wanted.step,
      chain: schedule.chains[wanted.chain],
      chains: schedule.chains.length,
    },
    workload: {
      phase: scenario.workload.phase,
      protocol: scenario.workload.protocol,
      grain: scenario.workload.grain,
    },
    openedPs: found.home.openedPs,
    latencyPs: Math.max(...way.copies.map(({ latencyPs }) => latencyPs)),
    slowestOf: token === undefined ? copiesLookedAt(view, home) : null,
    copies: way.copies.map((one) => ({ ...one, ...replicaOf(one.expert, one.rank) })),
    explained: choices.map((choice) => copyReport(view, way, choice)),
    compared: { facts: check.facts, epochs: check.epochs },
  };
}

function copyReport(view: RunView, way: TokenWay, choice: number): CopyReport {
  const { fromPs, untilPs, parts, shares, out, result } = copyWay(view, way, choice);
  return { choice, fromPs, untilPs, latencyPs: untilPs - fromPs, out, result, parts, shares };
}

/** The token that is meant; of the slowest also which copy. */
function foundIn(
  view: RunView,
  home: number | undefined,
  token: number | undefined,
): { readonly home: HomeExchange; readonly token: number; readonly choice?: number } {
  const own = home === undefined ? undefined : view.watch.exchanges.homes.get(home);
  if (own !== undefined && token !== undefined) return { home: own, token };
  const slowest = slowestCopy(view, own);
  if (slowest !== undefined) return slowest;
  throw new OperatingError(
    "E067",
    "the rank owns no token in this exchange",
    "name another rank",
    Exit.usage,
  );
}

function copiesLookedAt(view: RunView, home: number | undefined): number {
  return [...view.watch.exchanges.homes.values()]
    .filter(({ actor }) => home === undefined || actor === home)
    .reduce((sum, { state }) => sum + state.length, 0);
}
