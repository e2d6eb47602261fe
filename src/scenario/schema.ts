/**
 * The scenario file: which keys there are, of what type, in which range, with which default. The
 * single source of the types and of the JSON Schema for editors, and the only file that imports
 * zod. An error text that begins with a code (`E013 ...`) is the problem's code and message as the
 * user reads them. Relations between fields are not checked here.
 */
import { z } from "zod";
import { HARDWARE_PRESETS } from "../hardware/presets.ts";
import type { NumberFormat } from "../model/scenario.ts";
import { type FieldIssue, issuesOf } from "./field-issue.ts";
import { quote, show } from "./problem.ts";
import { RATE_ADVICE, RATE_PATTERN, readSeed, TIME_ADVICE, TIME_PATTERN } from "./quantity.ts";

/** What zod hands to a text of ours. */
interface Issue {
  readonly input?: unknown;
}

/** A whole number within a range. */
function whole(least: number, most: number) {
  const error = ({ input }: Issue): string => {
    if (typeof input !== "number") return `E012 expected integer, got ${show(input)}`;
    const isFraction = Number.isFinite(input) && !Number.isInteger(input);
    if (isFraction) return `E012 expected integer, got ${input}`;
    return `E013 must be ${least}..${most}, got ${input}`;
  };
  return z.number({ error }).int({ error }).min(least, { error }).max(most, { error });
}

/** Any number within a range. */
function decimal(least: number, most: number) {
  const error = ({ input }: Issue): string =>
    typeof input === "number"
      ? `E013 must be ${least}..${most}, got ${input}`
      : `E012 expected number, got ${show(input)}`;
  return z.number({ error }).min(least, { error }).max(most, { error });
}

/** One of some words. `code` is E013 unless the word names something that has a code of its own. */
function oneOf<const Words extends readonly [string, ...string[]]>(words: Words, code = "E013") {
  const allowed = words.length === 1 ? words[0] : `one of ${words.join(", ")}`;
  return z.enum(words, {
    error: ({ input }) => `${code} must be ${allowed}, got ${quote(input)}`,
  });
}

function text(most: number) {
  const error = ({ input }: Issue): string =>
    typeof input === "string"
      ? `E013 must be 1..${most} characters long, got ${input.length}`
      : `E012 expected string, got ${show(input)}`;
  return z.string({ error }).min(1, { error }).max(most, { error });
}

const rate = () => {
  const error = ({ input }: Issue): string => `E016 ${RATE_ADVICE}; got ${quote(input)}`;
  return z.string({ error }).regex(RATE_PATTERN, { error });
};

const time = () => {
  const error = ({ input }: Issue): string => `E016 ${TIME_ADVICE}; got ${quote(input)}`;
  return z.string({ error }).regex(TIME_PATTERN, { error });
};

const format = () => {
  const error = ({ input }: Issue): string =>
    `E013 must be fp8, bf16 or logfmt-N with N of 2..16, got ${quote(input)}`;
  return z
    .string({ error })
    .regex(/^(?:fp8|bf16|logfmt-(?:[2-9]|1[0-6]))$/, { error })
    .transform((name) => name as NumberFormat);
};

/** `{a: ...}` that refuses keys it does not know. */
function mapping<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const error = ({ input }: Issue): string | undefined =>
    typeof input === "object" && input !== null && !Array.isArray(input)
      ? undefined
      : `E012 expected mapping, got ${show(input)}`;
  return z.strictObject(shape, { error });
}

const presetNames = Object.keys(HARDWARE_PRESETS) as [string, ...string[]];
const preset = () => oneOf(presetNames).describe("Hardware preset with published figures.");

const hardwareOverrides = mapping({
  preset: preset().default("h800-infiniband"),
  nicRate: rate().optional().describe("Rate of a NIC port and of every switch link, one way."),
  nvlinkRate: rate().optional().describe("Rate between a GPU and its NVSwitch, one way."),
  pcieRate: rate().optional().describe("Rate between a GPU and its NIC, one way."),
  hbmRate: rate().optional().describe("Memory bandwidth of one GPU; it bounds decode compute."),
  networkLatency: time()
    .optional()
    .describe("Cable and switch, per hop; the NIC's own send time comes on top."),
  nvlinkLatency: time().optional().describe("GPU to NVSwitch and NVSwitch to GPU, each."),
});

const hardware = z
  .union([preset(), hardwareOverrides])
  .default("h800-infiniband")
  .describe("What links cost: a preset's name, or a preset with changes.");

const cluster = mapping({
  nodes: whole(1, 65_536).describe("Emulated servers."),
  gpusPerNode: whole(1, 72).default(8).describe("GPUs, and NICs, of one server."),
  planes: whole(1, 72).default(8).describe("Network planes; NIC i is on plane i mod planes."),
  switchPorts: whole(2, 4_096).default(64).describe("Ports of one network switch (its radix)."),
  network: oneOf(["mpft", "mrft"])
    .default("mpft")
    .describe("Multi-plane fat tree, or multi-rail: rails joined at the spines."),
  switchRouting: oneOf(["static", "ecmp", "adaptive"])
    .default("static")
    .describe("How a leaf chooses among its uplinks."),
  portBufferBytes: whole(0, 1_073_741_824)
    .default(0)
    .describe("Bytes a switch holds for one input port, lossless; 0: unlimited."),
}).describe("The machines and their network.");

const layersText = /^\d{1,5}-\d{1,5}$/;
const layersError = {
  error: ({ input }: Issue) =>
    `E012 write layers as a range "0-60" or a list [0, 23, 47], got ${show(input)}`,
};
const layerNumber = z
  .number(layersError)
  .int(layersError)
  .min(0, layersError)
  .max(65_535, layersError);
const layers = z
  .union(
    [
      z.string(layersError).regex(layersText, layersError),
      z.array(layerNumber, layersError).min(1, layersError).max(65_536, layersError),
    ],
    layersError,
  )
  .describe("Model layers that run in a step; all of them by default.");

const workload = mapping({
  phase: oneOf(["decode", "prefill", "training"])
    .default("decode")
    .describe("What a step computes, and with which overlap."),
  protocol: oneOf(["low-latency", "normal"])
    .optional()
    .describe("How the all-to-all is sent; default: low-latency for decode, else normal."),
  grain: oneOf(["token", "message"])
    .default("token")
    .describe("A message carries one token copy, or all copies for a rank."),
  intraNode: oneOf(["nvlink", "rdma"])
    .default("nvlink")
    .describe("Low-latency: how copies reach ranks of the same node."),
  dispatchFormat: format().default("fp8").describe("Numbers of a dispatched copy."),
  combineFormat: format().default("bf16").describe("Numbers of a result."),
  microBatches: whole(1, 2).optional().describe("Overlapped; default: 1 for decode, else 2."),
  acceptedTokensPerStep: decimal(1, 16)
    .default(1)
    .describe("Multi-token prediction: tokens that a decode step yields on the mean."),
  tokensPerGpu: whole(1, 1_048_576).default(8).describe("Tokens a rank handles in a step."),
  steps: whole(1, 100_000).default(1).describe("Forward passes, one after another."),
  epSize: whole(1, 65_536).optional().describe("Ranks of one expert-parallel group; default: all."),
  layers: layers.optional(),
}).describe("What the GPUs compute and exchange.");

const routing = z
  .discriminatedUnion(
    "source",
    [
      mapping({
        source: z.literal("gate"),
        imbalance: decimal(0, 100).default(0).describe("Spread of a per-expert logit offset."),
        groups: whole(1, 65_536).optional().describe("Expert groups, instead of the model's."),
        topkGroup: whole(1, 65_536)
          .optional()
          .describe("Groups that a token may choose from, instead of the model's."),
      }),
      mapping({ source: z.literal("uniform") }),
      mapping({
        source: z.literal("zipf"),
        exponent: decimal(0, 10).default(1).describe("Popularity falls as 1 / i^exponent."),
      }),
      mapping({
        source: z.literal("file"),
        path: text(1_000).describe("Recorded routing (CSV), relative to this file."),
        step: whole(0, 2_147_483_647).default(0).describe("The recorded step to take."),
      }),
    ],
    {
      error: ({ input }) =>
        typeof input === "object" && input !== null
          ? `E013 must be one of gate, uniform, zipf, file, got ${quote(Reflect.get(input, "source"))}`
          : `E012 expected mapping, got ${show(input)}`,
    },
  )
  .describe("How tokens choose experts.");

const experts = mapping({
  redundant: whole(0, 65_536).default(0).describe("Replicas beyond the routed experts."),
  placement: oneOf(["contiguous", "eplb"])
    .default("contiguous")
    .describe("In the order of ids, or balanced by EPLB with a loads file."),
}).describe("Where experts and their replicas are.");

const transport = mapping({
  ackTimeoutExponent: whole(1, 31)
    .default(14)
    .describe("InfiniBand RC: the ACK timeout is 4.096 us x 2^n."),
  retryCount: whole(0, 7).default(7).describe("Retransmissions before a queue pair fails."),
  waitTimeout: time().default("100 s").describe("How long a rank waits before it asks."),
}).describe("Clocks of the transport and of the EP library.");

/** Kinds of fault that a scenario can ask for. */
export const FAULT_KINDS = ["nic-down", "link-down", "gpu-dead"] as const;

/** Well-formed names of faults. */
export const NAME_PATTERN = /^[a-z0-9._-]{1,63}$/;

const targetError = {
  error: ({ input }: Issue) => `E026 write one target, or a list of targets, got ${show(input)}`,
};
const selector = z.string(targetError).min(1, targetError);

const fault = mapping({
  name: z
    .string({ error: ({ input }) => `E012 expected string, got ${show(input)}` })
    .regex(NAME_PATTERN, {
      error: ({ input }) => `E021 a name is [a-z0-9._-]{1,63}, got ${quote(input)}`,
    })
    .optional()
    .describe("What losses are named after; f1, f2, ... by default."),
  kind: oneOf(FAULT_KINDS, "E026"),
  target: z
    .union(
      [selector, z.array(selector, targetError).min(1, targetError).max(4_096, targetError)],
      targetError,
    )
    .describe("node2.nic3, node2.gpu3, node2.nic3--plane3.leaf0, or a list."),
  at: time().describe("Virtual time of the onset."),
  heal: time().optional().describe("Virtual time at which it heals."),
  healAfter: time().optional().describe("How long it lasts."),
});

const seedError = {
  error: ({ input }: Issue) =>
    typeof input === "number" && Number.isInteger(input) && input > Number.MAX_SAFE_INTEGER
      ? "E014 write seeds above 2^53 as a quoted string"
      : `E013 expected 0..2^64-1 in decimal, got ${quote(input)}`,
};

const speedError = {
  error: ({ input }: Issue) => `E013 must be max or a number > 0, got ${quote(input)}`,
};

const run = mapping({
  seed: z
    .union(
      [
        z.number(seedError).int(seedError).min(0, seedError),
        z
          .string(seedError)
          .regex(/^\d{1,20}$/, seedError)
          .refine((seed) => readSeed(seed) !== undefined, seedError),
      ],
      seedError,
    )
    .default(42)
    .describe("Decides every random draw; above 2^53 as a quoted string."),
  placement: oneOf(["actor", "node", "pack", "single"])
    .default("node")
    .describe("How actors are spread over processes. The result does not depend on it."),
  workers: whole(1, 1_024).default(2).describe("Processes of placement pack."),
  speed: z
    .union([z.literal("max", speedError), z.number(speedError).positive(speedError)], speedError)
    .default("max")
    .describe("Virtual seconds per wall second."),
  timeLimit: time().default("600 s").describe("Virtual time at which the run is stopped."),
  lagBudget: time().default("2 s").describe("Wall time that a paced run may lag."),
  logPackets: z
    .boolean("expected true or false")
    .default(false)
    .describe("Write every packet at the end of every link to the event log."),
}).describe("How the run is carried out.");

/** The whole file. */
export const ScenarioSchema = mapping({
  $schema: z.string().optional().describe("For editors."),
  title: text(200).optional().describe("One line about the scenario; default: the file's name."),
  model: text(1_000).describe("Hugging Face config.json, relative to this file."),
  hardware,
  cluster,
  workload: workload.prefault({}),
  routing: routing.prefault({ source: "gate" }),
  experts: experts.prefault({}),
  transport: transport.prefault({}),
  faults: z
    .array(fault, { error: ({ input }) => `E012 expected list, got ${show(input)}` })
    .max(1_000, { error: "E013 must be at most 1000 faults" })
    .default([]),
  run: run.prefault({}),
}).meta({ title: "Faultplane scenario" });

/** The file with defaults filled in, before units and relations. */
export type ScenarioFields = z.output<typeof ScenarioSchema>;
/** One fault of the file. */
export type FaultFields = ScenarioFields["faults"][number];

/** The fields, or every complaint. */
export type FieldsResult =
  | { readonly ok: true; readonly fields: ScenarioFields }
  | { readonly ok: false; readonly issues: readonly FieldIssue[] };

/** Checks plain data against the schema. */
export function checkFields(data: unknown): FieldsResult {
  const result = ScenarioSchema.safeParse(data);
  if (result.success) return { ok: true, fields: result.data };
  return { ok: false, issues: result.error.issues.flatMap((issue) => issuesOf(issue, [])) };
}

/** JSON Schema (draft 7) of the file, for editors. */
export function scenarioJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(ScenarioSchema, { io: "input", target: "draft-07" });
}
