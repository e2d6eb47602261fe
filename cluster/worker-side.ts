/**
 * A worker as the coordinator sees it: which process has its number now, where it is, how far it
 * has come into the run, and how to send to it. Plain state; what happens to it is decided by the
 * coordinator.
 */
import type { Resumption } from "../src/model/window.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { HostSide } from "./host-side.ts";
import type { Link } from "./link.ts";
import type { WorkerStage, WorkerView } from "./member-rules.ts";
import type { PeerAddress } from "./messages.ts";

/** One worker of a run. */
export class WorkerSide implements WorkerView {
  readonly number: number;
  readonly label: string;
  host: HostSide;
  stage: WorkerStage = "starting";
  /** Which process with this number it is, from 0. */
  incarnation = 0;
  /** 0 until its agent has told. */
  pid = 0;
  /** Where it listens for its peers. */
  port = 0;
  /** Ports of proxies before it, by the number of the peer that dials one instead. */
  proxies: ReadonlyMap<number, number> = new Map();
  /** What the present process begins with; undefined: at the beginning. */
  resumption: Resumption | undefined;
  /** Peers to which the present process has handed over what was under way. */
  readonly handedOver = new Set<number>();
  /** Peers whose frames the present process has found wrong. */
  readonly accused = new Set<number>();
  /** The process has ended; only while everybody leaves. */
  isGone = false;
  /** Its own connection, when it reports to the coordinator directly. */
  link: Link | undefined;
  heartbeat: Heartbeat | undefined;
  /** Windows that were open when processes of it were lost, in order. */
  readonly #losses: number[] = [];

  constructor(number: number, label: string, host: HostSide) {
    this.number = number;
    this.label = label;
    this.host = host;
  }

  /** For people. */
  get name(): string {
    return `worker ${this.label} (pid ${this.pid})`;
  }

  /** Where the peer with this number reaches it. */
  addressFor(peer: number): PeerAddress {
    const { number: worker, incarnation } = this;
    const port = this.proxies.get(peer) ?? this.port;
    return { worker, incarnation, host: this.host.arrival?.address ?? "", port };
  }

  send(bytes: Uint8Array): void {
    const { number: worker, incarnation } = this;
    if (this.link !== undefined) this.link.send(bytes);
    else this.host.passOn({ worker, incarnation, bytes });
  }

  /** One more process is lost while `window` is open. */
  noteLoss(window: number): void {
    this.#losses.push(window);
  }

  /** How many were lost in the last so many windows, that of the last loss included. */
  lossesWithin(windows: number): number {
    const last = this.#losses.at(-1) ?? 0;
    return this.#losses.filter((window) => window > last - windows).length;
  }

  /** Ends the present process for good: whatever comes of it has no part in the run. */
  fence(): void {
    const { number: worker, incarnation } = this;
    this.heartbeat?.stop();
    this.link?.terminate();
    this.heartbeat = undefined;
    this.link = undefined;
    this.host.endWorker({ worker, incarnation });
    this.incarnation += 1;
    this.stage = "starting";
    this.pid = 0;
    this.handedOver.clear();
    this.accused.clear();
  }
}
