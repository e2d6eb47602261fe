/**
 * Checked fields of a drill file to a Drill: units, names and relations between its parts. With
 * problems the drill is not to be used.
 */

import { didYouMean } from "../base/suggest.ts";
import { formatTime } from "../model/time.ts";
import { faultContextOf } from "../scenario/fault-context.ts";
import { escapeText, quote } from "../scenario/problem.ts";
import type { ProblemList } from "../scenario/problem-list.ts";
import { timeAt } from "../scenario/units.ts";
import type { DocumentPath } from "../scenario/yaml-text.ts";
import { ActReader } from "./act-reading.ts";
import type { Act, Activity, Control, Drill, Hypothesis, Probe } from "./drill.ts";
import type { ActivityFields, ControlFields, DrillFields, ProbeFields } from "./drill-fields.ts";
import type { CheckedDrill } from "./drill-problems.ts";
import { type HostActContext, HostActReader } from "./host-acts.ts";
import { measureOf } from "./measures.ts";
import { type MethodClock, methodClock } from "./method-clock.ts";
import { readProbe } from "./probe-reading.ts";
import type { ScenarioPart } from "./scenario-part.ts";

/** Checks of a continuous hypothesis in a drill, when no frequency is given. */
const DEFAULT_CHECKS = 200;
/** Most of them. */
const MOST_CHECKS = 10_000;

const WHENS = ["before", "after"] as const;
const WHATS = ["experiment", "hypothesis", "method", "rollback", "activity"] as const;

/** One reading of checked fields. */
export class DrillReading {
  readonly #fields: DrillFields;
  readonly #placeOf: CheckedDrill["placeOf"];
  readonly #part: ScenarioPart | undefined;
  readonly #acts: ActReader | undefined;
  readonly #problems: ProblemList;

  /** Without a scenario, which has its problems then, only what needs none is read. */
  constructor(
    checked: CheckedDrill,
    place: ({ readonly part: ScenarioPart } & Omit<HostActContext, "scenario">) | undefined,
    problems: ProblemList,
  ) {
    this.#fields = checked.fields;
    this.#placeOf = (list, index) => checked.placeOf(list, index);
    this.#part = place?.part;
    if (place !== undefined) {
      const { scenario } = place.part;
      const context = faultContextOf(scenario, place.topology);
      const host = new HostActReader({ ...place, scenario }, problems);
      const isCut = checked.isCut(["method"]);
      this.#acts = new ActReader(context, scenario.faults, isCut, host, problems);
    }
    this.#problems = problems;
  }

  /** The drill; undefined when it has no scenario or no end. */
  read(): Drill | undefined {
    const { title, description, tags, expects, runtime, leastTraffic } = this.#fields;
    const hypothesis = this.#hypothesis();
    const method = this.#activities("method");
    const rollbacks = this.#activities("rollbacks");
    const controls = this.#fields.controls.map((control, index) => this.#control(control, index));
    const afterPs = this.#stopAfter();
    const when = this.#probes(["stop", "when"], this.#fields.stop?.when ?? []);
    const clock = methodClock(method);
    const part = this.#part;
    if (afterPs === undefined || part === undefined) return undefined;
    this.#checkClock(method, clock, afterPs);
    this.#checkSpans(clock);
    this.#checkNames();
    const frequencyPs = this.#frequency(afterPs);
    return {
      title,
      description,
      tags,
      ...(expects === undefined ? {} : { expects }),
      scenario: part.scenario,
      ...(part.file === undefined ? {} : { scenarioFile: part.file }),
      ...(hypothesis === undefined ? {} : { hypothesis }),
      method,
      rollbacks,
      controls: controls.flatMap((control) => control ?? []),
      strategies: {
        hypothesis: runtime.hypothesis.strategy,
        frequencyPs,
        failFast: runtime.hypothesis["fail-fast"],
        rollbacks: runtime.rollbacks.strategy,
      },
      stop: { afterPs, when },
      leastTraffic,
    };
  }

  #hypothesis(): Hypothesis | undefined {
    const fields = this.#fields["steady-state-hypothesis"];
    if (fields === undefined) return undefined;
    const probes = this.#probes(["steady-state-hypothesis", "probes"], fields.probes);
    return { title: fields.title, probes };
  }

  /** Probes that are judged. */
  #probes(path: DocumentPath, probes: readonly ProbeFields[]): readonly Probe[] {
    return probes.flatMap((probe, index) => {
      return readProbe(probe, this.#placeOf(path, index), true, this.#problems) ?? [];
    });
  }

  #activities(key: "method" | "rollbacks"): readonly Activity[] {
    return this.#fields[key].flatMap((fields, index): readonly Activity[] => {
      const path = this.#placeOf([key], index);
      const pauses = {
        pauseBeforePs: this.#pause(fields.pauses.before, [...path, "pauses", "before"]),
        pauseAfterPs: this.#pause(fields.pauses.after, [...path, "pauses", "after"]),
      };
      if (fields.type === "probe") {
        const probe = readProbe(fields, path, false, this.#problems);
        return probe === undefined ? [] : [{ ...probe, ...pauses }];
      }
      const act = this.#act(fields, path);
      return act === undefined ? [] : [{ type: "action", name: fields.name, act, ...pauses }];
    });
  }

  #act(fields: ActivityFields, path: DocumentPath): Act | undefined {
    if (fields.tolerance !== undefined) {
      const hint = "tolerances are for probes";
      const message = "an action has no value that a tolerance could judge";
      this.#problems.add("E030", [...path, "tolerance"], message, { hint });
    }
    return this.#acts?.read(fields, path);
  }

  #pause(text: string, path: DocumentPath): number {
    return timeAt(path, text, 0, this.#problems) ?? 0;
  }

  #control({ name, provider }: ControlFields, index: number): Control | undefined {
    const path = [...this.#placeOf(["controls"], index), "provider"];
    const { func } = provider;
    const { when = "before", what = "experiment", text = "", ...others } = provider.arguments;
    const word = <Word extends string>(
      key: string,
      value: unknown,
      words: readonly Word[],
    ): Word | undefined => {
      const found = words.find((allowed) => allowed === value);
      if (found !== undefined) return found;
      const hint = typeof value === "string" ? didYouMean(value, words) : undefined;
      const message = `must be one of ${words.join(", ")}, got ${quote(value)}`;
      this.#problems.add("E013", [...path, ...key.split(".")], message, { hint });
      return undefined;
    };
    for (const key of Object.keys(others)) {
      const message = `unknown key '${escapeText(key)}'; allowed: when, what, text`;
      this.#problems.add("E010", [...path, "arguments", key], message, { atKey: true });
    }
    const known = word("func", func, ["note", "snapshot"] as const);
    const at = word("arguments.when", when, WHENS);
    const around = word("arguments.what", what, WHATS);
    if (known === undefined || at === undefined || around === undefined) return undefined;
    return { name, func: known, text: String(text), when: at, what: around };
  }

  /** Virtual time at which the drill is over at the latest, ps. */
  #stopAfter(): number | undefined {
    const text = this.#fields.stop?.after;
    if (text === undefined) {
      // A stop that is there and wrong has a problem of its own.
      const isThere = this.#fields.stop !== undefined;
      const message = "add stop: {after: 60 s}: a drill has a time limit, in virtual time";
      const hint = "conditions that end it earlier: stop: {after: 60 s, when: [probes]}";
      this.#problems.add("E029", ["stop", ...(isThere ? ["after"] : [])], message, { hint });
      return undefined;
    }
    const afterPs = timeAt(["stop", "after"], text, 1, this.#problems);
    const timeLimitPs = this.#part?.scenario.run.timeLimitPs ?? Infinity;
    if (afterPs !== undefined && afterPs >= timeLimitPs) {
      const limit = formatTime(timeLimitPs);
      const hint = "run: {timeLimit: ...} of the scenario must be later";
      const message = `the drill stops at ${text}, its run ends at ${limit}`;
      this.#problems.add("E025", ["stop", "after"], message, { hint });
    }
    return afterPs;
  }

  /** Everything that is to happen happens before the drill is over. */
  #checkClock(method: readonly Activity[], clock: MethodClock, afterPs: number): void {
    // An item of the method that is wrong has no place in it: the others' are not known.
    if (!this.#problems.isSound(["method"])) return;
    method.forEach((activity, index) => {
      const duePs = clock.duePs[index];
      const isAction = activity.type === "action";
      const fault = isAction && "fault" in activity.act ? activity.act.fault : undefined;
      const onsetPs = typeof fault === "object" && fault.moment === undefined ? fault.atPs : 0;
      const isOfRun = isAction && "since" in activity.act && activity.act.since === "run";
      const atPs = isOfRun ? Math.max(onsetPs, duePs) : duePs + onsetPs;
      const item = ["method", index];
      const isAt = isOfRun && onsetPs > 0;
      const path = isAt ? [...item, "provider", "arguments", "at"] : item;
      const name = escapeText(activity.name);
      if (atPs >= afterPs) {
        const message = `'${name}' at ${formatTime(atPs)}, drill ends at ${formatTime(afterPs)}`;
        this.#problems.add("E025", path, message, { hint: "make stop.after later" });
      } else if (isOfRun && typeof fault === "object" && !fault.moment && onsetPs < duePs) {
        const message = `'${name}' begins at ${formatTime(onsetPs)}, due at ${formatTime(duePs)}`;
        const hint = "`at` counts from the beginning of the run; leave it out to begin when due";
        this.#problems.add("E025", path, message, { hint });
      }
    });
  }

  /** What looks at the method, or checks during it, needs a method that lasts. */
  #checkSpans({ beginsAtPs, endPs }: MethodClock): void {
    const lasts = beginsAtPs !== undefined && endPs > beginsAtPs;
    if (lasts || !this.#problems.isSound(["method"])) return;
    const hint = "let time pass after the action: pauses: {after: 1 s}";
    const { strategy } = this.#fields.runtime.hypothesis;
    if (strategy === "continuously" || strategy === "during-method-only") {
      const message = `${strategy} checks nothing: the method ends when it begins`;
      this.#problems.add("E030", ["runtime", "hypothesis", "strategy"], message, { hint });
    }
    const probes = this.#fields["steady-state-hypothesis"]?.probes ?? [];
    probes.forEach(({ provider }, index) => {
      if (provider.arguments.over !== "during") return;
      const path = this.#placeOf(["steady-state-hypothesis", "probes"], index);
      const message = "nothing is during the method: it ends when it begins";
      this.#problems.add("E030", [...path, "provider", "arguments", "over"], message, { hint });
    });
  }

  /** Probes name faults that there are; a stop condition can be known before the end. */
  #checkNames(): void {
    const names = this.#acts?.faultNames ?? [];
    const check = (list: DocumentPath, probes: readonly ProbeFields[], isStop: boolean): void => {
      probes.forEach(({ provider }, index) => {
        const { fault } = provider.arguments;
        const path = [...this.#placeOf(list, index), "provider"];
        const isKnown = typeof fault !== "string" || names.includes(fault);
        if (!isKnown && this.#acts?.isIncomplete === false) {
          const message = `there is no fault '${escapeText(fault)}' in this drill`;
          const hint = didYouMean(fault, names);
          this.#problems.add("E030", [...path, "arguments", "fault"], message, { hint });
        }
        const planes = this.#part?.scenario.cluster.planes ?? Infinity;
        const { plane } = provider.arguments;
        if (provider.func === "plane_share" && typeof plane === "number" && plane >= planes) {
          const message = `there are planes 0..${planes - 1}, got ${plane}`;
          this.#problems.add("E013", [...path, "arguments", "plane"], message);
        }
        if (isStop && measureOf(provider.func)?.known === "end") {
          const message = `${provider.func} is known when the run is over: it cannot stop one`;
          this.#problems.add("E030", [...path, "func"], message);
        }
      });
    };
    const fields = this.#fields;
    const probes = fields["steady-state-hypothesis"]?.probes ?? [];
    check(["steady-state-hypothesis", "probes"], probes, false);
    check(["stop", "when"], fields.stop?.when ?? [], true);
  }

  #frequency(afterPs: number): number {
    const text = this.#fields.runtime.hypothesis.frequency;
    if (text === undefined) return Math.max(1, Math.ceil(afterPs / DEFAULT_CHECKS));
    const path = ["runtime", "hypothesis", "frequency"];
    const frequencyPs = timeAt(path, text, 1, this.#problems) ?? afterPs;
    if (afterPs / frequencyPs > MOST_CHECKS) {
      const most = formatTime(Math.ceil(afterPs / MOST_CHECKS));
      const message = `at most ${MOST_CHECKS} checks in a drill: ${most} or more, got ${text}`;
      this.#problems.add("E013", path, message);
    }
    return frequencyPs;
  }
}
