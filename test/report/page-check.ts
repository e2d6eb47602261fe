/**
 * Reads a page of ours as strictly as XML is read, and says what is wrong with it: tags that do not
 * match, anything that loads or runs something, ids that come twice, words that are no number.
 */

/** Tags that have no end. */
const VOID = new Set(["meta", "link", "br", "!doctype"]);
/** What may not be in a page. */
const FORBIDDEN_TAGS = ["script", "iframe", "object", "embed", "img", "form", "base", "a-"];

/** Everything that is wrong with a page, in words. */
export function pageProblems(page: string): string[] {
  const problems: string[] = [];
  const open: string[] = [];
  const ids = new Set<string>();
  const tags = /<(\/?)([!a-zA-Z][\w-]*)((?:\s+[\w-]+(?:="[^"<>]*")?)*)\s*(\/?)>/g;
  let at = 0;
  for (const match of page.matchAll(tags)) {
    const [whole, end, name, attributes, selfEnd] = match;
    const between = page.slice(at, match.index);
    if (/[<>]/.test(between)) problems.push(`markup between tags: ${between.slice(0, 80)}`);
    at = match.index + whole.length;
    if (FORBIDDEN_TAGS.includes(name.toLowerCase())) problems.push(`a <${name}>`);
    if (/\son\w+=/i.test(attributes)) problems.push(`a handler in ${whole}`);
    const loads = /\s(?:src|href|srcset|data|action|xlink:href)="([^"]*)"/i.exec(attributes)?.[1];
    if (loads !== undefined && loads !== "data:," && !/^[\w%.-]+\/report\.html$/.test(loads)) {
      problems.push(`${whole} leads elsewhere`);
    }
    const id = /\sid="([^"]*)"/.exec(attributes)?.[1];
    if (id !== undefined && ids.has(id)) problems.push(`id ${id} comes twice`);
    if (id !== undefined) ids.add(id);
    if (/\b(?:NaN|Infinity|undefined)\b/.test(attributes)) problems.push(`no number in ${whole}`);
    if (end === "/") {
      const last = open.pop();
      if (last !== name) problems.push(`</${name}> ends <${last}>`);
    } else if (selfEnd !== "/" && !VOID.has(name.toLowerCase())) open.push(name);
  }
  if (open.length > 0) problems.push(`<${open.join(">, <")}> never ended`);
  const text = page.replace(/<style>.*?<\/style>/s, "").replace(/<[^>]*>/g, " ");
  const word = /\b(?:NaN|Infinity|undefined|\[object \w+\])\b/.exec(text);
  if (word !== null) problems.push(`'${word[0]}' in the text`);
  if (!page.includes(POLICY)) problems.push("no policy against loading");
  const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? "";
  if (/url\((?!#)|@import/.test(style)) problems.push("a style that loads something");
  return problems;
}

const POLICY =
  '<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; ' +
  'style-src &#39;unsafe-inline&#39;; img-src data:">';
