/**
 * Every packet in the event log, when asked: the same run, the same digest, and lines that add up.
 */
import { describe, expect, it } from "vitest";
import type { FaultSpec } from "../../src/model/fault.ts";
import { PS_PER_US } from "../../src/model/time.ts";
import { runInMemory } from "../support/in-memory-run.ts";
import { tinyScenario } from "../support/scenarios.ts";

const FAULT: FaultSpec = {
  name: "lost",
  kind: "nic-down",
  targets: ["node1.nic2"],
  atPs: 3 * PS_PER_US,
};

describe("packet log", () => {
  it("adds a line for each packet delivered or dropped, and changes nothing else", () => {
    const quiet = runInMemory(tinyScenario({ faults: [FAULT] }));
    const asked = tinyScenario({ faults: [FAULT], run: { logPackets: true } });
    const loud = runInMemory(asked);
    const count = (type: string): number =>
      loud.facts.filter((record) => record.fact.type === type).length;
    expect(loud.digest).toBe(quiet.digest);
    expect(count("packet.delivered")).toBe(quiet.fabric.deliveredPackets);
    expect(count("packet.dropped")).toBe(quiet.fabric.droppedPackets);
    expect(count("packet.dropped")).toBeGreaterThan(0);
    const others = loud.facts.filter((record) => !record.fact.type.startsWith("packet."));
    expect(others).toEqual(quiet.facts);
    expect(runInMemory(asked, { placement: "actor" }).facts).toEqual(loud.facts);
  });

  it("names the fault that dropped a packet, its link and its ends", () => {
    const { facts } = runInMemory(tinyScenario({ faults: [FAULT], run: { logPackets: true } }));
    const dropped = facts
      .map((record) => record.fact)
      .filter((one) => one.type === "packet.dropped");
    for (const fact of dropped) {
      expect(fact).toMatchObject({ fault: "lost", link: "node1.nic2--plane2.leaf0" });
    }
  });
});
