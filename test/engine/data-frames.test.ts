/**
 * Data frames between workers are taken once each: one that comes again stops the run. Two workers,
 * driven window by window as coordinator and links do.
 */
import { describe, expect, it } from "vitest";
import { makeDevice } from "../../actors/catalogue.ts";
import { LogicalProcess } from "../../src/engine/logical-process.ts";
import { WindowProtocol } from "../../src/engine/window-protocol.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { lookaheadOf, placeActors } from "../../src/topology/placement.ts";
import { tinyScenario } from "../support/scenarios.ts";

interface Frame {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

/** Two workers of one run; all frames go straight, none with a report. */
class Pair {
  readonly workers: readonly LogicalProcess[];
  readonly #protocol: WindowProtocol;
  #participants = [0, 1];

  constructor() {
    const scenario = tinyScenario();
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    const placement = placeActors(topology, "pack", 2);
    this.workers = [0, 1].map(
      (worker) =>
        new LogicalProcess({
          scenario,
          placement,
          worker,
          devices: makeDevice,
          carriedBytesMax: 0,
        }),
    );
    this.#protocol = new WindowProtocol({
      workers: 2,
      lookaheadPs: lookaheadOf(topology, placement),
      gpus: 8,
      timeLimitPs: scenario.run.timeLimitPs,
    });
    this.workers.forEach((worker, number) => {
      this.#protocol.accept(number, worker.start());
    });
  }

  /** Frames that are to be accepted before the next window. */
  takeFrames(): Frame[] {
    return this.#participants.flatMap((from) =>
      this.workers[from].takeFrames().map(({ peer, bytes }) => ({ from, to: peer, bytes })),
    );
  }

  accept({ from, to, bytes }: Frame): void {
    this.workers[to].accept(from, bytes);
  }

  /** Runs the next window; false: there is none. */
  run(): boolean {
    this.#protocol.commit();
    const step = this.#protocol.next();
    if (step.type !== "grants") return false;
    this.#participants = step.grants.map(({ worker }) => worker);
    for (const { worker, grant } of step.grants) {
      this.#protocol.accept(worker, this.workers[worker].run(grant));
    }
    return true;
  }
}

describe("a data frame", () => {
  it("is taken once: all of a run come, and the run ends", () => {
    const pair = new Pair();
    let frames = 0;
    do {
      for (const frame of pair.takeFrames()) {
        frames += 1;
        pair.accept(frame);
      }
    } while (pair.run());
    expect(frames).toBeGreaterThan(10);
  });

  it("that comes again, at once or after it was admitted, stops the run", () => {
    const pair = new Pair();
    let last: Frame | undefined;
    for (;;) {
      const frames = pair.takeFrames();
      for (const frame of frames) {
        pair.accept(frame);
        expect(() => pair.accept(frame)).toThrow("frames-in-sequence");
      }
      if (last !== undefined) break;
      last = frames[0];
      expect(pair.run()).toBe(true);
    }
    expect(() => pair.accept(last as Frame)).toThrow("frames-in-sequence");
  });
});
