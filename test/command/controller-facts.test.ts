/** What a recovery controller and its ranks say, in words. */
import { describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import { describeFact, toneOf } from "../../src/observe/describe-fact.ts";

const CASES: readonly (readonly [Fact, string, string])[] = [
  [
    {
      type: "controller.decided",
      action: "remap",
      epoch: 2,
      excluded: ["node1.gpu2"],
      admitted: ["node0.gpu1"],
    },
    "decides on remap (epoch 2), without node1.gpu2, with node0.gpu1 again",
    "warning",
  ],
  [
    { type: "rank.excluded", rank: "node1.gpu2", fault: "dead" },
    "rank node1.gpu2 is out (fault dead)",
    "warning",
  ],
  [{ type: "rank.admitted", rank: "node1.gpu2" }, "rank node1.gpu2 is in again", "good"],
  [
    { type: "ranks.resumed", epoch: 2, step: 5, members: ["node0.gpu0", "node0.gpu1"] },
    "2 ranks go on with step 5 (epoch 2)",
    "good",
  ],
  [
    { type: "controller.gave-up", epoch: 9, step: 4 },
    "gives the group up: it does not get past step 4 (epoch 9)",
    "warning",
  ],
  [{ type: "step.restarted", step: 4 }, "step 4 begins again", "warning"],
];

describe("facts of a recovery controller", () => {
  it.each(CASES)("%o", (fact, text, tone) => {
    expect(describeFact(fact)).toBe(text);
    expect(toneOf(fact)).toBe(tone);
  });
});
