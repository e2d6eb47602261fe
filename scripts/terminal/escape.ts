/**
 * Text that came from elsewhere, made safe for a terminal: nothing in it may move the cursor,
 * change colours or turn the line around.
 */

/** C0, DEL, C1, line separators, zero-width and bidirectional controls, lone surrogates. */
const UNPRINTABLE =
  /[\p{Cc}\u061c\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff]|[\ud800-\udfff]/gu;

/** `text` with every control character as \uXXXX; its length is not limited. */
export function escapeControls(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
