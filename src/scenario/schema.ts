/**
 * The scenario file: which keys there are, of what type, in which range, with which default. The
 * single source of the types and of the JSON Schema for editors. The kinds of field, with their
 * error texts, are in field-kinds.ts; relations between fields are not checked here.
 */
import { z } from "zod";
import { HARDWARE_PRESETS } from "../hardware/presets.ts";
import { faultFields } from "./fault-fields.ts";
import { type FieldIssue, issuesOf } from "./field-issue.ts";
import {
  decimal,
  flag,
  flopRate,
  format,
  layers,
  list,
  mapping,
  oneOf,
  rate,
  seed,
  speed,
  text,
  time,
  whole,
} from "./field-kinds.ts";
import { COMPUTE_RATES, LANE_LATENCIES, LINK_RATES, OVERHEADS } from "./hardware-fields.ts";
import { quote, show } from "./problem.ts";
import { recoveryFields } from "./recovery-fields.ts";

const presetNames = Object.keys(HARDWARE_PRESETS) as [string, ...string[]];
const preset = () => oneOf(presetNames).describe("Hardware preset with published figures.");

/** Optional fields of one kind, by key, with what each is about. */
function each<Key extends string, Kind extends z.ZodType>(
  keys: Readonly<Record<Key, readonly [parameter: string, about: string]>>,
  kind: () => Kind,
): Record<Key, z.ZodOptional<Kind>> {
  const pairs = Object.entries<readonly [string, string]>(keys);
  const fields = pairs.map(([key, [, about]]) => [key, kind().optional().describe(about)]);
  return Object.fromEntries(fields) as Record<Key, z.ZodOptional<Kind>>;
}

const hardwareOverrides = mapping({
  preset: preset().default("h800-infiniband"),
  ...each(LINK_RATES, rate),
  ...each(LANE_LATENCIES, time),
  ...each(OVERHEADS, time),
  hbmRate: rate().optional().describe("Memory bandwidth of one GPU; it bounds decode compute."),
  packetBytes: whole(0, 1_048_576)
    .optional()
    .describe("Bytes after which a device passes a message on; 0: whole messages only."),
  nvlinkDomainGpus: whole(1, 72).optional().describe("GPUs that one NVLink domain can hold."),
  computeRates: mapping(each(COMPUTE_RATES, flopRate))
    .optional()
    .describe("Effective rates of the kernels of prefill and training."),
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
  nicPorts: oneOf(["one-port", "multi-port"])
    .default("one-port")
    .describe("NIC i on plane i, or every NIC on every plane with packets sprayed."),
}).describe("The machines and their network.");

const workload = mapping({
  phase: oneOf(["decode", "prefill", "training", "all-to-all"])
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
  pass: oneOf(["overlapped", "forward", "backward"])
    .default("overlapped")
    .describe("Training: forward and backward pass overlapped (DualPipe), or one alone."),
  microBatches: whole(1, 2).optional().describe("Overlapped; default: 1 for decode, else 2."),
  acceptedTokensPerStep: decimal(1, 16)
    .default(1)
    .describe("Multi-token prediction: tokens that a decode step yields on the mean."),
  tokensPerGpu: whole(1, 1_048_576).default(8).describe("Tokens a rank handles in a step."),
  steps: whole(1, 100_000).default(1).describe("Forward passes, one after another."),
  epSize: whole(1, 65_536).optional().describe("Ranks of one expert-parallel group; default: all."),
  layers: layers().optional().describe("Model layers that run in a step; all of them by default."),
}).describe("What the GPUs compute and exchange.");

const groups = () => whole(1, 65_536).optional().describe("Expert groups, instead of the model's.");
const topkGroup = () =>
  whole(1, 65_536)
    .optional()
    .describe("Groups that a token may choose from, instead of the model's.");

const routing = z
  .discriminatedUnion(
    "source",
    [
      mapping({
        source: z.literal("gate"),
        imbalance: decimal(0, 100).default(0).describe("Spread of a per-expert logit offset."),
        groups: groups(),
        topkGroup: topkGroup(),
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
      mapping({
        source: z.literal("loads"),
        path: text(1_000).describe("Recorded loads (CSV or JSON), relative to this file."),
        groups: groups(),
        topkGroup: topkGroup(),
      }),
    ],
    {
      error: ({ input }) =>
        typeof input === "object" && input !== null
          ? `E013 must be one of gate, uniform, zipf, file, loads, got ${quote(Reflect.get(input, "source"))}`
          : `E012 expected mapping, got ${show(input)}`,
    },
  )
  .describe("How tokens choose experts.");

const experts = mapping({
  redundant: whole(0, 65_536).default(0).describe("Replicas beyond the routed experts."),
  placement: oneOf(["contiguous", "eplb"])
    .default("contiguous")
    .describe("In the order of ids, or balanced by EPLB with a loads file."),
  loads: text(1_000)
    .optional()
    .describe("Recorded loads (CSV or JSON) for EPLB, relative to this file."),
  policy: oneOf(["auto", "hierarchical", "global"])
    .default("auto")
    .describe("EPLB: replicas stay on their expert's node, or go anywhere."),
}).describe("Where experts and their replicas are.");

const transport = mapping({
  ackTimeoutExponent: whole(1, 31)
    .default(14)
    .describe("InfiniBand RC: the ACK timeout is 4.096 us x 2^n."),
  retryCount: whole(0, 7).default(7).describe("Retransmissions before a queue pair fails."),
  waitTimeout: time().default("100 s").describe("How long a rank waits before it asks."),
}).describe("Clocks of the transport and of the EP library.");

const run = mapping({
  seed: seed().default(42).describe("Decides every random draw; above 2^53 as a quoted string."),
  placement: oneOf(["actor", "node", "pack", "single"])
    .default("node")
    .describe("How actors are spread over processes. The result does not depend on it."),
  workers: whole(1, 1_024).default(2).describe("Processes of placement pack."),
  speed: speed().default("max").describe("Virtual seconds per wall second."),
  timeLimit: time().default("600 s").describe("Virtual time at which the run is stopped."),
  lagBudget: time().default("2 s").describe("Wall time that a paced run may lag."),
  logPackets: flag()
    .default(false)
    .describe("Write every packet at the end of every link to the event log."),
  trafficEvery: time()
    .default("100 us")
    .describe("Virtual time over which the bytes of each link are added up, for traffic.ndjson."),
  onWorkerLoss: oneOf(["fault", "recover"])
    .optional()
    .describe(
      "A lost process: its actors are dead hardware (default of drills), or it is replaced.",
    ),
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
  recovery: recoveryFields.prefault({}),
  faults: list(faultFields, 0, 1_000).default([]).describe("What breaks, and when."),
  run: run.prefault({}),
}).meta({ title: "Faultplane scenario" });

/** The file with defaults filled in, before units and relations. */
export type ScenarioFields = z.output<typeof ScenarioSchema>;

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
