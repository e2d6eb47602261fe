/**
 * What the coordinator's state machine makes of a worker that is lost: what it did in the open
 * window is forgotten, and its replacement is told where to begin.
 */
import { describe, expect, it } from "vitest";
import { WindowProtocol } from "../../src/engine/window-protocol.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import { NEVER_PS } from "../../src/model/time.ts";
import type { SentFrame } from "../../src/model/window.ts";
import { windowReport } from "../support/window-report.ts";

const BYTES = new Uint8Array(8);
const FAULT: FaultSpec = { name: "f", kind: "gpu-dead", targets: ["node0.gpu0"], atPs: 1_500 };

function fact(actor: number, atPs = 1): FactRecord {
  const said = { type: "rank.finished", dispatched: 1, combined: 1, masked: 0 } as const;
  return { atPs, actor, index: 0, fact: said };
}

function frame(peer: number, carried: Uint8Array | null): SentFrame {
  return { peer, earliestPs: 90_000, sizeBytes: 8, carried };
}

/** Three workers that have an event at 1,000 ps, in the window from there to 1,450 ps. */
function inWindowOne(sent: readonly SentFrame[][] = [[], [], []]): WindowProtocol {
  const protocol = new WindowProtocol({
    ...{ workers: 3, lookaheadPs: 450, gpus: 2, timeLimitPs: 1e12 },
  });
  for (const worker of [0, 1, 2]) {
    protocol.accept(worker, windowReport({ nextEventPs: 1_000, sent: sent[worker] }));
  }
  protocol.commit();
  protocol.next();
  return protocol;
}

describe("a worker that is lost", () => {
  it("in window 0 is replaced at the very beginning, and gets no grant for it", () => {
    const protocol = new WindowProtocol({
      ...{ workers: 2, lookaheadPs: 450, gpus: 2, timeLimitPs: 1e12 },
    });
    protocol.accept(1, windowReport({ facts: [fact(1, 0)] }));
    const frames = [{ peer: 0, sent: 0, received: 0 }];
    expect(protocol.floorPs).toBe(0);
    const start = { atPs: -1, window: -1, faults: [], heals: [], trafficSaidPs: 0 };
    expect(protocol.lose(1)).toEqual({ ...start, frames });
    expect(protocol.grantOf(1)).toBeUndefined();
    protocol.accept(0, windowReport());
    expect(protocol.complete).toBe(false);
    protocol.accept(1, windowReport({ facts: [fact(2, 0)] }));
    expect(protocol.commit().facts).toEqual([fact(2, 0)]);
  });

  it("has its report of the open window forgotten, with facts, frames and next event", () => {
    const protocol = inWindowOne();
    const early = windowReport({
      window: 1,
      nextEventPs: 1_450,
      facts: [fact(0)],
      sent: [frame(2, null)],
    });
    protocol.accept(0, early);
    protocol.accept(1, windowReport({ window: 1 }));
    protocol.accept(2, windowReport({ window: 1 }));
    expect(protocol.complete).toBe(true);
    expect(protocol.floorPs).toBe(1_450);
    expect(protocol.lose(0)).toMatchObject({ atPs: 0, window: 0 });
    expect(protocol.complete).toBe(false);
    expect(protocol.grantOf(0)).toEqual({
      ...{ window: 1, endPs: 1_450, frames: [], faults: [], heals: [] },
    });
    protocol.accept(0, windowReport({ window: 1, nextEventPs: 5_000 }));
    expect(protocol.commit()).toMatchObject({ facts: [], floorPs: 5_000 });
    expect(protocol.next()).toMatchObject({ startPs: 5_000, grants: [{ worker: 0 }] });
  });

  it("is told how many frames it had exchanged before the open window, and of all orders", () => {
    const protocol = inWindowOne([[frame(1, null)], [frame(0, BYTES)], []]);
    for (const worker of [0, 1, 2]) {
      const sent = worker === 1 ? [frame(0, null), frame(2, null)] : [];
      protocol.accept(worker, windowReport({ window: 1, nextEventPs: 9_000, sent }));
    }
    protocol.commit();
    protocol.next({ faults: [FAULT], heals: [] });
    expect(protocol.lose(1).faults).toEqual([]);
    expect(protocol.grantOf(1)).toMatchObject({ window: 2, faults: [FAULT] });
    for (const worker of [0, 1, 2]) {
      const sent = worker === 1 ? [frame(0, null)] : [];
      protocol.accept(worker, windowReport({ window: 2, nextEventPs: 9_000, sent }));
    }
    expect(protocol.lose(1)).toEqual({
      ...{ atPs: 1_450, window: 1, faults: [], heals: [], trafficSaidPs: 1_450 },
      frames: [
        { peer: 0, sent: 2, received: 1 },
        { peer: 2, sent: 1, received: 0 },
      ],
    });
    protocol.accept(1, windowReport({ window: 2, nextEventPs: 9_000 }));
    protocol.commit();
    expect(protocol.floorPs).toBe(1_501);
    expect(protocol.lose(1)).toMatchObject({ atPs: 1_501, window: 2, faults: [FAULT] });
    expect(protocol.grantOf(1)).toBeUndefined();
  });

  it("leaves no frame behind that a grant names; those of the open window are named", () => {
    const protocol = inWindowOne();
    const sent = [frame(2, BYTES)];
    protocol.accept(0, windowReport({ window: 1, nextEventPs: 2_000, sent }));
    protocol.accept(1, windowReport({ window: 1, nextEventPs: 2_000, sent }));
    protocol.accept(2, windowReport({ window: 1 }));
    protocol.commit();
    expect(protocol.next()).toMatchObject({ grants: [{ worker: 0 }, { worker: 1 }] });
    // Worker 2 has sat out, and what both sent it is named nowhere yet.
    protocol.lose(0);
    for (const worker of [0, 1]) {
      protocol.accept(worker, windowReport({ window: 2, nextEventPs: NEVER_PS, sent }));
    }
    protocol.commit();
    const step = protocol.next();
    expect(step.type === "grants" && step.grants.map(({ worker }) => worker)).toEqual([2]);
    expect(step.type === "grants" && step.grants[0].grant.frames).toEqual([
      { peer: 1, count: 2, earliestPs: 90_000, carried: [BYTES, BYTES] },
      { peer: 0, count: 2, earliestPs: 90_000, carried: [BYTES] },
    ]);
  });

  it("takes with it what was on its way to it", () => {
    const protocol = inWindowOne();
    protocol.accept(0, windowReport({ window: 1, nextEventPs: 2_000, sent: [frame(2, BYTES)] }));
    protocol.accept(1, windowReport({ window: 1, nextEventPs: 2_000 }));
    protocol.accept(2, windowReport({ window: 1, nextEventPs: 2_100 }));
    protocol.commit();
    protocol.lose(2);
    const step = protocol.next();
    const grants = step.type === "grants" ? step.grants : [];
    expect(grants.map(({ grant }) => grant.frames)).toEqual([[], [], []]);
  });
});
