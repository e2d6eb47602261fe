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
});
