/** The places of index.html that the page fills. */

/** The element of this id. Throws when index.html and the page do not fit. */
export function part(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page lacks #${id}`);
  return found;
}
