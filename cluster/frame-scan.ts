/**
 * Looks at the bytes of a MessagePack frame before anything is built from them: one pass over the
 * heads, without allocating. What would cost more than its bytes, or become more than plain data,
 * is refused: bombs, extension types, keys that reach a prototype, bytes that are no value.
 */

/** What a frame may be. */
export interface FrameLimits {
  /** Arrays and maps inside one another, at most {@link DEPTH_MAX}. */
  readonly depth: number;
  /** Values in total, keys included. */
  readonly elements: number;
  /** Arrays and maps in total: one byte becomes an object of some sixty. */
  readonly containers: number;
  /** Bytes of one string or binary. */
  readonly textBytes: number;
}

/** What a frame before authentication may be. */
export const STRANGER_LIMITS: FrameLimits = {
  depth: 16,
  elements: 65_536,
  containers: 4_096,
  textBytes: 65_536,
};

/**
 * What a frame of a process that holds the token may be. Far above what runs send, and low enough
 * that no frame becomes more than a few hundred MiB of heap. Binaries are as large as messages.
 */
export const MEMBER_LIMITS: FrameLimits = {
  depth: 16,
  elements: 16_777_216,
  containers: 1_048_576,
  textBytes: 268_435_456,
};

/** No limit on depth is larger. */
const DEPTH_MAX = 64;

/** Keys of one map: more make an object slow, and nobody sends them. */
const KEYS_MAX = 65_536;

const Kind = { refused: 0, scalar: 1, text: 2, binary: 3, array: 4, map: 5 } as const;

/** By head byte: what it announces. */
const KINDS = new Uint8Array(256);
/** By head byte: bytes of the scalar, or of the length that follows; 0: the head says all. */
const SIZES = new Uint8Array(256);
/** By head byte: the length, where the head says all. */
const LENGTHS = new Uint8Array(256);

const announce = (from: number, to: number, kind: number, sizes: readonly number[]): void => {
  for (let head = from; head <= to; head += 1) {
    KINDS[head] = kind;
    SIZES[head] = sizes[head - from] ?? 0;
    if (sizes.length === 0) LENGTHS[head] = head - from;
  }
};
announce(0x00, 0x7f, Kind.scalar, [0]);
announce(0x80, 0x8f, Kind.map, []);
announce(0x90, 0x9f, Kind.array, []);
announce(0xa0, 0xbf, Kind.text, []);
announce(0xc0, 0xc0, Kind.scalar, [0]);
// 0xc1 never occurs, 0xc7 to 0xc9 and 0xd4 to 0xd8 are extensions: refused.
announce(0xc2, 0xc3, Kind.scalar, [0]);
announce(0xc4, 0xc6, Kind.binary, [1, 2, 4]);
announce(0xca, 0xd3, Kind.scalar, [4, 8, 1, 2, 4, 8, 1, 2, 4, 8]);
announce(0xd9, 0xdb, Kind.text, [1, 2, 4]);
announce(0xdc, 0xdd, Kind.array, [2, 4]);
announce(0xde, 0xdf, Kind.map, [2, 4]);
announce(0xe0, 0xff, Kind.scalar, [0]);

/** Keys by which plain data would reach a prototype. */
export const PROTOTYPE_KEYS: readonly string[] = ["__proto__", "constructor", "prototype"];
const PROTOTYPE_KEY_BYTES = PROTOTYPE_KEYS.map((key) => new TextEncoder().encode(key));

/** Values still to come in each container around the current one; a map counts keys and values. */
const outerLeft = new Float64Array(DEPTH_MAX + 1);
/** 1 where that container is a map. */
const outerIsMap = new Uint8Array(DEPTH_MAX + 1);

/**
 * Undefined when `bytes` are exactly one value inside the limits, with string keys, no extension
 * type and no key that reaches a prototype; otherwise what is wrong with them.
 */
export function scan(bytes: Uint8Array, limits: FrameLimits): string | undefined {
  const end = bytes.length;
  let at = 0;
  let depth = 0;
  let left = 1;
  let isMap = 0;
  let elements = 1;
  let containers = 0;
  for (;;) {
    while (left === 0) {
      if (depth === 0) {
        if (at === end) return undefined;
        return at > end ? "ends too early" : "bytes after the value";
      }
      depth -= 1;
      left = outerLeft[depth];
      isMap = outerIsMap[depth];
    }
    if (at >= end) return "ends too early";
    const isKey = isMap === 1 && left % 2 === 0;
    left -= 1;
    const head = bytes[at];
    at += 1;
    const kind = KINDS[head];
    const size = SIZES[head];
    if (isKey && kind !== Kind.text) return "a key is not a string";
    if (kind === Kind.scalar) {
      at += size;
      continue;
    }
    if (kind === Kind.refused) return `byte 0x${head.toString(16)} is not allowed`;
    let length = LENGTHS[head];
    if (size > 0) {
      if (at + size > end) return "ends too early";
      length = bytes[at];
      for (let i = 1; i < size; i += 1) length = length * 256 + bytes[at + i];
      at += size;
    }
    if (kind === Kind.text || kind === Kind.binary) {
      if (length > limits.textBytes) return `text of ${length} bytes`;
      if (at + length > end) return "ends too early";
      if (isKey && (length === 9 || length === 11) && reachesPrototype(bytes, at, length)) {
        return "a key that reaches a prototype";
      }
      at += length;
      continue;
    }
    const values = kind === Kind.map ? length * 2 : length;
    elements += values;
    if (elements > limits.elements) return `more than ${limits.elements} elements`;
    if (kind === Kind.map && length > KEYS_MAX) return `a map of more than ${KEYS_MAX} keys`;
    containers += 1;
    if (containers > limits.containers) return `more than ${limits.containers} lists and maps`;
    if (depth >= limits.depth) return `deeper than ${limits.depth}`;
    outerLeft[depth] = left;
    outerIsMap[depth] = isMap;
    depth += 1;
    left = values;
    isMap = kind === Kind.map ? 1 : 0;
  }
}

/** Whether the key of `length` bytes at `at` is one of {@link PROTOTYPE_KEYS}. */
function reachesPrototype(bytes: Uint8Array, at: number, length: number): boolean {
  return PROTOTYPE_KEY_BYTES.some(
    (key) => key.length === length && key.every((byte, place) => bytes[at + place] === byte),
  );
}
