/**
 * Pacing is arithmetic on instants: 1 ms of virtual time at speed 0.001 is a second of wall time.
 */
import { describe, expect, it } from "vitest";
import { Pacer } from "../../cluster/pacing.ts";

describe("Pacer", () => {
  it("holds a window until its wall-clock moment", () => {
    const pacer = new Pacer(0.001, 500);
    expect(pacer.holdMs(1e9, 500)).toBe(1000);
    expect(pacer.holdMs(1e9, 1499)).toBe(1);
  });

  it("releases what is due within a millisecond, for timers are no finer", () => {
    const pacer = new Pacer(0.001, 0);
    expect(pacer.holdMs(1e9, 999.5)).toBe(0);
  });

  it("measures how late a window was, and keeps the worst", () => {
    const pacer = new Pacer(1, 0);
    pacer.released(1e9, 4);
    expect(pacer.lagSeconds).toBe(0.003);
    pacer.released(2e9, 2);
    expect(pacer.lagSeconds).toBe(0);
    expect(pacer.maxLagSeconds).toBe(0.003);
  });

  it("neither holds nor lags at speed max", () => {
    const pacer = new Pacer("max", 0);
    expect(pacer.holdMs(9e15, 0)).toBe(0);
    pacer.released(0, 9e9);
    expect(pacer.maxLagSeconds).toBe(0);
  });

  it("knows which virtual instant is due, whole and never beyond the clock", () => {
    const pacer = new Pacer(0.001, 500);
    expect([pacer.duePs(500), pacer.duePs(1500)]).toEqual([0, 1e9]);
    expect(new Pacer("max", 0).duePs(5)).toBe(Number.POSITIVE_INFINITY);
  });

  it("goes on from the present at another speed, and forgets the lag of the old one", () => {
    const pacer = new Pacer(0.001, 0);
    pacer.setSpeed(0.01, 1e9, 1000);
    expect(pacer.holdMs(1e9, 1000)).toBe(0);
    expect(pacer.holdMs(2e9, 1000)).toBe(100);
    pacer.setSpeed("max", 2e9, 1100);
    expect(pacer.holdMs(9e15, 1100)).toBe(0);
    pacer.setSpeed(1, 5e9, 2000);
    expect(pacer.holdMs(15e9, 2000)).toBe(10);
  });

  it("makes everything later by the time that it stood still", () => {
    const pacer = new Pacer(1, 0);
    pacer.stoodStill(40);
    expect(pacer.holdMs(10e9, 20)).toBe(30);
    pacer.released(10e9, 50);
    expect(pacer.maxLagSeconds).toBe(0);
  });
});
