/** The coordinator's state machine: windows, commits, and what it refuses from a worker. */

import { describe, expect, it } from "vitest";
import { WindowProtocol } from "../../src/engine/window-protocol.ts";
import { NEVER_PS } from "../../src/model/time.ts";
import { windowReport } from "../support/window-report.ts";

const LOOKAHEAD_PS = 450;

function makeProtocol(changes: { gpus?: number; timeLimitPs?: number } = {}): WindowProtocol {
  return new WindowProtocol({
    workers: 3,
    lookaheadPs: LOOKAHEAD_PS,
    gpus: changes.gpus ?? 2,
    timeLimitPs: changes.timeLimitPs ?? 1e12,
  });
}

/** All three workers report window 0 with these next events, and the window is committed. */
function begin(protocol: WindowProtocol, nextEventPs: readonly number[]): void {
  nextEventPs.forEach((next, worker) => {
    protocol.accept(worker, windowReport({ nextEventPs: next }));
  });
  protocol.commit();
}

describe("window protocol", () => {
  it("grants [LBTS, LBTS + lookahead) to those who have something to do in it", () => {
    const protocol = makeProtocol();
    begin(protocol, [1_000, 1_449, 1_450]);
    const step = protocol.next();
    expect(step).toMatchObject({ type: "grants", startPs: 1_000, endPs: 1_450 });
    expect(step.type === "grants" && step.grants.map((grant) => grant.worker)).toEqual([0, 1]);
  });

  it("counts a packet on its way as the receiver's next event, and names its frame", () => {
    const protocol = makeProtocol();
    begin(protocol, [1_000, NEVER_PS, NEVER_PS]);
    protocol.next();
    const sent = [{ peer: 2, earliestPs: 1_500, sizeBytes: 64, carried: null }];
    protocol.accept(0, windowReport({ window: 1, nextEventPs: 9_000, sent, events: 1 }));
    expect(protocol.complete).toBe(true);
    expect(protocol.commit().floorPs).toBe(1_500);
    expect(protocol.next()).toMatchObject({
      startPs: 1_500,
      grants: [{ worker: 2, grant: { window: 2, endPs: 1_950, frames: [{ peer: 0, count: 1 }] } }],
    });
  });

  it("skips an idle stretch in one window", () => {
    const protocol = makeProtocol();
    begin(protocol, [5e9, 7e9, NEVER_PS]);
    expect(protocol.next()).toMatchObject({ startPs: 5e9, endPs: 5e9 + LOOKAHEAD_PS });
  });

  it("gives a fault a window of its own, for every worker that waits for it", () => {
    const protocol = makeProtocol();
    for (let worker = 0; worker < 3; worker += 1) {
      protocol.accept(worker, windowReport({ nextEventPs: 1_000, nextFaultPs: 1_200 }));
    }
    protocol.commit();
    expect(protocol.next()).toMatchObject({ startPs: 1_000, endPs: 1_200 });
    for (let worker = 0; worker < 3; worker += 1) {
      protocol.accept(worker, windowReport({ window: 1, nextEventPs: 1_300, nextFaultPs: 1_200 }));
    }
    protocol.commit();
    expect(protocol.next()).toMatchObject({ startPs: 1_200, endPs: 1_201 });
  });

  it("sorts a window's facts by time, actor and index, whoever reported first", () => {
    const protocol = makeProtocol();
    const fact = { type: "rank.finished", dispatched: 1, combined: 1, masked: 0 } as const;
    const at = (atPs: number, actor: number, index: number) => ({ atPs, actor, index, fact });
    begin(protocol, [5, 5, 5]);
    protocol.next();
    const late = { window: 1, nextEventPs: 9_000 };
    protocol.accept(2, windowReport({ ...late, facts: [at(5, 9, 0), at(7, 9, 1)] }));
    protocol.accept(0, windowReport({ ...late, facts: [at(7, 2, 1), at(7, 2, 0)] }));
    protocol.accept(1, windowReport({ ...late, facts: [at(5, 4, 0)] }));
    const order = protocol.commit().facts.map(({ atPs, actor, index }) => [atPs, actor, index]);
    expect(order).toEqual([
      [5, 4, 0],
      [5, 9, 0],
      [7, 2, 0],
      [7, 2, 1],
      [7, 9, 1],
    ]);
  });

  it("ends when nothing is left and all GPUs have finished, and is stuck when one has not", () => {
    for (const [gpus, type] of [
      [2, "finished"],
      [3, "stuck"],
    ] as const) {
      const protocol = makeProtocol({ gpus });
      begin(protocol, [70, 90, 95]);
      protocol.next();
      protocol.accept(0, windowReport({ window: 1, finishedGpus: 1, lastEventPs: 70 }));
      protocol.accept(1, windowReport({ window: 1, finishedGpus: 1, lastEventPs: 90 }));
      protocol.accept(2, windowReport({ window: 1 }));
      protocol.commit();
      expect(protocol.next()).toMatchObject({ type, virtualTimePs: 90 });
    }
  });

  it("stops at the time limit and grants nothing beyond it", () => {
    const protocol = makeProtocol({ timeLimitPs: 1_100 });
    begin(protocol, [1_000, NEVER_PS, NEVER_PS]);
    expect(protocol.next()).toMatchObject({ endPs: 1_100 });
    protocol.accept(0, windowReport({ window: 1, nextEventPs: 1_100 }));
    protocol.commit();
    expect(protocol.next()).toMatchObject({ type: "time-limit" });
  });

  it("does not take those for done who hang, once it has learnt of another fault", () => {
    const protocol = makeProtocol({ gpus: 1 });
    protocol.accept(0, windowReport({ finishedGpus: 1, hungGpus: 1 }));
    for (const worker of [1, 2]) protocol.accept(worker, windowReport());
    protocol.commit();
    const heal = { fault: "any", atPs: 90 };
    expect(protocol.next({ faults: [], heals: [heal] })).toMatchObject({ type: "finished" });
    const fault = { name: "late", kind: "gpu-dead", targets: ["node0.gpu0"], atPs: 90 } as const;
    expect(protocol.next({ faults: [fault], heals: [] })).toMatchObject({
      type: "grants",
      startPs: 90,
      endPs: 91,
    });
  });

  it.each([
    ["a report on another window", { window: 2, nextEventPs: 2_000 }, /one-report-a-window/],
    ["a report that leaves events undone", { window: 1, nextEventPs: 1_449 }, /window-run-whole/],
    [
      "a packet inside the window",
      {
        window: 1,
        nextEventPs: 2_000,
        sent: [{ peer: 1, earliestPs: 1_449, sizeBytes: 64, carried: null }],
      },
      /lookahead/,
    ],
  ])("refuses %s", (_, changes, rule) => {
    const protocol = makeProtocol();
    begin(protocol, [1_000, 1_000, NEVER_PS]);
    protocol.next();
    expect(() => protocol.accept(0, windowReport(changes))).toThrow(rule);
  });

  it("refuses a second report, one from a worker left out, and a commit before all reported", () => {
    const protocol = makeProtocol();
    begin(protocol, [1_000, 1_000, NEVER_PS]);
    protocol.next();
    const done = windowReport({ window: 1, nextEventPs: 2_000 });
    protocol.accept(0, done);
    expect(() => protocol.accept(0, done)).toThrow(/one-report-a-window/);
    expect(() => protocol.accept(2, done)).toThrow(/one-report-a-window/);
    expect(() => protocol.commit()).toThrow(/commit-when-complete/);
  });
});
