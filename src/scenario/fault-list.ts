/**
 * The faults of a scenario: names, times and targets. A target is an id of the emulated cluster;
 * one that matches nothing is an error, since a drill that breaks nothing would pass.
 */
import type { FaultSpec } from "../model/fault.ts";
import type { ClusterSpec } from "../model/scenario.ts";
import type { ActorKind, Topology } from "../model/topology.ts";
import { escapeText } from "./problem.ts";
import type { ProblemList } from "./problem-list.ts";
import type { FaultFields } from "./schema.ts";
import { didYouMean } from "./suggest.ts";
import { timeAt } from "./units.ts";
import type { DocumentPath, TextTree } from "./yaml-text.ts";

/** What a fault's targets are looked up in. Without a topology, targets are taken on trust. */
export interface FaultContext {
  readonly cluster: ClusterSpec;
  readonly topology: Topology | undefined;
  readonly tree: TextTree;
  /** End of the run, ps; undefined when it is not known. */
  readonly timeLimitPs: number | undefined;
  /** The end as the user wrote it. */
  readonly timeLimitText: string;
}

/** What each kind of fault breaks. */
const TARGET_KIND = { "nic-down": "nic", "gpu-dead": "gpu", "link-down": "link" } as const;

/** Faults of the file; `places` says where in the file's list each of them stands. */
export function readFaults(
  faults: readonly FaultFields[],
  places: readonly number[],
  context: FaultContext,
  problems: ProblemList,
): readonly FaultSpec[] {
  const finder = context.topology && new TargetFinder(context.topology, context.cluster);
  const lineOfName = new Map<string, number>();
  return faults.map((fault, index) => {
    const path: DocumentPath = ["faults", places[index]];
    const name = fault.name ?? `f${places[index] + 1}`;
    const { line } = context.tree.valueMark(fault.name === undefined ? path : [...path, "name"]);
    const before = lineOfName.get(name);
    if (before !== undefined) {
      const message = `fault '${name}' defined twice (lines ${before}, ${line})`;
      problems.add("E021", [...path, "name"], message);
    } else lineOfName.set(name, line);
    const atPs = onsetOf(fault, name, path, context, problems);
    const healAtPs = healOf(fault, name, atPs, path, problems);
    const heal = healAtPs === undefined ? {} : { healAtPs };
    const selectors = typeof fault.target === "string" ? [fault.target] : fault.target;
    const targets = selectors.map((selector, place) => {
      const here = typeof fault.target === "string" ? ["target"] : ["target", place];
      return finder?.find(fault.kind, selector, [...path, ...here], problems) ?? selector;
    });
    if (fault.kind === "link-down" && targets.length > 1) {
      const message = `link-down takes one link, got ${targets.length}`;
      const hint = "write a fault for each link";
      problems.add("E026", [...path, "target"], message, { hint });
    }
    return { name, kind: fault.kind, targets: [...new Set(targets)], atPs: atPs ?? 0, ...heal };
  });
}

/** When a fault begins, ps. */
function onsetOf(
  fault: FaultFields,
  name: string,
  path: DocumentPath,
  context: FaultContext,
  problems: ProblemList,
): number | undefined {
  const atPs = timeAt([...path, "at"], fault.at, 0, problems);
  const { timeLimitPs, timeLimitText } = context;
  if (atPs !== undefined && timeLimitPs !== undefined && atPs >= timeLimitPs) {
    const message = `fault ${name} at ${fault.at}, run ends at ${timeLimitText}`;
    problems.add("E025", [...path, "at"], message);
  }
  return atPs;
}

/** When it heals, ps; a dead GPU never does. */
function healOf(
  fault: FaultFields,
  name: string,
  atPs: number | undefined,
  path: DocumentPath,
  problems: ProblemList,
): number | undefined {
  const healKey = fault.heal === undefined ? "healAfter" : "heal";
  if (fault.kind === "gpu-dead" && fault[healKey] !== undefined) {
    const message = `${name}: gpu-dead does not heal; a dead GPU stays dead in this version`;
    const hint = "use nic-down or link-down for something that comes back";
    problems.add("E028", [...path, healKey], message, { hint });
    return undefined;
  }
  if (fault.heal !== undefined && fault.healAfter !== undefined) {
    problems.add("E028", [...path, "healAfter"], "give heal or healAfter, not both");
    return undefined;
  }
  if (fault.healAfter !== undefined) {
    const spanPs = timeAt([...path, "healAfter"], fault.healAfter, 1, problems);
    return spanPs === undefined || atPs === undefined ? undefined : atPs + spanPs;
  }
  if (fault.heal === undefined) return undefined;
  const healAtPs = timeAt([...path, "heal"], fault.heal, 0, problems);
  if (healAtPs !== undefined && atPs !== undefined && healAtPs <= atPs) {
    const message = `${name} heals at ${fault.heal}, but begins at ${fault.at}`;
    const hint = "heal is a virtual time; a duration is healAfter";
    problems.add("E028", [...path, "heal"], message, { hint });
  }
  return healAtPs;
}

/** Looks targets up by id. */
class TargetFinder {
  readonly #kinds: ReadonlyMap<string, ActorKind>;
  readonly #topology: Topology;
  readonly #cluster: ClusterSpec;
  /** Canonical link id by either order of its ends; made when the first link is asked for. */
  #links: ReadonlyMap<string, string> | undefined;

  constructor(topology: Topology, cluster: ClusterSpec) {
    this.#topology = topology;
    this.#cluster = cluster;
    this.#kinds = new Map(topology.actors.map(({ id, kind }) => [id, kind]));
  }

  /** The id that a selector means; undefined, with a problem, when there is none. */
  find(
    fault: keyof typeof TARGET_KIND,
    selector: string,
    path: DocumentPath,
    problems: ProblemList,
  ): string | undefined {
    const wanted = TARGET_KIND[fault];
    const shown = escapeText(selector);
    const kind = this.#kinds.get(selector);
    if (wanted !== "link" && kind === wanted) return selector;
    const link = kind === undefined ? this.#linkOf(selector) : undefined;
    if (wanted === "link" && link !== undefined) return link;
    const found = kind ?? (link === undefined ? undefined : "link");
    if (found !== undefined) {
      problems.add("E026", path, `${fault} takes a ${wanted}, '${shown}' is a ${found}`);
      return undefined;
    }
    const hint = didYouMean(selector, this.#idsOf(wanted));
    const message = `selector '${shown}' matches no ${wanted} (${this.#rangeOf(wanted)})`;
    problems.add("E026", path, message, { hint });
    return undefined;
  }

  #idsOf(kind: ActorKind | "link"): Iterable<string> {
    if (kind === "link") return this.#allLinks().keys();
    return this.#topology.actors.filter((actor) => actor.kind === kind).map(({ id }) => id);
  }

  #rangeOf(kind: "nic" | "gpu" | "link"): string {
    if (kind === "link") return "such as node0.nic0--plane0.leaf0";
    const { nodes, gpusPerNode } = this.#cluster;
    return `node0.${kind}0..node${nodes - 1}.${kind}${gpusPerNode - 1}`;
  }

  #linkOf(selector: string): string | undefined {
    return selector.includes("--") ? this.#allLinks().get(selector) : undefined;
  }

  #allLinks(): ReadonlyMap<string, string> {
    if (this.#links !== undefined) return this.#links;
    const links = new Map<string, string>();
    for (const { link, from, to } of this.#topology.lanes) {
      const near = this.#topology.actors[from].id;
      const far = this.#topology.actors[to].id;
      const ends = `${near}--${far}`;
      if (!link.startsWith(ends)) continue;
      links.set(link, link);
      links.set(`${far}--${near}${link.slice(ends.length)}`, link);
    }
    this.#links = links;
    return links;
  }
}
