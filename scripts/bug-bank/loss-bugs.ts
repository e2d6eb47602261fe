/** Bugs around the loss of workers: what is forgotten, rebuilt, handed over, and sent again. */
import type { Bug } from "./bug.ts";

const TESTS = ["test/simulation/lost-workers.test.ts", "test/engine/lost-worker.test.ts"];

export const LOSS_BUGS: readonly Bug[] = [
  {
    id: "lost-packets-kept",
    about: "What a lost worker had sent stays beside what its replacement hands over.",
    edits: [
      {
        file: "src/engine/logical-process.ts",
        find: "(actor) => this.#workerOf[actor] === peer,",
        replace: "(actor) => this.#workerOf[actor] === peer && handover.length === 0,",
      },
    ],
    tests: TESTS,
  },
  {
    id: "handover-unfiltered",
    about: "What is handed over counts even where it was handled long ago.",
    edits: [
      {
        file: "src/engine/logical-process.ts",
        find: "if (kernel.packets.times[timePlace(packet)] < this.#floorPs) kernel.packets.free(packet);",
        replace: "if (kernel.packets.times[timePlace(packet)] < 0) kernel.packets.free(packet);",
      },
    ],
    tests: TESTS,
  },
  {
    id: "lost-report-kept",
    about: "The report of a worker that is lost in the open window counts all the same.",
    edits: [
      {
        file: "src/engine/window-protocol.ts",
        find: "    if (state.report !== undefined) {\n      state.report = undefined;\n",
        replace: "    if (state.report !== undefined && state.nextPs < 0) {\n",
      },
    ],
    tests: TESTS,
  },
  {
    id: "lost-frames-named",
    about: "Grants go on naming frames of a worker that is lost.",
    edits: [
      {
        file: "src/engine/window-protocol.ts",
        find: "    for (const other of this.#workers) other.frames.forget(worker);\n",
        replace: "",
      },
    ],
    tests: TESTS,
  },
  {
    id: "nothing-again",
    about: "Frames of the open window that went to a lost worker are not sent again.",
    edits: [
      {
        file: "src/engine/logical-process.ts",
        find: "one.peer === peer && one.sequence > afterCount);",
        replace: "one.peer === peer && one.sequence > afterCount + 1);",
      },
    ],
    tests: TESTS,
  },
  {
    id: "rebuilt-without-heals",
    about: "A replacement does not know that faults were healed by order.",
    edits: [
      {
        file: "src/engine/rebuild.ts",
        find: "changes = { faults: [], heals: due };",
        replace: "changes = { faults: [], heals: due.slice(1) };",
      },
    ],
    tests: TESTS,
  },
  {
    id: "rebuilt-without-arrivals",
    about: "A replacement lacks what was under way to it.",
    edits: [
      {
        file: "src/engine/rebuild.ts",
        find: "for (const one of processes) one.admitAll();",
        replace: "for (const one of processes.slice(1)) one.admitAll();",
      },
    ],
    tests: TESTS,
  },
  {
    id: "lost-in-the-past",
    about: "Actors of a lost worker are dead from the beginning of the open window on.",
    edits: [
      {
        file: "src/engine/window-protocol.ts",
        find: "  get floorPs(): number {\n    return this.#endPs;\n",
        replace: "  get floorPs(): number {\n    return this.#committedPs;\n",
      },
    ],
    tests: TESTS,
  },
  {
    id: "done-while-hung",
    about: "A run that is over but for ranks that hang ignores a fault that it has just learnt of.",
    edits: [
      {
        file: "src/engine/outlook.ts",
        find: "if (learnsFault) unfinished += state.hungGpus;",
        replace: "if (learnsFault) unfinished += 0;",
      },
    ],
    tests: ["test/engine/window-protocol.test.ts", ...TESTS],
  },
  {
    id: "no-credit",
    about: "Any number of bytes may wait at a worker that has nothing to do.",
    edits: [
      {
        file: "src/engine/window-protocol.ts",
        find: "!isNews && state.frames.straightBytes <= creditBytes) continue;",
        replace: "!isNews && creditBytes >= 0) continue;",
      },
    ],
    tests: ["test/engine/credit.test.ts"],
  },
];
