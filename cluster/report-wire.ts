/**
 * A window's report as a message: written and read by hand, since every worker sends one a window.
 * What comes is read strictly, as all messages are (`messages-are-known`).
 */
import type { Fact, FactRecord } from "../src/model/fact.ts";
import type { EpochPart, SentFrame, TrafficBin, WindowReport } from "../src/model/window.ts";
import { encode } from "./codec.ts";
import { aFact } from "./fact-shapes.ts";
import {
  bytes,
  exactly,
  records,
  refuse,
  refuseFor,
  time,
  timeOrNever,
  whole,
  wholes,
  word,
} from "./message-readers.ts";
import { Tag } from "./messages.ts";

/**
 * A report: sent as peer, earliest, size, carried; epochs as epoch, low, high; facts as time,
 * actor, index, fact; traffic as bin, lanes, bytes.
 */
export function encodeReport(report: WindowReport): Uint8Array {
  const sent: unknown[] = [];
  for (const { peer, earliestPs, sizeBytes, carried } of report.sent) {
    sent.push(peer, earliestPs, sizeBytes, carried);
  }
  const epochs: number[] = [];
  for (const { epoch, low, high } of report.epochs) epochs.push(epoch, low, high);
  const traffic: unknown[] = [];
  for (const { bin, lanes, bytes } of report.traffic) traffic.push(bin, lanes, bytes);
  const facts: unknown[] = [];
  for (const { atPs, actor, index, fact } of report.facts) facts.push(atPs, actor, index, fact);
  return encode([
    Tag.report,
    report.window,
    report.nextEventPs,
    report.nextFaultPs,
    sent,
    facts,
    report.events,
    report.lastEventPs,
    report.finishedGpus,
    report.hungGpus,
    epochs,
    report.groups.paused,
    report.groups.done,
    traffic,
    report.trafficDuePs,
  ]);
}

/** Reads the parts of a report, strictly; its tag is the first. */
export function reportOf(parts: readonly unknown[]): WindowReport {
  exactly(parts, 15, "report");
  const groups = {
    paused: wholes(parts[11], "report.paused"),
    done: wholes(parts[12], "report.done"),
  };
  return {
    window: whole(parts[1], "report.window"),
    nextEventPs: timeOrNever(parts[2], "report.nextEventPs"),
    nextFaultPs: timeOrNever(parts[3], "report.nextFaultPs"),
    sent: sentOf(parts[4]),
    facts: factsOf(parts[5]),
    events: whole(parts[6], "report.events"),
    lastEventPs: time(parts[7], "report.lastEventPs"),
    finishedGpus: whole(parts[8], "report.finishedGpus"),
    hungGpus: whole(parts[9], "report.hungGpus"),
    groups,
    epochs: epochsOf(parts[10]),
    traffic: trafficOf(parts[13]),
    trafficDuePs: timeOrNever(parts[14], "report.trafficDuePs"),
  };
}

function sentOf(value: unknown): SentFrame[] {
  const flat = records(value, 4, "report.sent");
  const sent: SentFrame[] = [];
  for (let i = 0; i < flat.length; i += 4) {
    const at = i / 4;
    const sizeBytes = whole(flat[i + 2], "report.sent", at, ".sizeBytes");
    const carried = flat[i + 3];
    if (carried !== null && bytes(carried, "report.sent", at, ".carried").length !== sizeBytes) {
      refuse(`report.sent[${at}].sizeBytes`, "the size of the frame", sizeBytes);
    }
    sent.push({
      peer: whole(flat[i], "report.sent", at, ".peer"),
      earliestPs: time(flat[i + 1], "report.sent", at, ".earliestPs"),
      sizeBytes,
      carried: carried as Uint8Array | null,
    });
  }
  return sent;
}

function factsOf(value: unknown): FactRecord[] {
  const flat = records(value, 4, "report.facts");
  const facts: FactRecord[] = [];
  for (let i = 0; i < flat.length; i += 4) {
    const at = i / 4;
    const problem = aFact(flat[i + 3]);
    if (problem !== undefined) refuseFor(problem, `report.facts[${at}].fact`);
    facts.push({
      atPs: time(flat[i], "report.facts", at, ".atPs"),
      actor: whole(flat[i + 1], "report.facts", at, ".actor"),
      index: whole(flat[i + 2], "report.facts", at, ".index"),
      fact: flat[i + 3] as Fact,
    });
  }
  return facts;
}

function epochsOf(value: unknown): EpochPart[] {
  const flat = records(value, 3, "report.epochs");
  const epochs: EpochPart[] = [];
  for (let i = 0; i < flat.length; i += 3) {
    epochs.push({
      epoch: whole(flat[i], "report.epochs", i / 3, ".epoch"),
      low: word(flat[i + 1], "report.epochs", i / 3, ".low"),
      high: word(flat[i + 2], "report.epochs", i / 3, ".high"),
    });
  }
  return epochs;
}

function trafficOf(value: unknown): TrafficBin[] {
  const flat = records(value, 3, "report.traffic");
  const bins: TrafficBin[] = [];
  for (let i = 0; i < flat.length; i += 3) {
    const at = i / 3;
    bins.push({
      bin: whole(flat[i], "report.traffic", at, ".bin"),
      lanes: wholes(flat[i + 1], `report.traffic[${at}].lanes`),
      bytes: wholes(flat[i + 2], `report.traffic[${at}].bytes`),
    });
  }
  return bins;
}
