/**
 * What a member may say, and when: each message has its place in the life of a process, and nobody
 * speaks for others. Only looks, and throws the InvariantError of the rule that is broken; what
 * follows for the member (it is lost, and replaced) is the coordinator's matter.
 */
import { violated } from "../src/base/assert.ts";
import type { Resumption } from "../src/model/window.ts";
import { type MemberMessage, type SpawnedWorker, Tag } from "./messages.ts";

/** How far a run is. */
export type RunPhase = "gathering" | "starting" | "running" | "collecting" | "leaving";

/**
 * How far a worker's present process is: started, told us where it listens, told what it is to do,
 * linked with its peers.
 */
export type WorkerStage = "starting" | "listening" | "configured" | "linked";

/** What the rules need to know of a worker. */
export interface WorkerView {
  readonly number: number;
  readonly incarnation: number;
  readonly host: object;
  readonly stage: WorkerStage;
  /** What the present process begins with; undefined: at the beginning. */
  readonly resumption: Resumption | undefined;
  /** Peers to which it has handed over what was under way. */
  readonly handedOver: ReadonlySet<number>;
}

/** What the rules need to know of a run. */
export interface RunView {
  readonly phase: RunPhase;
  readonly workers: readonly WorkerView[];
  /** Do two workers share a lane? */
  arePeers(worker: number, other: number): boolean;
  /** Has a worker said its totals? */
  isDone(worker: number): boolean;
}

/** Checks a message of a worker's present process. */
export function checkWorkerMessage(run: RunView, worker: WorkerView, message: MemberMessage): void {
  const { stage } = worker;
  switch (message.tag) {
    case Tag.heartbeat:
    case Tag.failed:
    case Tag.disturbed:
      return;
    case Tag.listening:
      expectStage(worker, "listening", "starting");
      return;
    case Tag.linked:
      expectStage(worker, "linked", "configured");
      return;
    case Tag.report:
      if (stage !== "linked" || run.phase !== "running") {
        outOfPlace(`report of window ${message.report.window}`, worker);
      }
      return;
    case Tag.summary:
      // Nobody needs links for its totals.
      if (stage !== "configured") expectStage(worker, "summary", "linked");
      if (run.phase !== "collecting" || run.isDone(worker.number)) outOfPlace("summary", worker);
      return;
    case Tag.handover:
      expectPeer(run, worker, message.peer);
      if (worker.resumption === undefined || worker.handedOver.has(message.peer)) {
        outOfPlace(`handover to worker ${message.peer}`, worker);
      }
      expectStage(worker, "handover", "configured");
      return;
    case Tag.unreachable: {
      const { peer, peerIncarnation } = message;
      expectPeer(run, worker, peer);
      if (stage !== "configured" && stage !== "linked") outOfPlace("unreachable", worker);
      if (peerIncarnation > run.workers[peer].incarnation) {
        violated("speaks-for-itself", `there is no process ${peerIncarnation} of ${peer} yet`);
      }
      return;
    }
    default:
      violated("speaks-for-itself", `message ${message.tag} is not a worker's`);
  }
}

/** Checks what an agent says of one of its workers, or passes on for it. */
export function checkAgentsWord(
  run: RunView,
  host: { readonly label: string },
  about: SpawnedWorker,
): void {
  const worker = run.workers[about.worker];
  if (worker?.host === host && about.incarnation <= worker.incarnation) return;
  const what = `process ${about.incarnation} of worker ${about.worker}`;
  violated("speaks-for-its-host", `${host.label} has no ${what}`);
}

/** Checks a message of an agent itself. `hasArrived`: it has said who it is. */
export function checkAgentMessage(message: MemberMessage, hasArrived: boolean): void {
  switch (message.tag) {
    case Tag.heartbeat:
    case Tag.usage:
      return;
    case Tag.arrived:
      if (hasArrived) violated("message-in-its-place", "an agent arrived twice");
      return;
    case Tag.relayed:
    case Tag.spawned:
    case Tag.exited:
    case Tag.silent:
    case Tag.disturbed:
      if (!hasArrived) violated("message-in-its-place", "an agent spoke before it arrived");
      return;
    default:
      violated("speaks-for-itself", `message ${message.tag} is not an agent's`);
  }
}

function expectStage(worker: WorkerView, what: string, stage: WorkerStage): void {
  if (worker.stage !== stage) outOfPlace(what, worker);
}

function expectPeer(run: RunView, { number }: WorkerView, peer: number): void {
  if (run.arePeers(number, peer)) return;
  violated("speaks-for-itself", `worker ${number} has no peer ${peer}`);
}

function outOfPlace(what: string, { number, stage }: WorkerView): never {
  violated("message-in-its-place", `worker ${number}, which is ${stage}, sent: ${what}`);
}
