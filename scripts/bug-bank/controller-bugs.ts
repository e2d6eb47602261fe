/** Bugs of recoveries: the controller, and ranks as members of its groups. */
import type { Bug } from "./bug.ts";

const TESTS = ["test/actors", "test/fault/controller.test.ts"];

export const CONTROLLER_BUGS: readonly Bug[] = [
  {
    id: "no-news-is-news",
    about: "A change begins again for ranks that were told to leave: it never ends.",
    edits: [
      {
        file: "actors/controller/group-recovery.ts",
        find: "this.#roster.leavers().some((rank) => this.#change.keeps(rank));",
        replace: "this.#roster.leavers().length > 0;",
      },
    ],
    tests: TESTS,
  },
  {
    id: "told-and-forgotten",
    about: "Who was told to leave may be told otherwise in the next epoch.",
    edits: [
      {
        file: "actors/controller/group-recovery.ts",
        find: "    this.#roster.toldToLeave(leavers);\n",
        replace: "",
      },
    ],
    tests: TESTS,
  },
  {
    id: "relay-unblamed",
    about: "Who messages pass through explains nothing: healthy ranks have to leave.",
    edits: [
      {
        file: "actors/controller/exclusion.ts",
        find: "new Set([a, b, ...this.#passThrough(a, b)])",
        replace: "new Set([a, b])",
      },
    ],
    tests: TESTS,
  },
  {
    id: "out-and-still-there",
    about: "A rank that died and knows nothing answers as a member.",
    edits: [
      {
        file: "actors/gpu/member.ts",
        find: "    if (this.#isOut && own === IS_IN) this.#denyPart(context, epoch);\n    this.#say(",
        replace: "    this.#say(",
      },
    ],
    tests: [...TESTS, "test/simulation/random-runs.test.ts"],
  },
  {
    id: "masks-outlive-members",
    about: "Ranks that go on together keep what they had given each other up for.",
    edits: [
      {
        file: "src/drill/given-up.ts",
        find: "      for (const rank of members) this.#unmask(by, rank, atPs);\n",
        replace: "",
      },
    ],
    tests: ["test/drill/measures.test.ts"],
  },
];
