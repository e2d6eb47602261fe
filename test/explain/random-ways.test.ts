/**
 * Random fleets with faults of all kinds: whatever happens to a token, the parts of its copies'
 * ways are contiguous, none is below zero, their sum is the latency, and each hop ends when the
 * run's own packet log says that the packet came or was dropped. Being watched changes nothing.
 */
import { describe, expect, it } from "vitest";
import { streamOf } from "../../src/base/random.ts";
import type { Part } from "../../src/explain/part.ts";
import { copyWay, tokenWay } from "../../src/explain/token-way.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { allParts } from "../support/leaf-parts.ts";
import { randomScenario } from "../support/random-scenario.ts";
import { type WatchedRun, watchedRun } from "../support/watched-run.ts";

/** Both protocols and grains, all networks and policies; most runs have faults in the exchange. */
const SEEDS = [5, 7, 9, 11, 12, 13, 14, 16, 18, 20, 24, 29, 30, 31, 33, 34, 36, 38, 40, 45];
/** Seeds whose run is watched to its end and compared with one that nobody watches. */
const COMPARED = [9, 12, 30];
/** Tokens of a run that are explained. */
const TOKENS = 8;

/** The fleet of a seed with its packets logged, and which exchange of it is looked at. */
function drawn(seed: number) {
  const scenario = randomScenario(seed);
  const { layers, steps } = scenario.workload;
  const moe = layers.filter((layer) => layer >= scenario.model.first_k_dense_replace);
  const random = streamOf(String(seed), "ways");
  return {
    scenario: { ...scenario, run: { ...scenario.run, logPackets: true } } as Scenario,
    step: random.below(Math.ceil(steps / 2)),
    layer: moe[random.below(moe.length)],
    random,
  };
}

/** Instants and links of all packets that came or were dropped. */
function endsIn({ facts }: WatchedRun): Set<string> {
  return new Set(
    facts.flatMap(({ atPs, fact }) =>
      fact.type === "packet.delivered" || fact.type === "packet.dropped"
        ? [`${atPs} ${fact.link}`]
        : [],
    ),
  );
}

/** What does not hold of a list of parts, each a sentence. */
function breaches(parts: readonly Part[], fromPs: number, untilPs: number): string[] {
  const found: string[] = [];
  let atPs = fromPs;
  for (const part of parts) {
    if (part.fromPs !== atPs) found.push(`${part.kind} begins at ${part.fromPs}, not ${atPs}`);
    if (part.untilPs <= part.fromPs) found.push(`${part.kind} at ${part.fromPs} has no length`);
    const sum = part.shares.reduce((total, { ps }) => total + ps, 0);
    if (sum !== part.untilPs - part.fromPs) found.push(`shares of ${part.kind} are ${sum} ps`);
    if (part.parts !== undefined) found.push(...breaches(part.parts, part.fromPs, part.untilPs));
    atPs = part.untilPs;
  }
  if (atPs !== untilPs) found.push(`parts end at ${atPs}, not ${untilPs}`);
  return found;
}

describe("the ways of random tokens", () => {
  it.each(SEEDS)(
    "partition their latency, hop by hop as the packet log has it: seed %i",
    (seed) => {
      const { scenario, step, layer, random } = drawn(seed);
      const run = watchedRun(scenario, { step, layer });
      const { view } = run;
      const logged = endsIn(run);
      const homes = [...view.watch.exchanges.homes.values()].filter(
        ({ state }) => state.length > 0,
      );
      for (let turn = 0; homes.length > 0 && turn < TOKENS; turn += 1) {
        const home = homes[random.below(homes.length)];
        const way = tokenWay(view, home, random.below(home.state.length / home.topK));
        for (const { choice, latencyPs, state } of way.copies) {
          const { parts, fromPs, untilPs } = copyWay(view, way, choice);
          expect(fromPs).toBe(home.openedPs);
          expect(untilPs - fromPs).toBe(latencyPs);
          expect(breaches(parts, fromPs, untilPs)).toEqual([]);
          // What the end of a copy cut off had not come yet.
          const hops = allParts(parts).filter((part) => part.kind === "hop");
          const whole = hops.filter((hop) => hop.untilPs < untilPs || state === "combined");
          const ends = whole.map((hop) => `${hop.untilPs} ${hop.where}`);
          expect(ends.filter((end) => !logged.has(end))).toEqual([]);
        }
      }
    },
  );

  it.each(COMPARED)("are seen without changing the run: seed %i", (seed) => {
    const { scenario, step, layer } = drawn(seed);
    const quiet = { ...scenario, run: { ...scenario.run, logPackets: false } };
    const alone = runInMemory(quiet, { placement: "single" });
    const { totals, facts } = watchedRun(quiet, { step, layer, toTheEnd: true });
    expect(totals.digest).toBe(alone.digest);
    expect(facts).toEqual(alone.facts);
    expect(totals.events).toBe(alone.events);
  });

  it("say that a copy's own messages, and no others, are on the links that they name", () => {
    const scenario = randomScenario(12);
    const loud = { ...scenario, faults: [], run: { ...scenario.run, logPackets: true } };
    expect([loud.workload.protocol, loud.workload.grain]).toEqual(["low-latency", "token"]);
    const { view, facts } = watchedRun({
      ...loud,
      recovery: { ...loud.recovery, integrity: "none" },
    });
    const { actors } = makeFatTree(loud.cluster, loud.hardware);
    const [home] = view.watch.exchanges.homes.values();
    let checked = 0;
    for (let token = 0; token < home.state.length / home.topK; token += 1) {
      const way = tokenWay(view, home, token);
      for (const { choice, expert, rank } of way.copies) {
        const { parts } = copyWay(view, way, choice);
        const own = facts.flatMap(({ atPs, fact }) => {
          if (fact.type !== "packet.delivered" || fact.layer !== home.exchange) return [];
          const isOut = fact.kind === "dispatch" && fact.origin === actors[home.actor].id;
          const isBack = fact.kind === "combine" && fact.destination === actors[home.actor].id;
          const isMine = fact.token === token && fact.slot === choice + 256 * expert;
          const other = isOut ? fact.destination : fact.origin;
          return (isOut || isBack) && isMine && other === rank ? [`${atPs} ${fact.link}`] : [];
        });
        const hops = parts.filter(({ kind }) => kind === "hop");
        expect(hops.map(({ untilPs, where }) => `${untilPs} ${where}`)).toEqual(own);
        checked += hops.length;
      }
    }
    expect(checked).toBeGreaterThan(50);
  });
});
