/**
 * How a multi-port NIC divides its messages over its ports, one on each plane (arXiv 2505.09343,
 * section 5.1, figure 4: one queue pair uses all ports). The messages of a queue pair go round the
 * ports, so that the receiver's ports share them evenly; ports with much more to send than the
 * least busy one are passed over. Ports whose link is down are left out, and so are planes that the
 * queue pair suspects, as long as there is another.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import { PS_PER_US } from "../../src/model/time.ts";
import { DevicePort } from "../../src/model/topology.ts";
import type { QueuePair } from "./queue-pairs.ts";

/** No port; what a message that goes for the first time went by before. */
export const NO_PORT = -1;

/**
 * A port is passed over when its queue is this much longer than the shortest, ps. Ours: longer than
 * small messages make the queues differ, shorter than what a queue of large ones costs.
 */
const LEAN_PS = 20 * PS_PER_US;

/** What a port must be to be taken. */
type Needs = "trusted" | "up";

export class Spray {
  /** Network ports; numbered from 0 here, as the planes are. */
  readonly ports: number;
  readonly #isDown: Uint8Array;

  constructor(ports: number) {
    this.ports = ports;
    this.#isDown = new Uint8Array(ports);
  }

  /** Looks at the links of all ports; returns the ports that went down, ascending. */
  look(context: ActorContext): number[] {
    const fallen: number[] = [];
    for (let port = 0; port < this.ports; port += 1) {
      const isDown = context.faults.isPortDown(context.self, DevicePort.nicToLeaf + port);
      if (isDown && this.#isDown[port] === 0) fallen.push(port);
      this.#isDown[port] = Number(isDown);
    }
    return fallen;
  }

  /** Is any port's link up? */
  get hasPortUp(): boolean {
    return this.#isDown.includes(0);
  }

  isUp(port: number): boolean {
    return this.#isDown[port] === 0;
  }

  /**
   * The port for a message. One that is sent again goes by another than `last`, by which it went
   * before, if there is another that is no worse. When no port is up they take turns: the ACK clock
   * decides.
   */
  portFor(context: ActorContext, pair: QueuePair, last: number): number {
    if (pair.turn === NO_PORT) pair.turn = this.#firstTurn(context, pair);
    let port = this.#inTurn(context, pair, "trusted", last);
    if (port === NO_PORT) port = this.#inTurn(context, pair, "trusted", NO_PORT);
    if (port === NO_PORT) port = this.#inTurn(context, pair, "up", last);
    if (port === NO_PORT) port = this.#inTurn(context, pair, "up", NO_PORT);
    if (port === NO_PORT) port = pair.turn;
    pair.turn = (port + 1) % this.ports;
    return port;
  }

  /**
   * The port for an acknowledgement: the one by which the message came, since that plane carries
   * something at least. The message that is sent again comes by another, and so does its answer.
   */
  portForAnswer(context: ActorContext, pair: QueuePair, cameBy: number): number {
    if (this.#is("trusted", context, pair, cameBy)) return cameBy;
    let port = this.#next(context, pair, "trusted", cameBy);
    if (port === NO_PORT) port = this.#next(context, pair, "up", cameBy);
    return port === NO_PORT ? cameBy : port;
  }

  /** Each queue pair of a NIC, and each to a NIC, begins at another port than the one before. */
  #firstTurn(context: ActorContext, pair: QueuePair): number {
    return (context.self + pair.remote) % this.ports;
  }

  #next(context: ActorContext, pair: QueuePair, needs: Needs, after: number): number {
    for (let step = 1; step <= this.ports; step += 1) {
      const port = (after + step) % this.ports;
      if (this.#is(needs, context, pair, port)) return port;
    }
    return NO_PORT;
  }

  /** The pair's next port, but for `except`, that is not too busy; NO_PORT: none is as needed. */
  #inTurn(context: ActorContext, pair: QueuePair, needs: Needs, except: number): number {
    let leastPs = Number.POSITIVE_INFINITY;
    for (let port = 0; port < this.ports && leastPs > 0; port += 1) {
      if (port === except || !this.#is(needs, context, pair, port)) continue;
      const backlogPs = context.backlogPs(DevicePort.nicToLeaf + port);
      if (backlogPs < leastPs) leastPs = backlogPs;
    }
    for (let step = 0; step < this.ports; step += 1) {
      const port = (pair.turn + step) % this.ports;
      if (port === except || !this.#is(needs, context, pair, port)) continue;
      const backlogPs = context.backlogPs(DevicePort.nicToLeaf + port);
      if (backlogPs <= leastPs + LEAN_PS) return port;
    }
    return NO_PORT;
  }

  #is(needs: Needs, context: ActorContext, pair: QueuePair, port: number): boolean {
    if (this.#isDown[port] !== 0) return false;
    return needs === "up" || pair.suspicion?.isSuspect(port, context.nowPs) !== true;
  }
}
