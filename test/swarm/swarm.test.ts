/** The swarm as a whole: it finds a planted bug, makes it small, and says how to see it again. */
import { describe, expect, it } from "vitest";
import { makeCanaryDevices } from "../../scripts/swarm/canary.ts";
import { checkSeed } from "../../scripts/swarm/check-seed.ts";
import { drawFaults, SWARM_KINDS } from "../../scripts/swarm/draw-faults.ts";
import { drawFleet } from "../../scripts/swarm/draw-fleet.ts";
import { SwarmDirector } from "../../scripts/swarm/orders.ts";
import { commandFor, failureLine, seedText } from "../../scripts/swarm/seed-words.ts";
import { shrink } from "../../scripts/swarm/shrink.ts";
import { SOMETIMES } from "../../scripts/swarm/sometimes.ts";
import { Tally } from "../../scripts/swarm/tally.ts";
import { streamOf } from "../../src/base/random.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";

/** The first seed in which the canary sings. */
function findCanary(): number {
  for (let seed = 0; seed < 20; seed += 1) {
    if (checkSeed({ seed }, makeCanaryDevices).answer.problems.length > 0) return seed;
  }
  throw new Error("no seed finds the canary");
}

describe("the canary", () => {
  const seed = findCanary();
  const { answer } = checkSeed({ seed }, makeCanaryDevices);

  it("is found by comparing placements", () => {
    expect(checkSeed({ seed }).answer.problems).toEqual([]);
    expect(answer.problems.map(({ check }) => check)).toContain("placement");
  });

  it("is told on one line with the command that repeats it", () => {
    const line = failureLine(answer, commandFor({ seed }, true));
    expect(line).toContain(`FAIL seed ${seed} scenario ${answer.hash}`);
    expect(line).toContain(`again: npm run swarm -- --seed ${seed} --canary`);
    expect(line).not.toContain("\n");
  });

  it("needs no fault, so all of them are left out, and the fleet becomes plain", () => {
    const { question, answer: found, tries } = shrink({ seed }, answer, makeCanaryDevices, 200);
    expect(question.only).toEqual([]);
    expect(question.plain).toContain("grain");
    expect(found.problems.length).toBeGreaterThan(0);
    expect(tries).toBeGreaterThan(answer.names.length - 1);
    expect(checkSeed(question, makeCanaryDevices).answer.problems).toEqual(found.problems);
  });
});

describe("drawing", () => {
  it("has runs of one kind, of all kinds, and of about half of them", () => {
    const fleet = drawFleet(8);
    const topology = makeFatTree(fleet.cluster, fleet.hardware);
    const clock = { lengthPs: 1e9, warmPs: 1e8, phasePs: 1e6, phases: [], instants: [] };
    const counts = new Map<number, number>();
    for (let seed = 0; seed < 300; seed += 1) {
      const ground = { topology, experts: 32, clock, kinds: SWARM_KINDS };
      const kinds = new Set(
        drawFaults(ground, streamOf(String(seed), "draw")).map(({ kind }) => kind),
      );
      counts.set(kinds.size, (counts.get(kinds.size) ?? 0) + 1);
    }
    const most = Math.max(...counts.keys());
    expect(most).toBeGreaterThan(SWARM_KINDS.length - 3);
    expect(counts.get(1)).toBeGreaterThan(30);
    expect(counts.get(most)).toBeGreaterThan(15);
    expect(counts.get(most >> 1)).toBeGreaterThan(15);
  });

  it("keeps what is left as it was drawn when parts are left out", () => {
    const whole = checkSeed({ seed: 8 }).case?.plan;
    const [one] = whole?.known ?? [];
    const part = checkSeed({ seed: 8, only: [one.name] }).case?.plan;
    expect(part).toEqual({ known: [one], orders: [] });
  });
});

describe("a director of the swarm", () => {
  it("ends only what the run knows, and reacts to how much it has seen", () => {
    const director = new SwarmDirector(
      {
        known: [],
        orders: [
          { name: "o0", atPs: 5, type: "heal", fault: "f0" },
          { name: "o1", atPs: 5, type: "react", kind: "masked", spanPs: 10 },
        ],
      },
      ["node0.gpu0", "node0.gpu1", "node0.gpu2"],
    );
    const fact = { type: "step.completed", step: 0, durationPs: 1 } as const;
    director.take([0, 1, 2, 3].map((index) => ({ atPs: index, actor: 0, index, fact })));
    expect(director.nextPs).toBe(5);
    const { faults, heals } = director.at(5);
    expect(heals).toEqual([]);
    expect(faults).toEqual([
      { name: "o1", kind: "masked", targets: ["node0.gpu1"], atPs: 5, healAtPs: 15 },
    ]);
    expect(director.journal).toHaveLength(1);
    expect(director.nextPs).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("a tally", () => {
  it("misses every kind and every property that no seed showed", () => {
    const missed = new Tally().missed(SWARM_KINDS);
    expect(missed).toHaveLength(SWARM_KINDS.length + SOMETIMES.length);
    expect(missed).toContain("no nic-flap ever changed anything");
    expect(missed).toContain("never: two faults at once");
  });

  it("misses traffic when too many seeds prove little", () => {
    const tally = new Tally();
    const { answer } = checkSeed({ seed: 8 });
    tally.add({ ...answer, vacuous: ["fewer than 50 windows"] });
    expect(tally.missed(SWARM_KINDS)).toContain("100.0 % of the seeds prove little, 20 % may");
  });
});

describe("the text of one seed", () => {
  it("holds the fleet, every fault and order, the accounts and what happened", () => {
    const checked = checkSeed({ seed: 8 });
    const text = seedText(checked);
    for (const name of checked.answer.names) expect(text).toContain(` ${name} `);
    expect(text).toMatch(/^cluster {5}network /m);
    expect(text).toMatch(/^run {9}\w+ at .*, digest [0-9a-f]{16}/m);
    expect(text).toMatch(/\d+ dispatched, \d+ combined, \d+ masked, \d+ lost/);
  });
});
