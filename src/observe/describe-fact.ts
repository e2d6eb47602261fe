/**
 * Facts in words: one sentence each, for people. Pure; what is shown and when is decided elsewhere.
 */
import { unreachable } from "../base/assert.ts";
import { counted, grouped, listed } from "../base/words.ts";
import type { Fact } from "../model/fact.ts";
import { formatTime } from "../model/time.ts";

/** How a line is painted. */
export type Tone = "plain" | "good" | "warning" | "bad" | "quiet";

/**
 * What one fact says. `namesChain`: the schedule has several chains, so say which. Names in it may
 * hold control characters: escape the line before printing.
 */
export function describeFact(fact: Fact, namesChain = false): string {
  const ofChain = namesChain && "chain" in fact ? `${fact.chain} ` : "";
  switch (fact.type) {
    case "fault.began":
      return `fault ${fact.fault} began: ${fact.kind} on ${fact.target}`;
    case "fault.changed":
      return `fault ${fact.fault} at ${fact.permille / 10} %: ${fact.kind} on ${fact.target}`;
    case "fault.healed":
      return `fault ${fact.fault} healed: ${fact.kind} on ${fact.target}`;
    case "packet.delivered":
      return `${fact.kind} packet ${fact.psn} of ${fact.origin} arrived over ${fact.link}`;
    case "packet.dropped":
      return (
        `${fact.kind} packet ${fact.psn} of ${fact.origin} dropped on ${fact.link} ` +
        `(fault ${fact.fault})`
      );
    case "qp.timed-out":
      return (
        `no acknowledgement from ${fact.peer}, retry ${fact.retry}, ` +
        `${counted(fact.outstanding, "packet")} outstanding`
      );
    case "qp.retransmitted":
      return `${counted(fact.packets, "packet")} sent again to ${fact.peer} (${fact.cause})`;
    case "qp.failed":
      return (
        `queue pair to ${fact.peer} failed after the last retry, ` +
        `${counted(fact.outstanding, "packet")} outstanding`
      );
    case "qp.reset":
      return (
        `queue pair to ${fact.peer} begins anew (incarnation ${fact.incarnation}, ` +
        `${counted(fact.dropped, "packet")} dropped)`
      );
    case "plane.suspected":
      return `avoids plane ${fact.plane} to ${fact.peer} for ${formatTime(fact.spanPs)}`;
    case "rank.wait-timed-out":
      return `waited too long for ${listed(fact.missing)}`;
    case "rank.masked":
      return (
        `masks rank ${fact.rank}: ${REASONS[fact.reason]} ` +
        `(fault ${fact.fault}, ${counted(fact.assignments, "assignment")})`
      );
    case "experts.missing": {
      const experts = fact.experts.map(String);
      const noun = experts.length === 1 ? "expert" : "experts";
      return `nobody has ${noun} ${listed(experts)} without ${fact.rank} (fault ${fact.fault})`;
    }
    case "copy.corrupted":
      return (
        `a copy from ${fact.from} failed its checksum: layer ${fact.layer}, ` +
        `token ${fact.token} (fault ${fact.fault})`
      );
    case "rank.trapped":
      return `traps after waiting for ${listed(fact.missing)} (fault ${fact.fault})`;
    case "detour.taken":
      return `reaches ${fact.rank} through ${fact.through} from now on`;
    case "route.changed": {
      const verb = fact.change === "avoided" ? "avoids" : "takes back";
      const target = fact.target === "all" ? "" : ` for ${fact.target}`;
      return `${verb} ${listed(fact.links)}${target} (${fact.cause})`;
    }
    case "controller.decided": {
      const out = fact.excluded.length === 0 ? [] : [`without ${listed(fact.excluded)}`];
      const back = fact.admitted.length === 0 ? [] : [`with ${listed(fact.admitted)} again`];
      return `decides on ${[`${fact.action} (epoch ${fact.epoch})`, ...out, ...back].join(", ")}`;
    }
    case "rank.excluded":
      return `rank ${fact.rank} is out (fault ${fact.fault})`;
    case "rank.admitted":
      return `rank ${fact.rank} is in again`;
    case "experts.moved":
      return (
        `${counted(fact.count, "expert")} changed hands, those of each layer counted ` +
        `(epoch ${fact.epoch})`
      );
    case "ranks.resumed":
      return (
        `${counted(fact.members.length, "rank")} go on with step ${fact.step} ` +
        `(epoch ${fact.epoch})`
      );
    case "controller.gave-up":
      return `gives the group up: it does not get past step ${fact.step} (epoch ${fact.epoch})`;
    case "step.restarted":
      return `step ${fact.step} begins again`;
    case "dispatch.completed":
      return (
        `dispatch of ${ofChain}layer ${fact.layer} done: ${grouped(fact.received)} ` +
        `token copies received in ${formatTime(fact.durationPs)}`
      );
    case "combine.completed":
      return (
        `combine of ${ofChain}layer ${fact.layer} done: ${fact.combined} combined, ` +
        `${fact.masked} masked in ${formatTime(fact.durationPs)}`
      );
    case "combine.mismatched":
      return (
        `WRONG RESULT in layer ${fact.layer}, token ${fact.token}: ` +
        `expected ${fact.expected}, got ${fact.actual} (fault ${fact.fault})`
      );
    case "layer.completed":
      return `${ofChain}layer ${fact.layer} done in ${formatTime(fact.durationPs)}`;
    case "step.completed":
      return `step ${fact.step} done in ${formatTime(fact.durationPs)}`;
    case "rank.finished":
      return (
        `finished: ${fact.dispatched} dispatched, ${fact.combined} combined, ` +
        `${fact.masked} masked`
      );
    default:
      return unreachable(fact);
  }
}

/** Why a rank was given up, in words. */
export const REASONS = {
  "send-failed": "its queue pair failed",
  "no-answer": "no answer in time",
  notice: "told by another rank",
  operator: "the operator wants it",
  controller: "the controller wants it",
} as const;

/** How bad a fact is, for colour. */
export function toneOf(fact: Fact): Tone {
  switch (fact.type) {
    case "fault.began":
    case "combine.mismatched":
    case "copy.corrupted":
      return "bad";
    case "fault.changed":
    case "qp.failed":
    case "plane.suspected":
    case "detour.taken":
    case "route.changed":
    case "rank.masked":
    case "experts.missing":
    case "rank.trapped":
    case "controller.decided":
    case "controller.gave-up":
    case "rank.excluded":
    case "step.restarted":
    case "rank.wait-timed-out":
    case "qp.timed-out":
      return "warning";
    case "fault.healed":
    case "rank.admitted":
    case "ranks.resumed":
    case "rank.finished":
      return "good";
    case "packet.delivered":
    case "packet.dropped":
    case "qp.retransmitted":
    case "qp.reset":
      return "quiet";
    case "dispatch.completed":
    case "combine.completed":
    case "layer.completed":
    case "step.completed":
    case "experts.moved":
      return "plain";
    default:
      return unreachable(fact);
  }
}
