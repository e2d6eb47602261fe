/** What `faultplane check` says of every part of a scenario, with defaults marked. */
import { describe, expect, it } from "vitest";
import { describeScenario } from "../../src/scenario/describe-scenario.ts";
import { COMPUTE_RATES } from "../../src/scenario/hardware-fields.ts";
import { scenarioJsonSchema } from "../../src/scenario/schema.ts";
import { parse, printed, SMALLEST } from "./reading.ts";

/** The described lines of a text that must be good. */
function lines(text: string): readonly string[] {
  const result = parse(text);
  if (!result.ok) throw new Error(printed(text).join("\n"));
  return describeScenario(result.scenario, result.given);
}

describe("a described scenario", () => {
  it("names network, protocol, formats and accepted tokens with their defaults", () => {
    expect(lines(SMALLEST)).toEqual(
      expect.arrayContaining([
        "hardware   h800-infiniband  (default)",
        "network    multi-plane fat tree (mpft), static routing, unlimited port buffers  (default)",
        "workload   decode, 8 tokens a GPU, 1 step, EP32  (default)",
        "protocol   low-latency, a message a token copy, NVLink inside a node  (default)",
        "formats    dispatch fp8, combine bf16  (default)",
        "accepted   1 token a step, no multi-token prediction  (default)",
        "experts    256, 8 on each rank, in the order of ids  (default)",
      ]),
    );
  });

  it("names what the file gives instead", () => {
    const text = `model: models/deepseek-v3.json
cluster: {nodes: 4, network: mrft, switchRouting: adaptive, portBufferBytes: 65536}
hardware: {preset: h800-roce, nicRate: 200 Gbit/s, computeRates: {mlpForward: 300 TFLOP/s}}
workload:
  microBatches: 2
  grain: message
  intraNode: rdma
  dispatchFormat: logfmt-10
  acceptedTokensPerStep: 1.8
experts: {redundant: 32}
`;
    expect(lines(text)).toEqual(
      expect.arrayContaining([
        "hardware   h800-roce, changed: nicRate, computeRates.mlpForward",
        "network    multi-rail fat tree (mrft), adaptive routing, port buffers of 65536 bytes, lossless",
        "workload   decode, 8 tokens a GPU and micro-batch, 2 micro-batches overlapped, 1 step, EP32",
        "protocol   low-latency, a message all copies for a rank, the network inside a node, too",
        "formats    dispatch logfmt-10, combine bf16",
        "accepted   1.8 tokens a step on the mean, with multi-token prediction",
        "experts    256 + 32 replicas, 9 on each rank, in the order of ids",
      ]),
    );
  });

  it("names the passes of training, which accepts no tokens", () => {
    const told = lines(`${SMALLEST}workload: {phase: training, grain: message}\n`);
    expect(told).toContain(
      "passes     forward of one micro-batch and backward of another, overlapped (DualPipe)  (default)",
    );
    expect(told).toContain("protocol   normal, a message a chunk of copies, NVLink inside a node");
    expect(told.filter((line) => line.startsWith("accepted"))).toEqual([]);
  });

  it("knows every hardware parameter that a file can change", () => {
    const values: Record<string, string> = {
      hbmRate: "2 TB/s",
      packetBytes: "2048",
      nvlinkDomainGpus: "8",
      computeRates: `{${Object.keys(COMPUTE_RATES)
        .map((key) => `${key}: 300 TFLOP/s`)
        .join(", ")}}`,
    };
    const value = (key: string): string =>
      values[key] ?? (key.endsWith("Rate") ? "200 Gbit/s" : "2 us");
    const keys = hardwareKeys().filter((key) => key !== "preset");
    const given = keys.map((key) => `${key}: ${value(key)}`).join(", ");
    const [hardware] = lines(`${SMALLEST}hardware: {${given}}\n`).filter((line) =>
      line.startsWith("hardware"),
    );
    for (const key of keys) expect(hardware).toMatch(new RegExp(`[ ,]${key}[,.]|${key}$`));
    for (const key of Object.keys(COMPUTE_RATES)) expect(hardware).toContain(`computeRates.${key}`);
  });
});

/** Keys of a hardware mapping, from the schema itself. */
function hardwareKeys(): string[] {
  const found = JSON.stringify(scenarioJsonSchema().properties?.hardware);
  const branches: { properties?: object }[] = JSON.parse(found).anyOf;
  return branches.flatMap(({ properties }) => Object.keys(properties ?? {}));
}
