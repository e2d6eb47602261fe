/** Who a process is among the hosts of a run: by its options, or by what started it. */
import { describe, expect, it } from "vitest";
import { parseAddress } from "../../cluster/addresses.ts";
import type { OperatingError } from "../../cluster/errors.ts";
import { type LaunchOptions, launchOf } from "../../scripts/commands/launch-environment.ts";

const MEET = { MASTER_ADDR: "h0", MASTER_PORT: "29500" };
const AT = { host: "h0", port: 29_500 };

function problemOf(options: LaunchOptions, environment: Record<string, string>): OperatingError {
  try {
    launchOf(options, environment, "host");
  } catch (error) {
    return error as OperatingError;
  }
  throw new Error("it was taken");
}

describe("rank, hosts and meeting point", () => {
  it.each([
    [{ SLURM_NODEID: "1", SLURM_NNODES: "3" }, "host", 1, 3],
    [{ SLURM_NODEID: "0", SLURM_JOB_NUM_NODES: "2" }, "host", 0, 2],
    [{ OMPI_COMM_WORLD_RANK: "2", OMPI_COMM_WORLD_SIZE: "4" }, "host", 2, 4],
    [{ PMI_RANK: "1", PMI_SIZE: "2" }, "host", 1, 2],
    [{ LWS_WORKER_INDEX: "1", LWS_GROUP_SIZE: "2" }, "host", 1, 2],
    [{ GROUP_RANK: "1", GROUP_WORLD_SIZE: "2" }, "host", 1, 2],
    [{ RANK: "1", WORLD_SIZE: "2" }, "host", 1, 2],
  ])("are those of the scheduler: %j", (variables, hostName, rank, hosts) => {
    const launch = launchOf({}, { ...MEET, ...variables }, hostName);
    expect(launch).toMatchObject({ rank, hosts, address: AT });
    for (const [name, value] of Object.entries(variables)) {
      expect(launch.detected).toContain(`${name}=${value}`);
    }
  });

  it("of a pod are its completion index, or the number at the end of its name", () => {
    const options = { nnodes: 3 };
    expect(launchOf(options, { ...MEET, JOB_COMPLETION_INDEX: "2" }, "pod").rank).toBe(2);
    const inPod = { ...MEET, KUBERNETES_SERVICE_HOST: "10.0.0.1" };
    expect(launchOf(options, inPod, "faultplane-1").rank).toBe(1);
    expect(launchOf(options, MEET, "faultplane-1").rank).toBeUndefined();
  });

  it("are those of the options where there are any", () => {
    const options = { nodeRank: 0, nnodes: 2, rdzvEndpoint: { host: "other", port: 1 } };
    const launch = launchOf(options, { ...MEET, SLURM_NODEID: "1", SLURM_NNODES: "9" }, "host");
    expect(launch).toEqual({
      rank: 0,
      hosts: 2,
      address: { host: "other", port: 1 },
      detected: [],
    });
  });

  it("without a word are one host, in the shell of a job, too", () => {
    expect(launchOf({}, {}, "host")).toMatchObject({ hosts: 1, address: undefined });
    expect(launchOf({}, { SLURM_NNODES: "4", ...MEET }, "host").hosts).toBe(1);
    const alone = launchOf({ standalone: true }, { ...MEET, RANK: "1", WORLD_SIZE: "2" }, "host");
    expect(alone).toMatchObject({ rank: 0, hosts: 1, address: undefined });
  });

  it.each([
    [{ nnodes: 2 }, {}, "E040", /^2 hosts need --rdzv-endpoint HOST:PORT$/],
    [{ nnodes: 2, nodeRank: 2 }, MEET, "E040", /^host rank 2 of 2 hosts: ranks are 0..1$/],
    [{ standalone: true, nnodes: 2 }, {}, "E040", /^--standalone is one host/],
    [{}, { ...MEET, RANK: "one" }, "E042", /^RANK: expected a number up to 1023, got 'one'$/],
    [{ nnodes: 2 }, { MASTER_ADDR: "h0", MASTER_PORT: "0" }, "E042", /^MASTER_ADDR and/],
  ] as const)("are refused where they do not fit: %j", (options, environment, code, message) => {
    const problem = problemOf(options, environment);
    expect(problem).toMatchObject({ code, exitCode: 2 });
    expect(problem.message).toMatch(message);
  });
});

describe("an address", () => {
  it("is a host and a port, an IPv6 address in brackets", () => {
    expect(parseAddress("gpu-1.rack:29717")).toEqual({ host: "gpu-1.rack", port: 29_717 });
    expect(parseAddress("[::1]:80")).toEqual({ host: "::1", port: 80 });
    for (const wrong of ["host", "host:", ":80", "host:0", "host:70000", "::1:80", "a b:1"]) {
      expect(parseAddress(wrong), wrong).toBeUndefined();
    }
  });
});
