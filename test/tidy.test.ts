/**
 * The house rules, as tests: each is held against the whole repository, and shown to fail on a text
 * that breaks it. The messages say which file, which rule, and what to do.
 */
import { describe, expect, it } from "vitest";
import {
  barrelRule,
  cycleRule,
  defaultExportRule,
  dependencyRule,
  deviceRule,
  doorRule,
  endingRule,
  layerRule,
  reachRule,
} from "./support/import-rules.ts";
import {
  factDocumentRule,
  factShapes,
  factTestRule,
  invariantRule,
  linkRule,
  lockRule,
  topRule,
  versionRule,
} from "./support/package-rules.ts";
import { codeOf, importsOf, readRepository, type SourceFile } from "./support/source-files.ts";
import {
  leftoverRule,
  localRule,
  openingRule,
  pureRule,
  sizeRule,
  typeRule,
  widthRule,
} from "./support/text-rules.ts";

type Rule = (files: readonly SourceFile[]) => string[];
/** A planted repository: paths and texts. */
type Planted = Readonly<Record<string, string>>;

const FACTS = 'export type Fact =\n  | { readonly type: "a.began"; readonly size: number };\n';

/** Every rule with texts that break it, and what it has to say about each. */
const RULES: readonly (readonly [name: string, rule: Rule, ...(readonly [Planted, RegExp])[]])[] = [
  [
    "layers",
    layerRule,
    [{ "src/base/a.ts": 'import { b } from "../model/b.ts";' }, /src\/base may not import src\/mo/],
    [{ "src/model/a.ts": 'import type { B } from "../engine/b.ts";' }, /a\.ts:1: .*engine\/b/],
    [{ "src/engine/a.ts": 'import { b } from "../scenario/b.ts";' }, /may not import/],
    [{ "src/topology/a.ts": 'import { b } from "../engine/b.ts";' }, /may not import/],
    [{ "src/scenario/a.ts": 'import { b } from "../engine/b.ts";' }, /may not import/],
    [{ "actors/gpu/a.ts": 'import { b } from "../../src/workload/b.ts";' }, /may not import/],
    [{ "cluster/a.ts": 'const b = await import("../actors/catalogue.ts");' }, /may not import/],
    [{ "scripts/a.ts": 'export { b } from "../test/support/b.ts";' }, /scripts may not import/],
    [{ "src/news/a.ts": "" }, /no layer has this folder/],
  ],
  [
    "devices apart",
    deviceRule,
    [{ "actors/gpu/a.ts": 'import { Nic } from "../nic/nic.ts";' }, /another kind/],
  ],
  [
    "one door per dependency",
    doorRule,
    [{ "cluster/a.ts": 'import { WebSocket } from "ws";' }, /only cluster\/websocket-transport/],
    [{ "cluster/a.ts": 'const ws = createRequire(import.meta.url)("ws");' }, /may import ws/],
    [{ "scripts/a.ts": 'import { fork } from "node:child_process";' }, /process-launcher/],
    [{ "src/base/a.ts": 'import { readFileSync } from "node:fs";' }, /may not import node:fs/],
    [{ "cluster/a.ts": 'import left from "left-pad/x";' }, /left-pad has no door/],
  ],
  [
    "doors in use",
    dependencyRule,
    [{ "package.json": '{"dependencies": {"left-pad": "1.0.0"}}' }, /left-pad has no door/],
    [{ "cluster/codec.ts": "" }, /door of msgpackr and does not import it/],
  ],
  [
    "import endings",
    endingRule,
    [{ "src/base/a.ts": 'import { b } from "./b.js";', "src/base/b.ts": "" }, /no \.ts file/],
    [{ "src/base/a.ts": 'import { b } from "./gone.ts";' }, /names no \.ts file/],
  ],
  [
    "no cycles",
    cycleRule,
    [
      {
        "src/base/a.ts": 'import { b } from "./b.ts";',
        "src/base/b.ts": 'import type { a } from "./a.ts";',
      },
      /a\.ts -> src\/base\/b\.ts -> src\/base\/a\.ts/,
    ],
  ],
  [
    "no barrels",
    barrelRule,
    [{ "src/base/a.ts": '/** All. */\nexport * from "./b.ts";\n' }, /only re-exports/],
    [{ "src/a.ts": 'import { x } from "./b.ts";\nexport { y } from "./c.ts";' }, /only re-exports/],
  ],
  [
    "no default exports",
    defaultExportRule,
    [{ "src/base/a.ts": "export default 1;" }, /default export/],
  ],
  [
    "no dead files",
    reachRule,
    [{ "scripts/a.ts": "", "src/base/b.ts": "" }, /b\.ts: no entry point/],
  ],
  [
    "model code sees no host",
    pureRule,
    [{ "src/base/a.ts": "const at = Date.now();" }, /a\.ts:1: Date is the host's clock/],
    [{ "src/base/a.ts": "\nperformance.now();" }, /a\.ts:2/],
    [{ "actors/nic/a.ts": "setTimeout(() => {}, 1);" }, /use context\.remindAfter/],
    [{ "actors/nic/a.ts": "setImmediate(f); " }, /timer/],
    [{ "src/base/a.ts": "if (process.env.X) f();" }, /process is the process/],
    [{ "src/base/a.ts": "async function f() {}" }, /asynchrony/],
    [{ "src/base/a.ts": "await f();" }, /asynchrony/],
    [{ "src/base/a.ts": "new Promise(f);" }, /asynchrony/],
    [{ "src/base/a.ts": "Math.random();" }, /use context\.random/],
    [{ "src/base/a.ts": "Math.pow(2, 3);" }, /Math\.pow is arithmetic/],
    [{ "src/base/a.ts": "Math.exp(1) + Math.log(2) + Math.sin(3);" }, /Math\.log/],
    [{ "src/base/a.ts": "const text = 2 ** 3;" }, /\*\* is arithmetic/],
    [{ "src/base/a.ts": "a.localeCompare(b);" }, /language/],
    [{ "src/base/a.ts": "(5).toLocaleString();" }, /toLocaleString/],
    [{ "src/base/a.ts": "new Intl.Collator();" }, /Intl/],
  ],
  [
    "no way round the type checker",
    typeRule,
    [{ "src/base/a.ts": "const a: any = 1;" }, /type any/],
    [{ "src/base/a.ts": "const a = b as any[];" }, /type any/],
    [{ "src/base/a.ts": "const a = new Map<string, any>();" }, /type any/],
    [{ "src/base/a.ts": `// @ts-${"ignore"}\nf();` }, /mend the type/],
  ],
  [
    "an opening comment",
    openingRule,
    [{ "src/base/a.ts": "export const a = 1;" }, /does not open with a block comment/],
    [{ "scripts/a.ts": "#!/usr/bin/env node\n// A line.\n" }, /does not open/],
  ],
  [
    "sizes",
    sizeRule,
    [{ "src/base/a.ts": "\n".repeat(301) }, /301 lines, at most 300/],
    [{ "actors/gpu/a.ts": "\n".repeat(301) }, /at most 300/],
    [{ "cluster/a.ts": "\n".repeat(401) }, /at most 400/],
    [{ "test/a.test.ts": "\n".repeat(601) }, /at most 600/],
  ],
  ["width", widthRule, [{ "src/base/a.ts": `// ${"x".repeat(98)}` }, /a\.ts:1: 101 columns/]],
  ["no leftovers", leftoverRule, [{ "src/base/a.ts": `// ${"TO"}DO: more` }, /open an issue/]],
  [
    "nothing of one machine",
    localRule,
    [{ "docs/a.md": ["see ..", "shared", "design.md"].join("/") }, /a\.md:1: names a folder/],
    [{ "README.md": ["cd ", "work", "main"].join("/") }, /path of one machine/],
    [{ "README.md": ["ls ", "home", "me"].join("/") }, /home folder/],
    [{ ".npmrc": `registry=https://${["registry", "npmjs", "org"].join(".")}` }, /a registry/],
  ],
  [
    "the top of the repository",
    topRule,
    [{ "notes.txt": "" }, /notes\.txt: not allowed at the top/],
    [{ "lib/a.ts": "" }, /lib: not allowed/],
  ],
  [
    "exact versions above the floors",
    versionRule,
    [{ "package.json": '{"dependencies": {"zod": "^4.0.0"}}' }, /zod \^4\.0\.0 is no exact/],
    [{ "package.json": '{"devDependencies": {"vitest": "latest"}}' }, /no exact version/],
    [{ "package.json": '{"dependencies": {"msgpackr": "2.1.1"}}' }, /older than 2\.1\.2/],
    [{ "package.json": '{"dependencies": {"ws": "8.9.0"}}' }, /older than 8\.23\.0/],
    [{ "package.json": '{"dependencies": {"yaml": "1.10.9"}}' }, /older than 2\.8\.3/],
  ],
  [
    "a lock file without addresses",
    lockRule,
    [{ "package-lock.json": '{"resolved": "https://example.org/a.tgz"}' }, /resolved addresses/],
    [{ "README.md": "" }, /package-lock\.json: missing/],
  ],
  [
    "facts in tests",
    factTestRule,
    [{ "src/model/fact.ts": FACTS, "test/a.test.ts": "// nothing" }, /no test names .*a\.began/],
  ],
  [
    "facts in the documentation",
    factDocumentRule,
    [{ "src/model/fact.ts": FACTS, "docs/event-log.md": "" }, /no section "### `a\.began`"/],
    [
      { "src/model/fact.ts": FACTS, "docs/event-log.md": "### `a.began`\n\nNothing.\n" },
      /lacks the field `size`/,
    ],
  ],
  [
    "invariants in the documentation",
    invariantRule,
    [{ "src/base/a.ts": 'violated("never-so", "");' }, /never-so of src\/base\/a\.ts is not in/],
    [{ "ARCHITECTURE.md": "| `gone` | `src/a.ts` | what |" }, /no code checks .* gone/],
  ],
  ["links", linkRule, [{ "docs/a.md": "[b](b.md)" }, /links to docs\/b\.md/]],
];

const repository = readRepository();
const asFiles = (planted: Planted): SourceFile[] =>
  Object.entries(planted).map(([path, text]) => ({ path, text }));

describe("house rules hold for the repository", () => {
  it("which has sources, tests and facts to look at", () => {
    expect(repository.filter(({ path }) => path.endsWith(".ts")).length).toBeGreaterThan(100);
    expect(factShapes(repository).length).toBeGreaterThan(8);
  });

  it.each(RULES.map(([name, rule]) => [name, rule] as const))("%s", (_name, rule) => {
    expect(rule(repository)).toEqual([]);
  });
});

describe("a house rule fails on what breaks it", () => {
  it.each(
    RULES.flatMap(([name, rule, ...breaches]) =>
      breaches.map(([planted, says]) => [name, says, rule, planted] as const),
    ),
  )("%s: %s", (_name, says, rule, planted) => {
    expect(rule(asFiles(planted)).join("\n")).toMatch(says);
  });
});

describe("the scanner", () => {
  it("blanks comments, strings and regular expressions, and keeps what templates compute", () => {
    const slot = "$";
    const text = [
      'a("Date"); // Date',
      `/* Date */ b(\`Date ${slot}{c("Date")} Date\`, /Date\\/[/]/g) / 2;`,
    ].join("\n");
    const code = codeOf(text);
    expect(code).not.toContain("Date");
    expect(code.replace(/ +/g, " ")).toBe('a(" "); \n b(` {c(" ")} `, ) / 2;');
    expect(code.length).toBe(text.length);
  });

  it("finds imports of every form and none in strings or comments", () => {
    const text = [
      'import { a } from "./a.ts";',
      'import type {\n  B,\n} from "../b.ts";',
      '// import { c } from "./c.ts";',
      'const d = "import { d } from \\"./d.ts\\"";',
      'const e = Array.from("./e.ts");',
      'export * from "@scope/f/g";',
      'const h = await import("h/i");',
    ].join("\n");
    const found = importsOf({ path: "src/x/y.ts", text });
    expect(found.map(({ target }) => target)).toEqual(["src/x/a.ts", "src/b.ts", "@scope/f", "h"]);
    expect(found.map(({ line }) => line)).toEqual([1, 4, 8, 9]);
  });
});
