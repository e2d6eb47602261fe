/** What ranks say of corruption, takeover and operators, in words. */
import { describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import { describeFact, toneOf } from "../../src/observe/describe-fact.ts";
import { describeGroup, groupKeyOf } from "../../src/observe/fact-groups.ts";

function bad(from: string, token: number): Fact {
  return { type: "copy.corrupted", from, layer: 3, step: 0, token, fault: "flips" };
}

const missing: Fact = {
  type: "experts.missing",
  rank: "node1.gpu2",
  fault: "dead",
  experts: [4, 5, 6, 7, 8],
};

describe("facts of ranks in words", () => {
  it("name what was corrupted and by which fault", () => {
    expect(describeFact(bad("node0.gpu1", 7))).toBe(
      "a copy from node0.gpu1 failed its checksum: layer 3, token 7 (fault flips)",
    );
    expect(toneOf(bad("node0.gpu1", 7))).toBe("bad");
  });

  it("say once what many ranks found in messages of one", () => {
    const members = ["node0.gpu0", "node1.gpu0", "node1.gpu0"].map((actor, token) => ({
      actor,
      fact: bad("node0.gpu1", token),
    }));
    expect(new Set(members.map(({ fact }) => groupKeyOf(fact))).size).toBe(1);
    expect(describeGroup(members)).toEqual([
      { actor: "", text: "3 payloads from node0.gpu1 failed checksums at 2 ranks (fault flips)" },
    ]);
  });

  it("list the experts that nobody has", () => {
    const text = "nobody has experts 4, 5, 6 and 2 more without node1.gpu2 (fault dead)";
    expect(describeFact(missing)).toBe(text);
    const members = ["node0.gpu0", "node1.gpu0"].map((actor) => ({ actor, fact: missing }));
    expect(describeGroup(members)).toEqual([{ actor: "", text: `${text}: 2 ranks` }]);
  });

  it("say that the operator wanted a mask", () => {
    const fact: Fact = {
      type: "rank.masked",
      rank: "node1.gpu2",
      fault: "ops",
      assignments: 2,
      reason: "operator",
    };
    expect(describeFact(fact)).toBe(
      "masks rank node1.gpu2: the operator wants it (fault ops, 2 assignments)",
    );
  });
});
