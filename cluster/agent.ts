/**
 * A host agent: starts the workers that the coordinator asks for, supervises them and reports how
 * each ended. It holds no actors and takes no part in windows. Its workers never outlive it.
 */
import type { Link } from "./link.ts";
import { exitFailed, exitOrphaned, join, peakRssBytes, readInvitation } from "./membership.ts";
import { type LaunchedProcess, launch } from "./process-launcher.ts";
import { type CoordinatorMessage, Env, encodeMessage, type SpawnOrder, Tag } from "./wire.ts";

/** Runs this process as an agent until the run is over. */
export async function runAgent(): Promise<void> {
  process.on("uncaughtException", exitFailed);
  process.on("unhandledRejection", exitFailed);
  // What the workers are given; the invitation takes the token out of the environment.
  const passedOn: Record<string, string> = {
    // A worker computes on one thread; threads of the pool would only cost memory.
    UV_THREADPOOL_SIZE: "1",
  };
  for (const name of [Env.coordinator, Env.token, Env.runId, Env.scenarioHash]) {
    passedOn[name] = process.env[name] ?? "";
  }
  const agent = new Agent(passedOn);
  const invitation = readInvitation(process.env, "agent");
  await join({
    invitation,
    role: "agent",
    joined: (control) => agent.joined(control),
    received: (message) => agent.received(message),
    orphaned: () => agent.endWorkers(agent.leaving ? () => process.exit(0) : exitOrphaned),
  });
}

/** The workers of this host. */
class Agent {
  /** The coordinator has said goodbye. */
  leaving = false;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #children = new Map<number, LaunchedProcess>();
  #control: Link | undefined;
  #allGone: (() => void) | undefined;

  constructor(environment: Readonly<Record<string, string>>) {
    this.#environment = environment;
  }

  joined(control: Link): void {
    this.#control = control;
  }

  received(message: CoordinatorMessage): void {
    switch (message.tag) {
      case Tag.heartbeat:
        return;
      case Tag.spawn:
        for (const worker of message.order.workers) this.#spawn(message.order, worker);
        return;
      case Tag.goodbye:
        this.leaving = true;
        this.endWorkers(() => {
          this.#control?.send(encodeMessage(Tag.usage, peakRssBytes()));
          this.#control?.close();
        });
        return;
      default:
        exitFailed(new Error("the agent was sent a message for a worker"));
    }
  }

  /** Ends the workers that are left, then calls `done`. */
  endWorkers(done: () => void): void {
    this.#allGone = done;
    if (this.#children.size === 0) {
      done();
      return;
    }
    for (const child of this.#children.values()) child.kill("SIGKILL");
  }

  #spawn(order: SpawnOrder, worker: number): void {
    const child = launch({
      main: order.workerMain,
      nodeFlags: order.nodeFlags,
      environment: { ...this.#environment, [Env.worker]: String(worker) },
      exited: (exit) => {
        this.#children.delete(worker);
        this.#control?.send(encodeMessage(Tag.exited, worker, exit));
        if (this.#children.size === 0) this.#allGone?.();
      },
    });
    this.#children.set(worker, child);
    this.#control?.send(encodeMessage(Tag.spawned, worker, child.pid));
  }
}
