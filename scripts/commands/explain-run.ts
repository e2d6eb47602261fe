/**
 * Explains a token of a recorded run, without a terminal: runs it again in this process, as a
 * replay does, comparing all the way, until the token's exchange is over, and looks on. It writes
 * nothing; what it finds is returned or thrown.
 */
import { makeDevice } from "../../actors/catalogue.ts";
import { makeCopiesIn } from "../../actors/gpu/copies-in.ts";
import { OperatingError } from "../../cluster/errors.ts";
import type { Journal } from "../../cluster/journal.ts";
import { type RunOutcome, runCluster } from "../../cluster/run-cluster.ts";
import { makeDeviceServices } from "../../src/engine/device-services.ts";
import type { HomeExchange } from "../../src/explain/exchange-log.ts";
import { RunView } from "../../src/explain/run-view.ts";
import { RunWatch } from "../../src/explain/run-watch.ts";
import { copyWay, slowestCopy, type TokenWay, tokenWay } from "../../src/explain/token-way.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { formatTime } from "../../src/model/time.ts";
import type { CopyReport, ReplicaOf, TokenReport } from "../terminal/explanation-text.ts";
import { Exit } from "./exit-codes.ts";
import {
  type ExplainChoice,
  type ExplainTarget,
  type TokenWord,
  targetIn,
} from "./explain-target.ts";
import type { ReplayCheck } from "./replay-check.ts";
import {
  checkOf,
  committedTime,
  type RecordedFolder,
  refuseDifference,
  runAgain,
} from "./replay-folder.ts";

/** Who waits for an explanation. */
export interface Onlooker {
  readonly stop: AbortSignal;
  /** How far the run is, virtual ps and wall ms. */
  progress(atPs: number, wallMs: number): void;
}

/**
 * Undefined when `stop` was aborted before it was through. Throws OperatingError E053 (another run
 * than the record's), E067 (no such token) and E068 (it was never sent).
 */
export async function explainToken(
  recorded: RecordedFolder,
  word: TokenWord,
  choice: ExplainChoice,
  on: Onlooker,
): Promise<TokenReport | undefined> {
  const services = makeDeviceServices(recorded.scenario, recorded.topology);
  const target = targetIn(services, word, choice);
  const watched = await watchAgain(recorded, services, target, on);
  if (watched === undefined) return undefined;
  const report = reportOn(watched, services, target, choice.all === true);
  const isOpen = report.copies.some(({ state }) => state === "open");
  return recorded.isUp && isOpen ? { ...report, later: laterWords(recorded.journal) } : report;
}

/** A run that was watched until the exchange was over. */
interface Watched {
  readonly view: RunView;
  readonly check: ReplayCheck;
  /** Of the whole run, when it went to its end and is that of the record; else null. */
  readonly digest: string | null;
}

/** Undefined when `stop` was aborted before. Throws E053 and E068. */
async function watchAgain(
  recorded: RecordedFolder,
  { schedule }: DeviceServices,
  { wanted, home, layer }: ExplainTarget,
  on: Onlooker,
): Promise<Watched | undefined> {
  const { topology } = recorded;
  const again = runAgain(recorded);
  const { scenario } = again;
  const copiesIn = makeCopiesIn(scenario);
  const watch = new RunWatch({ scenario, topology, schedule, wanted, copiesIn, home });
  const check = checkOf(recorded);
  // After the last exchange of a run there is little left: the digest is worth it.
  const isLast =
    wanted.step === scenario.workload.steps - 1 &&
    schedule.ops.findLast(({ kind }) => kind === "combine")?.place === wanted.place;
  const seen = new AbortController();
  const outcome = await runCluster({
    ...again,
    devices: watch.devices(makeDevice),
    watch: watch.lanes,
    observer: {
      started: () => undefined,
      committed: (window, status) => {
        check.committed(window);
        if (check.isOver || (watch.isOver && !isLast)) seen.abort();
        on.progress(status.virtualTimePs, status.wallSeconds * 1e3);
      },
    },
    stop: AbortSignal.any([on.stop, seen.signal]),
  });
  if (on.stop.aborted && !seen.signal.aborted) return undefined;
  const isWhole = outcome.end !== "interrupted" && recorded.isWhole;
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
  return { view: new RunView(watch), check, digest: isWhole ? outcome.digest : null };
}

/** Of a run that is up. */
function laterWords(journal: Journal): string {
  return `the run is up, and its record goes to ${committedTime(journal)}: ask again later`;
}

function endWords({ isWhole, isUp, journal }: RecordedFolder, outcome: RunOutcome): string {
  if (isUp) return laterWords(journal);
  const at = formatTime(outcome.virtualTimePs);
  if (!isWhole) return `its record ends at ${at}; faultplane resume takes the run up again`;
  const detail = outcome.detail === undefined ? "" : ` (${outcome.detail})`;
  return `it was over at ${at}: ${outcome.end}${detail}`;
}

function reportOn(
  { view, check, digest }: Watched,
  { scenario, schedule, experts }: DeviceServices,
  { home, token, layer, wanted, copy }: ExplainTarget,
  isAll: boolean,
): TokenReport {
  const found = foundIn(view, home, token);
  const way = tokenWay(view, found.home, found.token);
  const chosen = copy ?? found.choice ?? way.slowest;
  const choices = isAll ? way.copies.map(({ choice }) => choice) : [chosen];
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
    compared: { facts: check.facts, epochs: check.epochs, digest },
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
