/**
 * Did you mean: the nearest of the allowed words to one that is not allowed. Small on purpose; the
 * words are keys and names, not prose.
 */

/** Most edits between a word and the suggestion for it. */
const SUGGEST_WITHIN = 2;

/** Longer words are never compared: they are no slip of the finger. */
const LONGEST_WORD = 64;

/**
 * Insertions, deletions, replacements and swaps of neighbours that lead from `left` to `right`;
 * some number above `most` when there are more than that.
 */
export function editDistance(left: string, right: string, most = LONGEST_WORD): number {
  const width = right.length + 1;
  const rows = new Uint16Array((left.length + 1) * width);
  for (let i = 0; i <= left.length; i += 1) rows[i * width] = i;
  for (let j = 0; j < width; j += 1) rows[j] = j;
  let leastAbove = 0;
  for (let i = 1; i <= left.length; i += 1) {
    let leastHere = i;
    for (let j = 1; j < width; j += 1) {
      const here = i * width + j;
      const replaced = rows[here - width - 1] + (left[i - 1] === right[j - 1] ? 0 : 1);
      let best = Math.min(rows[here - width] + 1, rows[here - 1] + 1, replaced);
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]) {
        best = Math.min(best, rows[here - 2 * width - 2] + 1);
      }
      rows[here] = best;
      if (best < leastHere) leastHere = best;
    }
    // Rows only grow, and a swap reaches two rows back: nothing can come down again.
    if (leastHere > most && leastAbove > most) return leastHere;
    leastAbove = leastHere;
  }
  return rows[left.length * width + width - 1];
}

/**
 * The allowed word nearest to `word`, within two edits and less than its length; the first of
 * equals.
 */
export function nearest(word: string, allowed: Iterable<string>): string | undefined {
  if (word.length > LONGEST_WORD) return undefined;
  const lower = word.toLowerCase();
  let found: string | undefined;
  let least = Math.min(SUGGEST_WITHIN, word.length - 1) + 1;
  for (const candidate of allowed) {
    if (Math.abs(candidate.length - word.length) > SUGGEST_WITHIN) continue;
    const distance = editDistance(lower, candidate.toLowerCase(), least - 1);
    if (distance >= least) continue;
    least = distance;
    found = candidate;
  }
  return found;
}

/** `did you mean 'planes'?`, or undefined. */
export function didYouMean(word: string, allowed: Iterable<string>): string | undefined {
  const found = nearest(word, allowed);
  return found === undefined ? undefined : `did you mean '${found}'?`;
}
