/**
 * The drill file: which keys there are, of what type, with which default. Chaos Toolkit's
 * experiment with our keys beside its own. What a provider's function takes, and what a tolerance
 * may be, is checked where it is read; the scenario is the scenario parser's.
 */
import { type FieldIssue, issuesOf } from "../scenario/field-issue.ts";
import {
  anyMapping,
  anyValue,
  either,
  flag,
  jsonSchemaOf,
  list,
  mapping,
  oneOf,
  text,
  time,
  whole,
} from "../scenario/field-kinds.ts";

/** Top-level keys of Chaos Toolkit that mean nothing here. */
export const IGNORED_KEYS = [
  "version",
  "configuration",
  "secrets",
  "contributions",
  "extensions",
] as const;

/** Most activities, probes or controls of a drill. */
const MOST = 200;

const provider = () =>
  mapping({
    type: oneOf(["faultplane"]).describe("A drill touches the emulated fleet and nothing else."),
    func: text(64).describe("An action or a measure; docs/drills.md lists them."),
    arguments: anyMapping().default({}).describe("What the function takes."),
  });

const name = () => text(100).describe("What it does, or asks, in a few words.");

const tolerance = () =>
  anyValue({
    anyOf: [
      { type: "number" },
      { type: "boolean" },
      { type: "array", items: { type: "number" }, minItems: 2, maxItems: 2 },
      {
        type: "object",
        properties: {
          type: { const: "range" },
          range: { type: "array", items: { type: "number" }, minItems: 2, maxItems: 2 },
        },
        required: ["type", "range"],
        additionalProperties: false,
      },
    ],
  })
    .optional()
    .describe("A value, [least, most], {type: range, range: [least, most]}, or true or false.");

const probe = () =>
  mapping({
    type: oneOf(["probe"]).default("probe"),
    name: name(),
    tolerance: tolerance(),
    provider: provider(),
  });

const activity = () =>
  mapping({
    type: oneOf(["action", "probe"]),
    name: name(),
    tolerance: tolerance(),
    provider: provider(),
    pauses: mapping({
      before: time().default("0 s").describe("Virtual time that passes before it is due."),
      after: time().default("0 s").describe("Virtual time that passes after it."),
    }).prefault({}),
    background: flag().optional().describe("Ignored: an action never waits for its fault's end."),
  });

const hypothesis = mapping({
  title: text(200).describe("What should hold, in a sentence."),
  probes: list(probe(), 1, MOST).describe("Each with a tolerance."),
}).describe("What holds of a fleet that is well.");

const control = mapping({
  name: name(),
  provider: provider(),
});

const runtime = mapping({
  hypothesis: mapping({
    strategy: oneOf([
      "default",
      "before-method-only",
      "after-method-only",
      "during-method-only",
      "continuously",
    ])
      .default("default")
      .describe("default: before the method and at the end of the run."),
    frequency: time().optional().describe("Virtual time between two checks during the method."),
    "fail-fast": flag().default(false).describe("A failed check during the method ends it."),
  }).prefault({}),
  rollbacks: mapping({
    strategy: oneOf(["default", "always", "never", "deviated"]).default("default"),
  }).prefault({}),
});

const stop = mapping({
  after: time().optional().describe("Virtual time at which the drill is over at the latest."),
  when: list(probe(), 0, MOST).default([]).describe("Outside a tolerance: the drill is aborted."),
});

const DrillSchema = mapping({
  $schema: text(1_000).optional().describe("For editors."),
  title: text(200).describe("One line about the drill."),
  description: text(4_000).default("").describe("What it teaches."),
  tags: list(text(64), 0, MOST).default([]),
  scenario: either(text(1_000), anyMapping("scenario.schema.json")).describe(
    "The fleet and its work: a scenario's file, at or below the drill's folder, or its keys.",
  ),
  expects: oneOf(["PASS", "FAIL", "INVALID"]).optional().describe("Default: PASS."),
  "steady-state-hypothesis": hypothesis.optional(),
  method: list(activity(), 0, MOST).default([]).describe("Actions and probes, one after another."),
  rollbacks: list(activity(), 0, MOST).default([]).describe("How the method is undone."),
  controls: list(control, 0, MOST).default([]).describe("Notes and snapshots around the parts."),
  runtime: runtime.prefault({}),
  stop: stop.optional().describe("When the drill is over; `after` is mandatory."),
  leastTraffic: whole(0, Number.MAX_SAFE_INTEGER)
    .default(1_000)
    .describe("Assignments to combine before the first fault; with fewer the drill is INVALID."),
  ...Object.fromEntries(
    IGNORED_KEYS.map((key) => [key, anyValue({}).optional().describe("Ignored.")]),
  ),
});

/** The file with defaults filled in, before units and relations. */
export type DrillFields = ReturnType<typeof DrillSchema.parse>;
/** A probe or an action. */
export type ActivityFields = DrillFields["method"][number];
/** A probe of the hypothesis or of a stop condition. */
export type ProbeFields = NonNullable<DrillFields["stop"]>["when"][number];
/** A control. */
export type ControlFields = DrillFields["controls"][number];

/** Checks plain data against the schema. */
export function checkDrill(
  data: unknown,
):
  | { readonly ok: true; readonly fields: DrillFields }
  | { readonly ok: false; readonly issues: readonly FieldIssue[] } {
  const result = DrillSchema.safeParse(data);
  if (result.success) return { ok: true, fields: result.data };
  return { ok: false, issues: result.error.issues.flatMap((issue) => issuesOf(issue, [])) };
}

/** JSON Schema (draft 7) of the file, for editors. */
export function drillJsonSchema(): ReturnType<typeof jsonSchemaOf> {
  return jsonSchemaOf(DrillSchema.meta({ title: "Faultplane drill" }));
}
