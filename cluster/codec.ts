/**
 * Values to bytes and back, by MessagePack. Only plain values cross: finite-domain numbers,
 * strings, booleans, null, dense arrays, plain objects and Uint8Array; msgpackr sends other typed
 * arrays wrongly (stale memory), so they are refused. The only file that imports msgpackr.
 */
import { Packr } from "msgpackr/pack";
import { violated } from "../src/base/assert.ts";

/** Limits of a frame from a link that has not proved itself yet. */
export interface FrameLimits {
  /** Arrays and maps inside one another. */
  readonly depth: number;
  /** Values in total. */
  readonly elements: number;
  /** Bytes of one string or binary. */
  readonly textBytes: number;
}

/** What a frame before authentication may be. */
export const STRANGER_LIMITS: FrameLimits = { depth: 16, elements: 65_536, textBytes: 65_536 };

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
 * Decodes bytes of a link that has proved itself. Throws an Error for bytes that are no value.
 * Binaries alias `bytes`.
 */
export function decode(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}

/**
 * Decodes bytes whose value is kept: binaries are plain Uint8Arrays of their own, as they were
 * before they crossed.
 */
export function decodeOwned(bytes: Uint8Array): unknown {
  return owned(packr.unpack(bytes));
}

/** Decodes bytes of a stranger; undefined for anything that {@link scan} objects to. */
export function decodeStrange(bytes: Uint8Array, limits = STRANGER_LIMITS): unknown {
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
  for (const [key, part] of Object.entries(value)) checkPlain(part, `${path}.${key}`);
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

/**
 * Reads the headers of a frame without building anything: undefined when it is exactly one value
 * inside the limits, with string keys and no extension type; otherwise what is wrong with it.
 */
export function scan(bytes: Uint8Array, limits: FrameLimits): string | undefined {
  /** Values still to come, by depth; a map counts keys and values. */
  const remaining = [1];
  /** 1 where the container is a map, by depth. */
  const isMap = [0];
  let elements = 0;
  let at = 0;
  const lengthAt = (size: number): number => {
    if (at + size > bytes.length) return -1;
    let length = 0;
    for (let i = 0; i < size; i += 1) length = length * 256 + bytes[at + i];
    at += size;
    return length;
  };
  while (remaining.length > 0) {
    const depth = remaining.length - 1;
    if (remaining[depth] === 0) {
      remaining.pop();
      isMap.pop();
      continue;
    }
    if (at >= bytes.length) return "ends too early";
    const isKey = isMap[depth] === 1 && remaining[depth] % 2 === 0;
    remaining[depth] -= 1;
    elements += 1;
    if (elements > limits.elements) return `more than ${limits.elements} elements`;
    const head = bytes[at];
    at += 1;
    const item = itemOf(head);
    if (item === undefined) return `byte 0x${head.toString(16)} is not allowed`;
    if (isKey && item.kind !== "text") return "a key is not a string";
    if (item.kind === "scalar") {
      at += item.size;
      if (at > bytes.length) return "ends too early";
      continue;
    }
    const length = item.size === 0 ? item.length : lengthAt(item.size);
    if (length < 0) return "ends too early";
    if (item.kind === "text" || item.kind === "binary") {
      if (length > limits.textBytes) return `text of ${length} bytes`;
      at += length;
      if (at > bytes.length) return "ends too early";
      continue;
    }
    const values = item.kind === "map" ? length * 2 : length;
    if (values > limits.elements - elements) return `more than ${limits.elements} elements`;
    if (remaining.length > limits.depth) return `deeper than ${limits.depth}`;
    remaining.push(values);
    isMap.push(item.kind === "map" ? 1 : 0);
  }
  return at === bytes.length ? undefined : "bytes after the value";
}

/**
 * What a head byte announces. `size`: bytes of the scalar, or of the length that follows; 0 =
 * `length` is it.
 */
interface Item {
  readonly kind: "scalar" | "text" | "binary" | "array" | "map";
  readonly size: number;
  readonly length: number;
}

/** Head bytes of MessagePack; undefined for extensions and for 0xc1, which never occurs. */
function itemOf(head: number): Item | undefined {
  const item = (kind: Item["kind"], size: number, length = 0): Item => ({ kind, size, length });
  if (head <= 0x7f || head >= 0xe0) return item("scalar", 0);
  if (head <= 0x8f) return item("map", 0, head & 0x0f);
  if (head <= 0x9f) return item("array", 0, head & 0x0f);
  if (head <= 0xbf) return item("text", 0, head & 0x1f);
  switch (head) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return item("scalar", 0);
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return item("binary", 1 << (head - 0xc4));
    case 0xca:
      return item("scalar", 4);
    case 0xcb:
      return item("scalar", 8);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return item("scalar", 1 << (head - 0xcc));
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return item("scalar", 1 << (head - 0xd0));
    case 0xd9:
    case 0xda:
    case 0xdb:
      return item("text", 1 << (head - 0xd9));
    case 0xdc:
    case 0xdd:
      return item("array", 2 << (head - 0xdc));
    case 0xde:
    case 0xdf:
      return item("map", 2 << (head - 0xde));
    default:
      return undefined;
  }
}
