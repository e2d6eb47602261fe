/**
 * What operators do to a run that is up. Every command that changes something is decided between
 * two windows, written down with its virtual instant, and then goes out with the next grants; two
 * operators at once take turns. Whatever is done is a lease: when nobody comes back it ends.
 */
import type { CommittedWindow } from "../src/engine/window-protocol.ts";
import type { Scenario } from "../src/model/scenario.ts";
import { formatTime } from "../src/model/time.ts";
import type { Topology } from "../src/model/topology.ts";
import { BLIND_PREFIX, type BlindSession, VEILED } from "./blind.ts";
import type {
  ControlAnswer,
  ControlRequest,
  FaultInForce,
  LiveStatus,
} from "./control-messages.ts";
import { ExitCode } from "./errors.ts";
import { type BookedFault, FaultBook } from "./fault-book.ts";
import type { JournalOrder } from "./journal-orders.ts";
import { type Decision, LiveFaults, refusal } from "./live-faults.ts";
import { StatusBoard } from "./status-board.ts";
import type { WindowLoop } from "./window-loop.ts";

export interface RunControlOptions {
  readonly runId: string;
  readonly scenario: Scenario;
  readonly topology: Topology;
  readonly blind: BlindSession | undefined;
  /** Names of faults that are still to come, of a drill. */
  readonly planned?: readonly string[] | undefined;
}

/** Answer to whoever comes when the run is over. */
const OVER: ControlAnswer = {
  ok: false,
  exitCode: ExitCode.unavailable,
  problems: [{ code: "E064", message: "the run is over", hint: "its report is in the run folder" }],
};

/** A command that changes something. */
type Order = Exclude<ControlRequest, { command: "status" }>;

/** The operators' side of one run. */
export class RunControl {
  readonly #options: RunControlOptions;
  readonly #book: FaultBook;
  readonly #faults: LiveFaults;
  readonly #board: StatusBoard;
  readonly #waiting = new Set<(answer: ControlAnswer) => void>();
  #loop: WindowLoop | undefined;
  #over = false;

  constructor(options: RunControlOptions) {
    const { scenario, topology, blind, planned } = options;
    this.#options = options;
    this.#book = new FaultBook(scenario.faults, planned);
    const prefix = blind === undefined ? "" : BLIND_PREFIX;
    this.#faults = new LiveFaults(scenario, topology, this.#book, prefix);
    this.#board = new StatusBoard(scenario);
  }

  /** The run begins; what was asked before is done now. */
  attach(loop: WindowLoop): void {
    this.#loop = loop;
  }

  /** Takes a committed window. */
  committed(window: CommittedWindow): void {
    this.#board.take(window.facts);
  }

  /** Takes orders, whoever gave them. */
  ordered(orders: readonly JournalOrder[]): void {
    this.#book.take(orders);
    this.#options.blind?.ordered(orders);
  }

  /** Answers one request; what waits for a window is answered when it is written down. */
  ask(request: ControlRequest): Promise<ControlAnswer> {
    const loop = this.#loop;
    if (this.#over || loop === undefined) return Promise.resolve(OVER);
    if (request.command === "status") return Promise.resolve(this.#status(loop));
    return new Promise((resolve) => {
      let answer: ControlAnswer = OVER;
      const respond = (given: ControlAnswer): void => {
        this.#waiting.delete(respond);
        resolve(given);
      };
      this.#waiting.add(respond);
      loop.between({
        decide: (atPs) => {
          const decision = this.#decide(request, loop, atPs);
          if (!decision.ok) {
            answer = decision;
            return [];
          }
          const { orders, text } = decision;
          answer = { ok: true, atPs: orders[0]?.atPs ?? atPs, text };
          return orders;
        },
        done: () => respond(answer),
      });
    });
  }

  /** The run is over: nobody waits any longer. */
  close(): void {
    this.#over = true;
    for (const respond of this.#waiting) respond(OVER);
  }

  #decide(request: Order, loop: WindowLoop, atPs: number): Decision {
    if (loop.isCatchingUp) {
      const message = `the run is taken up again and does what its record says, at ${formatTime(atPs)}`;
      return refusal("E064", message, "ask again when it has caught up; faultplane status tells");
    }
    switch (request.command) {
      case "inject":
        return this.#faults.inject(request.fault, atPs);
      case "heal":
        return request.fault === "all" ? this.#healAll(atPs) : this.#heal(request.fault, atPs);
      case "mask":
      case "drain":
      case "reroute":
        return this.#faults.intervene(request.command, request, atPs);
      case "unmask":
        return this.#faults.undo("mask", request.target, atPs);
      case "undrain":
        return this.#faults.undo("drain", request.target, atPs);
      case "pause": {
        if (loop.isPaused) return said("paused already");
        loop.pause();
        return noted("paused", atPs);
      }
      case "resume": {
        if (!loop.isPaused) return said("not paused");
        loop.resume();
        return noted("resumed", atPs);
      }
      case "speed": {
        loop.setSpeed(request.speed);
        return noted(`speed ${request.speed}`, atPs);
      }
      case "stop": {
        const reason = "an operator asked for it";
        const orders = [{ record: "stop", by: "operator", atPs, reason }] as const;
        return { ok: true, orders, text: `stops at ${formatTime(atPs)}` };
      }
      case "diagnose":
        return this.#diagnose(request, loop, atPs);
    }
  }

  #heal(name: string, atPs: number): Decision {
    return this.#faults.heal(name, atPs, (fault) => this.#mayKnow(fault));
  }

  #healAll(atPs: number): Decision {
    const decision = this.#faults.healAll(atPs);
    if (this.#options.blind === undefined || !decision.ok) return decision;
    return { ...decision, text: "whatever was in force heals" };
  }

  #diagnose(
    { kind, target }: Order & { command: "diagnose" },
    loop: WindowLoop,
    atPs: number,
  ): Decision {
    const { blind } = this.#options;
    if (blind === undefined) {
      const hint = "faultplane status shows what is in force; --blind hides it";
      return refusal("E066", "this run hides nothing: there is nothing to diagnose", hint);
    }
    const decision = this.#faults.diagnose(kind, target, atPs, loop.wallSeconds);
    if (decision.diagnosis !== undefined) blind.note(decision.diagnosis);
    return decision;
  }

  #mayKnow(fault: string): boolean {
    return this.#options.blind?.isOpen(fault) ?? true;
  }

  #status(loop: WindowLoop): ControlAnswer {
    const { presentPs: atPs, wallSeconds, speed, lagSeconds, isPaused } = loop;
    const status: LiveStatus = {
      runId: this.#options.runId,
      virtualTimePs: atPs,
      wallSeconds,
      speed,
      lagSeconds,
      isPaused,
      faults: this.#inForce(atPs),
      ...this.#board.progress(atPs),
    };
    return { ok: true, atPs, text: `at ${formatTime(atPs)}`, status };
  }

  /** A blind drill has one entry for all that it hides, whether any of it is in force or not. */
  #inForce(atPs: number): FaultInForce[] {
    const known = this.#book.inForce(atPs).filter(({ spec }) => this.#mayKnow(spec.name));
    const shown = known.map(shownFault);
    return this.#options.blind === undefined ? shown : [HIDDEN, ...shown];
  }
}

/** Stands for whatever a blind drill does or does not at the moment. */
const HIDDEN: FaultInForce = {
  ...{ fault: VEILED, kind: VEILED, targets: [VEILED] },
  ...{ atPs: 0, untilPs: null },
};

function shownFault({ spec, untilPs }: BookedFault): FaultInForce {
  const { name, kind, targets, atPs } = spec;
  return { fault: name, kind, targets, atPs, untilPs: untilPs ?? null };
}

/** Nothing to do. */
function said(text: string): Decision {
  return { ok: true, orders: [], text };
}

/** Something that only the pace of the run shows. */
function noted(text: string, atPs: number): Decision {
  return { ok: true, orders: [{ record: "note", by: "operator", atPs, text }], text };
}
