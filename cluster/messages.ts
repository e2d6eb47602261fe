/**
 * What the processes of a run say to each other besides data frames: the kinds of message and what
 * is in them. How they are written is in wire.ts. Types and names only.
 */

import type { Direction } from "../src/model/host-fault.ts";
import type { Grant, Resumption, WindowReport, WorkerSummary } from "../src/model/window.ts";
import type { HostAddress } from "./addresses.ts";

/** Environment of agents and workers. Tokens go this way and never by argument. */
export const Env = {
  /** Where to join: the coordinator, or for a worker its agent. */
  coordinator: "FAULTPLANE_COORDINATOR",
  /** 64 hexadecimal digits. */
  token: "FAULTPLANE_RUN_TOKEN",
  runId: "FAULTPLANE_RUN_ID",
  scenarioHash: "FAULTPLANE_SCENARIO_HASH",
  /** Fingerprint of the program. */
  build: "FAULTPLANE_BUILD",
  /** Number of the worker or host. */
  number: "FAULTPLANE_NUMBER",
  /** Which process with this number it is, from 0. */
  incarnation: "FAULTPLANE_INCARNATION",
  /** Address of this host at which a worker listens for its peers; workers only. */
  address: "FAULTPLANE_ADDRESS",
  /** Seconds of silence after which the other end counts as gone. */
  silenceLimit: "FAULTPLANE_SILENCE_LIMIT",
  /** Folder with the certificates for links to other hosts; empty: none. */
  tlsFolder: "FAULTPLANE_TLS_FOLDER",
  /** "yes": links to other hosts go without. */
  insecure: "FAULTPLANE_INSECURE",
  /** "yes": what a worker is to join is its agent; workers only. */
  viaAgent: "FAULTPLANE_VIA_AGENT",
  /** Numbers of peers whose link to a worker goes through a proxy, with commas; workers only. */
  proxiedPeers: "FAULTPLANE_PROXIED_PEERS",
} as const;

/** First element of every message. The numbers are the wire format: only append. */
export const Tag = {
  heartbeat: 0,
  // Hot: coordinator to worker, worker to coordinator.
  grant: 1,
  report: 2,
  // Worker to coordinator.
  listening: 3,
  linked: 4,
  summary: 5,
  failed: 6,
  // Coordinator to worker.
  configure: 7,
  begin: 8,
  finish: 9,
  goodbye: 10,
  // Coordinator to agent, agent to coordinator.
  spawn: 11,
  spawned: 12,
  exited: 13,
  usage: 14,
  arrived: 15,
  end: 16,
  silent: 17,
  /** Both ways between coordinator and agent: messages of and for its workers. */
  relayed: 18,
  // Worker to coordinator.
  unreachable: 19,
  // Coordinator to worker.
  replace: 20,
  /** From a replacement by way of the coordinator to a peer. */
  handover: 21,
  // Coordinator to agent or worker, and the answer.
  disturb: 22,
  disturbed: 23,
} as const;

/** Another worker that shares a lane with one. */
export interface PeerAddress extends HostAddress {
  readonly worker: number;
  readonly incarnation: number;
}

/** A worker's part in the run, sent once. */
export interface Configuration {
  /** Bytes of the encoded scenario. */
  readonly scenario: Uint8Array;
  /** Labels and actors of all workers, in order. */
  readonly workers: readonly { readonly label: string; readonly actors: readonly number[] }[];
  readonly peers: readonly PeerAddress[];
  /** Wall ms to wait before each window. */
  readonly delayMs: number;
  /** What it begins with when it takes the place of a lost one; null: at the beginning. */
  readonly resumption: Resumption | null;
}

/** A lost worker's place was taken by another process. */
export interface Replacement {
  readonly peer: PeerAddress;
  /** Data frames up to the last committed window: sent to the lost one, received from it. */
  readonly sent: number;
  readonly received: number;
}

/** What a process of the run is to do to itself, to a child or to a link, by its drill. */
export type Disturbance =
  // Agents.
  | ({ readonly act: "stop-worker"; readonly forMs: number } & SpawnedWorker)
  | ({ readonly act: "cut-worker" } & SpawnedWorker)
  | ({
      readonly act: "hold-worker";
      readonly direction: Direction;
      readonly forMs: number;
    } & SpawnedWorker)
  | { readonly act: "stop-agent"; readonly forMs: number }
  /** kill -9 of the agent itself; `workers`: of all its workers first. */
  | { readonly act: "kill-agent"; readonly workers: boolean }
  // Workers.
  | { readonly act: "slow"; readonly delayMs: number; readonly forMs: number }
  | { readonly act: "cut-peer"; readonly peer: number }
  | {
      readonly act: "hold-peer";
      readonly peer: number;
      /** Seen from the peer. */
      readonly direction: Direction;
      readonly forMs: number;
    }
  /** Both: every lease ends now. */
  | { readonly act: "calm" };

/** Which links go through a proxy from the start, since a drill may break them. */
export interface ProxyPlan {
  /** Numbers of workers: their links to whom they report to. */
  readonly workers: readonly number[];
  /** Pairs of workers, the lower number first. */
  readonly pairs: readonly (readonly [number, number])[];
}

/** No link does. */
export const NO_PROXIES: ProxyPlan = { workers: [], pairs: [] };

/** One worker process that an agent is to start. */
export interface SpawnedWorker {
  readonly worker: number;
  readonly incarnation: number;
}

/** What an agent is to start. */
export interface SpawnOrder {
  readonly nodeFlags: readonly string[];
  readonly workers: readonly SpawnedWorker[];
  readonly scenarioHash: string;
  /** Do the workers report to the agent (which passes it on) or to the coordinator? */
  readonly reportsTo: "agent" | "coordinator";
  readonly silenceLimitSeconds: number;
  readonly proxies: ProxyPlan;
}

/** A host that has joined, in its agent's words. */
export interface Arrival {
  /** The host's own name for itself. */
  readonly name: string;
  /** Address by which other hosts reach it. */
  readonly address: string;
  readonly pid: number;
  /** Processors that may be used. */
  readonly processors: number;
  /** How many hosts it was told that the run has; 0: it was told nothing of that. */
  readonly hosts: number;
}

/** What a host is told of the end of its part. */
export interface Farewell {
  /** Of its process: 0 when the run came to its end, whatever the verdict. */
  readonly exitCode: number;
  /** A sentence: how the run ended. */
  readonly text: string;
}

/** How a process ended. */
export interface ExitNotice {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines of its standard error. */
  readonly stderr: readonly string[];
}

/** A message of or for a worker on its way through an agent. */
export interface Envelope {
  readonly worker: number;
  readonly incarnation: number;
  readonly bytes: Uint8Array;
}

/** Messages that a worker or agent receives. */
export type CoordinatorMessage =
  | { readonly tag: typeof Tag.heartbeat }
  | { readonly tag: typeof Tag.grant; readonly grant: Grant }
  | { readonly tag: typeof Tag.configure; readonly configuration: Configuration }
  | { readonly tag: typeof Tag.begin }
  | { readonly tag: typeof Tag.finish }
  | { readonly tag: typeof Tag.goodbye; readonly farewell: Farewell }
  | { readonly tag: typeof Tag.replace; readonly replacement: Replacement }
  | HandoverMessage
  | { readonly tag: typeof Tag.spawn; readonly order: SpawnOrder }
  | { readonly tag: typeof Tag.end; readonly worker: number; readonly incarnation: number }
  | { readonly tag: typeof Tag.disturb; readonly id: number; readonly disturbance: Disturbance }
  | RelayedMessage;

/** Packets under way from a rebuilt worker to `peer` (as the coordinator passes it on: from). */
export interface HandoverMessage {
  readonly tag: typeof Tag.handover;
  readonly peer: number;
  readonly frames: readonly Uint8Array[];
}

/** What an agent says of one of its workers. */
export type WorkerNews = SpawnedWorker &
  (
    | { readonly tag: typeof Tag.spawned; readonly pid: number }
    | { readonly tag: typeof Tag.exited; readonly exit: ExitNotice }
    | { readonly tag: typeof Tag.silent }
  );

/** Answer to a disturbance. `problem`: why it was not done; empty: it was. */
export interface DisturbedMessage {
  readonly tag: typeof Tag.disturbed;
  readonly id: number;
  readonly problem: string;
}

/** What an agent says besides what it passes on. */
export type AgentNews = WorkerNews | DisturbedMessage;

/** Messages of and for workers, as agents pass them on. */
export interface RelayedMessage {
  readonly tag: typeof Tag.relayed;
  readonly envelopes: readonly Envelope[];
}

/** Messages that the coordinator receives. */
export type MemberMessage =
  | { readonly tag: typeof Tag.heartbeat }
  | { readonly tag: typeof Tag.report; readonly report: WindowReport }
  | {
      readonly tag: typeof Tag.listening;
      readonly port: number;
      /** Ports of proxies before it, by the number of the peer that is to dial one. */
      readonly proxies: readonly (readonly [number, number])[];
    }
  | { readonly tag: typeof Tag.linked }
  | {
      readonly tag: typeof Tag.summary;
      readonly summary: WorkerSummary;
      readonly peakRssBytes: number;
    }
  | { readonly tag: typeof Tag.failed; readonly rule: string; readonly message: string }
  | {
      readonly tag: typeof Tag.unreachable;
      readonly peer: number;
      /** Which of its processes. */
      readonly peerIncarnation: number;
      readonly reason: string;
      /** The rule that its frames break; empty: the link is gone. */
      readonly rule: string;
    }
  | HandoverMessage
  | { readonly tag: typeof Tag.arrived; readonly arrival: Arrival }
  | WorkerNews
  | DisturbedMessage
  | { readonly tag: typeof Tag.usage; readonly peakRssBytes: number }
  | RelayedMessage;
