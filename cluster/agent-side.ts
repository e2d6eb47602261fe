/**
 * The host agent as the coordinator sees it: its process, its connection, the order to start the
 * workers, and its leaving. What a lost agent means for the run is the coordinator's matter.
 */
import type { Heartbeat } from "./heartbeat.ts";
import type { Link } from "./link.ts";
import { type LaunchedProcess, launch, WORKER_FLAGS } from "./process-launcher.ts";
import { type ExitNotice, encodeMessage, encodeTag, Tag } from "./wire.ts";

/** What it takes to start the agent. */
export interface AgentLaunch {
  /** Path of dist/scripts/agent-main.js. */
  readonly main: string;
  /** How the agent finds the coordinator. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called once, when the agent has ended. */
  exited(exit: ExitNotice): void;
}

/** The one agent of a run. */
export class AgentSide {
  /** Highest resident memory that the agent told of, bytes. */
  peakRssBytes = 0;
  #process: LaunchedProcess | undefined;
  #link: Link | undefined;
  #heartbeat: Heartbeat | undefined;
  #hasExited = false;
  /** Called when the agent has ended, while somebody waits for it. */
  #gone: (() => void) | undefined;

  get isLinked(): boolean {
    return this.#link !== undefined;
  }

  launch(options: AgentLaunch): void {
    this.#process = launch({
      main: options.main,
      nodeFlags: [],
      environment: options.environment,
      exited: (exit) => {
        this.#hasExited = true;
        options.exited(exit);
        this.#gone?.();
      },
    });
  }

  /** Takes over the agent's connection. */
  join(link: Link, heartbeat: Heartbeat): void {
    this.#link = link;
    this.#heartbeat = heartbeat;
  }

  /** Orders `workers` workers, numbered from 0. */
  orderWorkers(workerMain: string, workers: number): void {
    const nodeFlags = WORKER_FLAGS;
    const numbers = Array.from({ length: workers }, (_, worker) => worker);
    this.#link?.send(encodeMessage(Tag.spawn, { workerMain, nodeFlags, workers: numbers }));
  }

  /** From now on its silence means nothing. */
  stopWatching(): void {
    this.#heartbeat?.stop();
  }

  /** Sends the agent away; it ends what workers are left. Each try has `withinMs` of wall time. */
  async leave(withinMs: number): Promise<void> {
    this.#link?.send(encodeTag(Tag.goodbye));
    if (this.#process === undefined) return;
    if (this.#link === undefined) this.#process.kill("SIGKILL");
    await this.#exit(withinMs);
    if (this.#hasExited) return;
    this.#process.kill("SIGKILL");
    await this.#exit(withinMs);
  }

  /** Resolves when the agent has ended or the time is over. */
  #exit(withinMs: number): Promise<void> {
    if (this.#hasExited) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, withinMs);
      this.#gone = () => {
        clearTimeout(deadline);
        resolve();
      };
    });
  }
}
