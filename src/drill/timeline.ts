/**
 * What happened in a drill, in the order of virtual time, a line an event: faults, the first sign
 * of them, masks, what the drill did and asked. The same from many actors is one line with a count.
 */
import type { Fact, FactRecord } from "../model/fact.ts";
import type { HostFaultRun } from "../model/host-fault.ts";
import type { TimelineEntry } from "./drill-record.ts";
import { hostRunText } from "./story.ts";
import { counted, listed } from "./words.ts";

/** One line. `untilPs`: the last of several; `by`: who says so. */
export interface TimelineLine {
  readonly atPs: number;
  readonly untilPs?: number;
  /** `host`: a real fault, of the run's own processes. */
  readonly by: "fleet" | "drill" | "host";
  readonly text: string;
  readonly tone: "plain" | "good" | "warning" | "bad";
}

/** Facts that are progress, or too many, and not told. */
const UNTOLD: ReadonlySet<string> = new Set([
  "packet.delivered",
  "packet.dropped",
  "qp.retransmitted",
  "qp.reset",
  "dispatch.completed",
  "combine.completed",
  "layer.completed",
  "step.completed",
]);

/** Facts that are about the rank in them, not about who says them. */
const RANK_IS_SUBJECT: ReadonlySet<string> = new Set([
  ...["rank.masked", "rank.excluded", "rank.admitted"],
]);

interface Group {
  readonly atPs: number;
  untilPs: number;
  readonly fact: Fact;
  readonly actors: Set<number>;
  /** What the facts are about: targets of a fault, masked ranks. */
  readonly subjects: Set<string>;
  count: number;
}

/** Listens to facts in the order of the log. */
export class Timeline {
  readonly #groups: Group[] = [];
  /** Since a fault last began or healed. */
  #open = new Map<string, Group>();

  take(records: readonly FactRecord[]): void {
    for (const record of records) this.#take(record);
  }

  /** The lines, with what the drill itself did, and what became of its real faults. */
  lines(
    own: readonly TimelineEntry[] = [],
    hostFaults: readonly HostFaultRun[] = [],
  ): TimelineLine[] {
    const drills = own.map(
      ({ atPs, what, name, text }): TimelineLine => ({
        atPs,
        by: "drill",
        text: `${what} ${name}${text === "" ? "" : `: ${text}`}`,
        tone: what === "stop" ? "warning" : "plain",
      }),
    );
    const real = hostFaults.map(
      (run): TimelineLine => ({
        atPs: run.atPs,
        by: "host",
        text: hostRunText(run),
        tone: run.done ? "warning" : "bad",
      }),
    );
    const lines = [...drills, ...real, ...this.#groups.map(lineOf)];
    return lines.sort((left, right) => left.atPs - right.atPs);
  }

  #take({ atPs, actor, fact }: FactRecord): void {
    if (UNTOLD.has(fact.type)) return;
    const key = keyOf(fact, atPs);
    let group = this.#open.get(key);
    if (group === undefined) {
      const isTurn = fact.type === "fault.began" || fact.type === "fault.healed";
      if (isTurn) this.#open = keepFinish(this.#open);
      group = { atPs, untilPs: atPs, fact, actors: new Set(), subjects: new Set(), count: 0 };
      this.#open.set(key, group);
      this.#groups.push(group);
    }
    group.untilPs = atPs;
    group.count += 1;
    group.actors.add(actor);
    const subject = subjectOf(fact);
    if (subject !== undefined) group.subjects.add(subject);
  }
}

/** Ranks finish one after another whatever faults do: they stay one line. */
function keepFinish(open: ReadonlyMap<string, Group>): Map<string, Group> {
  return new Map([...open].filter(([, { fact }]) => fact.type === "rank.finished"));
}

function keyOf(fact: Fact, atPs: number): string {
  const fault = "fault" in fact ? fact.fault : "";
  const isTurn = fact.type === "fault.began" || fact.type === "fault.healed";
  const epoch = "epoch" in fact ? fact.epoch : "";
  return isTurn ? `${fact.type} ${fault} ${atPs}` : `${fact.type} ${fault} ${epoch}`;
}

function subjectOf(fact: Fact): string | undefined {
  if ("target" in fact && typeof fact.target === "string") return fact.target;
  if ("rank" in fact && RANK_IS_SUBJECT.has(fact.type)) return fact.rank;
  return undefined;
}

function lineOf({ atPs, untilPs, fact, actors, subjects, count }: Group): TimelineLine {
  const span = untilPs > atPs ? { untilPs } : {};
  const names = listed([...subjects]);
  const line = (tone: TimelineLine["tone"], text: string): TimelineLine => ({
    atPs,
    ...span,
    by: "fleet",
    text,
    tone,
  });
  switch (fact.type) {
    case "fault.began":
      return line("bad", `${fact.fault} began: ${fact.kind} on ${names}`);
    case "fault.healed":
      return line("good", `${fact.fault} healed: ${fact.kind} on ${names}`);
    case "qp.timed-out":
      return line("warning", `${counted(actors.size, "NIC")} timed out, ${counted(count, "tick")}`);
    case "qp.failed":
      return line("warning", `${counted(count, "queue pair")} failed after the last retry`);
    case "rank.wait-timed-out":
      return line("warning", `${counted(actors.size, "rank")} waited too long for others`);
    case "rank.masked": {
      const by = counted(actors.size, "rank");
      return line("warning", `${names} masked by ${by}, because of ${fact.fault}`);
    }
    case "controller.decided": {
      const out = fact.excluded.length === 0 ? "" : `, without ${listed(fact.excluded)}`;
      const back = fact.admitted.length === 0 ? "" : `, with ${listed(fact.admitted)} again`;
      return line("warning", `the controller decides on ${fact.action}${out}${back}`);
    }
    case "controller.gave-up":
      return line("bad", `the controller gives up before step ${fact.step}`);
    case "rank.excluded":
      return line("warning", `${names} left the group, because of ${fact.fault}`);
    case "rank.admitted":
      return line("good", `${names} in the group again`);
    case "experts.moved":
      return line(
        "plain",
        `${counted(fact.count, "expert")} changed hands, those of each layer counted`,
      );
    case "ranks.resumed":
      return line("good", `${counted(fact.members.length, "rank")} go on with step ${fact.step}`);
    case "step.restarted":
      return line("warning", `${counted(actors.size, "rank")} began step ${fact.step} again`);
    case "combine.mismatched":
      return line("bad", `${counted(count, "combined result")} differ from the oracle`);
    case "rank.finished":
      return line("good", `${counted(count, "rank")} finished`);
    default: {
      const what = fact.type.replace(".", " ").replaceAll("-", " ");
      const cause = "fault" in fact && typeof fact.fault === "string" ? ` (${fact.fault})` : "";
      const about = names === "" ? "" : `: ${names}`;
      return line("plain", `${what}${cause}${about}, ${counted(actors.size, "actor")}`);
    }
  }
}
