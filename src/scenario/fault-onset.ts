/**
 * When a fault begins: at a virtual time, at one drawn from the seed, or some way into a phase of a
 * layer, which only a run can turn into a time.
 */
import type { FaultMoment } from "../model/fault.ts";
import { formatTime } from "../model/time.ts";
import type { FaultContext, FaultPlace } from "./fault-context.ts";
import type { FaultFields } from "./fault-fields.ts";
import { faultStream } from "./fault-targets.ts";
import { escapeText } from "./problem.ts";
import type { ProblemList } from "./problem-list.ts";
import { timeAt } from "./units.ts";
import type { DocumentPath } from "./yaml-text.ts";

/** An onset: an instant, ps; with a moment its instant is not known yet, and `atPs` is 0. */
export interface Onset {
  readonly atPs: number;
  readonly moment?: FaultMoment;
  /** As people read it. */
  readonly text: string;
}

type MomentFields = Exclude<FaultFields["at"], string>;

/** The onset of a fault on `targets`; undefined with a problem. */
export function readOnset(
  fields: FaultFields,
  fault: { readonly name: string; readonly targets: readonly string[] },
  place: FaultPlace,
  context: FaultContext,
  problems: ProblemList,
): Onset | undefined {
  const path = [...place.path, "at"];
  const { at } = fields;
  if (typeof at === "string") {
    const atPs = instantAt(path, at, fault.name, context, problems);
    return atPs === undefined ? undefined : { atPs, text: at };
  }
  if (at.between !== undefined) return readDraw(at, fault.name, path, context, problems);
  if (place.allowMoments === false) {
    const message = "a phase of a layer is the onset of a fault of the scenario; write a time here";
    problems.add("E025", path, message);
    return undefined;
  }
  const moment = readMoment(at, fault, path, context, problems);
  const text = `${at.phase} of layer ${at.layer} in step ${at.step}`;
  return moment === undefined ? undefined : { atPs: 0, moment, text };
}

/** A virtual time that the run reaches. */
function instantAt(
  path: DocumentPath,
  text: string,
  name: string,
  { timeLimitPs, timeLimitText }: FaultContext,
  problems: ProblemList,
): number | undefined {
  const atPs = timeAt(path, text, 0, problems);
  if (atPs === undefined || timeLimitPs === undefined || atPs < timeLimitPs) return atPs;
  const message = `fault ${name} at ${text}, run ends at ${timeLimitText}`;
  problems.add("E025", path, message);
  return undefined;
}

/** An instant between two, each equally likely, by the fault's own stream. */
function readDraw(
  at: MomentFields,
  name: string,
  path: DocumentPath,
  context: FaultContext,
  problems: ProblemList,
): Onset | undefined {
  const { between = [] } = at;
  const others = Object.keys(at).filter((key) => key !== "between");
  if (others.length > 0) {
    const message = "between draws a time; it does not go with a phase of a layer";
    problems.add("E025", [...path, others[0]], message, { atKey: true });
    return undefined;
  }
  const [from, until] = between.map((text, place) =>
    instantAt([...path, "between", place], text, name, context, problems),
  );
  if (from === undefined || until === undefined) return undefined;
  if (from > until) {
    const message = `between ${between[0]} and ${between[1]} is no time; write the earlier first`;
    problems.add("E025", [...path, "between"], message);
    return undefined;
  }
  const atPs = from + Math.floor(faultStream(context, name, "onset").unit() * (until - from + 1));
  return { atPs, text: formatTime(atPs) };
}

/** A phase that the run has; whether it gets there, only the run can say. */
function readMoment(
  at: MomentFields,
  { targets }: { readonly targets: readonly string[] },
  path: DocumentPath,
  { model, workload, targets: finder }: FaultContext,
  problems: ProblemList,
): FaultMoment | undefined {
  const { step, layer, phase } = at;
  if (step === undefined || layer === undefined || phase === undefined) {
    const missing = (["step", "layer", "phase"] as const).filter((key) => at[key] === undefined);
    const message = `a phase is named by step, layer and phase; ${missing.join(" and ")} is missing`;
    const hint = "at: {step: 0, layer: 12, phase: dispatch, fraction: 0.5}, or a time such as 6 ms";
    problems.add("E011", path, message, { hint });
    return undefined;
  }
  const never = (key: string, message: string): void =>
    problems.add("E025", [...path, key], message);
  if (workload !== undefined && model !== undefined) {
    const first = model.first_k_dense_replace;
    const moe = workload.layers.filter((one) => one >= first);
    if (step >= workload.steps) {
      never("step", `step ${step} is never reached; the run has steps 0..${workload.steps - 1}`);
    } else if (!moe.includes(layer)) {
      const why = layer < first ? "is dense and exchanges nothing" : "does not run";
      never("layer", `layer ${layer} ${why}; layers with experts are ${moe[0]}..${moe.at(-1)}`);
    }
  }
  const { rank = ownRank(targets[0] ?? ""), chain } = at;
  if (at.rank !== undefined && finder?.index.ofKind("gpu").has(at.rank) === false) {
    const message = `there is no rank ${escapeText(at.rank)}`;
    problems.add("E026", [...path, "rank"], message);
  }
  return {
    step,
    layer,
    phase,
    fractionPerMillion: Math.round((at.fraction ?? 0) * 1e6),
    ...(rank === undefined ? {} : { rank }),
    ...(chain === undefined ? {} : { chain }),
  };
}

/** The GPU of a GPU's or NIC's name, the first one of a node's; of others none. */
function ownRank(target: string): string | undefined {
  const device = /^(node\d+)\.(?:gpu|nic)(\d+)$/.exec(target);
  if (device !== null) return `${device[1]}.gpu${device[2]}`;
  return /^node\d+$/.test(target) ? `${target}.gpu0` : undefined;
}
