/**
 * Facts: what happened in the model, one line of the event log each. They carry virtual time and
 * nothing of the host (no wall time, pid, window), and their order is (time, actor, index).
 */

/**
 * One packet at the end of a link; logged only when the run asks for it. Not part of the digest,
 * which holds every packet anyway.
 */
export interface PacketNote {
  readonly link: string;
  readonly kind: string;
  readonly sizeBytes: number;
  readonly origin: string;
  readonly destination: string;
  /**
   * Sequence number inside its queue pair; layer's ordinal in the run; token; choice and expert, or
   * a count.
   */
  readonly psn: number;
  readonly layer: number;
  readonly token: number;
  readonly slot: number;
}

/** What happened. `type` is `noun.past-verb` and is never reused for another meaning. */
export type Fact =
  | {
      readonly type: "fault.began";
      readonly fault: string;
      readonly kind: string;
      readonly target: string;
    }
  | {
      readonly type: "fault.changed";
      readonly fault: string;
      readonly kind: string;
      readonly target: string;
      readonly permille: number;
    }
  | {
      readonly type: "fault.healed";
      readonly fault: string;
      readonly kind: string;
      readonly target: string;
    }
  | ({ readonly type: "packet.delivered" } & PacketNote)
  | ({ readonly type: "packet.dropped"; readonly fault: string } & PacketNote)
  | {
      readonly type: "qp.timed-out";
      readonly peer: string;
      readonly retry: number;
      readonly outstanding: number;
    }
  | {
      readonly type: "qp.retransmitted";
      readonly peer: string;
      readonly packets: number;
      readonly cause: "timeout" | "nak" | "port-down";
    }
  | { readonly type: "qp.failed"; readonly peer: string; readonly outstanding: number }
  | {
      readonly type: "qp.reset";
      readonly peer: string;
      readonly incarnation: number;
      readonly dropped: number;
    }
  | {
      readonly type: "plane.suspected";
      readonly peer: string;
      readonly plane: number;
      readonly spanPs: number;
    }
  | { readonly type: "rank.wait-timed-out"; readonly missing: readonly string[] }
  | {
      readonly type: "rank.masked";
      readonly rank: string;
      readonly fault: string;
      readonly assignments: number;
      readonly reason: "send-failed" | "no-answer" | "notice" | "operator" | "controller";
    }
  | {
      readonly type: "experts.missing";
      readonly rank: string;
      readonly fault: string;
      readonly experts: readonly number[];
    }
  | {
      readonly type: "rank.trapped";
      readonly missing: readonly string[];
      readonly fault: string;
    }
  | {
      readonly type: "copy.corrupted";
      readonly from: string;
      readonly layer: number;
      readonly step: number;
      readonly token: number;
      readonly fault: string;
    }
  | {
      readonly type: "detour.taken";
      readonly rank: string;
      readonly through: string;
      readonly tried: number;
    }
  | {
      readonly type: "route.changed";
      readonly change: "avoided" | "taken-back";
      readonly cause: "local" | "manager" | "operator";
      readonly target: string;
      readonly links: readonly string[];
    }
  | {
      readonly type: "controller.decided";
      readonly action: "remap" | "restart" | "admit";
      readonly epoch: number;
      readonly excluded: readonly string[];
      readonly admitted: readonly string[];
    }
  | { readonly type: "controller.gave-up"; readonly epoch: number; readonly step: number }
  | { readonly type: "rank.excluded"; readonly rank: string; readonly fault: string }
  | { readonly type: "rank.admitted"; readonly rank: string }
  | { readonly type: "experts.moved"; readonly epoch: number; readonly count: number }
  | {
      readonly type: "ranks.resumed";
      readonly epoch: number;
      readonly step: number;
      readonly members: readonly string[];
    }
  | { readonly type: "step.restarted"; readonly step: number }
  | {
      readonly type: "dispatch.completed";
      readonly layer: number;
      readonly step: number;
      readonly chain: string;
      readonly received: number;
      readonly durationPs: number;
    }
  | {
      readonly type: "combine.completed";
      readonly layer: number;
      readonly step: number;
      readonly chain: string;
      readonly combined: number;
      readonly masked: number;
      readonly durationPs: number;
    }
  | {
      readonly type: "combine.mismatched";
      readonly layer: number;
      readonly step: number;
      readonly token: number;
      readonly expected: string;
      readonly actual: string;
      readonly fault: string;
    }
  | {
      readonly type: "layer.completed";
      readonly layer: number;
      readonly step: number;
      readonly chain: string;
      readonly durationPs: number;
    }
  | { readonly type: "step.completed"; readonly step: number; readonly durationPs: number }
  | {
      readonly type: "rank.finished";
      readonly dispatched: number;
      readonly combined: number;
      readonly masked: number;
    };

/** A fact with its place in the log. */
export interface FactRecord {
  readonly atPs: number;
  /** Index of the actor among the sorted actor ids. */
  readonly actor: number;
  /** Counts the facts of this actor. */
  readonly index: number;
  readonly fact: Fact;
}

/** Order of the event log: time, then actor, then the actor's own count. */
export function compareFacts(left: FactRecord, right: FactRecord): number {
  return left.atPs - right.atPs || left.actor - right.actor || left.index - right.index;
}
