/**
 * Where a text stops being JSON. JSON.parse says it in words that differ between engines, or not at
 * all; people need the line. Only called for a text that was refused, so it need not be fast.
 */

/** A sign, or a value that is no text. */
const TOKEN =
  /(?:([{}[\],:])|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.]))/y;
const SPACE = /[ \t\r\n]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** What may come next: a value, a value or the end of a list, a key, ... */
type Next = "value" | "value or ]" | "key" | "key or }" | ":" | ", or end";

/** Place of the first character that JSON does not allow; the text's end if it stops early. */
export function jsonFaultAt(text: string): number {
  const open: string[] = [];
  let next: Next = "value";
  for (let at = 0; ; ) {
    SPACE.lastIndex = at;
    SPACE.exec(text);
    const start = SPACE.lastIndex;
    const isText = text[start] === '"';
    TOKEN.lastIndex = start;
    const match = isText ? null : TOKEN.exec(text);
    const end = isText ? endOfText(text, start) : match === null ? -1 : TOKEN.lastIndex;
    if (end < 0) return start;
    const following = afterToken(match?.[1], isText, next, open);
    if (following === undefined) return start;
    next = following;
    at = end;
  }
}

/** Where the text in quotes ends that begins at `start`; -1 when it does not, or is not allowed. */
function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; ) {
    const sign = text[at];
    if (sign === '"') return at + 1;
    if (sign < " ") return -1;
    if (sign === "\\") {
      ESCAPE.lastIndex = at;
      if (ESCAPE.exec(text) === null) return -1;
      at = ESCAPE.lastIndex;
    } else at += 1;
  }
  return -1;
}

/** What may follow a sign, text or another value where `next` was due; undefined: it may not. */
function afterToken(
  sign: string | undefined,
  isText: boolean,
  next: Next,
  open: string[],
): Next | undefined {
  const inObject = open.at(-1) === "{";
  const isValueDue = next === "value" || next === "value or ]";
  switch (sign) {
    case "[":
    case "{":
      if (!isValueDue) return undefined;
      open.push(sign);
      return sign === "[" ? "value or ]" : "key or }";
    case "]":
    case "}": {
      const isEmpty = next === (inObject ? "key or }" : "value or ]");
      if (inObject !== (sign === "}") || !(isEmpty || next === ", or end")) return undefined;
      open.pop();
      return ", or end";
    }
    case ",":
      if (next !== ", or end" || open.length === 0) return undefined;
      return inObject ? "key" : "value";
    case ":":
      return next === ":" ? "value" : undefined;
    default:
      if (isValueDue) return ", or end";
      return isText && (next === "key" || next === "key or }") ? ":" : undefined;
  }
}
