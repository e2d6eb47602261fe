/**
 * How hard a fault hits: the keys that its kind takes, with the catalogue's defaults, as the
 * numbers that the fabric works with. A key that the kind does not take is refused, since it would
 * be ignored.
 */
import { CATALOGUE } from "../fault/catalogue.ts";
import type { FaultName, ParameterKey } from "../fault/catalogue-entry.ts";
import type { FaultParameters } from "../model/fault.ts";
import type { Hardware } from "../model/hardware.ts";
import { PS_PER_S } from "../model/time.ts";
import type { FaultContext } from "./fault-context.ts";
import type { FaultFields } from "./fault-fields.ts";
import type { ProblemList } from "./problem-list.ts";
import { bytesOf, bytesPerSecondOf } from "./quantity.ts";
import { timeAt } from "./units.ts";
import type { DocumentPath } from "./yaml-text.ts";

/** Most bytes that may be spared, and longest extra latency, ps. */
const SPARED_MAX = 1e6;
const LATENCY_MAX_PS = PS_PER_S;

/** All keys of parameters, each of at least one kind. */
const PARAMETER_KEYS: readonly ParameterKey[] = [
  ...new Set(
    Object.values(CATALOGUE).flatMap(({ parameters }) => parameters.map(({ key }) => key)),
  ),
];

/**
 * The parameters of a fault, each of its kind's written out; undefined when there is nothing to
 * say: a loud fault that is all or nothing.
 */
export function readParameters(
  fields: FaultFields,
  path: DocumentPath,
  context: FaultContext,
  problems: ProblemList,
): FaultParameters | undefined {
  const { kind } = fields;
  const entry = CATALOGUE[kind];
  const taken = entry.parameters.map(({ key }) => key);
  for (const key of PARAMETER_KEYS) {
    if (fields[key] === undefined || taken.includes(key)) continue;
    const message = `${kind} takes ${taken.length === 0 ? "no parameters" : taken.join(", ")}`;
    const hint = `${key} is for ${kindsWith(key).join(", ")}`;
    problems.add("E019", [...path, key], message, { atKey: true, hint });
  }
  const visibility = fields.visibility ?? entry.visibility;
  if (visibility !== entry.visibility && !entry.isVisibilityFree) {
    const message = `${kind} is always ${entry.visibility}: it takes no port down`;
    problems.add("E019", [...path, "visibility"], message, { hint: "leave visibility out" });
  }
  const found: FaultParameters = Object.assign(
    {},
    ...entry.parameters.map(({ key, fallback }) => {
      const value = fields[key] ?? fallback;
      return READERS[key](value as never, { path: [...path, key], context, problems });
    }),
    visibility === "silent" ? { silent: true } : {},
  );
  return Object.keys(found).length === 0 ? undefined : found;
}

/** Kinds that take a parameter. */
function kindsWith(key: ParameterKey): readonly FaultName[] {
  return Object.values(CATALOGUE)
    .filter(({ parameters }) => parameters.some((parameter) => parameter.key === key))
    .map(({ kind }) => kind);
}

interface Reading {
  readonly path: DocumentPath;
  readonly context: FaultContext;
  readonly problems: ProblemList;
}

/** What a file writes under a key. */
type Written = { readonly [Key in ParameterKey]: NonNullable<FaultFields[Key]> };

/** A key's value in the unit of the fabric. */
const READERS: {
  readonly [Key in ParameterKey]: (value: Written[Key], reading: Reading) => FaultParameters;
} = {
  slowdown: (slowdown) => ({ slowdown }),
  loss: (share) => ({ lossPerMillion: perMillion(share) }),
  spared: (size, { path, problems }) => {
    const sparedBytes = bytesOf(size);
    if (sparedBytes > SPARED_MAX) {
      problems.add("E013", path, `must be at most 1 MB, got ${size}`);
    }
    return { sparedBytes };
  },
  extraLatency: (time, { path, problems }) => {
    const extraLatencyPs = timeAt(path, time, 1, problems) ?? 0;
    if (extraLatencyPs > LATENCY_MAX_PS) {
      problems.add("E013", path, `must be at most 1 s, got ${time}`);
    }
    return { extraLatencyPs };
  },
  kvRate: (rate, { path, context, problems }) => {
    const left = leftOfPcie(context.hardware, bytesPerSecondOf(rate));
    if (left === undefined) {
      const pcie = (PS_PER_S / context.hardware.pciePsPerByte / 1e9).toFixed(1);
      const message = `copies at ${rate} leave nothing of PCIe, which has ${pcie} GB/s`;
      const hint = `give kvRate above 0 and below ${pcie} GB/s`;
      problems.add("E013", path, message, { hint });
    }
    return { psPerByteAtLeast: left ?? 0 };
  },
  load: (load) => ({ slowdown: 1 / (1 - load) }),
  flips: (share) => ({ flipsPerMillion: perMillion(share) }),
  share: (share) => ({ sharePerMillion: perMillion(share) }),
};

/**
 * Serialization time of a byte on what copies leave of PCIe, ps; undefined when that is nothing.
 */
function leftOfPcie(
  { pciePsPerByte }: Pick<Hardware, "pciePsPerByte">,
  copiesPerSecond: number,
): number | undefined {
  const left = PS_PER_S / pciePsPerByte - copiesPerSecond;
  return copiesPerSecond > 0 && left > 0 ? PS_PER_S / left : undefined;
}

function perMillion(share: number): number {
  return Math.round(share * 1e6);
}
