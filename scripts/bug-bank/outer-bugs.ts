/** Bugs round the kernel: wire, journal, window loop, drills, commands. */
import type { Bug } from "./bug.ts";

export const OUTER_BUGS: readonly Bug[] = [
  {
    id: "minus-zero",
    about: "-0 crosses the wire and arrives as 0.",
    edits: [
      {
        file: "cluster/codec.ts",
        find: "if (Object.is(value, -0)) violated(",
        replace: "if (Object.is(value, -1)) violated(",
      },
    ],
    tests: ["test/cluster/codec.test.ts"],
  },
  {
    id: "order-by-language",
    about: "Actors are sorted by the host's language.",
    edits: [
      {
        file: "src/topology/natural-order.ts",
        find: "return left < right ? -1 : 1;",
        replace: "return left.localeCompare(right);",
      },
    ],
    tests: ["test/tidy.test.ts"],
  },
  {
    id: "torn-line",
    about: "A reader takes the torn last line of a journal for a whole one.",
    edits: [
      {
        file: "cluster/journal.ts",
        find: "  return reading.over(bytes.subarray(start));",
        replace:
          "  if (start < bytes.length) reading.line(bytes.subarray(start));\n" +
          "  return reading.over(new Uint8Array(0));",
      },
    ],
    tests: ["test/command/records.test.ts", "test/command/replay.test.ts", "test/cluster"],
  },
  {
    id: "written-after",
    about: "An order acts before the journal has it.",
    edits: [
      {
        file: "cluster/window-loop.ts",
        find: "    this.#options.ordered(orders);\n",
        replace: "    setImmediate(() => this.#options.ordered(orders));\n",
      },
    ],
    tests: ["test/cluster", "test/command/live.test.ts"],
  },
  {
    id: "replay-without-heals",
    about: "A replay knows the faults that were ordered, and not their early ends.",
    edits: [
      {
        file: "cluster/journal-director.ts",
        find: "const heals = healsOf(orders);",
        replace: "const heals = healsOf(orders).slice(0, 0);",
      },
    ],
    tests: ["test/cluster", "test/simulation/random-runs.test.ts"],
  },
  {
    id: "director-a-window-late",
    about: "A director is given the facts of a window one window later.",
    edits: [
      {
        file: "cluster/window-loop.ts",
        find: "    this.#director?.take(committed.facts);\n",
        replace: "    this.#director?.take(this.#late);\n" + "    this.#late = committed.facts;\n",
      },
      {
        file: "cluster/window-loop.ts",
        find: "  #over = false;\n",
        replace: '  #over = false;\n  #late: CommittedWindow["facts"] = [];\n',
      },
    ],
    tests: ["test/cluster", "test/command/drill.test.ts"],
  },
  {
    id: "stale-hypothesis",
    about: "A hypothesis is checked on facts that are one window old.",
    edits: [
      {
        file: "src/drill/drill-director.ts",
        find: "    this.#run.take(facts);\n",
        replace: "    this.#run.take(this.#late);\n    this.#late = facts;\n",
      },
      {
        file: "src/drill/drill-director.ts",
        find: "  #isBegun = false;\n",
        replace: "  #isBegun = false;\n  #late: readonly FactRecord[] = [];\n",
      },
    ],
    tests: ["test/drill"],
  },
  {
    id: "unfired-passes",
    about: "A drill passes though one of its faults never began.",
    edits: [
      {
        file: "src/drill/verdict.ts",
        find: 'if (!begun.has(name) && end.end !== "worker-lost") {',
        replace: 'if (!begun.has(name) && end.end === "worker-lost") {',
      },
    ],
    tests: ["test/drill/verdict.test.ts"],
  },
  {
    id: "tolerance-open-above",
    about: "A probe's value above its tolerance meets it.",
    edits: [
      {
        file: "src/drill/ask.ts",
        find: "return value >= tolerance.least && value <= tolerance.most;",
        replace: "return value >= tolerance.least;",
      },
    ],
    tests: ["test/drill"],
  },
  {
    id: "twin-of-another-seed",
    about: "The healthy twin runs with another seed.",
    edits: [
      {
        file: "scripts/commands/traced-run.ts",
        find: "const run = { ...scenario.run, placement:",
        replace: 'const run = { ...scenario.run, seed: "0", placement:',
      },
    ],
    tests: ["test/command/drill.test.ts"],
  },
  {
    id: "early-end-unattributed",
    about: "The attribution takes a fault that was healed early for one of its whole lease.",
    edits: [
      {
        file: "src/drill/attribution.ts",
        find: "({ fault: name }) => name === fault.name)",
        replace: "({ fault: name }) => name !== fault.name && name === fault.kind)",
      },
    ],
    tests: ["test/drill/attribution.test.ts", "test/command/drill.test.ts"],
  },
  {
    id: "silence-by-beats-of-both",
    about: "A peer that says nothing is kept alive by our own beats.",
    edits: [
      {
        file: "cluster/heartbeat.ts",
        find: "        options.beat();\n",
        replace: "        options.beat();\n        this.heard();\n",
      },
    ],
    tests: ["test/cluster/links.test.ts", "test/process"],
  },
];
