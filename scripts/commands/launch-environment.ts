/**
 * Which of several hosts this is, how many there are and where they meet: from options, or else
 * from what the scheduler that started this process has put into its environment. Pure.
 */
import { type HostAddress, parseAddress } from "../../cluster/addresses.ts";
import { usageError } from "./option-values.ts";

/** Most hosts of one run. */
export const HOSTS_MAX = 1024;

/** What options say; flags win over the environment. */
export interface LaunchOptions {
  readonly nnodes?: number;
  readonly rdzvEndpoint?: HostAddress;
  readonly nodeRank?: number;
  readonly standalone?: true;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** This process among its like. */
export interface Launch {
  /** 0 coordinates; undefined: nobody said, which means 0 for `up`. */
  readonly rank: number | undefined;
  readonly hosts: number;
  /** Undefined for one host. */
  readonly address: HostAddress | undefined;
  /** What was taken from the environment, for people. */
  readonly detected: readonly string[];
}

/** A way in which a scheduler tells a process who it is. */
interface Scheduler {
  readonly name: string;
  readonly rank: string;
  readonly hosts?: readonly string[];
}

/** Each counts only where its rank is set: a job's shell has sizes, but is none of its tasks. */
const SCHEDULERS: readonly Scheduler[] = [
  { name: "Slurm", rank: "SLURM_NODEID", hosts: ["SLURM_NNODES", "SLURM_JOB_NUM_NODES"] },
  { name: "Open MPI", rank: "OMPI_COMM_WORLD_RANK", hosts: ["OMPI_COMM_WORLD_SIZE"] },
  { name: "PMI", rank: "PMI_RANK", hosts: ["PMI_SIZE"] },
  { name: "LeaderWorkerSet", rank: "LWS_WORKER_INDEX", hosts: ["LWS_GROUP_SIZE"] },
  { name: "Kubernetes Indexed Job", rank: "JOB_COMPLETION_INDEX" },
  { name: "torchrun", rank: "GROUP_RANK", hosts: ["GROUP_WORLD_SIZE"] },
  { name: "environment", rank: "RANK", hosts: ["WORLD_SIZE"] },
];

/** A port for those who name a host only. */
const DEFAULT_PORT = 29_717;

/**
 * Works out the launch. `hostName` is this host's own name: of a StatefulSet's pod it ends in its
 * number. Throws OperatingError E040 and E042.
 */
export function launchOf(
  options: LaunchOptions,
  environment: Environment,
  hostName: string,
): Launch {
  if (options.standalone === true) {
    const { nnodes, rdzvEndpoint, nodeRank } = options;
    if (nnodes !== undefined || rdzvEndpoint !== undefined || nodeRank !== undefined) {
      throw usageError("E040", "--standalone is one host: it takes no word about others");
    }
    return { rank: 0, hosts: 1, address: undefined, detected: [] };
  }
  const detected: string[] = [];
  const scheduler = SCHEDULERS.find(({ rank }) => environment[rank] !== undefined);
  const told = (name: string, most: number): number | undefined => {
    const value = environment[name];
    if (value === undefined) return undefined;
    const number = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number <= most)) {
      throw usageError("E042", `${name}: expected a number up to ${most}, got '${value}'`);
    }
    detected.push(`${name}=${value}`);
    return number;
  };
  const rank =
    options.nodeRank ??
    (scheduler === undefined
      ? ordinalOf(hostName, environment, detected)
      : told(scheduler.rank, HOSTS_MAX - 1));
  const sizeName = scheduler?.hosts?.find((name) => environment[name] !== undefined);
  const hosts = options.nnodes ?? (sizeName === undefined ? 1 : (told(sizeName, HOSTS_MAX) ?? 1));
  const address = options.rdzvEndpoint ?? meetingPoint(environment, detected);
  if (options.rdzvEndpoint !== undefined && options.nnodes === undefined && !sizeName) {
    const hint = "say --nnodes N, or --standalone for this host alone";
    throw usageError(
      "E040",
      "--rdzv-endpoint is for several hosts, and nobody said how many",
      hint,
    );
  }
  if (hosts > 1 && address === undefined) {
    const hint = "the first host's address and a free port; MASTER_ADDR and MASTER_PORT do as well";
    throw usageError("E040", `${hosts} hosts need --rdzv-endpoint HOST:PORT`, hint);
  }
  if (rank !== undefined && rank >= hosts) {
    throw usageError(
      "E040",
      `host rank ${rank} of ${hosts} hosts: ranks are 0..${hosts - 1}`,
      "say how many hosts there are with --nnodes",
    );
  }
  return { rank, hosts, address: hosts > 1 ? address : undefined, detected };
}

/** The number at the end of the name of a StatefulSet's pod. */
function ordinalOf(
  hostName: string,
  environment: Environment,
  detected: string[],
): number | undefined {
  if (environment.KUBERNETES_SERVICE_HOST === undefined) return undefined;
  const ordinal = /-(\d{1,4})$/.exec(hostName)?.[1];
  if (ordinal === undefined) return undefined;
  detected.push(`host name ${hostName}`);
  return Number(ordinal);
}

function meetingPoint(environment: Environment, detected: string[]): HostAddress | undefined {
  const { MASTER_ADDR, MASTER_PORT, LWS_LEADER_ADDRESS } = environment;
  const host = MASTER_ADDR ?? LWS_LEADER_ADDRESS;
  if (host === undefined) return undefined;
  const text = `${host.includes(":") ? `[${host}]` : host}:${MASTER_PORT ?? DEFAULT_PORT}`;
  const address = parseAddress(text);
  if (address === undefined) {
    throw usageError("E042", `MASTER_ADDR and MASTER_PORT: expected HOST and PORT, got '${text}'`);
  }
  detected.push(`rendezvous ${text}`);
  return address;
}
