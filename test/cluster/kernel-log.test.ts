/**
 * What hardware would say of faults, and the kernel lines of it: which fault has which line, that
 * the lines of a real run arrive in a file and at a syslog daemon, and that trouble with either
 * stops nothing.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { gpuNames, nicNames } from "../../cluster/device-names.ts";
import { HardwareSignals } from "../../cluster/hardware-signals.ts";
import { kernelLine } from "../../cluster/kernel-lines.ts";
import { KernelLog } from "../../cluster/kernel-log.ts";
import { type KernelLogTarget, parseKernelLogTarget } from "../../cluster/kernel-log-target.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import type { FaultKind, FaultSpec } from "../../src/model/fault.ts";
import { FAULT_KINDS } from "../../src/model/fault.ts";
import { PS_PER_S, PS_PER_US } from "../../src/model/time.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { recordRun } from "../support/run-folders.ts";
import { tinyScenario } from "../support/scenarios.ts";

const folder = mkdtempSync(join(tmpdir(), "faultplane-kernel-log-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fault = (kind: FaultKind, target: string, changes: Partial<FaultSpec> = {}): FaultSpec => ({
  ...{ name: "f", kind, targets: [target], atPs: 0 },
  ...changes,
});

/** The lines of a fault's onset and end. */
function linesOf(spec: FaultSpec, cluster: Parameters<typeof tinyScenario>[0] = {}): string[] {
  const scenario = tinyScenario(cluster);
  const topology = makeFatTree(scenario.cluster, scenario.hardware);
  const hardware = new HardwareSignals(topology, [spec]);
  const about = { fault: spec.name, kind: spec.kind };
  const signals = spec.targets.flatMap((target) => [
    ...take("fault.began", target, 1.5 * PS_PER_S),
    ...take("fault.healed", target, 2 * PS_PER_S),
  ]);
  return signals.map((signal) => {
    const { host, text } = kernelLine(signal, topology, hardware.ports);
    return `${host} ${text}`;
  });

  function take(type: "fault.began" | "fault.healed", target: string, atPs: number) {
    return hardware.take({ atPs, actor: 0, index: 0, fact: { type, ...about, target } });
  }
}

const xid = (host: string, address: string, rest: string): string =>
  `${host} [    1.500000] NVRM: Xid (PCI:${address}): ${rest} (emulated)`;
const port = (host: string, at: string, address: string, rest: string): string =>
  `${host} [    ${at}00000] mlx5_core ${address} ${rest} (emulated)`;
const unknown = "pid='<unknown>', name=<unknown>";

describe("a fault", () => {
  it("of a GPU is an Xid error when the driver sees it", () => {
    expect(linesOf(fault("gpu-dead", "node1.gpu2"))).toEqual([
      xid("node1", "0000:52:00", `79, ${unknown}, GPU has fallen off the bus.`),
    ]);
    expect(linesOf(fault("actors-lost", "node1.gpu2"))).toHaveLength(1);
    expect(linesOf(fault("hbm-uncorrectable", "node0.gpu0"))).toEqual([
      xid(
        "node0",
        "0000:1b:00",
        `94, ${unknown}, Contained: uncorrectable memory error. RST: No, D-RST: No`,
      ),
    ]);
    const nvlink = linesOf(fault("switch-down", "node0.nvswitch"));
    expect(nvlink).toHaveLength(4);
    expect(nvlink[3]).toMatch(/^node0 .*\(PCI:0000:61:00\): 74, .*NVLink/);
  });

  it("of a port is a change of its link", () => {
    const lines = [
      port("node1", "1.5", "0000:42:00.0", "mlx5_1: Port: 1 Link DOWN"),
      port("node1", "2.0", "0000:42:00.0", "mlx5_1: Port: 1 Link ACTIVE"),
    ];
    expect(linesOf(fault("nic-down", "node1.nic1"))).toEqual(lines);
    expect(linesOf(fault("link-down", "node1.nic1--plane1.leaf0"))).toEqual(lines);
    // Of a switch, all ports that lead to it.
    expect(linesOf(fault("plane-down", "plane1")).map((line) => line.slice(0, 5))).toEqual([
      ...["node0", "node1", "node0", "node1"],
    ]);
    const multi = linesOf(fault("plane-down", "plane3"), { cluster: { nicPorts: "multi-port" } });
    expect(multi).toHaveLength(16);
    expect(multi[0]).toContain("mlx5_0: Port: 4 Link DOWN");
  });

  it("has no line where nothing of the hardware tells", () => {
    const silent = { parameters: { silent: true } } as const;
    for (const [kind, target, changes] of [
      ["gpu-dead", "node1.gpu2", silent],
      ["nic-down", "node1.nic1", silent],
      ["process-hang", "node1.gpu2", {}],
      ["slow-gpu", "node1.gpu2", {}],
      ["silent-corruption", "node1.gpu2", {}],
      ["nvlink-stall", "node1.gpu2", {}],
      ["slow-nic", "node1.nic1", {}],
      ["pcie-downgrade", "node1.nic1", {}],
      ["kv-copy", "node1.nic1", {}],
      ["grey-loss", "node1.nic1", {}],
      ["incast", "node1.nic1", {}],
      ["slow-link", "node1.nic1--plane1.leaf0", {}],
      ["late-link", "node1.nic1--plane1.leaf0", {}],
      ["one-way-loss", "node1.nic1->plane1.leaf0", {}],
      ["hot-expert", "expert3", {}],
      ["masked", "node1.gpu2", {}],
      ["drained", "node1", {}],
      ["rerouted", "node1.nic1--plane1.leaf0", {}],
      // A server that crashes logs nothing; its neighbours' ports go on.
      ["node-crash", "node1", {}],
    ] as const) {
      expect(linesOf(fault(kind, target, changes)), kind).toEqual([]);
    }
  });

  it("that flaps is told each time, and two at once are one link down", () => {
    const scenario = tinyScenario();
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    const levels = [
      { atPs: 0, permille: 1000 },
      { atPs: 10, permille: 0 },
    ];
    const flap = fault("nic-flap", "node1.nic1", { name: "flap", levels });
    const down = fault("nic-down", "node1.nic1", { name: "down" });
    const late = fault("nic-down", "node0.nic0", {
      name: "late",
      levels: [{ atPs: 0, permille: 0 }],
    });
    const hardware = new HardwareSignals(topology, [flap, down, late]);
    const place = hardware.ports.findIndex(({ nic }) => topology.actors[nic].id === "node1.nic1");
    const states: string[] = [];
    const step = (type: "began" | "healed" | "changed", name: string, permille = 0): void => {
      const { kind, targets } = [flap, down, late].find((one) => one.name === name) as FaultSpec;
      const about = { fault: name, kind, target: targets[0] };
      const fact =
        type === "changed"
          ? ({ type: "fault.changed", ...about, permille } as const)
          : ({ type: `fault.${type}`, ...about } as const);
      const signals = hardware.take({ atPs: 0, actor: 0, index: 0, fact });
      states.push(signals.map((one) => (one.type === "port" && one.isUp ? "up" : "down")).join());
    };
    step("began", "late");
    step("began", "flap");
    step("changed", "flap", 0);
    step("changed", "flap", 1000);
    step("began", "down");
    step("healed", "flap");
    step("healed", "down");
    expect(states).toEqual(["", "down", "up", "down", "", "", "up"]);
    expect(hardware.portDowns[place]).toBe(2);
  });

  it("of a server that crashes leaves nothing to be read there until it has booted", () => {
    const scenario = tinyScenario();
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    const crash = fault("node-crash", "node1");
    const hardware = new HardwareSignals(topology, [crash]);
    const about = { fault: "f", kind: "node-crash", target: "node1" };
    const record = { atPs: 0, actor: 0, index: 0 };
    hardware.take({ ...record, fact: { type: "fault.began", ...about } });
    expect([hardware.isCrashed(0), hardware.isCrashed(1)]).toEqual([false, true]);
    hardware.take({ ...record, fact: { type: "fault.healed", ...about } });
    expect(hardware.isCrashed(1)).toBe(false);
  });

  it("of every kind can be followed", () => {
    const scenario = tinyScenario();
    const topology = makeFatTree(scenario.cluster, scenario.hardware);
    const targets: Partial<Record<FaultKind, string>> = {
      "node-crash": "node1",
      "link-down": "node1.nic1--plane1.leaf0",
      "slow-link": "node1.nic1--plane1.leaf0",
      "late-link": "plane1",
      "one-way-loss": "node1.nic1->plane1.leaf0",
      "switch-down": "plane1.leaf0",
      "plane-down": "plane1",
      "hot-expert": "expert3",
    };
    for (const kind of FAULT_KINDS) {
      if (kind === "controller-down") continue;
      const isNic = /nic|pcie|kv|grey|incast/.test(kind);
      const target = targets[kind] ?? (isNic ? "node1.nic1" : "node1.gpu1");
      const hardware = new HardwareSignals(topology, []);
      const about = { fault: "f", kind, target };
      const record = { atPs: 0, actor: 0, index: 0 };
      hardware.take({ ...record, fact: { type: "fault.began", ...about } });
      hardware.take({ ...record, fact: { type: "fault.healed", ...about } });
      expect(
        hardware.ports.every((_, place) => hardware.isPortUp(place)),
        kind,
      ).toBe(true);
      expect(
        topology.actors.every((_, actor) => hardware.xidOf(actor) === 0),
        kind,
      ).toBe(true);
    }
  });
});

/** What happens in the runs below. */
const faults: FaultSpec[] = [
  fault("nic-down", "node1.nic1", {
    name: "the-name-of-the-drill",
    atPs: 10 * PS_PER_US,
    healAtPs: 40 * PS_PER_US,
  }),
  fault("gpu-dead", "node0.gpu3", { name: "another-name", atPs: 60 * PS_PER_US }),
];
const broken = tinyScenario({
  workload: { steps: 10 },
  transport: { ackTimeoutExponent: 2, waitTimeoutPs: PS_PER_US * 100 },
  faults,
});
const TEXTS = [
  "[    0.000010] mlx5_core 0000:42:00.0 mlx5_1: Port: 1 Link DOWN (emulated)",
  "[    0.000040] mlx5_core 0000:42:00.0 mlx5_1: Port: 1 Link ACTIVE (emulated)",
  `[    0.000060] NVRM: Xid (PCI:0000:61:00): 79, ${unknown}, GPU has fallen off the bus. (emulated)`,
];
const HOSTS = ["node1", "node1", "node0"];

/** Runs it with its lines going to `target`. */
async function logged(
  name: string,
  target: KernelLogTarget,
  fromPs = 0,
): Promise<{ outcome: RunOutcome; troubles: string[] }> {
  const topology = makeFatTree(broken.cluster, broken.hardware);
  const troubles: string[] = [];
  const trouble = (text: string): void => void troubles.push(text);
  const log = new KernelLog({ topology, faults, target, fromPs, trouble });
  const outcome = await recordRun(broken, join(folder, name), { watchers: [log] });
  await log.close();
  return { outcome, troubles };
}

describe("the lines of a run", () => {
  it("are added to a file, with wall and virtual time, and without names of faults", async () => {
    const path = join(folder, "kernel.log");
    writeFileSync(path, "what was there\n");
    const { outcome, troubles } = await logged("to-file", { type: "file", path });
    expect([outcome.end, troubles]).toEqual(["finished", []]);
    const [first, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
    expect(first).toBe("what was there");
    expect(lines.map((line) => line.replace(/^\S+ /, ""))).toEqual(
      TEXTS.map((text, place) => `${HOSTS[place]} faultplane: ${text}`),
    );
    for (const line of lines) {
      expect(Math.abs(Date.parse(line.split(" ")[0]) - Date.now())).toBeLessThan(60_000);
    }
    expect(lines.join("\n")).not.toMatch(/the-name-of-the-drill|another-name/);
  });

  it("that a run had written before it was taken up again are not written again", async () => {
    const path = join(folder, "resumed.log");
    await logged("resumed", { type: "file", path }, 30 * PS_PER_US);
    expect(readFileSync(path, "utf8").trimEnd().split("\n")).toHaveLength(2);
  });

  it("are sent to a syslog daemon, one datagram each", async () => {
    const daemon: Socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(daemon, "listening");
    const got: string[] = [];
    const all = new Promise<void>((resolve) => {
      daemon.on("message", (bytes) => {
        got.push(bytes.toString());
        if (got.length === TEXTS.length) resolve();
      });
    });
    const address = { host: "127.0.0.1", port: daemon.address().port };
    const { outcome, troubles } = await logged("to-syslog", { type: "udp", address });
    await all;
    daemon.close();
    expect([outcome.end, troubles]).toEqual(["finished", []]);
    expect(got.map((line) => line.replace(/^(<\d>)\w{3} [ \d]\d \d\d:\d\d:\d\d /, "$1"))).toEqual(
      TEXTS.map((text, place) => `<${place < 2 ? 5 : 3}>${HOSTS[place]} faultplane: ${text}`),
    );
  });

  it("that cannot be written are told once, and the run is the same", async () => {
    const { outcome } = await logged("well", { type: "file", path: join(folder, "well.log") });
    mkdirSync(join(folder, "a-folder"));
    for (const [name, target, why] of [
      ["gone", { type: "file", path: join(folder, "none", "x") }, "ENOENT"],
      ["folder", { type: "file", path: join(folder, "a-folder") }, "no ordinary file"],
      ["device", { type: "file", path: "/dev/null" }, "no ordinary file"],
      ["refused", { type: "udp", address: { host: "no-such-host.invalid", port: 514 } }, ""],
    ] as const) {
      const { outcome: other, troubles } = await logged(name, target);
      expect(other.digest).toBe(outcome.digest);
      expect(troubles, name).toHaveLength(1);
      expect(troubles[0]).toContain(why);
      expect(troubles[0]).toContain("the run goes on without them");
    }
  });
});

describe("names", () => {
  it("of devices are in the form of real ones, different, and always the same", () => {
    const scenario = tinyScenario();
    const { actors } = makeFatTree(scenario.cluster, scenario.hardware);
    const gpus = actors.filter(({ kind }) => kind === "gpu").map(gpuNames);
    const nics = actors.filter(({ kind }) => kind === "nic").map(nicNames);
    for (const { uuid, pciBusId } of gpus) {
      expect(uuid).toMatch(/^GPU-[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/);
      expect(pciBusId).toMatch(/^[\dA-F]{8}:[\dA-F]{2}:00\.0$/);
    }
    expect(new Set(gpus.map(({ uuid }) => uuid)).size).toBe(gpus.length);
    const addresses = [
      ...gpus.map(({ host, xidAddress }) => `${host} ${xidAddress}.0`),
      ...nics.map(({ host, pciAddress }) => `${host} ${pciAddress}`),
    ];
    expect(new Set(addresses).size).toBe(gpus.length + nics.length);
    expect(gpus[0].uuid).toBe("GPU-ef1d7cd1-7fba-3d5b-487b-cd686141f1f6");
  });

  it("of places for lines are a file or udp:HOST:PORT", () => {
    const udp = { type: "udp", address: { host: "127.0.0.1", port: 514 } };
    expect(parseKernelLogTarget("udp:127.0.0.1:514")).toEqual(udp);
    expect(parseKernelLogTarget("x/kernel.log")).toEqual({ type: "file", path: "x/kernel.log" });
    for (const text of ["", "a\0b", "udp:", "udp:host", "udp:host:0", "unix:/dev/log", "tcp:h:1"]) {
      expect(parseKernelLogTarget(text), text).toBeUndefined();
    }
  });
});
