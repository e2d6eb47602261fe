/** Patterns for names: `*` stands for any run of characters, none included. */

/**
 * Whether `name` fits `pattern`; `*` stands for none of the characters `marks`. Its work grows with
 * the product of the lengths, whatever the pattern.
 */
export function fitsGlob(pattern: string, name: string, marks = ""): boolean {
  let at = 0;
  let here = 0;
  let star = -1;
  let tried = 0;
  while (here < name.length) {
    if (pattern[at] === "*") {
      star = at;
      tried = here;
      at += 1;
    } else if (pattern[at] === name[here]) {
      at += 1;
      here += 1;
    } else {
      if (star < 0 || marks.includes(name[tried])) return false;
      tried += 1;
      here = tried;
      at = star + 1;
    }
  }
  while (pattern[at] === "*") at += 1;
  return at === pattern.length;
}
