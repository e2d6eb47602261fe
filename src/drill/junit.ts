/**
 * JUnit XML of a pack of drills: what CI systems read. One test case a drill; it fails when the
 * verdict is not the expected one, is an error when the drill could not be run, and is skipped when
 * the pack was stopped before it.
 */

/** One drill of the pack. */
export interface JunitCase {
  readonly name: string;
  /** Wall seconds. */
  readonly seconds: number;
  /** Why it is not as expected, a line each. */
  readonly failure?: readonly string[];
  /** Why it could not be run. */
  readonly error?: readonly string[];
  /** Why nobody tried to run it. */
  readonly skipped?: string;
  /** Said of it in any case. */
  readonly output: readonly string[];
}

/** The XML of a pack; ends in a newline. */
export function junitXml(suite: string, cases: readonly JunitCase[]): string {
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const errors = cases.filter(({ error }) => error !== undefined).length;
  const skipped = cases.filter((one) => one.skipped !== undefined).length;
  const seconds = cases.reduce((sum, one) => sum + one.seconds, 0).toFixed(3);
  const counts =
    `tests="${cases.length}" failures="${failures}" errors="${errors}" ` + `skipped="${skipped}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts} time="${seconds}">`,
    `  <testsuite name="${xmlText(suite)}" ${counts} time="${seconds}">`,
    ...cases.flatMap((one) => caseLines(suite, one)),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function caseLines(suite: string, one: JunitCase): string[] {
  const { name, seconds, failure, error, skipped, output } = one;
  const names = `classname="${xmlText(suite)}" name="${xmlText(name)}"`;
  const lines = [`    <testcase ${names} time="${seconds.toFixed(3)}">`];
  const add = (tag: "failure" | "error", why: readonly string[]): void => {
    const message = xmlText(why[0] ?? "");
    lines.push(`      <${tag} message="${message}">${xmlText(why.join("\n"))}</${tag}>`);
  };
  if (failure !== undefined) add("failure", failure);
  if (error !== undefined) add("error", error);
  if (skipped !== undefined) lines.push(`      <skipped message="${xmlText(skipped)}"/>`);
  if (output.length > 0) {
    lines.push(`      <system-out>${xmlText(output.join("\n"))}</system-out>`);
  }
  return [...lines, "    </testcase>"];
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Characters that XML 1.0 cannot hold at all, not even as a reference. */
const UNXML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Text inside an element or an attribute. */
export function xmlText(text: string): string {
  return text.replace(UNXML, "\ufffd").replace(/[&<>"']/g, (found) => ENTITIES[found]);
}
