/**
 * What is in the messages that are sent seldom, as checks of their bodies. Indices are checked here
 * for what they are alone; whether there is such a worker or actor is the receiver's matter.
 */
import { FAULT_KINDS, INTERVENTION_KINDS } from "../src/model/fault.ts";
import { DIRECTIONS } from "../src/model/host-fault.ts";
import {
  aNumber,
  aText,
  aTime,
  aWhole,
  aWord,
  type Check,
  isRecord,
  isWhole,
  listOf,
  mapOf,
  oneOf,
  orNull,
  recordOf,
  someBytes,
} from "./message-readers.ts";
import type { Disturbance } from "./messages.ts";

/** Lines of standard error, and sentences about what did not hold, that one message may have. */
const EXIT_LINES_MAX = 64;
const SENTENCES_MAX = 65_536;

const aPort: Check = (value) =>
  isPort(value) ? undefined : `: expected a port, found ${String(value).slice(0, 20)}`;

/** Largest exit code of a process. */
const EXIT_CODE_MAX = 255;

/** Two whole numbers. */
const aPair: Check = (value) =>
  Array.isArray(value) && value.length === 2 && value.every(isWhole)
    ? undefined
    : ": expected two whole numbers";

const aPeer = recordOf({ worker: aWhole, incarnation: aWhole, host: aText, port: aPort });

const parameters = recordOf(
  {},
  {
    slowdown: aNumber,
    lossPerMillion: aNumber,
    sparedBytes: aNumber,
    extraLatencyPs: aNumber,
    psPerByteAtLeast: aNumber,
    flipsPerMillion: aNumber,
    sharePerMillion: aNumber,
    silent: oneOf([true]),
  },
);

/** Checks a fault of a run: one with a moment has no instant yet, and is never sent. */
export const aFault = recordOf(
  {
    name: aText,
    kind: oneOf([...FAULT_KINDS, ...INTERVENTION_KINDS, "actors-lost"]),
    targets: listOf(aText),
    atPs: aTime,
  },
  {
    healAtPs: aTime,
    parameters,
    levels: listOf(recordOf({ atPs: aTime, permille: aWhole })),
  },
);

/** Checks the early end of a fault. */
export const aHeal = recordOf({ fault: aText, atPs: aTime });

/** An instant, or -1: before the beginning. */
const aTimeOrStart: Check = (value) => (value === -1 ? undefined : aTime(value));

const aResumption = recordOf({
  atPs: aTimeOrStart,
  window: aTimeOrStart,
  trafficSaidPs: aTime,
  faults: listOf(aFault),
  heals: listOf(aHeal),
  frames: listOf(recordOf({ peer: aWhole, sent: aWhole, received: aWhole })),
});

/** Checks what a worker is told of the run. */
export const aConfiguration = recordOf({
  scenario: someBytes,
  workers: listOf(recordOf({ label: aText, actors: listOf(aWhole) })),
  peers: listOf(aPeer),
  delayMs: aNumber,
  resumption: orNull(aResumption),
});

/** Checks the news that a peer is another process. */
export const aReplacement = recordOf({ peer: aPeer, sent: aWhole, received: aWhole });

/** Checks an order for workers. */
export const aSpawnOrder = recordOf({
  nodeFlags: listOf(aText, 64),
  workers: listOf(recordOf({ worker: aWhole, incarnation: aWhole })),
  scenarioHash: aText,
  reportsTo: oneOf(["agent", "coordinator"]),
  silenceLimitSeconds: aNumber,
  proxies: recordOf({ workers: listOf(aWhole), pairs: listOf(aPair) }),
});

const aProcess = { worker: aWhole, incarnation: aWhole };
const aDirection = oneOf(DIRECTIONS);

/** By what is to be done: what else is in it. */
const DISTURBANCES: Readonly<Record<Disturbance["act"], Check>> = {
  "stop-worker": recordOf({ act: aText, ...aProcess, forMs: aWhole }),
  "cut-worker": recordOf({ act: aText, ...aProcess }),
  "hold-worker": recordOf({ act: aText, ...aProcess, direction: aDirection, forMs: aWhole }),
  "stop-agent": recordOf({ act: aText, forMs: aWhole }),
  "kill-agent": recordOf({ act: aText, workers: oneOf([true, false]) }),
  slow: recordOf({ act: aText, delayMs: aWhole, forMs: aWhole }),
  "cut-peer": recordOf({ act: aText, peer: aWhole }),
  "hold-peer": recordOf({ act: aText, peer: aWhole, direction: aDirection, forMs: aWhole }),
  calm: recordOf({ act: aText }),
};

/** Checks what a drill has a process do. */
export const aDisturbance: Check = (value) => {
  const act = isRecord(value) ? value.act : undefined;
  const acts = Object.keys(DISTURBANCES);
  if (typeof act !== "string" || !acts.includes(act)) return `.act: expected ${acts.join(" or ")}`;
  return DISTURBANCES[act as Disturbance["act"]](value);
};

/** Checks ports by the numbers of peers. */
export const somePorts = listOf(aPair);

/** Checks what an agent says of its host. */
export const anArrival = recordOf({
  name: aText,
  address: aText,
  pid: aWhole,
  processors: aWhole,
  hosts: aWhole,
});

const anExitCode: Check = (value) =>
  isWhole(value) && value <= EXIT_CODE_MAX ? undefined : ": expected an exit code";

/** Checks what a host is told of the end of its part. */
export const aFarewell = recordOf({ exitCode: anExitCode, text: aText });

/** Checks how a process ended. */
export const anExit = recordOf({
  code: orNull(aWord),
  signal: orNull(aText),
  stderr: listOf(aText, EXIT_LINES_MAX),
});

const sentences = listOf(aText, SENTENCES_MAX);

/** Checks a worker's totals. */
export const aSummary = recordOf({
  assignments: recordOf({ dispatched: aWhole, combined: aWhole, masked: aWhole, lost: aWhole }),
  byFault: listOf(recordOf({ fault: aText, masked: aWhole, lost: aWhole })),
  mismatches: aWhole,
  corrupted: aWhole,
  unexplained: aWhole,
  epochs: listOf(recordOf({ epoch: aWhole, low: aWord, high: aWord })),
  traffic: listOf(recordOf({ bin: aWhole, lanes: listOf(aWhole), bytes: listOf(aWhole) })),
  fabric: mapOf(aWhole),
  violations: sentences,
  leftovers: sentences,
  faultsBegun: listOf(aText),
  finishedGpus: aWhole,
});

/** Is a value a port that somebody can listen at? */
export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535;
}
