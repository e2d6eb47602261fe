/**
 * A message of many copies takes as long as the copies one by one, on a healthy network: what the
 * coarse grain leaves out does not show in the published figures.
 */
import { describe, expect, it } from "vitest";
import {
  type ExchangeFigures,
  lowLatencyScenario,
  normalScenario,
  runExchange,
} from "../../scripts/validation/all-to-all.ts";

/** Tokens a rank; with fewer, filling and draining the pipeline of NVLink and network shows. */
const TOKENS = 1_024;

/** Largest difference between the two, as a share. */
const MOST = 0.02;

describe("messages of many copies against messages of one", () => {
  const SETUPS = [
    { name: "low-latency EP16", make: (grain: Grain) => lowLatencyScenario(16, { grain }) },
    { name: "low-latency EP32", make: (grain: Grain) => lowLatencyScenario(32, { grain }) },
    {
      name: "normal EP16",
      make: (grain: Grain) => normalScenario(16, { grain, tokensPerGpu: TOKENS }),
    },
  ] as const;

  it.each(SETUPS)("$name: dispatch and combine take as long, within 2 percent", ({ make }) => {
    const copies = runExchange(make("token"));
    const messages = runExchange(make("message"));
    expectClose(messages.dispatchPs, copies.dispatchPs);
    expectClose(messages.combinePs, copies.combinePs);
    expectCheaper(messages, copies);
  });
});

type Grain = "token" | "message";

function expectClose(onePs: number, otherPs: number): void {
  expect(Math.abs(onePs / otherPs - 1)).toBeLessThan(MOST);
}

/** They are different runs: the coarse one has far fewer events, which is what it is for. */
function expectCheaper(messages: ExchangeFigures, copies: ExchangeFigures): void {
  expect(messages.events).toBeLessThan(copies.events / 5);
}
