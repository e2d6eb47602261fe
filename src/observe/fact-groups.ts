/**
 * What many actors say at nearly the same moment, in one sentence: 24 ranks masking one rank, or
 * one NIC losing 24 queue pairs. Pure; for whoever watches, never for the event log.
 */
import { counted, grouped, listed } from "../base/words.ts";
import type { Fact } from "../model/fact.ts";
import { formatTime } from "../model/time.ts";
import { describeFact } from "./describe-fact.ts";

/** One fact of a group and who said it. */
export interface GroupMember {
  readonly actor: string;
  readonly fact: Fact;
}

/** Facts with the same key belong together; undefined: this fact always stands alone. */
export function groupKeyOf(fact: Fact): string | undefined {
  switch (fact.type) {
    case "fault.began":
      // A process may have held hundreds of devices. Other faults are told without delay.
      return fact.kind === "actors-lost" ? `${fact.type}|${fact.fault}` : undefined;
    case "rank.masked":
    case "experts.missing":
    case "copy.corrupted":
    case "rank.trapped":
    case "rank.excluded":
      return `${fact.type}|${fact.fault}`;
    case "qp.timed-out":
      return `${fact.type}|${fact.retry}`;
    case "step.completed":
    case "step.restarted":
      return `${fact.type}|${fact.step}`;
    case "qp.failed":
    case "rank.wait-timed-out":
    case "rank.finished":
    case "rank.admitted":
      return fact.type;
    default:
      return undefined;
  }
}

/** A group that would need more sentences than this is told in one. */
const SENTENCES_MAX = 8;

/**
 * The sentences for one group: first one for the subjects that the same several actors speak of,
 * then one for every actor that is left; or one sentence with
 * counts when that are too many. The actor is empty when several spoke.
 */
export function describeGroup(
  members: readonly GroupMember[],
): { readonly actor: string; readonly text: string }[] {
  const bySubject = gather(members, (member) => subjectOf(member.fact));
  const left: GroupMember[] = [];
  const bySpeakers = new Map<string, { subjects: string[]; speakers: GroupMember[] }>();
  for (const [subject, speakers] of bySubject) {
    if (distinct(speakers) === 1) {
      left.push(...speakers);
      continue;
    }
    const key = [...new Set(speakers.map((member) => member.actor))].sort().join(" ");
    const same = bySpeakers.get(key) ?? { subjects: [], speakers: [] };
    same.subjects.push(subject);
    same.speakers.push(...speakers);
    bySpeakers.set(key, same);
  }
  const sentences: { actor: string; text: string }[] = [];
  for (const { subjects, speakers } of bySpeakers.values()) {
    sentences.push({ actor: "", text: manySay(subjects, speakers) });
  }
  for (const [actor, facts] of gather(left, (member) => member.actor)) {
    const text = facts.length > 1 ? oneSays(facts) : describeFact(facts[0].fact);
    sentences.push({ actor, text });
  }
  if (sentences.length <= SENTENCES_MAX) return sentences;
  return [{ actor: "", text: allSay(bySubject, members) }];
}

/** Many actors, each about several subjects: how many of each, and who is spoken of most. */
function allSay(
  bySubject: ReadonlyMap<string, readonly GroupMember[]>,
  members: readonly GroupMember[],
): string {
  const { fact } = members[0];
  const ranks = counted(distinct(members), "rank");
  const nics = counted(distinct(members), "NIC");
  const subjects = bySubject.size;
  const [most, speakers] = [...bySubject].reduce((one, other) =>
    distinct(other[1]) > distinct(one[1]) ? other : one,
  );
  const pairs = grouped(members.length);
  const mostly = `, most of all ${most} by ${grouped(distinct(speakers))}`;
  switch (fact.type) {
    case "fault.began":
      return (
        `fault ${fact.fault} began: ${fact.kind} on ${counted(subjects, "device")}: ` +
        listed([...bySubject.keys()])
      );
    case "rank.masked":
      return (
        `${ranks} mask ${counted(subjects, "rank")}, ${pairs} pairs${mostly} ` +
        `(fault ${fact.fault}, ${counted(sumOf(members), "assignment")})`
      );
    case "qp.timed-out":
      return (
        `no acknowledgement from ${counted(subjects, "NIC")} to ${nics}, retry ${fact.retry}, ` +
        `${pairs} pairs${mostly}`
      );
    case "qp.failed":
      return (
        `queue pairs of ${nics} to ${counted(subjects, "NIC")} failed after the last retry, ` +
        `${pairs} pairs${mostly}`
      );
    case "rank.wait-timed-out":
      return `${ranks} waited too long for others`;
    case "rank.trapped":
      return `${ranks} trapped, after waiting for others (fault ${fact.fault})`;
    case "experts.missing":
      return `${ranks} have nobody for some experts (fault ${fact.fault})`;
    case "copy.corrupted":
      return (
        `${counted(members.length, "payload")} from ${counted(subjects, "rank")} failed checksums ` +
        `at ${ranks} (fault ${fact.fault})`
      );
    default:
      return `${describeFact(fact)} (${pairs} times)`;
  }
}

function subjectOf(fact: Fact): string {
  switch (fact.type) {
    case "fault.began":
      return fact.target;
    case "rank.masked":
    case "rank.excluded":
    case "rank.admitted":
    case "experts.missing":
      return fact.rank;
    case "copy.corrupted":
      return fact.from;
    case "qp.timed-out":
    case "qp.failed":
      return fact.peer;
    case "rank.wait-timed-out":
    case "rank.trapped":
      return listed(fact.missing);
    default:
      return "";
  }
}

function manySay(subjects: readonly string[], speakers: readonly GroupMember[]): string {
  const { fact } = speakers[0];
  const actors = distinct(speakers);
  const ranks = counted(actors, "rank");
  const named = listed(subjects);
  switch (fact.type) {
    case "rank.masked": {
      const assignments = sumOf(speakers);
      const noun = subjects.length === 1 ? "rank" : "ranks";
      return (
        `${noun} ${named} masked by ${ranks} ` +
        `(fault ${fact.fault}, ${counted(assignments, "assignment")})`
      );
    }
    case "experts.missing":
      return `${describeFact(fact)}: ${ranks}`;
    case "copy.corrupted":
      return (
        `${counted(speakers.length, "payload")} from ${named} failed checksums ` +
        `at ${ranks} (fault ${fact.fault})`
      );
    case "qp.timed-out":
      return `no acknowledgement from ${named} to ${counted(actors, "NIC")}, retry ${fact.retry}`;
    case "qp.failed":
      return `queue pairs of ${counted(actors, "NIC")} to ${named} failed after the last retry`;
    case "rank.wait-timed-out":
      return `${ranks} waited too long for ${named}`;
    case "rank.trapped":
      return `${ranks} trapped, after waiting for ${named} (fault ${fact.fault})`;
    case "step.restarted":
      return `${ranks} begin step ${fact.step} again`;
    case "rank.finished":
      return `${ranks} finished`;
    case "step.completed": {
      const longestPs = speakers.reduce(
        (most, { fact }) =>
          fact.type === "step.completed" ? Math.max(most, fact.durationPs) : most,
        0,
      );
      return `step ${fact.step} done on ${ranks}, the last in ${formatTime(longestPs)}`;
    }
    default:
      return `${describeFact(fact)} (${actors} times)`;
  }
}

function oneSays(facts: readonly GroupMember[]): string {
  const { fact } = facts[0];
  const subjects = [...new Set(facts.map((member) => subjectOf(member.fact)))];
  const nics = counted(subjects.length, "NIC");
  const named = listed(subjects);
  switch (fact.type) {
    case "rank.masked": {
      const assignments = sumOf(facts);
      return (
        `masks ${counted(subjects.length, "rank")}: ${named} ` +
        `(fault ${fact.fault}, ${counted(assignments, "assignment")})`
      );
    }
    case "rank.excluded":
      return `${counted(subjects.length, "rank")} out: ${named} (fault ${fact.fault})`;
    case "rank.admitted":
      return `${counted(subjects.length, "rank")} in again: ${named}`;
    case "qp.timed-out":
      return `no acknowledgement from ${nics}, retry ${fact.retry}: ${named}`;
    case "qp.failed":
      return `queue pairs to ${nics} failed after the last retry: ${named}`;
    default:
      return `${describeFact(fact)} (${facts.length} times)`;
  }
}

function distinct(members: readonly GroupMember[]): number {
  return new Set(members.map((member) => member.actor)).size;
}

function sumOf(members: readonly GroupMember[]): number {
  let sum = 0;
  for (const { fact } of members) if (fact.type === "rank.masked") sum += fact.assignments;
  return sum;
}

function gather(
  members: readonly GroupMember[],
  keyOf: (member: GroupMember) => string,
): Map<string, GroupMember[]> {
  const groups = new Map<string, GroupMember[]>();
  for (const member of members) {
    const key = keyOf(member);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [member]);
    else group.push(member);
  }
  return groups;
}
