/**
 * A host as the coordinator sees it: its agent's process (if we started it), its connection, the
 * orders to it, and what it passes on for its workers. What a lost host means for the run is the
 * coordinator's matter.
 */
import { InvariantError } from "../src/base/assert.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Link } from "./link.ts";
import { EXPLAIN_WITHIN_MS } from "./link-limits.ts";
import { checkAgentMessage } from "./member-rules.ts";
import type {
  AgentNews,
  Arrival,
  Disturbance,
  Envelope,
  Farewell,
  MemberMessage,
  SpawnedWorker,
  SpawnOrder,
} from "./messages.ts";
import { Tag } from "./messages.ts";
import { describeExit, type LaunchedProcess, launch, WORKER_FLAGS } from "./process-launcher.ts";
import { decodeMemberMessage, encodeEnvelopes, encodeMessage, encodeTag } from "./wire.ts";

export interface HostSideOptions {
  readonly number: number;
  readonly silenceLimitSeconds: number;
  /** Its agent has joined. */
  arrived(host: HostSide): void;
  /** Throws the InvariantError of the rule that an agent breaks who speaks of this process. */
  judge(host: HostSide, about: SpawnedWorker): void;
  /** What the agent says of its workers. */
  said(host: HostSide, news: AgentNews): void;
  /** A message of one of its workers, with the time at which it is no longer news. */
  passedOn(envelope: Envelope): void;
  /** Called once an agent: its process or its connection is gone, or it is silent. */
  lost(host: HostSide, detail: string): void;
}

/** One host of a run. */
export class HostSide {
  readonly number: number;
  /** Which agent this is, from 0. */
  incarnation = 0;
  /** Highest resident memory that its agents told of when they left, bytes. */
  peakRssBytes = 0;
  /** What the present agent said of itself. */
  arrival: Arrival | undefined;
  readonly #options: HostSideOptions;
  #process: LaunchedProcess | undefined;
  #link: Link | undefined;
  #heartbeat: Heartbeat | undefined;
  #outgoing: Envelope[] = [];
  #isOurs = false;
  #isOver = false;
  #gone: (() => void) | undefined;

  constructor(options: HostSideOptions) {
    this.#options = options;
    this.number = options.number;
  }

  /** How people call it: its own name for itself, or its number. */
  get label(): string {
    return `host${this.number}`;
  }

  get isLinked(): boolean {
    return this.#link !== undefined;
  }

  /** Can this program start its agent again? */
  get isOurs(): boolean {
    return this.#isOurs;
  }

  /** Process id of its agent; 0 when unknown. */
  get pid(): number {
    return this.#process?.pid ?? this.arrival?.pid ?? 0;
  }

  /** Starts its agent, `dist/scripts/agent-main.js`, on this machine. */
  launch(main: string, environment: Readonly<Record<string, string>>): void {
    this.#isOurs = true;
    const { incarnation } = this;
    this.#process = launch({
      main,
      nodeFlags: [],
      environment,
      exited: (exit) => {
        if (incarnation !== this.incarnation) return;
        this.#process = undefined;
        this.#lose(describeExit(exit));
        this.#gone?.();
      },
    });
  }

  /** Takes over its agent's connection. */
  join(link: Link): void {
    this.#link = link;
    const { incarnation } = this;
    const lose = (detail: string): void => {
      if (incarnation === this.incarnation) this.#lose(detail);
    };
    const { silenceLimitSeconds } = this.#options;
    const beat = encodeTag(Tag.heartbeat);
    const heartbeat = new Heartbeat({
      beat: () => link.send(beat),
      silent: () => lose("has gone silent"),
      limitSeconds: silenceLimitSeconds,
    });
    this.#heartbeat = heartbeat;
    link.onClosed((reason) => {
      heartbeat.stop();
      if (this.#link !== link) return;
      this.#link = undefined;
      this.#gone?.();
      // The exit of the process, if it is ours, says more; it comes a moment later.
      if (this.#process === undefined) lose(`is gone: ${reason}`);
      else setTimeout(() => lose(`is gone: ${reason}`), EXPLAIN_WITHIN_MS);
    });
    link.onMessage((bytes) => {
      heartbeat.heard();
      if (this.#link !== link) return;
      const message = this.#judged(bytes, lose);
      if (message !== undefined) this.#received(message);
    });
  }

  /** Orders worker processes. */
  orderWorkers(
    workers: readonly SpawnedWorker[],
    order: Omit<SpawnOrder, "nodeFlags" | "workers">,
  ): void {
    this.#send(encodeMessage(Tag.spawn, { ...order, nodeFlags: WORKER_FLAGS, workers }));
  }

  /** Has the agent kill a worker process, whatever state it is in. */
  endWorker({ worker, incarnation }: SpawnedWorker): void {
    this.#send(encodeMessage(Tag.end, worker, incarnation));
  }

  /** Has the agent do something to its processes by a drill; it answers with the id. */
  disturb(id: number, disturbance: Disturbance): void {
    this.#flush();
    this.#send(encodeMessage(Tag.disturb, id, disturbance));
  }

  /** Lets an agent of ours go on that was stopped. */
  letGoOn(): void {
    this.#process?.kill("SIGCONT");
  }

  /** A message for one of its workers; all of one turn of the event loop travel together. */
  passOn(envelope: Envelope): void {
    if (this.#outgoing.length === 0) queueMicrotask(() => this.#flush());
    this.#outgoing.push(envelope);
  }

  /** Sends an agent away that has no part in this run; its place is free when it has gone. */
  turnAway(farewell: Farewell): void {
    this.arrival = undefined;
    this.#send(encodeMessage(Tag.goodbye, farewell));
  }

  /** From now on neither silence nor an end means anything. */
  stopWatching(): void {
    this.#isOver = true;
    this.#heartbeat?.stop();
  }

  /** Fences the present agent: whatever comes of it, it has no part in the run. */
  fence(): void {
    this.#heartbeat?.stop();
    this.#process?.kill("SIGKILL");
    this.#process = undefined;
    const link = this.#link;
    this.#link = undefined;
    this.#outgoing = [];
    link?.terminate();
    this.incarnation += 1;
    this.arrival = undefined;
  }

  /** Sends the agent away; it ends what workers are left. Each try has `withinMs` of wall time. */
  async leave(withinMs: number, farewell: Farewell): Promise<void> {
    this.stopWatching();
    this.#flush();
    this.#send(encodeMessage(Tag.goodbye, farewell));
    if (this.#link === undefined) this.#process?.kill("SIGKILL");
    await this.#left(withinMs);
    if (this.#process === undefined) {
      this.#link?.terminate();
      return;
    }
    this.#process.kill("SIGKILL");
    await this.#left(withinMs);
  }

  /** What the agent says, if it may say that; one that breaks a rule is lost with its host. */
  #judged(bytes: Uint8Array, lose: (detail: string) => void): MemberMessage | undefined {
    try {
      const message = decodeMemberMessage(bytes);
      checkAgentMessage(message, this.arrival !== undefined);
      if (message.tag === Tag.relayed) {
        for (const envelope of message.envelopes) this.#options.judge(this, envelope);
      } else if ("incarnation" in message) this.#options.judge(this, message);
      return message;
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error;
      lose(`broke ${error.rule}: ${error.detail}`);
      return undefined;
    }
  }

  #received(message: MemberMessage): void {
    switch (message.tag) {
      case Tag.relayed:
        for (const envelope of message.envelopes) this.#options.passedOn(envelope);
        return;
      case Tag.arrived:
        this.arrival = message.arrival;
        this.#options.arrived(this);
        return;
      case Tag.usage:
        this.peakRssBytes += message.peakRssBytes;
        return;
      case Tag.spawned:
      case Tag.exited:
      case Tag.silent:
      case Tag.disturbed:
        this.#options.said(this, message);
    }
  }

  #send(bytes: Uint8Array): void {
    this.#link?.send(bytes);
  }

  #flush(): void {
    if (this.#outgoing.length === 0) return;
    const envelopes = this.#outgoing;
    this.#outgoing = [];
    this.#send(encodeEnvelopes(envelopes));
  }

  #lose(detail: string): void {
    if (!this.#isOver) this.#options.lost(this, `the agent of ${this.label} ${detail}`);
  }

  /** Resolves when process and connection of the agent are gone, or the time is over. */
  #left(withinMs: number): Promise<void> {
    const isGone = (): boolean => this.#process === undefined && this.#link === undefined;
    if (isGone()) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, withinMs);
      this.#gone = () => {
        if (!isGone()) return;
        clearTimeout(deadline);
        resolve();
      };
    });
  }
}
