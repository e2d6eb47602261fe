/**
 * From what an operator asks for to orders that act at an instant, or to what is wrong with it, in
 * the words that files get. It decides and changes nothing.
 */

import { didYouMean } from "../src/base/suggest.ts";
import type { Diagnosis } from "../src/drill/diagnosis.ts";
import { shiftFault } from "../src/fault/shift-fault.ts";
import { FAULT_KINDS, type FaultKind, type FaultSpec } from "../src/model/fault.ts";
import type { Scenario } from "../src/model/scenario.ts";
import { formatTime, PS_PER_S } from "../src/model/time.ts";
import type { Topology } from "../src/model/topology.ts";
import { type FaultContext, faultContextOf } from "../src/scenario/fault-context.ts";
import { resolveTargets } from "../src/scenario/fault-targets.ts";
import { escapeText, type Problem } from "../src/scenario/problem.ts";
import { ProblemList } from "../src/scenario/problem-list.ts";
import { resolveFault } from "../src/scenario/resolve-fault.ts";
import { timeAt } from "../src/scenario/units.ts";
import { readTree } from "../src/scenario/yaml-text.ts";
import { type ControlProblem, LEASE_TEXT } from "./control-messages.ts";
import { ExitCode } from "./errors.ts";
import { type FaultBook, phaseOf } from "./fault-book.ts";
import type { JournalOrder } from "./journal-orders.ts";

/** Orders with a sentence on what they do, or why there are none. */
export type Decision =
  | { readonly ok: true; readonly orders: readonly JournalOrder[]; readonly text: string }
  | { readonly ok: false; readonly exitCode: number; readonly problems: readonly ControlProblem[] };

/** Commands that mask, drain or avoid something, and the entries that they make. */
export const INTERVENTIONS = { mask: "masked", drain: "drained", reroute: "rerouted" } as const;

/** {@link LEASE_TEXT}, ps. */
const LEASE_PS = 60 * PS_PER_S;

/** Longest name that is made here, so that a number still fits behind it. */
const STEM_LENGTH = 56;

type Fields = Readonly<Record<string, unknown>>;

export class LiveFaults {
  readonly #context: FaultContext;
  readonly #hasController: boolean;
  readonly #book: FaultBook;

  readonly #prefix: string;

  /** `prefix`: what every name begins with that is made here; none of it is refused then. */
  constructor(scenario: Scenario, topology: Topology, book: FaultBook, prefix = "") {
    this.#context = faultContextOf(scenario, topology);
    this.#hasController = scenario.recovery.controller !== "none";
    this.#book = book;
    this.#prefix = prefix;
  }

  /** A fault as a drill writes it, that begins at `atPs` and ends by itself. */
  inject(fields: Fields, atPs: number): Decision {
    return this.#checked(fields, (problems) => {
      for (const key of ["at", "heal"]) {
        if (!(key in fields)) continue;
        const message = `a fault of a run that is up begins now, for as long as healAfter says`;
        problems.add("E025", [key], message, { hint: `leave ${key} out` });
      }
      if (fields.healAfter === "never") {
        const message = "a fault of a run that is up ends by itself; 'never' is no lease";
        problems.add("E028", ["healAfter"], message, { hint: "give a time, such as 30 s" });
      }
      const { kind, name } = fields;
      if (this.#prefix === "" && typeof name === "string" && this.#book.isTaken(name)) {
        problems.add("E021", ["name"], `this run has a fault '${escapeText(name)}' already`);
      }
      const place = {
        path: [],
        defaultName: this.#prefix === "" ? this.#book.freeName(String(kind)) : String(kind),
        defaultAt: "0 ps",
        allowMoments: false,
      };
      const fault = resolveFault(fields, place, this.#context, problems);
      if (fault === undefined || problems.problems.length > 0) return undefined;
      const shifted = shiftFault(fields.healAfter === undefined ? leased(fault) : fault, atPs);
      const spec = { ...shifted, name: this.#nameOf(shifted.name) };
      return { orders: [faultOrder(spec)], text: began(spec) };
    });
  }

  /** Masks, drains or avoids; what is so already stays as it is. One entry a target. */
  intervene(
    command: keyof typeof INTERVENTIONS,
    asked: { readonly target: string; readonly lease?: string },
    atPs: number,
  ): Decision {
    const kind = INTERVENTIONS[command];
    const { target, lease } = asked;
    return this.#checked({ target, lease: lease ?? LEASE_TEXT }, (problems) => {
      const targets = this.#targets(kind, target, problems);
      const leasePs = timeAt(["lease"], lease ?? LEASE_TEXT, 1, problems);
      if (targets === undefined || leasePs === undefined) return undefined;
      const orders: JournalOrder[] = [];
      for (const one of targets) {
        if (this.#book.onTargets(kind, [one], atPs).length > 0) continue;
        const name = this.#book.freeName(this.#stemOf(`${command}-${one}`));
        const healAtPs = atPs + leasePs;
        orders.push(faultOrder({ name, kind, targets: [one], atPs, healAtPs }));
      }
      if (orders.length === 0) return { orders, text: `${targets.join(", ")} is ${kind} already` };
      const until = formatTime(atPs + leasePs);
      return { orders, text: `${targets.join(", ")} is ${kind} until ${until}` };
    });
  }

  /** Ends what {@link intervene} began; nothing to end is no error. */
  undo(command: "mask" | "drain", target: string, atPs: number): Decision {
    const kind = INTERVENTIONS[command];
    return this.#checked({ target }, (problems) => {
      const targets = this.#targets(kind, target, problems);
      if (targets === undefined) return undefined;
      const booked = this.#book.onTargets(kind, targets, atPs);
      const shown = targets.join(", ");
      if (booked.length === 0)
        return { orders: [], text: `${shown} is not ${kind} by an operator` };
      const orders = booked.map(({ spec }) => healOrder(spec, atPs));
      // Ranks that gave it up forget that with a new membership, and only with that.
      const left = this.#hasController
        ? ""
        : "; ranks that gave it up go on without it: there is no recovery controller";
      return { orders, text: `the operator's ${command} of ${shown} ends${left}` };
    });
  }

  /** Ends a fault before its lease does; one that is over already is no error. */
  heal(name: string, atPs: number, isKnown: (fault: string) => boolean): Decision {
    const booked = isKnown(name) ? this.#book.get(name) : undefined;
    if (booked === undefined) {
      const known = [...this.#book.names].filter(isKnown);
      const message = `this run has no fault '${escapeText(name)}'`;
      const meant = didYouMean(name, [...known, "all"]);
      const inForce = this.#book.inForce(atPs).map(({ spec }) => spec.name);
      const list = inForce.filter(isKnown).join(", ");
      // Whether anything hidden is in force is hidden, too.
      const none = this.#prefix === "" ? "no fault is in force" : "no operator's fault is in force";
      const hint = meant ?? (list === "" ? none : `in force: ${list}`);
      return refusal("E066", message, hint);
    }
    const { spec, untilPs } = booked;
    switch (phaseOf(booked, atPs)) {
      case "over":
        return {
          ok: true,
          orders: [],
          text: `fault ${name} was healed at ${formatTime(untilPs ?? 0)} already`,
        };
      case "to-come": {
        const message = `fault '${name}' begins at ${formatTime(spec.atPs)}: nothing to heal yet`;
        return refusal("E028", message, "heal it once it has begun");
      }
      default:
        return { ok: true, orders: [healOrder(spec, atPs)], text: `fault ${name} heals` };
    }
  }

  /** Heals every fault that is in force; what operators masked, drained or rerouted stays. */
  healAll(atPs: number): Decision {
    const kinds: readonly string[] = FAULT_KINDS;
    const booked = this.#book.inForce(atPs).filter(({ spec }) => kinds.includes(spec.kind));
    const orders = booked.map(({ spec }) => healOrder(spec, atPs));
    const names = booked.map(({ spec }) => spec.name).join(", ");
    const text = orders.length === 0 ? "no fault is in force" : `healed: ${names}`;
    return { ok: true, orders, text };
  }

  /** What a responder named, as targets of this cluster. */
  diagnose(
    kind: string,
    target: string,
    atPs: number,
    wallSeconds: number,
  ): Decision & { readonly diagnosis?: Diagnosis } {
    const known = FAULT_KINDS.find((one) => one === kind);
    if (known === undefined) {
      const hint = didYouMean(kind, FAULT_KINDS) ?? "see faultplane faults";
      return refusal("E026", `unknown fault kind '${escapeText(kind)}'`, hint);
    }
    let diagnosis: Diagnosis | undefined;
    const decision = this.#checked({ target }, (problems) => {
      const targets = this.#targets(known, target, problems);
      if (targets === undefined) return undefined;
      if (targets.length > 1) {
        const message = `'${escapeText(target)}' is ${targets.length} targets; name one culprit`;
        const hint = `such as ${targets[0]}; several attempts are allowed`;
        problems.add("E026", ["target"], message, { hint });
        return undefined;
      }
      diagnosis = { kind: known, target, targets, atPs, wallSeconds };
      const text = `diagnosed ${known} on ${targets.join(", ")}`;
      const note = { record: "note", by: "operator", atPs, text } as const;
      return { orders: [note], text: "noted; the report will say how good it was" };
    });
    return diagnosis === undefined ? decision : { ...decision, diagnosis };
  }

  /** A name that was checked; with a prefix, made one that nobody has. */
  #nameOf(name: string): string {
    return this.#prefix === "" ? name : this.#book.freeName(this.#stemOf(name));
  }

  #stemOf(name: string): string {
    return `${this.#prefix}${name}`.slice(0, STEM_LENGTH);
  }

  #targets(
    kind: FaultKind,
    selector: string,
    problems: ProblemList,
  ): readonly string[] | undefined {
    return resolveTargets(kind, selector, "live", ["target"], this.#context, problems);
  }

  /** Runs `decide` with a list of problems over `fields`; any problem makes it a refusal. */
  #checked(
    fields: Fields,
    decide: (
      problems: ProblemList,
    ) => { readonly orders: readonly JournalOrder[]; readonly text: string } | undefined,
  ): Decision {
    const read = readTree(new TextEncoder().encode(JSON.stringify(fields)), "command");
    if (!read.ok) return refused(read.problems);
    const problems = new ProblemList(read.tree);
    const decided = decide(problems);
    if (problems.problems.length > 0 || decided === undefined) return refused(problems.problems);
    return { ok: true, ...decided };
  }
}

/** A command that cannot be carried out. */
export function refusal(code: string, message: string, hint: string): Decision & { ok: false } {
  return { ok: false, exitCode: ExitCode.configuration, problems: [{ code, message, hint }] };
}

function refused(problems: readonly Problem[]): Decision {
  const exitCode = problems[0]?.exitCode ?? ExitCode.configuration;
  return {
    ok: false,
    exitCode,
    problems: problems.map(({ code, path, message, hint }) => ({
      code,
      message: path === "" ? message : `${path}: ${message}`,
      hint: hint ?? "",
    })),
  };
}

/** A fault whose time nobody gave ends by itself all the same; its times count from 0. */
function leased(fault: FaultSpec): FaultSpec {
  const healAtPs = Math.min(fault.healAtPs ?? LEASE_PS, LEASE_PS);
  const levels = fault.levels?.filter(({ atPs }) => atPs < healAtPs);
  return { ...fault, healAtPs, ...(levels === undefined ? {} : { levels }) };
}

function faultOrder(spec: FaultSpec): JournalOrder {
  return { record: "fault", by: "operator", ...spec };
}

/** A fault that begins at this very instant has to have begun before it ends. */
function healOrder(spec: FaultSpec, atPs: number): JournalOrder {
  const healAtPs = Math.max(atPs, spec.atPs + 1);
  return { record: "heal", by: "operator", fault: spec.name, atPs: healAtPs };
}

function began({ name, kind, targets, healAtPs }: FaultSpec): string {
  const until = healAtPs === undefined ? "the end of the run" : formatTime(healAtPs);
  return `fault ${name} begins: ${kind} on ${targets.join(", ")}, until ${until}`;
}
