/**
 * The bug bank fits the tree: every change still applies, exactly once. Whether tests catch the
 * bugs takes longer: `npm run bug-bank`.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { edited, editProblem } from "../../scripts/bug-bank/bug.ts";
import { BUGS } from "../../scripts/bug-bank/bugs.ts";

describe("the bug bank", () => {
  it("has at least 24 bugs, each with a name of its own", () => {
    expect(BUGS.length).toBeGreaterThanOrEqual(24);
    expect(new Set(BUGS.map(({ id }) => id)).size).toBe(BUGS.length);
  });

  it.each(BUGS.map((bug) => [bug.id, bug] as const))("%s applies to the tree", (_id, bug) => {
    const texts = new Map<string, string>();
    for (const edit of bug.edits) {
      const text = texts.get(edit.file) ?? readFileSync(edit.file, "utf8");
      expect(editProblem(edit, text)).toBeUndefined();
      texts.set(edit.file, edited(edit, text));
    }
    expect(texts.size).toBeGreaterThan(0);
    for (const test of bug.tests) expect(existsSync(test), test).toBe(true);
  });
});

describe("an edit", () => {
  const edit = { file: "a.ts", find: "one", replace: "two" };

  it("changes the one place where its text stands", () => {
    expect(edited(edit, "zero one three")).toBe("zero two three");
  });

  it("does not apply where the text is missing, stands twice, or would stay", () => {
    expect(() => edited(edit, "zero")).toThrow("a.ts: the text to change stands there 0 times");
    expect(() => edited(edit, "one one")).toThrow("2 times");
    expect(editProblem({ ...edit, replace: "one" }, "one")).toMatch(/changes nothing/);
  });
});
