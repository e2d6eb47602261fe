/**
 * Values to bytes and back, by MessagePack. Only plain values cross: finite-domain numbers,
 * strings, booleans, null, dense arrays, plain objects and Uint8Array; msgpackr sends other typed
 * arrays wrongly (stale memory), so they are refused. The only file that imports msgpackr.
 */
import { Packr } from "msgpackr/pack";
import { violated } from "../src/base/assert.ts";
import {
  type FrameLimits,
  MEMBER_LIMITS,
  PROTOTYPE_KEYS,
  STRANGER_LIMITS,
  scan,
} from "./frame-scan.ts";

/** Half of a surrogate pair: not representable in UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

const packr = new Packr({
  useRecords: false,
  moreTypes: false,
  structuredClone: false,
  sequential: false,
  mapsAsObjects: true,
});

/** Encodes a value made by this program. The bytes are the caller's own. */
export function encode(value: unknown): Uint8Array {
  return packr.pack(value);
}

/** Encodes a value of unknown making after {@link checkPlain}: for what is sent seldom. */
export function encodeChecked(value: unknown): Uint8Array {
  checkPlain(value, "value");
  return packr.pack(value);
}

/**
 * Decodes bytes of a link that has proved itself. Throws an Error for anything that {@link scan}
 * objects to. Binaries alias `bytes`.
 */
export function decode(bytes: Uint8Array, limits = MEMBER_LIMITS): unknown {
  const problem = scan(bytes, limits);
  if (problem !== undefined) throw new Error(`a frame that is not ours: ${problem}`);
  return packr.unpack(bytes);
}

/**
 * Decodes bytes whose value is kept: binaries are plain Uint8Arrays of their own, as they were
 * before they crossed.
 */
export function decodeOwned(bytes: Uint8Array): unknown {
  return owned(decode(bytes));
}

/** Decodes bytes of a stranger; undefined for anything that {@link scan} objects to. */
export function decodeStrange(bytes: Uint8Array, limits: FrameLimits = STRANGER_LIMITS): unknown {
  return scan(bytes, limits) === undefined ? packr.unpack(bytes) : undefined;
}

/**
 * Throws an InvariantError for values that would not arrive as they left. `path` names the place.
 */
export function checkPlain(value: unknown, path: string): void {
  switch (typeof value) {
    case "boolean":
      return;
    case "string":
      if (LONE_SURROGATE.test(value)) violated("values-are-plain", `${path} has a lone surrogate`);
      return;
    case "number":
      if (Number.isNaN(value)) violated("values-are-plain", `${path} is NaN`);
      if (Object.is(value, -0)) violated("values-are-plain", `${path} is -0`);
      return;
    case "object":
      break;
    default:
      violated("values-are-plain", `${path} is of type ${typeof value}`);
  }
  if (value === null || value instanceof Uint8Array) return;
  if (Array.isArray(value)) {
    for (let place = 0; place < value.length; place += 1) {
      checkPlain(value[place], `${path}[${place}]`);
    }
    return;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) {
    violated("values-are-plain", `${path} is not a plain object`);
  }
  for (const [key, part] of Object.entries(value)) {
    if (PROTOTYPE_KEYS.includes(key)) violated("values-are-plain", `${path} has a key ${key}`);
    checkPlain(part, `${path}.${key}`);
  }
}

/** Replaces, in place, the views on a frame by copies. */
function owned(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) {
    for (let place = 0; place < value.length; place += 1) value[place] = owned(value[place]);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, part] of Object.entries(value)) Object.assign(value, { [key]: owned(part) });
  }
  return value;
}
