/**
 * What an operator or a drill does to a random run, and a director that does it: faults that the
 * run learns of only then, early ends, reactions to what was seen, and sometimes the end.
 */
import type { JournalOrder } from "../../cluster/journal-orders.ts";
import type { RandomStream } from "../../src/base/random.ts";
import type { Director, Orders } from "../../src/model/director.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { FaultHeal, FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { NEVER_PS } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { chance, logUniformWhole, pick } from "./draw.ts";
import { isIntervention } from "./draw-faults.ts";
import type { FleetClock } from "./fleet-clock.ts";

/** One thing that is ordered at an instant. */
export type SwarmOrder = { readonly name: string; readonly atPs: number } & (
  | { readonly type: "inject"; readonly fault: FaultSpec }
  | { readonly type: "heal"; readonly fault: string }
  /** Ends whatever was seen to begin last. */
  | { readonly type: "heal-latest" }
  /** Masks or drains a rank that depends on how many facts were seen: on every one of them. */
  | { readonly type: "react"; readonly kind: "masked" | "drained"; readonly spanPs: number }
  | { readonly type: "stop" }
);

/** Faults of the scenario, and orders. */
export interface SwarmPlan {
  readonly known: readonly FaultSpec[];
  readonly orders: readonly SwarmOrder[];
}

/** Lets an operator order some of the faults and end some of them; half of the runs have none. */
export function drawPlan(
  faults: readonly FaultSpec[],
  clock: FleetClock,
  random: RandomStream,
): SwarmPlan {
  const isOperated = chance(random, 50);
  const known: FaultSpec[] = [];
  const orders: SwarmOrder[] = [];
  for (const fault of faults) {
    const isOrdered = chance(random, isIntervention(fault.kind) ? 80 : isOperated ? 30 : 0);
    if (!isOrdered) known.push(fault);
    else {
      const { atPs, name } = fault;
      const aheadPs = chance(random, 30) ? Math.floor(atPs * random.unit()) : atPs;
      orders.push({ name, atPs: aheadPs, type: "inject", fault });
    }
  }
  if (isOperated) {
    const drawn = [...drawHeals(faults, random), ...drawReactions(clock, random)];
    orders.push(...drawn.map((order, place) => ({ ...order, name: `o${place}` })));
  }
  return { known, orders };
}

/** A plain union member without its name. */
type Unnamed = SwarmOrder extends infer Order
  ? Order extends SwarmOrder
    ? Omit<Order, "name">
    : never
  : never;

/** Early, late, before the onset, and twice. */
function drawHeals(faults: readonly FaultSpec[], random: RandomStream): Unnamed[] {
  return faults.flatMap(({ name, atPs, healAtPs = atPs * 3 }) => {
    if (!chance(random, 30)) return [];
    const spanPs = healAtPs - atPs;
    const healPs = chance(random, 10)
      ? Math.floor(atPs * random.unit())
      : atPs + logUniformWhole(random, Math.max(1, spanPs / 1_000), spanPs * 1.5);
    const heal: Unnamed = { atPs: healPs, type: "heal", fault: name };
    if (!chance(random, 25)) return [heal];
    const againPs = healPs + (chance(random, 50) ? 0 : Math.ceil(spanPs * random.unit()));
    return [heal, { ...heal, atPs: againPs }];
  });
}

function drawReactions(clock: FleetClock, random: RandomStream): Unnamed[] {
  const { lengthPs, warmPs } = clock;
  const instant = (): number => Math.ceil(warmPs + (lengthPs * 2 - warmPs) * random.unit());
  const reactions: Unnamed[] = [];
  for (let left = random.below(3); left > 0; left -= 1) {
    const kind = pick(random, ["masked", "drained"] as const);
    const spanPs = logUniformWhole(random, Math.max(2, lengthPs / 1_000), lengthPs * 5);
    reactions.push(
      chance(random, 50)
        ? { atPs: instant(), type: "heal-latest" }
        : { atPs: instant(), type: "react", kind, spanPs },
    );
  }
  if (chance(random, 8)) reactions.push({ atPs: instant(), type: "stop" });
  return reactions;
}

/** A director for a run of a scenario; undefined when the plan has no orders. */
export function directorOf(plan: SwarmPlan, scenario: Scenario): SwarmDirector | undefined {
  if (plan.orders.length === 0) return undefined;
  const { actors } = makeFatTree(scenario.cluster, scenario.hardware);
  const gpus = actors.filter(({ kind }) => kind === "gpu");
  return new SwarmDirector(
    plan,
    gpus.map(({ id }) => id),
  );
}

/** Carries orders out; it knows nothing but the facts that it was given. */
export class SwarmDirector implements Director {
  /** What was ordered so far, as a journal has it. */
  readonly journal: JournalOrder[] = [];
  readonly #orders: SwarmOrder[];
  readonly #gpus: readonly string[];
  /** Names of the faults that the run knows; nobody ends another. */
  readonly #known: Set<string>;
  #facts = 0;
  #latest: string | undefined;

  /** `gpus`: ids, in the order of the topology. */
  constructor({ known, orders }: SwarmPlan, gpus: readonly string[]) {
    this.#orders = [...orders].sort((left, right) => left.atPs - right.atPs);
    this.#gpus = gpus;
    this.#known = new Set(known.map(({ name }) => name));
  }

  get nextPs(): number {
    return this.#orders[0]?.atPs ?? NEVER_PS;
  }

  take(facts: readonly FactRecord[]): void {
    this.#facts += facts.length;
    for (const { fact } of facts) if (fact.type === "fault.began") this.#latest = fact.fault;
  }

  at(atPs: number): Orders {
    const faults: FaultSpec[] = [];
    const heals: FaultHeal[] = [];
    let stop: string | undefined;
    while (this.nextPs === atPs) {
      const order = this.#orders.shift() as SwarmOrder;
      if (order.type === "stop") stop = order.name;
      else if (order.type === "inject") faults.push(order.fault);
      else if (order.type === "react") faults.push(this.#reaction(order, atPs));
      else {
        const fault = order.type === "heal" ? order.fault : this.#latest;
        if (fault !== undefined && this.#known.has(fault)) heals.push({ fault, atPs });
      }
    }
    for (const { name } of faults) this.#known.add(name);
    const by = "operator";
    this.journal.push(
      ...faults.map((fault) => ({ record: "fault" as const, by, ...fault }) as const),
      ...heals.map((heal) => ({ record: "heal" as const, by, ...heal }) as const),
    );
    if (stop === undefined) return { faults, heals };
    this.journal.push({ record: "stop", by, atPs, reason: stop });
    return { faults, heals, stop };
  }

  #reaction({ name, kind, spanPs }: SwarmOrder & { type: "react" }, atPs: number): FaultSpec {
    const target = this.#gpus[this.#facts % this.#gpus.length];
    return { name, kind, targets: [target], atPs, healAtPs: atPs + spanPs };
  }
}
