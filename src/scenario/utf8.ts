/**
 * Bytes of a user's file to text, strictly: size cap, valid UTF-8, no NUL. A wrong byte is named by
 * its place instead of becoming a replacement character that a reader then wonders about.
 */

/** Largest scenario or model file, bytes. */
export const TEXT_LIMIT_BYTES = 1024 * 1024;

/**
 * Place of the first byte that is not UTF-8, or -1. Overlong forms, surrogates and > U+10FFFF are
 * not.
 */
export function firstBadByte(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at];
    if (lead < 0x80) {
      at += 1;
      continue;
    }
    const more =
      lead >= 0xc2 && lead <= 0xdf
        ? 1
        : (lead & 0xf0) === 0xe0
          ? 2
          : lead >= 0xf0 && lead <= 0xf4
            ? 3
            : 0;
    if (more === 0 || at + more >= bytes.length) return at;
    const second = bytes[at + 1];
    if (lead === 0xe0 && second < 0xa0) return at;
    if (lead === 0xed && second > 0x9f) return at;
    if (lead === 0xf0 && second < 0x90) return at;
    if (lead === 0xf4 && second > 0x8f) return at;
    for (let next = at + 1; next <= at + more; next += 1) {
      if ((bytes[next] & 0xc0) !== 0x80) return at;
    }
    at += more + 1;
  }
  return -1;
}

/** Why bytes are not text that we read: the code and the message of the problem. */
export interface TextFault {
  readonly ok: false;
  readonly code: "E002" | "E003";
  readonly message: string;
  readonly hint: string;
}

/** `12 MiB`, `1.1 MiB`: rounded up, so that no size over the limit reads as the limit. */
function mebibytes(bytes: number): string {
  const tenths = Math.ceil((bytes / TEXT_LIMIT_BYTES) * 10);
  return `${tenths >= 100 ? Math.ceil(tenths / 10) : tenths / 10} MiB`;
}

/** Text of a file of at most `limit` bytes, without its byte order mark. */
export function textOf(
  bytes: Uint8Array,
  limit = TEXT_LIMIT_BYTES,
): { readonly ok: true; readonly text: string } | TextFault {
  if (bytes.length > limit) {
    const message = `file is ${mebibytes(bytes.length)}; limit ${mebibytes(limit)}`;
    return { ok: false, code: "E002", message, hint: "is it the right file?" };
  }
  const hint = "save the file as UTF-8";
  const bad = firstBadByte(bytes);
  if (bad >= 0) return { ok: false, code: "E003", message: `byte ${bad} is not UTF-8`, hint };
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    return { ok: false, code: "E003", message: `byte ${nul} is NUL, which is not text`, hint };
  }
  return { ok: true, text: new TextDecoder("utf-8").decode(bytes) };
}
