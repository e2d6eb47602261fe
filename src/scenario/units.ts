/**
 * Converts the quantities of checked fields: times to ps, hardware changes to lane classes. Bounds
 * that need the unit (no zero bandwidth, no latency below the lookahead's minimum) are checked
 * here.
 */
import { HARDWARE_PRESETS } from "../hardware/presets.ts";
import type { Hardware, LaneClass } from "../model/hardware.ts";
import { PS_PER_NS } from "../model/time.ts";
import type { ProblemList } from "./problem-list.ts";
import { bytesPerSecondOf, psPerByteOf, readTime } from "./quantity.ts";
import type { ScenarioFields } from "./schema.ts";
import type { DocumentPath } from "./yaml-text.ts";

/** Slowest and fastest link, bytes a second: 1 Mbit/s and 1000 Tbit/s. */
const SLOWEST = 1.25e5;
const FASTEST = 1.25e14;

/** A time in ps; undefined, with a problem, when it is no whole ps or not `above` (then E025). */
export function timeAt(
  path: DocumentPath,
  text: string,
  least: number,
  problems: ProblemList,
): number | undefined {
  const reading = readTime(text);
  if (!reading.ok) {
    problems.add("E025", path, reading.message);
    return undefined;
  }
  if (reading.ps >= least) return reading.ps;
  problems.add("E025", path, `must be ${least === 0 ? "0 or later" : "> 0"}, got ${text}`);
  return undefined;
}

/** The preset with the file's changes. With problems the preset stands in for what is wrong. */
export function readHardware(fields: ScenarioFields["hardware"], problems: ProblemList): Hardware {
  const changes = typeof fields === "string" ? { preset: fields } : fields;
  const preset = HARDWARE_PRESETS[changes.preset];
  const rate = (key: keyof typeof changes): number | undefined => {
    const text = changes[key];
    return text === undefined ? undefined : rateAt(["hardware", key], text, problems);
  };
  const latency = (key: keyof typeof changes): number | undefined => {
    const text = changes[key];
    return text === undefined ? undefined : latencyAt(["hardware", key], text, problems);
  };
  const nic = rate("nicRate");
  const nvlink = rate("nvlinkRate");
  const pcie = rate("pcieRate");
  const hop = latency("networkLatency");
  const sendPs = preset.nicToLeaf.latencyPs - preset.leafToSpine.latencyPs;
  const nvlinkHop = latency("nvlinkLatency");
  const isBadMemory = changes.hbmRate === undefined || rate("hbmRate") === undefined;
  const isChanged = Object.keys(changes).length > 1;
  return {
    name: isChanged ? `${preset.name}, changed` : preset.name,
    gpuToNvswitch: changed(preset.gpuToNvswitch, nvlink, nvlinkHop),
    nvswitchToGpu: changed(preset.nvswitchToGpu, nvlink, nvlinkHop),
    gpuToNic: changed(preset.gpuToNic, pcie, undefined),
    nicToGpu: changed(preset.nicToGpu, pcie, undefined),
    nicToLeaf: changed(preset.nicToLeaf, nic, hop === undefined ? hop : hop + sendPs),
    leafToNic: changed(preset.leafToNic, nic, undefined),
    leafToSpine: changed(preset.leafToSpine, nic, hop),
    spineToLeaf: changed(preset.spineToLeaf, nic, hop),
    nvlinkDomainGpus: preset.nvlinkDomainGpus,
    compute: isBadMemory
      ? preset.compute
      : { ...preset.compute, hbmBytesPerSecond: bytesPerSecondOf(changes.hbmRate ?? "") },
  };
}

function changed(
  lane: LaneClass,
  psPerByte: number | undefined,
  latencyPs: number | undefined,
): LaneClass {
  return {
    ...lane,
    latencyPs: latencyPs ?? lane.latencyPs,
    psPerByte: psPerByte ?? lane.psPerByte,
  };
}

/** Serialization time of a byte, ps. */
function rateAt(path: DocumentPath, text: string, problems: ProblemList): number | undefined {
  const perSecond = bytesPerSecondOf(text);
  if (!(perSecond > 0)) {
    const message = `bandwidth must be > 0, got ${text}; use a link-down fault instead`;
    problems.add("E017", path, message);
    return undefined;
  }
  if (perSecond >= SLOWEST && perSecond <= FASTEST) return psPerByteOf(text);
  problems.add("E013", path, `must be 1 Mbit/s..1000 Tbit/s, got ${text}`);
  return undefined;
}

/** A latency, ps. */
function latencyAt(path: DocumentPath, text: string, problems: ProblemList): number | undefined {
  const reading = readTime(text);
  if (!reading.ok) {
    problems.add("E025", path, reading.message);
    return undefined;
  }
  if (reading.ps >= PS_PER_NS) return reading.ps;
  problems.add("E018", path, `latency ${text} gives no lookahead; minimum 1 ns`);
  return undefined;
}
