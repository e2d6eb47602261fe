/**
 * Which parts of the cluster a selector means: an id, a pattern, a failure domain, or some of those
 * drawn from the seed. A selector that matches nothing is an error, since a drill that breaks
 * nothing would pass.
 */
import { fitsGlob } from "../base/glob.ts";
import type { RandomStream } from "../base/random.ts";
import type { FaultKind } from "../model/fault.ts";
import type { Topology } from "../model/topology.ts";
import { targetKindsOf } from "./catalogue.ts";
import type { TargetKind } from "./catalogue-entry.ts";
import { DOMAINS, type Domain, TargetIndex } from "./target-index.ts";

/** What separates the parts of a link's name, `node0.nic0--plane0.leaf0`: no `*` crosses it. */
const LINK_MARKS = "->";

/** As a file writes it. */
export type Selector =
  | string
  | readonly string[]
  | { readonly draw: number; readonly from: string | readonly string[] };

/** Targets in the order of the selectors, and of the topology within one; each once. */
export type Selection =
  | { readonly ok: true; readonly targets: readonly string[] }
  | ({ readonly ok: false } & SelectionFailure);

/** Why a selector cannot be used. */
export interface SelectionFailure {
  readonly selector: string;
  /** The place in a list of selectors; undefined when there is one. */
  readonly place?: number;
  readonly why: "nothing" | "another-kind" | "refused" | "draw";
  /** What to say, with a stand-in for the selector: {@link messageOf} puts it in. */
  readonly template: string;
  /** The whole message, with the selector as it came. */
  readonly message: string;
  /** Words that may have been meant. */
  readonly words: Iterable<string>;
}

/** Stands for the selector in a template. */
const STAND_IN = "{}";

/** The message of a failure with the selector as it should be shown. */
export function messageOf({ template }: SelectionFailure, shown: string): string {
  return template.replace(STAND_IN, () => shown);
}

/** Looks targets up by what a fault or an intervention can hit. */
export class TargetFinder {
  readonly index: TargetIndex;

  /** `experts`: logical experts of the model; 0 when they are not known. */
  constructor(topology: Topology, { experts }: { readonly experts: number }) {
    this.index = new TargetIndex(topology, experts);
  }

  /** The targets that a selector means; a draw needs a stream. */
  find(kind: FaultKind, selector: Selector, random?: RandomStream): Selection {
    const lookup = { index: this.index, kind, kinds: targetKindsOf(kind) };
    if (typeof selector === "string" || isList(selector)) return selectAll(lookup, selector);
    const pool = selectAll(lookup, selector.from);
    if (!pool.ok) return pool;
    const { targets } = pool;
    const from = isList(selector.from) ? selector.from.join(", ") : selector.from;
    if (random === undefined) return failed(from, "refused", "a draw is not possible here", []);
    if (targets.length >= selector.draw) {
      return { ok: true, targets: drawn(targets, selector.draw, random) };
    }
    const text = `cannot draw ${selector.draw} of the ${targets.length} that '${STAND_IN}' matches`;
    return failed(from, "draw", text, []);
  }
}

/** What one selector is looked up in, and for. */
interface Lookup {
  readonly index: TargetIndex;
  readonly kind: FaultKind;
  readonly kinds: readonly TargetKind[];
}

function failed(
  selector: string,
  why: SelectionFailure["why"],
  template: string,
  words: Iterable<string>,
): { readonly ok: false } & SelectionFailure {
  const message = template.replace(STAND_IN, () => selector);
  return { ok: false, selector, why, template, message, words };
}

/** What a domain is called when there are several. */
const PLURALS: Readonly<Record<Domain, string>> = {
  plane: "planes",
  leaf: "leaves",
  spine: "spines",
  node: "nodes",
};

const isList = (selector: Selector): selector is readonly string[] => Array.isArray(selector);

/** `count` of the targets, each set equally likely, in their old order. */
function drawn(targets: readonly string[], count: number, random: RandomStream): string[] {
  const places = targets.map((_, place) => place);
  for (let place = 0; place < count; place += 1) {
    const other = place + random.below(places.length - place);
    [places[place], places[other]] = [places[other], places[place]];
  }
  return places
    .slice(0, count)
    .sort((left, right) => left - right)
    .map((place) => targets[place]);
}

function selectAll(lookup: Lookup, selectors: string | readonly string[]): Selection {
  if (typeof selectors === "string") return selectOne(lookup, selectors);
  const found = new Set<string>();
  for (const [place, selector] of selectors.entries()) {
    const selection = selectOne(lookup, selector);
    if (!selection.ok) return { ...selection, place };
    for (const target of selection.targets) found.add(target);
  }
  return { ok: true, targets: [...found] };
}

function selectOne(lookup: Lookup, selector: string): Selection {
  const { index, kind, kinds } = lookup;
  const [domain, value] = selector.split("=", 2);
  if (value !== undefined) return selectDomain(lookup, selector, domain, value);
  const name = kinds.includes("link") ? (index.linkAliases.get(selector) ?? selector) : selector;
  if (kinds.some((one) => index.ofKind(one).has(name))) return { ok: true, targets: [name] };
  if (selector.includes("*")) {
    const targets = matching(index, kinds, selector);
    return targets.length > 0 ? { ok: true, targets } : nothing(lookup, selector);
  }
  const other = index.kindOf(selector);
  if (other === undefined) return nothing(lookup, selector);
  const wanted = `${articleOf(kinds[0])} ${kinds.join(" or ")}`;
  const text = `${kind} takes ${wanted}, '${STAND_IN}' is ${articleOf(other)} ${other}`;
  return failed(selector, "another-kind", text, []);
}

/** Names that fit a pattern; a link's ends may stand in either order. */
function matching(
  index: TargetIndex,
  kinds: readonly TargetKind[],
  pattern: string,
): readonly string[] {
  const found = new Set<string>();
  for (const kind of kinds) {
    const names: Iterable<readonly [string, string]> =
      kind === "link"
        ? index.linkAliases
        : [...index.ofKind(kind).keys()].map((name) => [name, name] as const);
    for (const [alias, name] of names) if (fitsGlob(pattern, alias, LINK_MARKS)) found.add(name);
  }
  return [...found];
}

/** Everything of the first kind in a failure domain: `plane=3`, `leaf=plane3.leaf0`, `node=2`. */
function selectDomain(lookup: Lookup, selector: string, domain: string, value: string): Selection {
  const { index, kinds } = lookup;
  if (domain === "host") {
    const why = "faults hit emulated parts, and which host runs them is not modelled";
    return failed(selector, "refused", `selector '${STAND_IN}' is refused: ${why}`, []);
  }
  const known = DOMAINS.find((name) => name === domain);
  if (known === undefined) {
    const text = `selector '${STAND_IN}' names no domain; domains are ${DOMAINS.join(", ")}`;
    return failed(
      selector,
      "refused",
      text,
      DOMAINS.map((name) => `${name}=${value}`),
    );
  }
  for (const kind of kinds) {
    const targets: string[] = [];
    for (const [name, membership] of index.ofKind(kind)) {
      if (membership[known].includes(value)) targets.push(name);
    }
    if (targets.length > 0) return { ok: true, targets };
  }
  const values = [...index.ofKind(known).keys()].map((name) =>
    known === "plane" || known === "node" ? name.slice(known.length) : name,
  );
  if (values.length === 0 || values.includes(value)) return nothing(lookup, selector);
  const exists = `${PLURALS[known]} ${spanOf(values)}`;
  const text = `selector '${STAND_IN}' matches no ${kinds.join(" or ")} (${exists})`;
  return failed(
    selector,
    "nothing",
    text,
    values.map((one) => `${known}=${one}`),
  );
}

function nothing({ index, kinds }: Lookup, selector: string): Selection {
  const exists = kinds.map((kind) => rangeOf(index, kind)).join(", ");
  const text = `selector '${STAND_IN}' matches no ${kinds.join(" or ")} (${exists})`;
  return failed(selector, "nothing", text, wordsOf(index, kinds));
}

/** All names of the kinds, of links in either order. */
function* wordsOf(index: TargetIndex, kinds: readonly TargetKind[]): Iterable<string> {
  for (const kind of kinds) {
    yield* kind === "link" ? index.linkAliases.keys() : index.ofKind(kind).keys();
  }
}

/** What there is of a kind, shortly: `node0.nic0..node3.nic7`, `such as a--b`. */
function rangeOf(index: TargetIndex, kind: TargetKind): string {
  const names = [...index.ofKind(kind).keys()];
  if (kind !== "link" && kind !== "direction") return spanOf(names);
  const example = names.find((name) => /nic.*leaf/.test(name)) ?? names[0];
  return example === undefined ? "there is none" : `such as ${example}`;
}

function spanOf(names: readonly string[]): string {
  if (names.length === 0) return "there is none";
  return names.length === 1 ? names[0] : `${names[0]}..${names[names.length - 1]}`;
}

/** `a` or `an`, as the kind is spoken. */
export function articleOf(kind: TargetKind): string {
  return kind === "expert" || kind === "nvswitch" ? "an" : "a";
}
