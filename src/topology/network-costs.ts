/**
 * What five networks of switches with a given radix hold and cost: Table 3 of arXiv 2505.09343,
 * from formulas. Arithmetic only; the emulator builds fat trees in fat-tree.ts and none of the
 * others.
 *
 * Prices are a linear model in four counts. The paper follows the cost model of Slim Fly (SC'14)
 * and prints no prices; these are fitted. Five totals, of which two are proportional, are four
 * equations, so four prices reproduce them by construction, and many do: a switch may cost anything
 * up to 82,000 $ if its links cost less. This is one point of that line, with round prices. With
 * one price for all links between switches no three prices of 0 or more give the five totals to the
 * million (the best are 0.44 % off), hence two. What the fit tells is ratios between networks, not
 * prices.
 */

/** Prices, $. */
export const PRICES = {
  /** Of a switch, for each port: 50,000 for one with 64. Price by port is Slim Fly's model. */
  switchPort: 781.25,
  /** Of a link between switches; `localLink` is one inside a Dragonfly group. */
  link: 1_540,
  localLink: 1_470,
  /** Of an endpoint's link; the NIC is not in it. */
  endpoint: 500,
} as const;

/** Planes of the multi-plane fat tree. */
const PLANES = 8;

/** Names as in the table. */
export type NetworkName = "FT2" | "MPFT" | "FT3" | "SF" | "DF";

/** What a network holds. */
export interface NetworkCounts {
  readonly endpoints: number;
  readonly switches: number;
  /** Links between switches. */
  readonly links: number;
  /** Of those, links inside a Dragonfly group. */
  readonly localLinks: number;
}

/** One network at one radix: counts and cost, or why there is none. */
export interface NetworkRow {
  readonly name: NetworkName;
  readonly title: string;
  readonly counts?: NetworkCounts;
  readonly costDollars?: number;
  readonly dollarsPerEndpoint?: number;
  /** Parameters of the network, and what does not come out even. */
  readonly notes: readonly string[];
}

/** Smallest and largest radix that {@link compareNetworks} takes. */
export const RADIX_MIN = 4;
export const RADIX_MAX = 1_024;

/** The five networks, of switches with `radix` ports: even, {@link RADIX_MIN} to RADIX_MAX. */
export function compareNetworks(radix: number): readonly NetworkRow[] {
  const plane = twoLayers(radix);
  const planes: NetworkCounts = {
    endpoints: PLANES * plane.endpoints,
    switches: PLANES * plane.switches,
    links: PLANES * plane.links,
    localLinks: 0,
  };
  return [
    rowOf("FT2", "two-layer fat tree", radix, { counts: plane, notes: [] }),
    rowOf("MPFT", "multi-plane fat tree", radix, {
      counts: planes,
      notes: [`${PLANES} planes; a GPU has an endpoint on one`],
    }),
    rowOf("FT3", "three-layer fat tree", radix, { counts: threeLayers(radix), notes: [] }),
    rowOf("SF", "Slim Fly", radix, slimFly(radix)),
    rowOf("DF", "Dragonfly", radix, dragonfly(radix)),
  ];
}

interface Network {
  readonly counts?: NetworkCounts;
  readonly notes: readonly string[];
}

function rowOf(name: NetworkName, title: string, radix: number, network: Network): NetworkRow {
  const { counts } = network;
  if (counts === undefined) return { name, title, ...network };
  const costDollars =
    counts.switches * radix * PRICES.switchPort +
    (counts.links - counts.localLinks) * PRICES.link +
    counts.localLinks * PRICES.localLink +
    counts.endpoints * PRICES.endpoint;
  const dollarsPerEndpoint = costDollars / counts.endpoints;
  return { name, title, ...network, costDollars, dollarsPerEndpoint };
}

/** `radix` leaves with half of their ports down, and half as many spines; non-blocking. */
function twoLayers(radix: number): NetworkCounts {
  const endpoints = (radix * radix) / 2;
  return { endpoints, switches: (3 * radix) / 2, links: endpoints, localLinks: 0 };
}

/** `radix` pods of `radix` switches, and a core of radix^2 / 4; non-blocking. */
function threeLayers(radix: number): NetworkCounts {
  const endpoints = (radix * radix * radix) / 4;
  return { endpoints, switches: (5 * radix * radix) / 4, links: 2 * endpoints, localLinks: 0 };
}

/**
 * Slim Fly (Besta and Hoefler, SC'14) over McKay-Miller-Siran graphs with q = 4w + delta, delta one
 * of -1, 0, 1: 2 q^2 switches of (3q - delta) / 2 links, and half as many endpoints (rounded up).
 * The largest q that fits the ports, whatever it is: the graph is known for prime powers only.
 */
function slimFly(radix: number): Network {
  const q = largestQ(radix, () => true);
  if (q === 0) return { notes: ["needs 8 ports at least"] };
  const counts = slimFlyCounts(q);
  const shape = `q ${q}, ${portsOf(q)} of ${radix} ports used`;
  if (isPrimePower(q)) return { counts, notes: [shape] };
  const built = largestQ(radix, isPrimePower);
  const { endpoints, switches } = slimFlyCounts(built);
  return {
    counts,
    notes: [
      shape,
      `${q} is no prime power: the counts are the formula's, no such graph is known`,
      `the largest that can be built: q ${built}, ${endpoints} endpoints, ${switches} switches`,
    ],
  };
}

/** Largest q with q mod 4 in 0, 1, 3 that `radix` ports suffice for; 0 if none. */
function largestQ(radix: number, isGood: (q: number) => boolean): number {
  let largest = 0;
  for (let q = 3; portsOf(q) <= radix || q % 4 === 2; q += 1) {
    if (q % 4 !== 2 && portsOf(q) <= radix && isGood(q)) largest = q;
  }
  return largest;
}

function slimFlyDegree(q: number): number {
  const delta = q % 4 === 3 ? -1 : q % 4;
  return (3 * q - delta) / 2;
}

/** Ports of one switch in use. */
function portsOf(q: number): number {
  return slimFlyDegree(q) + Math.ceil(slimFlyDegree(q) / 2);
}

function slimFlyCounts(q: number): NetworkCounts {
  const switches = 2 * q * q;
  const degree = slimFlyDegree(q);
  return {
    endpoints: switches * Math.ceil(degree / 2),
    switches,
    links: (switches * degree) / 2,
    localLinks: 0,
  };
}

/** Is `n`, 2 or more, a power of one prime? */
function isPrimePower(n: number): boolean {
  let factor = 2;
  while (n % factor !== 0) factor += 1;
  let rest = n;
  while (rest % factor === 0) rest /= factor;
  return rest === 1;
}

/**
 * Dragonfly (Kim and others, ISCA'08), balanced: h links of a switch leave its group, p = h
 * endpoints, a = 2h switches a group, all joined in the group. The groups are a h - 1, as the table
 * has it; a h + 1 could be joined.
 */
function dragonfly(radix: number): Network {
  const h = Math.floor((radix + 1) / 4);
  const a = 2 * h;
  const groups = a * h - 1;
  if (h < 2) return { notes: ["needs 8 ports at least"] };
  const localLinks = ((a * (a - 1)) / 2) * groups;
  return {
    counts: {
      endpoints: a * h * groups,
      switches: a * groups,
      links: localLinks + (a * h * groups) / 2,
      localLinks,
    },
    notes: [
      `p ${h}, a ${a}, h ${h}, ${groups} groups, ${4 * h - 1} of ${radix} ports used`,
      `${groups + 2} groups could be joined; the published count has ${a} x ${h} - 1`,
    ],
  };
}
