/**
 * A rank as the home of a chain's tokens: the gate assigns them to experts, results come back and
 * are added up, every assignment is accounted for, and the sum is checked against the oracle. How
 * copies and results travel is not its business.
 */
import { violated } from "../../src/base/assert.ts";
import { hex64 } from "../../src/base/hash.ts";
import type { ActorContext } from "../../src/model/actor.ts";
import type { DeviceServices } from "../../src/model/device.ts";
import { NO_FAULT } from "../../src/model/fault.ts";
import { AssignmentState, Batch } from "./batch.ts";
import type { ExpertHolders } from "./expert-holders.ts";
import { HotExperts } from "./hot-experts.ts";
import type { Peers } from "./peers.ts";

/** One exchange of the run: which, and where in the model and in the workload. */
export interface ExchangePlace {
  /** Number of the exchange in the run: exchanges of a chain x chains + chain. */
  readonly exchange: number;
  readonly step: number;
  readonly layer: number;
  /** Place of the layer in `workload.layers`. */
  readonly place: number;
  readonly chain: number;
}

export class HomeSide {
  /** Chain of the schedule. */
  readonly chain: number;
  readonly batch: Batch;
  /** By assignment: the rank that serves it. */
  readonly holder: Int32Array;
  /** Assignments sent to each rank in the current exchange, this rank included. */
  readonly sent: Int32Array;
  /** Assignments of the whole run. */
  dispatched = 0;
  combined = 0;
  masked = 0;
  exchange = -1;
  readonly #services: DeviceServices;
  readonly #peers: Peers;
  readonly #holders: ExpertHolders;
  readonly #hot: HotExperts;
  /** When the current exchange began, ps. */
  #openedAtPs = 0;

  constructor(services: DeviceServices, peers: Peers, holders: ExpertHolders, chain: number) {
    this.chain = chain;
    const { scenario, routing, oracle } = services;
    const tokens = routing.tokensOf(peers.rank);
    this.#services = services;
    this.#peers = peers;
    this.#holders = holders;
    this.#hot = new HotExperts(scenario.run.seed);
    this.batch = new Batch(tokens, scenario.model.num_experts_per_tok, peers.size, oracle);
    this.holder = new Int32Array(this.batch.state.length);
    this.sent = new Int32Array(peers.size);
  }

  /** Gives every token the payload that it starts a step with. */
  load(step: number, chain: number): void {
    const { group, rank } = this.#peers;
    this.batch.load({ group, rank, step, chain });
  }

  /** The gate chooses; every assignment is open, or masked if its rank is given up. */
  open(context: ActorContext, at: ExchangePlace): void {
    const { group, rank } = this.#peers;
    const { batch, holder } = this;
    const { routing, schedule } = this.#services;
    const { hotExperts } = context.faults;
    const { layer } = at;
    this.exchange = at.exchange;
    this.#openedAtPs = context.nowPs;
    const step = at.step * schedule.chains.length + at.chain;
    routing.choose({ group, rank, step, layer }, batch);
    if (hotExperts.length > 0) {
      const { tokens, topK } = batch;
      this.#hot.draw(hotExperts, { group, rank, step, layer, tokens, topK }, batch);
    }
    batch.openLayer();
    this.sent.fill(0);
    for (let place = 0; place < batch.state.length; place += 1) {
      const token = Math.floor(place / batch.topK);
      const rankOfPlace = this.#holders.holderOf(at.place, batch.experts[place], token);
      holder[place] = rankOfPlace;
      context.ledger.dispatched(this.#assignment(place));
      const mask = this.#peers.maskOf(rankOfPlace);
      if (mask !== undefined) {
        this.#mask(context, place, mask.fault);
        continue;
      }
      batch.state[place] = AssignmentState.open;
      batch.open += 1;
      batch.openOf[rankOfPlace] += 1;
      this.sent[rankOfPlace] += 1;
    }
    this.dispatched += batch.state.length;
    context.watch?.opened(at, batch.experts, holder, this.#peers.actorOf);
  }

  isOpen(place: number): boolean {
    return this.batch.state[place] === AssignmentState.open;
  }

  /** One expert's output, not weighted yet. */
  outputArrived(context: ActorContext, place: number, low: number, high: number): void {
    if (!this.isOpen(place)) violated("combined-once", `exchange ${this.exchange} place ${place}`);
    this.batch.combine(place, low, high);
    this.#settled(context, place);
  }

  /** A copy or its output failed its check: the assignment is given up for that fault. */
  refused(context: ActorContext, place: number, fault: number): void {
    if (!this.isOpen(place)) violated("combined-once", `exchange ${this.exchange} place ${place}`);
    this.#maskOpen(context, place, fault);
  }

  /**
   * The weighted sum of a token's outputs over some of its choices (`combined`, one bit each); the
   * choices of `lost` were given up for `fault` on the way. A sum that holds the share of a rank
   * that is masked by now cannot be taken apart: all its choices are masked.
   */
  sumArrived(context: ActorContext, sum: PartialSum): void {
    const { batch } = this;
    const first = sum.token * batch.topK;
    let isStale = false;
    let stale = sum.fault;
    for (let choice = 0; choice < batch.topK; choice += 1) {
      const place = first + choice;
      if ((sum.combined & (1 << choice)) === 0) continue;
      if (batch.state[place] === AssignmentState.combined) {
        violated("combined-once", `exchange ${this.exchange} place ${place}`);
      }
      if (this.isOpen(place)) continue;
      isStale = true;
      stale = this.#peers.maskOf(this.holder[place])?.fault ?? sum.fault;
    }
    // A sum of nothing is not looked at: with a bit flipped it would not be 0.
    if (!isStale && sum.combined !== 0) batch.add(sum.token, sum.low, sum.high);
    for (let choice = 0; choice < batch.topK; choice += 1) {
      const place = first + choice;
      const bit = 1 << choice;
      if (!this.isOpen(place)) continue;
      if ((sum.lost & bit) !== 0) this.#maskOpen(context, place, sum.fault);
      else if ((sum.combined & bit) === 0) continue;
      else if (isStale) this.#maskOpen(context, place, stale);
      else {
        batch.markCombined(place);
        this.#settled(context, place);
      }
    }
  }

  /** Ends the open assignments to a rank as masked; returns how many. */
  dropRank(context: ActorContext, rank: number, fault: number): number {
    const open = this.batch.openOf[rank];
    for (let place = 0; open > 0 && place < this.batch.state.length; place += 1) {
      if (this.isOpen(place) && this.holder[place] === rank) this.#maskOpen(context, place, fault);
    }
    return open;
  }

  /** The current exchange ends here: what is open in it is lost. */
  abandon(context: ActorContext, fault: number): void {
    const { batch } = this;
    this.combined += batch.combined;
    this.masked += batch.masked;
    for (let place = 0; batch.open > 0 && place < batch.state.length; place += 1) {
      if (!this.isOpen(place)) continue;
      batch.state[place] = AssignmentState.lost;
      batch.open -= 1;
      context.ledger.lost(this.#assignment(place), fault);
    }
    batch.openOf.fill(0);
  }

  /** Forgets the current exchange; what was open in it is accounted for. */
  forget(): void {
    this.exchange = -1;
    this.batch.openLayer();
  }

  /** Ends the layer: the sums are checked, and become the next layer's input. */
  close(context: ActorContext, at: ExchangePlace): void {
    const { batch } = this;
    for (let token = 0; token < batch.tokens; token += 1) {
      const expected = batch.expected(token, at.exchange);
      const low = batch.sumLow(token);
      const high = batch.sumHigh(token);
      if (expected.low === low && expected.high === high) continue;
      const fault = this.#corrupterOf(context, token);
      context.ledger.mismatched(fault);
      context.record({
        type: "combine.mismatched",
        layer: at.layer,
        step: at.step,
        token,
        expected: hex64(expected.high, expected.low),
        actual: hex64(high, low),
        fault: context.faults.nameOf(fault),
      });
    }
    this.combined += batch.combined;
    this.masked += batch.masked;
    batch.closeLayer();
  }

  /**
   * The fault that flipped bits on a token's way in the current exchange: in what this rank sent,
   * or a rank that its copies or results came by. NO_FAULT: nothing explains a wrong sum.
   */
  #corrupterOf(context: ActorContext, token: number): number {
    const peers = this.#peers;
    const { batch, holder } = this;
    let fault = context.faults.corrupterOf(context.self, this.#openedAtPs);
    for (let choice = 0; choice < batch.topK && fault === NO_FAULT; choice += 1) {
      const place = token * batch.topK + choice;
      if (batch.state[place] !== AssignmentState.combined) continue;
      const rank = holder[place];
      fault = context.faults.corrupterOf(peers.actorOf[rank], this.#openedAtPs);
      if (fault !== NO_FAULT || !this.#isRelayed) continue;
      const relay = peers.actorOf[peers.viaOf(rank)];
      fault = context.faults.corrupterOf(relay, this.#openedAtPs);
    }
    return fault;
  }

  /** In the normal protocol ranks pass on and add up what is not for them. */
  get #isRelayed(): boolean {
    return this.#services.scenario.workload.protocol === "normal";
  }

  #settled(context: ActorContext, place: number): void {
    this.batch.open -= 1;
    this.batch.openOf[this.holder[place]] -= 1;
    context.ledger.combined(this.#assignment(place));
  }

  #maskOpen(context: ActorContext, place: number, fault: number): void {
    this.batch.open -= 1;
    this.batch.openOf[this.holder[place]] -= 1;
    this.#mask(context, place, fault);
  }

  #mask(context: ActorContext, place: number, fault: number): void {
    this.batch.state[place] = AssignmentState.masked;
    this.batch.masked += 1;
    context.ledger.masked(this.#assignment(place), fault);
  }

  /** Identifies an assignment of this rank in the run. */
  #assignment(place: number): number {
    return this.exchange * this.batch.state.length + place;
  }
}

/** What {@link HomeSide.sumArrived} takes; the object is reused. */
export interface PartialSum {
  readonly token: number;
  readonly combined: number;
  readonly lost: number;
  readonly fault: number;
  readonly low: number;
  readonly high: number;
}
