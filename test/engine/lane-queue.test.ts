/** The lane queue gives back packets in event order, whatever order they came in. */
import { describe, expect, it } from "vitest";
import { InvariantError } from "../../src/base/assert.ts";
import { streamOf } from "../../src/base/random.ts";
import { orderBase } from "../../src/engine/event-order.ts";
import { LaneQueue } from "../../src/engine/lane-queue.ts";
import { COUNTER, PacketKind, PacketPool, timePlace } from "../../src/model/packet.ts";
import { NEVER_PS } from "../../src/model/time.ts";

const LANES = 7;
/** Lane l is sent by actor l mod 3, so lanes share senders as ports of one actor do. */
const bases = Float64Array.from({ length: LANES }, (_, lane) => orderBase(lane % 3));

function push(pool: PacketPool, queue: LaneQueue, lane: number, at: number, counter: number): void {
  const packet = pool.take(PacketKind.raw);
  pool.times[timePlace(packet)] = at;
  pool.words[packet + COUNTER] = counter;
  queue.push(lane, packet);
}

describe("lane queue", () => {
  it("orders by time, then sender, then the sender's counter, over 300 random fillings", () => {
    for (let seed = 0; seed < 300; seed += 1) {
      const random = streamOf(String(seed), "lane-queue");
      const pool = new PacketPool(4);
      const queue = new LaneQueue(pool, bases);
      const lastAt = new Array<number>(LANES).fill(0);
      const counters = [0, 0, 0];
      const expected: [number, number][] = [];
      const actual: [number, number][] = [];
      for (let step = 0; step < 60; step += 1) {
        if (random.below(3) > 0 || queue.headPs === NEVER_PS) {
          const lane = random.below(LANES);
          const floor = actual.at(-1)?.[0] ?? 0;
          lastAt[lane] = Math.max(lastAt[lane], floor + 1) + random.below(3);
          const counter = counters[lane % 3];
          counters[lane % 3] += 1;
          push(pool, queue, lane, lastAt[lane], counter);
          expected.push([lastAt[lane], bases[lane] + counter]);
        } else {
          actual.push([queue.headPs, queue.headOrder]);
          pool.free(queue.pop());
        }
      }
      while (queue.headPs !== NEVER_PS) {
        actual.push([queue.headPs, queue.headOrder]);
        pool.free(queue.pop());
      }
      expected.sort((left, right) => left[0] - right[0] || left[1] - right[1]);
      expect(actual, `seed ${seed}`).toEqual(expected);
      expect(pool.inUse, `seed ${seed}`).toBe(0);
    }
  });

  it("hands out chosen lanes in order and keeps the others in theirs, over 300 fillings", () => {
    for (let seed = 0; seed < 300; seed += 1) {
      const random = streamOf(String(seed), "lane-queue-take");
      const pool = new PacketPool(4);
      const queue = new LaneQueue(pool, bases);
      const rows: { lane: number; at: number; counter: number }[] = [];
      for (let counter = random.below(40); counter > 0; counter -= 1) {
        const lane = random.below(LANES);
        const at = Math.max(0, ...rows.filter((row) => row.lane === lane).map((row) => row.at));
        rows.push({ lane, at: at + random.below(4), counter: rows.length });
        push(pool, queue, lane, rows[rows.length - 1].at, rows.length - 1);
      }
      const chosen = Array.from({ length: LANES }, () => random.below(2) === 1);
      const taken: number[][] = [];
      queue.takeLanes(
        (lane) => chosen[lane],
        (lane, packet) => {
          taken.push([lane, pool.words[packet + COUNTER]]);
          pool.free(packet);
        },
      );
      const wanted = rows.filter(({ lane }) => chosen[lane]);
      wanted.sort((left, right) => left.lane - right.lane || left.counter - right.counter);
      expect(taken, `seed ${seed}`).toEqual(wanted.map(({ lane, counter }) => [lane, counter]));
      const kept = rows.filter(({ lane }) => !chosen[lane]);
      // A lane that was emptied begins anew, even before what it held.
      const lane = chosen.indexOf(true);
      if (lane >= 0) {
        push(pool, queue, lane, 0, 0);
        kept.push({ lane, at: 0, counter: 0 });
      }
      const left: number[][] = [];
      while (queue.headPs !== NEVER_PS) {
        left.push([queue.headPs, queue.headOrder]);
        pool.free(queue.pop());
      }
      const orders = kept.map((row) => [row.at, bases[row.lane] + row.counter]);
      orders.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
      expect(left, `seed ${seed}`).toEqual(orders);
      expect(pool.inUse, `seed ${seed}`).toBe(0);
    }
  });

  it("refuses a delivery before the lane's last", () => {
    const pool = new PacketPool(4);
    const queue = new LaneQueue(pool, bases);
    push(pool, queue, 0, 100, 0);
    expect(() => push(pool, queue, 0, 99, 1)).toThrow(InvariantError);
  });

  it("is empty again after the last packet", () => {
    const pool = new PacketPool(4);
    const queue = new LaneQueue(pool, bases);
    push(pool, queue, 3, 5, 0);
    queue.pop();
    expect([queue.headPs, queue.headOrder, queue.poppedLane]).toEqual([NEVER_PS, NEVER_PS, 3]);
  });
});
