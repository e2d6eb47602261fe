/**
 * Text that came from elsewhere, made safe to show: nothing in it may move a terminal's cursor,
 * change colours or turn a line around, in a terminal or in a file that is shown in one.
 */

/** C0, DEL, C1, line and paragraph separators, bidirectional controls, the BOM, lone surrogates. */
const UNPRINTABLE =
  /[\p{Cc}\u061c\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udfff]/gu;

/** `text` with every such character as \uXXXX, line feeds too; its length is not limited. */
export function escapeControls(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
