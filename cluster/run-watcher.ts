/**
 * Who looks on while a run goes: metrics, kernel lines. A watcher is told what has been written
 * down, in order, and changes nothing. What it throws would end the run, so it does not throw.
 */
import type { CommittedWindow } from "../src/engine/window-protocol.ts";
import type { HostRecord, JournalOrder } from "./journal-orders.ts";
import type { RunOutcome } from "./run-cluster.ts";
import type { RunStatus } from "./window-loop.ts";

/** Told by the recorder of a run. */
export interface RunWatcher {
  /** A window is committed and written. */
  take(window: CommittedWindow, status: RunStatus): void;
  /** Orders are written, and will act. */
  ordered?(orders: readonly JournalOrder[]): void;
  /** What hosts did is written. */
  observed?(records: readonly HostRecord[]): void;
  /** The run is over, with its totals. */
  ended?(outcome: Pick<RunOutcome, "assignments" | "traffic">): void;
  /** Nothing more comes. Resolves, within a second, when everything that was said has left. */
  close?(): Promise<void>;
}
