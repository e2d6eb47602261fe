/**
 * What a run is given before its first window, and what is left when everybody has gone: the
 * contract between whoever starts a run and the two ways of driving one, in one process or in many.
 */
import type { LaneWatch } from "../src/engine/lane-watch.ts";
import type { CommittedWindow, WindowProtocol } from "../src/engine/window-protocol.ts";
import type { DeviceFactory } from "../src/model/device.ts";
import type { Director } from "../src/model/director.ts";
import type { HostFault, HostFaultRun } from "../src/model/host-fault.ts";
import type { Scenario } from "../src/model/scenario.ts";
import type { Topology } from "../src/model/topology.ts";
import type { WorkerSummary } from "../src/model/window.ts";
import type { Placement } from "../src/topology/placement.ts";
import type { HostAddress } from "./addresses.ts";
import type { BlindSession } from "./blind.ts";
import type { ControlAnswer, ControlRequest } from "./control-messages.ts";
import type { HostSecurity } from "./host-security.ts";
import type { HostRecord, JournalOrder } from "./journal-orders.ts";
import type { RunControl } from "./run-control.ts";
import type { LoopEnd, RunStatus } from "./window-loop.ts";

/** What a run needs, and how it is to go. */
export interface RunOptions {
  readonly scenario: Scenario;
  readonly runId: string;
  /** Path of dist/scripts/agent-main.js. */
  readonly agentMain: string;
  /** Path of dist/scripts/worker-main.js. */
  readonly workerMain: string;
  /** Makes the actors of placement `single`, which run in this process. */
  readonly devices: DeviceFactory;
  /** Wall ms to wait before each window, by worker label: to slow a worker on purpose. */
  readonly delays?: ReadonlyMap<string, number>;
  readonly observer: RunObserver;
  /** Aborted when the operator asks for the end: the run stops after the current window. */
  readonly stop: AbortSignal;
  /** Default: this host alone, at any free port on loopback. */
  readonly hosts?: HostsOptions;
  /** Seconds of silence before a process counts as lost; default {@link SILENCE_LIMIT_SECONDS}. */
  readonly silenceLimitSeconds?: number;
  /**
   * Seconds in which a process that is alive does what it owes; default
   * {@link STALL_LIMIT_SECONDS}.
   */
  readonly stallLimitSeconds?: number;
  /**
   * Do workers report through their host's agent, or each to the coordinator? Default: through
   * agents where there are several hosts.
   */
  readonly reportsTo?: "agent" | "coordinator";
  /** Fingerprint of this program, which all hosts must share; default: not compared. */
  readonly build?: string;
  /** Asked at its instants what to do to the run. */
  readonly director?: Director;
  /**
   * Windows before this instant are not held back, whatever the speed: they have been seen. Default
   * 0.
   */
  readonly paceFromPs?: number;
  /** Opens a port on loopback through which operators control the run; `started` tells it. */
  readonly operators?: true;
  /** Names that the director will give to faults: operators' faults take others. */
  readonly planned?: readonly string[];
  /** The drill does something to the processes of the run. Default: nobody does. */
  readonly realFaults?: RealFaultsOptions;
  /** The drill is blind: what began is hidden from operators. */
  readonly blind?: BlindSession;
  /** Looks on while messages cross lanes; of placement `single` only. */
  readonly watch?: LaneWatch;
}

/** What a drill may do to the processes of its run. */
export interface RealFaultsOptions {
  /** Everything that its method holds. */
  readonly planned: readonly HostFault[];
  /** The operator has agreed; otherwise none is carried out. */
  readonly isAllowed: boolean;
  /**
   * Of a run that is taken up again: what the first of them came to before. They are not carried
   * out again; what came of them is in the journal.
   */
  readonly before: readonly HostFaultBefore[];
  /** Path of dist/scripts/keeper-main.js. */
  readonly keeperMain: string;
}

/** A real fault that the journal of a run has. */
export interface HostFaultBefore {
  /** What it was to lead to is in the journal, too. */
  readonly done: boolean;
  readonly detail: string;
}

/** The hosts of a run that is spread over several. */
export interface HostsOptions {
  /** Our own included. */
  readonly count: number;
  /** Where the others find us. */
  readonly address: HostAddress;
  /** 32 bytes that all hosts share. */
  readonly token: Uint8Array;
  /** Wall ms that the others have to join. */
  readonly joinWithinMs: number;
  readonly security: HostSecurity;
}

/** One host of a run that has begun. */
export interface HostStart {
  /** For people: `host0` is ours. */
  readonly label: string;
  /** What the host calls itself. */
  readonly name: string;
  /** Process id of its agent, on that host. */
  readonly pid: number;
  /** Labels of its workers. */
  readonly workers: readonly string[];
}

/** How to reach a run that operators may control. */
export interface ControlAddress {
  /** On loopback. */
  readonly port: number;
  /** 64 hexadecimal digits; whoever has them may do anything to the run. */
  readonly token: string;
}

/** What a run looks like before its first window. */
export interface RunStart {
  /** Labels by worker number. */
  readonly workers: readonly string[];
  /** Process ids by worker number; empty for placement `single`. */
  readonly pids: readonly number[];
  /** Empty for placement `single`. */
  readonly hosts: readonly HostStart[];
  /** Processes of the run, this one included. */
  readonly processes: number;
  /** Infinity for one worker. */
  readonly lookaheadPs: number;
  /** When operators may control the run: where from other processes, and how from this one. */
  readonly control?: ControlAddress;
  readonly ask?: (request: ControlRequest) => Promise<ControlAnswer>;
}

/** Who is told how a run goes; files and terminal hang on it. */
export interface RunObserver {
  started(start: RunStart): void;
  /** Called in order, before the next grants go out; a promise is waited for. */
  committed(window: CommittedWindow, status: RunStatus): void | Promise<void>;
  /** Called before orders act, and never while a promise of `committed` is waited for. */
  ordered?(orders: readonly JournalOrder[]): void;
  /** Told what hosts did, before anybody acts on it. */
  observed?(records: readonly HostRecord[]): void;
  /** A line for whoever watches; it is not kept. */
  told?(text: string): void;
}

/** A run that is ready to be driven. */
export interface PreparedRun {
  readonly options: RunOptions;
  readonly topology: Topology;
  readonly placement: Placement;
  readonly protocol: WindowProtocol;
  readonly lookaheadPs: number;
  /** Names of all faults so far, and of those that a director will order. */
  readonly faultNames: Set<string>;
  /** Actors that were lost with a process, by id. */
  readonly lostActors: Set<string>;
  /** Undefined when nobody may control the run. */
  readonly control: RunControl | undefined;
  readonly controlAddress: ControlAddress | undefined;
}

/** How operators reach a run, if they may. */
export function operatorsOf(run: PreparedRun): Pick<RunStart, "control" | "ask"> {
  const { control, controlAddress } = run;
  if (control === undefined || controlAddress === undefined) return {};
  return { control: controlAddress, ask: (request) => control.ask(request) };
}

/** How the windows of a run ended, before the totals are asked for. */
export type Ending =
  | LoopEnd
  | { readonly end: "worker-lost"; readonly detail: string; readonly stoppedAtPs?: never };

/** What is known when everybody has left. */
export interface DriveResult {
  readonly ending: Ending;
  readonly summaries: readonly WorkerSummary[];
  readonly maxLagSeconds: number;
  readonly processes: number;
  readonly peakRssBytes: number;
  /** In the order in which the run came to them; missing: the drill has none. */
  readonly hostFaults?: readonly HostFaultRun[];
}
