/**
 * How good a diagnosis is: what a responder of a blind drill named, against the faults that were
 * there. Pure; it is told to nobody before the drill is over.
 */
import { targetKindsOf } from "../fault/catalogue.ts";
import type { TargetIndex } from "../fault/target-index.ts";
import type { FaultKind, FaultSpec } from "../model/fault.ts";

/** What a responder named, and when. */
export interface Diagnosis {
  readonly kind: FaultKind;
  /** As the responder wrote it. */
  readonly target: string;
  /** What that means in this cluster: one name, since who names many names no culprit. */
  readonly targets: readonly string[];
  /** Virtual time, ps. */
  readonly atPs: number;
  /** Wall time since the run began. */
  readonly wallSeconds: number;
}

/**
 * From right to wrong. `exact`: the kind and one of the fault's targets; `target`: one of them with
 * another kind; `domain`: something in the same node, or on the same plane.
 */
export const GRADES = ["exact", "target", "domain", "wrong"] as const;
export type Grade = (typeof GRADES)[number];

/** How a diagnosis did. */
export interface DiagnosisScore {
  readonly grade: Grade;
  /** The fault that it comes nearest to; the earliest of equals. Undefined when it is wrong. */
  readonly fault?: string;
  /** From that fault's onset to the diagnosis, ps; negative: it was named before it began. */
  readonly sinceOnsetPs?: number;
}

/** Scores one diagnosis against the faults that a drill hid. */
export function scoreDiagnosis(
  diagnosis: Diagnosis,
  faults: readonly FaultSpec[],
  index: TargetIndex,
): DiagnosisScore {
  let best: FaultSpec | undefined;
  let bestPlace: number = GRADES.indexOf("wrong");
  for (const fault of [...faults].sort((left, right) => left.atPs - right.atPs)) {
    const place = GRADES.indexOf(gradeOf(diagnosis, fault, index));
    if (place >= bestPlace) continue;
    best = fault;
    bestPlace = place;
  }
  const grade = GRADES[bestPlace];
  if (best === undefined) return { grade };
  return { grade, fault: best.name, sinceOnsetPs: diagnosis.atPs - best.atPs };
}

/**
 * Virtual time from the onset of `fault` to the first diagnosis that names it exactly, ps;
 * undefined: nobody did.
 */
export function timeToDiagnosePs(
  diagnoses: readonly Diagnosis[],
  fault: FaultSpec,
  index: TargetIndex,
): number | undefined {
  const first = diagnoses.find((one) => gradeOf(one, fault, index) === "exact");
  return first === undefined ? undefined : first.atPs - fault.atPs;
}

function gradeOf(diagnosis: Diagnosis, fault: FaultSpec, index: TargetIndex): Grade {
  const { targets } = fault;
  if (diagnosis.targets.every((target) => targets.includes(target)))
    return diagnosis.kind === fault.kind ? "exact" : "target";
  const near = domainsOf(diagnosis.kind, diagnosis.targets, index);
  const there = domainsOf(fault.kind, targets, index);
  return [...there].some((domain) => near.has(domain)) ? "domain" : "wrong";
}

/** Nodes and planes that targets are in. */
function domainsOf(
  kind: FaultKind,
  targets: readonly string[],
  index: TargetIndex,
): ReadonlySet<string> {
  const domains = new Set<string>();
  for (const target of targets) {
    for (const one of targetKindsOf(kind)) {
      const membership = index.ofKind(one).get(target);
      if (membership === undefined) continue;
      for (const node of membership.node) domains.add(`node${node}`);
      for (const plane of membership.plane) domains.add(`plane${plane}`);
      break;
    }
  }
  return domains;
}
