/**
 * Actions of a drill file: what is injected, what an operator does, what ends. Faults are resolved
 * as those of a scenario. Real faults, of processes of the run, are read in host-acts.ts.
 */

import { didYouMean } from "../base/suggest.ts";
import type { FaultKind, FaultSpec, INTERVENTION_KINDS } from "../model/fault.ts";
import { HOST_FAULT_FUNCS } from "../model/host-fault.ts";
import type { FaultContext } from "../scenario/fault-context.ts";
import { NAME_PATTERN } from "../scenario/fault-fields.ts";
import { resolveTargets } from "../scenario/fault-targets.ts";
import { escapeText, quote, show } from "../scenario/problem.ts";
import type { ProblemList } from "../scenario/problem-list.ts";
import { resolveFault } from "../scenario/resolve-fault.ts";
import type { DocumentPath } from "../scenario/yaml-text.ts";
import type { Act } from "./drill.ts";
import type { ActivityFields } from "./drill-fields.ts";
import { type HostActReader, isHostFunc } from "./host-acts.ts";
import { isRealFunc, refuseRealFunc, refuseRealKind } from "./real-faults.ts";

/** Every action. */
export const ACTS = [
  "inject",
  "heal",
  "mask",
  "unmask",
  "drain",
  "undrain",
  "reroute",
  "wait",
  "note",
  ...HOST_FAULT_FUNCS,
] as const;

const INTERVENTIONS: Readonly<Record<string, (typeof INTERVENTION_KINDS)[number]>> = {
  mask: "masked",
  drain: "drained",
  reroute: "rerouted",
};

/** Names of faults, and what they are. */
type Faults = Map<string, Pick<FaultSpec, "kind" | "targets">>;

/** Reads actions in the order of the drill: what is healed must have been injected before. */
export class ActReader {
  readonly #context: FaultContext;
  readonly #problems: ProblemList;
  readonly #faults: Faults;
  readonly #host: HostActReader;
  #isIncomplete: boolean;

  /** `faults`: those of the scenario. `isCut`: wrong actions were left out of the drill. */
  constructor(
    context: FaultContext,
    faults: readonly FaultSpec[],
    isCut: boolean,
    host: HostActReader,
    problems: ProblemList,
  ) {
    this.#host = host;
    this.#isIncomplete = isCut;
    this.#context = context;
    this.#problems = problems;
    this.#faults = new Map(faults.map((fault) => [fault.name, fault]));
  }

  /** Names of the faults of the scenario, and of the actions read so far, or that come of these. */
  get faultNames(): readonly string[] {
    return [...this.#faults.keys(), ...this.#host.faultNames];
  }

  /** Are there actions whose faults are not known, since they are wrong? */
  get isIncomplete(): boolean {
    return this.#isIncomplete;
  }

  /** What an action does; undefined with a problem, unless it ends what is not known. */
  read(fields: ActivityFields, path: DocumentPath): Act | undefined {
    const act = this.#read(fields, path);
    const { func } = fields.provider;
    if (act === undefined && !["heal", "unmask", "undrain", "note"].includes(func)) {
      this.#isIncomplete = true;
    }
    return act;
  }

  #read(fields: ActivityFields, path: DocumentPath): Act | undefined {
    const { func } = fields.provider;
    const given = fields.provider.arguments;
    const at = [...path, "provider", "arguments"];
    const funcPath = [...path, "provider", "func"];
    switch (func) {
      case "inject":
        return this.#inject(fields.name, given, at);
      case "mask":
      case "drain":
      case "reroute":
        return this.#intervene(func, fields.name, given, at);
      case "heal":
        return this.#end("heal", fields.name, given, at);
      case "unmask":
      case "undrain":
        return this.#end(func, fields.name, given, at);
      case "wait":
        this.#only([], given, at);
        return { func };
      case "note":
        return this.#note(given, at);
      default:
        if (isHostFunc(func)) {
          const host = this.#host.read(func, fields.name, given, path);
          return host === undefined ? undefined : { func, host };
        }
        if (isRealFunc(func) && !this.#host.isAllowed) {
          refuseRealFunc(fields.name, func, given, funcPath, this.#problems);
        } else {
          const message = `unknown action '${escapeText(func)}'; there are ${ACTS.join(", ")}`;
          this.#problems.add("E013", funcPath, message, { hint: didYouMean(func, ACTS) });
        }
        return undefined;
    }
  }

  #inject(name: string, given: ActArguments, path: DocumentPath): Act | undefined {
    if (given.at === undefined && given.heal !== undefined) {
      const message = "heal is an instant of the run, and this fault begins when its action is due";
      const hint = "write healAfter, a duration";
      this.#problems.add("E028", [...path, "heal"], message, { hint });
      return undefined;
    }
    if (refuseRealKind(name, given, path, this.#problems)) return undefined;
    const place = { path, defaultName: slugOf(name), defaultAt: "0 ps" };
    const fault = resolveFault(given, place, this.#context, this.#problems);
    if (fault === undefined || !this.#isNew(fault, path)) return undefined;
    return { func: "inject", fault, since: given.at === undefined ? "due" : "run" };
  }

  #intervene(
    func: "mask" | "drain" | "reroute",
    name: string,
    given: ActArguments,
    path: DocumentPath,
  ): Act | undefined {
    if (!this.#only(["name", "target"], given, path)) return undefined;
    const kind: FaultKind = INTERVENTIONS[func];
    const fault = given.name ?? slugOf(name);
    if (typeof fault !== "string" || !NAME_PATTERN.test(fault)) {
      const message = `a name is [a-z0-9._-]{1,63}, got ${quote(fault)}`;
      this.#problems.add("E021", [...path, "name"], message);
      return undefined;
    }
    const { target } = given;
    const isText = typeof target === "string";
    const isList = Array.isArray(target) && target.every((item) => typeof item === "string");
    const targetPath = [...path, "target"];
    if ((!isText && !isList) || target.length === 0) {
      const message = `write one target, or a list of targets, got ${show(target)}`;
      this.#problems.add("E026", targetPath, message);
      return undefined;
    }
    const targets = resolveTargets(
      kind,
      target as string | string[],
      fault,
      targetPath,
      this.#context,
      this.#problems,
    );
    if (targets === undefined) return undefined;
    const spec: FaultSpec = { name: fault, kind, targets, atPs: 0 };
    return this.#isNew(spec, path) ? { func, fault: spec, since: "due" } : undefined;
  }

  /** `{fault: NAME}`, or `{target: ID}` for what an operator did. */
  #end(
    func: "heal" | "unmask" | "undrain",
    name: string,
    given: ActArguments,
    path: DocumentPath,
  ): Act | undefined {
    const problems = this.#problems;
    const faults = this.#faults;
    const isOperators = func !== "heal";
    const kind = func === "unmask" ? "masked" : func === "undrain" ? "drained" : undefined;
    if (!this.#only(isOperators ? ["fault", "target"] : ["fault"], given, path)) return undefined;
    const names = [...faults].flatMap(([other, fault]) =>
      kind === undefined || fault.kind === kind ? [other] : [],
    );
    const key = isOperators && given.fault === undefined ? "target" : "fault";
    const wanted = given[key];
    if (typeof wanted !== "string") {
      const isMissing = wanted === undefined;
      const message = isMissing ? `${func} needs '${key}'` : `expected string, got ${show(wanted)}`;
      problems.add(isMissing ? "E011" : "E012", [...path, key], message, { atKey: isMissing });
      return undefined;
    }
    const isMeant = (other: string): boolean =>
      key === "fault" ? other === wanted : (faults.get(other)?.targets.includes(wanted) ?? false);
    const found = names.find(isMeant);
    if (found !== undefined) return { func, fault: found };
    // It may be one of those that are not known: they have problems of their own.
    if (this.#isIncomplete) return undefined;
    const what = `'${escapeText(name)}' ${func}s '${escapeText(wanted)}'`;
    const state = kind === undefined ? "down" : kind;
    problems.add("E028", [...path, key], `${what}, which is never ${state}`, {
      hint: didYouMean(wanted, names) ?? "what is ended must have begun before, or in the scenario",
    });
    return undefined;
  }

  #note(given: ActArguments, path: DocumentPath): Act | undefined {
    if (!this.#only(["text"], given, path)) return undefined;
    if (typeof given.text === "string") return { func: "note", text: given.text };
    this.#problems.add("E012", [...path, "text"], `expected string, got ${show(given.text)}`);
    return undefined;
  }

  /** Whether the name of a fault is new in the drill; then it is known from now on. */
  #isNew(fault: FaultSpec, path: DocumentPath): boolean {
    if (this.#faults.has(fault.name)) {
      const hint = "give it a name of its own: arguments: {name: ...}";
      this.#problems.add("E021", path, `fault '${fault.name}' defined twice`, { hint });
      return false;
    }
    this.#faults.set(fault.name, fault);
    return true;
  }

  /** Whether no other keys than `allowed` are given. */
  #only(allowed: readonly string[], given: ActArguments, path: DocumentPath): boolean {
    const others = Object.keys(given).filter((key) => !allowed.includes(key));
    for (const key of others) {
      const list = allowed.length === 0 ? "none" : allowed.join(", ");
      const message = `unknown key '${escapeText(key)}'; allowed: ${list}`;
      const hint = didYouMean(key, allowed);
      this.#problems.add("E010", [...path, key], message, { atKey: true, hint });
    }
    return others.length === 0;
  }
}

type ActArguments = Readonly<Record<string, unknown>>;

/** The name of a fault made from that of its action: `take the NIC down` is `take-the-nic-down`. */
function slugOf(name: string): string {
  const slug = name.toLowerCase().replace(/[^a-z0-9._]+/g, "-");
  return slug.replace(/^-+|-+$/g, "").slice(0, 63) || "fault";
}
