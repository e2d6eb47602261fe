/** Bugs of the engine: order, windows, digest, faults in force, accounts. */
import type { Bug } from "./bug.ts";

/** Small random runs under several placements: they catch what depends on the placement. */
const RANDOM = "test/simulation";

export const ENGINE_BUGS: readonly Bug[] = [
  {
    id: "tie-by-arrival",
    about: "Events of one instant are handled in the order in which they came to the queue.",
    edits: [
      {
        file: "src/engine/lane-queue.ts",
        find: "if (parentTime < at || (parentTime === at && orders[parent] < order)) break;",
        replace: "if (parentTime <= at) break;",
      },
    ],
    tests: ["test/engine/lane-queue.test.ts", RANDOM],
  },
  {
    id: "facts-by-worker",
    about: "Facts of a window are logged in the order in which workers reported.",
    edits: [
      {
        file: "src/engine/window-protocol.ts",
        find: "if (facts.length > 1) facts.sort(compareFacts);",
        replace: "if (facts.length < 1) facts.sort(compareFacts);",
      },
    ],
    tests: ["test/engine/window-protocol.test.ts", RANDOM],
  },
  {
    id: "shared-stream",
    about: "All actors of a process draw from one random stream.",
    edits: [
      {
        file: "src/base/random.ts",
        find: "    let stream = this.#streams.get(owner);\n",
        replace: "    let stream = this.#streams.values().next().value;\n",
      },
    ],
    tests: ["test/fault/corruption.test.ts", RANDOM],
  },
  {
    id: "wall-clock",
    about: "A fact carries the host's clock.",
    edits: [
      {
        file: "src/engine/kernel.ts",
        find: "this.factLog.record(this.self, this.nowPs, fact);",
        replace: "this.factLog.record(this.self, this.nowPs + (Date.now() % 2), fact);",
      },
    ],
    tests: ["test/tidy.test.ts"],
  },
  {
    id: "lookahead-too-long",
    about: "The lookahead is one picosecond longer than the shortest link.",
    edits: [
      {
        file: "src/topology/placement.ts",
        find: "  return smallest;\n",
        replace: "  return smallest + 1;\n",
      },
    ],
    tests: ["test/topology/placement.test.ts", RANDOM],
  },
  {
    id: "horizon-included",
    about: "A window also runs the events at its very end.",
    edits: [
      {
        file: "src/engine/logical-process.ts",
        find: "this.kernel.run(grant.endPs);",
        replace: "this.kernel.run(grant.endPs + 1);",
      },
    ],
    tests: ["test/engine", RANDOM],
  },
  {
    id: "in-flight-ignored",
    about: "The lower bound on what can still happen leaves out packets on their way.",
    edits: [
      {
        file: "src/engine/window-protocol.ts",
        find: "if (frame.earliestPs < to.nextPs) to.nextPs = frame.earliestPs;",
        replace: "if (frame.earliestPs < 0) to.nextPs = frame.earliestPs;",
      },
    ],
    tests: ["test/engine/window-protocol.test.ts", RANDOM],
  },
  {
    id: "one-frame-early",
    about: "A window runs before the last data frame of each peer is there.",
    edits: [
      {
        file: "src/engine/frames-to-worker.ts",
        find: "      count: this.#count[peer],\n",
        replace: "      count: this.#count[peer] - 1,\n",
      },
    ],
    tests: ["test/engine/window-protocol.test.ts", RANDOM],
  },
  {
    id: "frame-twice",
    about: "A data frame that comes a second time is taken a second time.",
    edits: [
      {
        file: "src/engine/peer-frames.ts",
        find: "if (frame.sequence <= before) violated(",
        replace: "if (frame.sequence < 0) violated(",
      },
    ],
    tests: ["test/engine/data-frames.test.ts", "test/engine"],
  },
  {
    id: "changes-to-the-busy",
    about: "Faults and heals that are ordered reach only workers that have something to do anyway.",
    edits: [
      {
        file: "src/engine/window-protocol.ts",
        find: "const isNews = this.#changes.granted !== NO_CHANGES;",
        replace: "const isNews = this.#changes.granted === undefined;",
      },
    ],
    tests: ["test/engine", "test/cluster/window-orders.test.ts", RANDOM],
  },
  {
    id: "traffic-told-late",
    about: "A worker that has nothing to do tells of a bin of traffic when it next has.",
    edits: [
      {
        file: "src/engine/window-protocol.ts",
        find: " || state.trafficDuePs <= endPs;",
        replace: ";",
      },
    ],
    tests: ["test/simulation/one-digest.test.ts", "test/fault", RANDOM],
  },
  {
    id: "window-over-the-stop",
    about: "A window goes on beyond the instant at which a director wants to look.",
    edits: [
      {
        file: "src/engine/window-protocol.ts",
        find: "this.#options.timeLimitPs, stopPs);",
        replace: "this.#options.timeLimitPs);",
      },
    ],
    tests: ["test/engine/stops.test.ts", RANDOM],
  },
  {
    id: "stamped-at-the-barrier",
    about: "Facts are stamped when the window is committed, not when they happened.",
    edits: [
      {
        file: "src/engine/window-protocol.ts",
        find: "for (const fact of report.facts) facts.push(fact);",
        replace:
          "const { lastEventPs: atPs } = report;\n" +
          "      for (const fact of report.facts) facts.push({ ...fact, atPs });",
      },
    ],
    tests: ["test/engine", RANDOM],
  },
  {
    id: "digest-without-payload",
    about: "The digest does not see what packets carry.",
    edits: [
      {
        file: "src/engine/event-hash.ts",
        find: "    Math.imul(words[packet + PAYLOAD_LOW], 0x428a2f99) +\n",
        replace: "",
      },
    ],
    tests: ["test/engine", RANDOM],
  },
  {
    id: "digest-without-facts",
    about: "The digest sees that an actor said something, and not what.",
    edits: [
      {
        file: "src/engine/fact-log.ts",
        find: "this.#digest.absorbText(actor, digested);",
        replace: "this.#digest.absorbText(actor, fact.type);",
      },
    ],
    tests: ["test/engine", RANDOM],
  },
  {
    id: "digest-without-onsets",
    about: "The digest sees that a fault began or healed, and not when.",
    edits: [
      {
        file: "src/engine/fact-log.ts",
        find: "`${atPs} ${JSON.stringify(fact)}`",
        replace: "JSON.stringify(fact)",
      },
    ],
    tests: ["test/engine", "test/swarm/checks.test.ts"],
  },
  {
    id: "lease-without-end",
    about: "A fault goes on after its lease has ended.",
    edits: [
      {
        file: "src/engine/fault-table.ts",
        find: "if (healAtPs !== NEVER_PS) events.push(",
        replace: "if (healAtPs < atPs) events.push(",
      },
    ],
    tests: ["test/fault", RANDOM],
  },
  {
    id: "heal-ignored",
    about: "A fault that is told to end goes on until its lease does.",
    edits: [
      {
        file: "src/engine/fault-state.ts",
        find: 'else this.#schedule.add({ atPs, fault, type: "end", permille: 0 });\n',
        replace: "\n",
      },
    ],
    tests: ["test/engine", RANDOM],
  },
  {
    id: "blame-by-list",
    about: "Of two faults that explain a loss alike the one that the run learnt of last is named.",
    edits: [
      {
        file: "src/engine/fault-table.ts",
        find: "return place < 0 ? left.spec.name < right.spec.name : ",
        replace: "return place < 0 ? true : ",
      },
    ],
    tests: ["test/engine", "test/fault", RANDOM],
  },
  {
    id: "grey-loss-by-count",
    about: "Which packets a grey link loses depends on how many crossed any grey link before.",
    edits: [
      {
        file: "src/engine/lane-faults.ts",
        find: "if (avalanche32(mix32(mix32(seed, lane), counter)) >>> 0 < below) return fault;\n",
        replace:
          "this.#drawn += counter - counter + 1;\n" +
          "      if (avalanche32(mix32(seed, this.#drawn)) >>> 0 < below) return fault;\n",
      },
      {
        file: "src/engine/lane-faults.ts",
        find: "  readonly #seed: string;\n",
        replace: "  #drawn = 0;\n  readonly #seed: string;\n",
      },
    ],
    tests: ["test/engine/lane-effects.test.ts", RANDOM],
  },
  {
    id: "slow-for-ever",
    about: "A slowed lane stays slow when its fault heals.",
    edits: [
      {
        file: "src/engine/fault-state.ts",
        find: '        case "late":\n          this.#retime(lane);\n',
        replace: '        case "late":\n          if (permille > 0) this.#retime(lane);\n',
      },
    ],
    tests: ["test/engine/lane-effects.test.ts", "test/fault"],
  },
  {
    id: "heals-too-fast",
    about: "A slowed lane is faster than its hardware after the heal.",
    edits: [
      {
        file: "src/engine/fault-state.ts",
        find: "const slowest = Math.max(healthy.psPerByte, psPerByte, psPerByteAtLeast);",
        replace: "const slowest = Math.max(psPerByte, psPerByteAtLeast) - healthy.psPerByte / 8;",
      },
    ],
    tests: ["test/engine/lane-effects.test.ts", "test/fault"],
  },
  {
    id: "late-overtaken",
    about: "When a late link heals, packets overtake those that are still under way.",
    edits: [
      {
        file: "src/engine/lane-table.ts",
        find: "    last[lane] = Math.max(last[lane], atPs);\n",
        replace: "    last[lane] = atPs;\n",
      },
    ],
    tests: ["test/engine/lane-effects.test.ts", RANDOM],
  },
  {
    id: "dead-remember",
    about: "A dead device still has its reminders.",
    edits: [
      {
        file: "src/engine/kernel.ts",
        find: "    for (const actor of died) this.#timers.cancelAllOf(actor);\n",
        replace: "",
      },
    ],
    tests: ["test/engine/actor-effects.test.ts", "test/fault"],
  },
  {
    id: "loss-counted-twice",
    about: "What a dead rank had open is put down to its fault twice.",
    edits: [
      {
        file: "src/engine/worker-summary.ts",
        find: "      lost: lostBy[place] + ledger.lostBy(place),\n",
        replace: "      lost: 2 * lostBy[place] + ledger.lostBy(place),\n",
      },
    ],
    tests: ["test/fault/gpu-dead.test.ts", RANDOM],
  },
  {
    id: "corruption-unblamed",
    about: "Flipped bits that arrive after their fault healed are nobody's.",
    edits: [
      {
        file: "src/engine/fault-table.ts",
        find: 'return status === "in force" || endedPs >= sincePs;',
        replace: 'return status === "in force";',
      },
    ],
    tests: ["test/fault/corruption.test.ts", RANDOM],
  },
];
