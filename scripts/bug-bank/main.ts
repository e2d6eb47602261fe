/**
 * `npm run bug-bank`: plants known bugs, one at a time, in a copy of the project and says which
 * test catches each. First the tests that are likely to, then all. Exit code 0 when at least 80 %
 * are caught, 1 when not or when the tests fail without a bug, 2 for wrong usage.
 */
import { parseArgs } from "node:util";
import type { Bug } from "./bug.ts";
import { BUGS } from "./bugs.ts";
import { type TestsEnd, TreeCopy } from "./tree-copy.ts";

const USAGE = `npm run bug-bank -- [--only id,id] [--likely] [--list]

  --only    these bugs alone
  --likely  only the tests that are likely to catch each bug, and not all of them after
  --list    says what the bugs are, and plants none`;

/** Share of the bugs that the tests have to catch, percent. */
const CAUGHT_PERCENT = 80;
/** Longest run of all tests before it counts as caught: a bug made something endless, wall ms. */
const TESTS_MS = 20 * 60_000;

process.exitCode = await main();

async function main(): Promise<number> {
  const chosen = choose();
  if (chosen === undefined) return 2;
  const { bugs, likelyOnly, listOnly } = chosen;
  if (listOnly) {
    for (const { id, about } of bugs) console.log(`${id.padEnd(26)}${about}`);
    return 0;
  }
  const tree = await TreeCopy.make(process.cwd());
  const remove = (): void => tree.remove();
  process.once("exit", remove);
  await tree.build();
  const likely = [...new Set(bugs.flatMap(({ tests }) => tests))];
  const clean = await tree.test(likelyOnly ? likely : [], TESTS_MS);
  if (!clean.passed) {
    console.log(`FAIL: without a bug the tests fail: ${clean.failed ?? "unknown"}`);
    return 1;
  }
  console.log(`without a bug ${likelyOnly ? "the likely tests" : "all tests"} pass\n`);
  let caught = 0;
  for (const bug of bugs) if (await isCaught(tree, bug, likelyOnly)) caught += 1;
  const percent = (100 * caught) / bugs.length;
  console.log(`\n${caught} of ${bugs.length} bugs are caught (${percent.toFixed(0)} %)`);
  return percent >= CAUGHT_PERCENT ? 0 : 1;
}

/** Tries one bug and prints its row. */
async function isCaught(tree: TreeCopy, bug: Bug, likelyOnly: boolean): Promise<boolean> {
  const beganAt = performance.now();
  tree.plant(bug);
  await tree.build();
  let end: TestsEnd = await tree.test(bug.tests, TESTS_MS);
  if (end.passed && !likelyOnly) end = await tree.test([], TESTS_MS);
  tree.mend();
  const seconds = ((performance.now() - beganAt) / 1_000).toFixed(0);
  const what = end.passed ? `SURVIVES  ${bug.about}` : `caught by ${end.failed ?? "a test"}`;
  console.log(`${bug.id.padEnd(26)}${`${seconds} s`.padStart(6)}  ${what}`);
  return !end.passed;
}

interface Chosen {
  readonly bugs: readonly Bug[];
  readonly likelyOnly: boolean;
  readonly listOnly: boolean;
}

/** What the command line asks for; undefined, with a message, when it is wrong. */
function choose(): Chosen | undefined {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string" },
        likely: { type: "boolean" },
        list: { type: "boolean" },
      },
    });
    const names = values.only?.split(",") ?? BUGS.map(({ id }) => id);
    const unknown = names.find((name) => !BUGS.some(({ id }) => id === name));
    if (unknown !== undefined) throw new Error(`there is no bug '${unknown}'; see --list`);
    return {
      bugs: BUGS.filter(({ id }) => names.includes(id)),
      likelyOnly: values.likely === true,
      listOnly: values.list === true,
    };
  } catch (error) {
    console.error(`error: ${(error as Error).message}\n\n${USAGE}`);
    return undefined;
  }
}
