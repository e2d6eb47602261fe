/**
 * The yardstick: the event loop that anybody would write first. Events are plain objects, pending
 * ones are in a textbook binary heap with a comparison function, and handling one does next to
 * nothing but push the events that its handling made in the run that was recorded.
 */
import { type EventTrace, loadTrace } from "./event-trace.ts";
import { type SideFigures, timed } from "./measure.ts";

/** A delivery, with the fields that the model's packets have. */
interface HeapEvent {
  readonly at: number;
  readonly order: number;
  readonly kind: string;
  readonly actor: number;
  readonly origin: number;
  readonly destination: number;
  readonly nextHop: number;
  readonly source: number;
  readonly sizeBytes: number;
  readonly psn: number;
  readonly layer: number;
  readonly token: number;
  readonly slot: number;
  readonly payloadLow: number;
  readonly payloadHigh: number;
}

/** A binary heap as in any textbook. */
class BinaryHeap<Item> {
  readonly #items: Item[] = [];
  readonly #compare: (left: Item, right: Item) => number;

  constructor(compare: (left: Item, right: Item) => number) {
    this.#compare = compare;
  }

  push(item: Item): void {
    const items = this.#items;
    let place = items.length;
    items.push(item);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#compare(items[parent], item) <= 0) break;
      items[place] = items[parent];
      place = parent;
    }
    items[place] = item;
  }

  pop(): Item | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    const size = items.length;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#compare(items[child + 1], items[child]) < 0) child += 1;
      if (this.#compare(last, items[child]) <= 0) break;
      items[place] = items[child];
      place = child;
    }
    items[place] = last;
    return top;
  }
}

function compareEvents(left: HeapEvent, right: HeapEvent): number {
  return left.at - right.at || left.order - right.order;
}

/** The event object; what the trace does not keep of a packet is made up. */
function eventOf(trace: EventTrace, event: number): HeapEvent {
  const actor = trace.actor[event];
  return {
    at: trace.at[event],
    order: trace.order[event],
    kind: "delivery",
    actor,
    origin: actor,
    destination: actor,
    nextHop: actor,
    source: actor,
    sizeBytes: 64,
    psn: event & 0xffff,
    layer: 0,
    token: event & 0x7f,
    slot: 0,
    payloadLow: event,
    payloadHigh: actor,
  };
}

/** Runs the whole trace through the heap; returns how many events came out at their place in it. */
function runThroughHeap(trace: EventTrace): number {
  const { order, firstChild, children } = trace;
  const heap = new BinaryHeap(compareEvents);
  let inPlace = 0;
  const pushChildren = (parent: number): void => {
    for (let child = firstChild[parent]; child < firstChild[parent + 1]; child += 1) {
      heap.push(eventOf(trace, children[child]));
    }
  };
  pushChildren(0);
  let handled = 0;
  for (let event = heap.pop(); event !== undefined; event = heap.pop()) {
    handled += 1;
    if (event.order === order[handled]) inPlace += 1;
    pushChildren(handled);
  }
  return inPlace;
}

/**
 * Reads the trace as {@link runThroughHeap} does, without heap and objects: what is not the heap's
 * cost.
 */
function walkTrace(trace: EventTrace): number {
  const { at, order, actor, firstChild, children } = trace;
  let sum = 0;
  for (let handled = 0; handled <= trace.events; handled += 1) {
    sum += order[handled];
    for (let child = firstChild[handled]; child < firstChild[handled + 1]; child += 1) {
      const event = children[child];
      sum += at[event] + order[event] + actor[event];
    }
  }
  return sum;
}

/**
 * Times the heap over a recorded trace, after two passes to warm up; the reading of the trace is
 * taken off.
 */
export function runObjectHeap(path: string): SideFigures {
  const trace = loadTrace(path);
  let inPlace = Math.min(runThroughHeap(trace), runThroughHeap(trace));
  const heap = timed(() => {
    inPlace = Math.min(inPlace, runThroughHeap(trace));
  });
  if (inPlace !== trace.events) {
    throw new Error(`the heap kept the order of ${inPlace} of ${trace.events} events`);
  }
  let sum = walkTrace(trace);
  const walk = timed(() => {
    sum -= walkTrace(trace);
  });
  if (sum !== 0) throw new Error("two walks over one trace differ");
  return {
    events: trace.events,
    cpuSeconds: heap.cpuSeconds - walk.cpuSeconds,
    wallSeconds: heap.wallSeconds - walk.wallSeconds,
    walkCpuSeconds: walk.cpuSeconds,
  };
}
