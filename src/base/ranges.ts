/** Whole numbers for people to read. */

/** A whole number with its digits in groups of three: `1,234,567`. */
export function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Whole numbers as ranges, ascending: `0-2, 5, 7-9`. */
export function rangesOf(numbers: Iterable<number>): string {
  const sorted = [...numbers].sort((left, right) => left - right);
  const parts: string[] = [];
  for (let from = 0; from < sorted.length; ) {
    let until = from;
    while (sorted[until + 1] === sorted[until] + 1) until += 1;
    parts.push(until === from ? `${sorted[from]}` : `${sorted[from]}-${sorted[until]}`);
    from = until + 1;
  }
  return parts.join(", ");
}
