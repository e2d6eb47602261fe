/**
 * What there is to say of an element of the fleet: its name, what is wrong with it, how much it
 * carries, and what can be done to it. Pure.
 */
import { listed } from "../../../src/base/words.ts";
import { formatTime } from "../../../src/model/time.ts";
import type { FaultKindView, FaultView, StateView } from "../../../src/observe/view-api.ts";
import { elementOf, expertOf, type FleetElement, nameOf, targetKindsOf } from "./element.ts";
import type { Bundle, FleetIndex } from "./fleet-index.ts";
import { actorsOf, faultsOn, type Mark, markOf } from "./marks.ts";
import { type FleetUse, formatRate, type Rate } from "./use.ts";

/** Something that is wrong, with the mark that the picture has for it. */
export interface Trouble {
  readonly mark: Mark | "masked";
  readonly text: string;
}

/** What goes over some links in one direction. */
export interface Flow {
  readonly label: string;
  readonly rate: Rate;
}

export interface Description {
  readonly name: string;
  /** What it is, in a few words. */
  readonly about: string;
  readonly troubles: readonly Trouble[];
  readonly flows: readonly Flow[];
}

/** Flows that are told of one element at most: the busiest. */
const FLOWS_MAX = 6;

export function describe(
  element: FleetElement,
  { index, state, use }: { index: FleetIndex; state: StateView; use: FleetUse },
): Description {
  const faults = faultsOn(element, state, index).map(troubleOf);
  return {
    name: nameOf(element, index),
    about: aboutOf(element, index),
    troubles: [...faults, ...rankTroubles(element, state, index)],
    flows: flowsOf(element, index, use),
  };
}

function aboutOf(element: FleetElement, index: FleetIndex): string {
  const { actors, lanes } = index.run;
  switch (element.type) {
    case "actor": {
      const { actor } = element;
      const plane = actors.plane[actor];
      const on = plane < 0 ? "" : `, ${index.planeWord} ${plane}`;
      if (actors.node[actor] < 0) return `${KIND_WORDS[actors.kind[actor]]}${on}`;
      const has = expertWords(index.expertsOf(actor));
      return `${KIND_WORDS[actors.kind[actor]]} of node ${actors.node[actor]}${on}${has}`;
    }
    case "links": {
      const { links, up } = index.bundles[element.bundle];
      const rate = formatRate(8 * (lanes.bytesPerSecond[up[0]] ?? 0));
      return links.length === 1
        ? `link, ${rate} each way`
        : `${links.length} links in parallel, ${rate} each, each way`;
    }
    case "node": {
      const { gpus, nics } = index.nodes[element.node];
      return `server with ${gpus.length} GPUs, ${nics.length} NICs`;
    }
    case "plane": {
      const { leaves, spines } = index.planes[element.plane];
      const leafWord = leaves.length === 1 ? "leaf" : "leaves";
      const above = spines.length === 0 ? "" : `, ${spines.length} spines`;
      return `network ${index.planeWord}, ${leaves.length} ${leafWord}${above}`;
    }
  }
}

/** `, experts 24 to 31`; with many, which the layers have elsewhere, their number. */
function expertWords(experts: readonly number[]): string {
  const [first, last] = [experts.at(0), experts.at(-1)];
  if (first === undefined || last === undefined) return "";
  if (experts.length === 1) return `, expert ${first}`;
  const isBlock = last - first === experts.length - 1;
  return isBlock ? `, experts ${first} to ${last}` : `, ${experts.length} experts over all layers`;
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  gpu: "GPU",
  nic: "NIC",
  nvswitch: "NVSwitch",
  leaf: "leaf switch",
  spine: "spine switch",
  controller: "recovery controller",
};

function troubleOf(fault: FaultView): Trouble {
  const until = fault.untilPs === null ? "" : `, until ${formatTime(fault.untilPs)}`;
  const kind = fault.kind === fault.fault ? "" : ` (${fault.kind})`;
  const hard = fault.permille === 0 ? ", pauses" : hardness(fault.permille);
  const mark = fault.kind === "masked" ? "masked" : markOf(fault);
  return { mark, text: `${fault.fault}${kind}${hard}${until}` };
}

/** How hard a fault hits, when that is not whole. */
export function hardness(permille: number): string {
  return permille === 1000 ? "" : `, at ${permille / 10} %`;
}

/** What other ranks make of the GPUs that an element is, or has. */
function rankTroubles(element: FleetElement, state: StateView, index: FleetIndex): Trouble[] {
  if (element.type === "links" || element.type === "plane") return [];
  const own = new Set(actorsOf(element, index).map((actor) => index.run.actors.id[actor]));
  const isOne = element.type === "actor";
  const troubles: Trouble[] = state.masked
    .filter(({ rank }) => own.has(rank))
    .map(({ rank, by, faults }) => {
      const who = isOne ? "" : `${rank} `;
      const why = faults.length === 0 ? "" : ` (${listed(faults)})`;
      const text = `${who}masked by ${by} ${by === 1 ? "rank" : "ranks"}${why}`;
      return { mark: "masked" as const, text };
    });
  for (const [ranks, word] of [
    [state.trapped, "trapped"],
    [state.out, "out of its group"],
  ] as const) {
    for (const rank of ranks) {
      if (own.has(rank)) troubles.push({ mark: "out", text: isOne ? word : `${rank} ${word}` });
    }
  }
  return troubles;
}

function flowsOf(element: FleetElement, index: FleetIndex, use: FleetUse): Flow[] {
  switch (element.type) {
    case "links": {
      const { lower, upper, up, down } = index.bundles[element.bundle];
      const { id } = index.run.actors;
      return [
        { label: `to ${id[upper]}`, rate: use.ofLanes(up) },
        { label: `to ${id[lower]}`, rate: use.ofLanes(down) },
      ];
    }
    case "actor":
      return flowsOfActor(element.actor, index, use);
    default:
      return sumsOf(actorsOf(element, index), index, use, element.type);
  }
}

/** Both directions of each of its links; of a switch with many: the busiest, after the sums. */
function flowsOfActor(actor: number, index: FleetIndex, use: FleetUse): Flow[] {
  const { id, kind } = index.run.actors;
  const bundles = index
    .bundlesOf(actor)
    .map((place) => index.bundles[place])
    .filter(({ upper }) => kind[upper] !== "controller");
  const flows = bundles.flatMap((bundle) => {
    const [out, back] = outAndBack(bundle, actor);
    const peer = id[bundle.lower === actor ? bundle.upper : bundle.lower];
    return [
      { label: `to ${peer}`, rate: use.ofLanes(out) },
      { label: `from ${peer}`, rate: use.ofLanes(back) },
    ];
  });
  if (flows.length <= FLOWS_MAX) return flows;
  const busiest = flows.toSorted((left, right) => right.rate.permille - left.rate.permille);
  return [...sumsOf([actor], index, use, "switch"), ...busiest.slice(0, FLOWS_MAX - 2)];
}

/** What leaves and reaches some actors over links to others that are not among them. */
function sumsOf(
  actors: readonly number[],
  index: FleetIndex,
  use: FleetUse,
  type: "node" | "plane" | "switch",
): Flow[] {
  const own = new Set(actors);
  const { kind } = index.run.actors;
  const [out, back]: [number[], number[]] = [[], []];
  for (const actor of actors) {
    for (const place of index.bundlesOf(actor)) {
      const bundle = index.bundles[place];
      const other = bundle.lower === actor ? bundle.upper : bundle.lower;
      if (own.has(other) || kind[other] === "controller") continue;
      const [away, here] = outAndBack(bundle, actor);
      out.push(...away);
      back.push(...here);
    }
  }
  const [there, here] =
    type === "node" ? ["to the network", "from the network"] : ["sent", "received"];
  return [
    { label: there, rate: use.ofLanes(out) },
    { label: here, rate: use.ofLanes(back) },
  ];
}

function outAndBack({ lower, up, down }: Bundle, actor: number): readonly (readonly number[])[] {
  return lower === actor ? [up, down] : [down, up];
}

/** Kinds of fault that can hit an element. */
export function kindsFor(element: FleetElement, index: FleetIndex): readonly FaultKindView[] {
  const own = targetKindsOf(element, index);
  return index.run.faultKinds.filter(({ targets }) => targets.some((kind) => own.includes(kind)));
}

/** Kinds of fault that can hit what has this name; none: nothing has it. */
export function kindsOfTarget(name: string, index: FleetIndex): readonly FaultKindView[] {
  const expert = expertOf(name);
  if (expert !== undefined && index.holdersOf(expert).length > 0) {
    return index.run.faultKinds.filter(({ targets }) => targets.includes("expert"));
  }
  const element = elementOf(name, index);
  return element === undefined ? [] : kindsFor(element, index);
}

/** Names that complete what was typed as a target; what begins with it first. */
export function completions(text: string, index: FleetIndex, most = 40): readonly string[] {
  const { id } = index.run.actors;
  const wholes = [
    ...index.nodes.map((_, node) => `node${node}`),
    ...index.planes.map((_, plane) => `plane${plane}`),
  ];
  const network = index.bundles
    .filter(({ lower }) => index.run.actors.kind[lower] !== "gpu")
    .flatMap(({ links }) => links);
  const begin: string[] = [];
  const inside: string[] = [];
  const experts = new Set(index.run.experts.flat());
  const named = [...experts].sort((one, other) => one - other).map((expert) => `expert${expert}`);
  for (const name of [...wholes, ...id, ...network, ...named]) {
    if (name.startsWith(text)) begin.push(name);
    else if (text !== "" && inside.length < most && name.includes(text)) inside.push(name);
    if (begin.length >= most) break;
  }
  return [...begin, ...inside].slice(0, most);
}
