/**
 * Keeps the leases of stopped processes: a stopped process cannot notice that whoever was to let it
 * go on is gone. A keeper is a process of its own beside the one that stops others, and all that it
 * ever does to anybody is SIGCONT: when the lease is over, or when its launcher has ended.
 *
 * It is told process ids by its launcher, which started those processes or is one itself. While a
 * process is stopped its id is its own; to go on is all that can happen to another one.
 */
import { followLauncher } from "./membership.ts";
import {
  type LaunchedProcess,
  launch,
  onLauncherMessage,
  tellLauncher,
} from "./process-launcher.ts";

/** Wall ms that a keeper has to end by itself. */
const END_WITHIN_MS = 2000;

/** What a keeper is told. */
type KeeperOrder =
  | { readonly hold: number; readonly forMs: number }
  | { readonly release: number }
  | { readonly end: true };

/** Runs this process as a keeper until its launcher has ended. */
export function runLeaseKeeper(): void {
  const leases = new Map<number, NodeJS.Timeout>();
  const release = (pid: number): void => {
    const lease = leases.get(pid);
    if (lease === undefined) return;
    clearTimeout(lease);
    leases.delete(pid);
    letGoOn(pid);
  };
  const hold = (pid: number, forMs: number): void => {
    clearTimeout(leases.get(pid));
    const lease = setTimeout(() => release(pid), forMs);
    leases.set(pid, lease);
    tellLauncher({ held: pid });
  };
  const end = (): never => {
    for (const pid of leases.keys()) letGoOn(pid);
    process.exit(0);
  };
  followLauncher(end);
  onLauncherMessage((message) => {
    const order = message as KeeperOrder;
    if ("hold" in order) hold(order.hold, order.forMs);
    else if ("release" in order) release(order.release);
    else end();
  });
}

function letGoOn(pid: number): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch {
    // It has ended.
  }
}

/** The launcher's side. A keeper is started when the first lease is taken. */
export class LeaseKeeper {
  readonly #main: string;
  readonly #waiting = new Map<number, (isHeld: boolean) => void>();
  #process: LaunchedProcess | undefined;
  #ended: (() => void) | undefined;

  /** `main`: path of dist/scripts/keeper-main.js. */
  constructor(main: string) {
    this.#main = main;
  }

  /**
   * From when this resolves with true, the process `pid` goes on after `forMs` of wall time, or
   * when this process has ended, whatever state it is in. False: there is no keeper; stop nothing.
   */
  hold(pid: number, forMs: number): Promise<boolean> {
    this.#process ??= launch({
      main: this.#main,
      nodeFlags: [],
      environment: {},
      exited: () => {
        this.#process = undefined;
        for (const answer of this.#waiting.values()) answer(false);
        this.#waiting.clear();
        this.#ended?.();
      },
      told: (message) => {
        const { held } = message as { held: number };
        this.#waiting.get(held)?.(true);
        this.#waiting.delete(held);
      },
    });
    const keeper = this.#process;
    return new Promise((resolve) => {
      this.#waiting.set(pid, resolve);
      keeper.tell({ hold: pid, forMs });
    });
  }

  /** The lease is over: the process goes on now, if it is one. */
  release(pid: number): void {
    this.#process?.tell({ release: pid });
  }

  /** Lets everybody go on; resolves when the keeper has ended. */
  async close(): Promise<void> {
    const keeper = this.#process;
    if (keeper === undefined) return;
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(() => keeper.kill("SIGKILL"), END_WITHIN_MS);
      this.#ended = () => {
        clearTimeout(deadline);
        resolve();
      };
      keeper.tell({ end: true });
    });
  }
}
