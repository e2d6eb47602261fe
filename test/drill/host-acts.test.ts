/**
 * Real faults in drill files: what is read, what is refused and in which words, how far each
 * reaches, and what a plan says of it before anybody is hit.
 */
import { describe, expect, it } from "vitest";
import { hostLines, planHostFault } from "../../src/drill/host-plan.ts";
import { HostReachFinder, hostFaultsOf } from "../../src/drill/host-reach.ts";
import type { DrillOverrides } from "../../src/drill/parse-drill.ts";
import { planDrill } from "../../src/drill/plan.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";
import { parse, printed, SMALL } from "./reading.ts";

const CONSENT = { allowRealFaults: true } as const;
const FUNC =
  "func: inject\n      arguments: {name: flap, kind: nic-down, target: node2.nic3, healAfter: 30 ms}";
const FUNC_PATH = "d.yaml:18:13 method[0].provider.func";
const LABELS =
  "node0, node1, node2, node3, plane0, plane1, plane2, plane3, plane4, plane5, plane6, plane7";

/** The small drill with one real fault for its method: twelve workers, four of them nodes. */
function act(func: string, args: string): string {
  return SMALL.replace(FUNC, `func: ${func}\n      arguments: {${args}}`);
}

/** Problems of an action once the operator has agreed. */
function said(func: string, args: string, more: DrillOverrides = {}): string {
  return printed(act(func, args), {}, { ...CONSENT, ...more }).join("\n");
}

function drillOf(text: string, overrides: DrillOverrides = {}) {
  const result = parse(text, {}, { ...CONSENT, ...overrides });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.drill;
}

describe("a real fault in a drill", () => {
  it.each([
    ["kill_worker", "worker: node2", {}],
    ["stop_worker", "worker: plane3, for: 1 s", { forMs: 1000 }],
    ["slow_worker", "worker: plane3, delay: 20 ms, for: 2 min", { delayMs: 20, forMs: 120_000 }],
    ["cut_connection", "worker: node0", {}],
    ["half_open", "worker: node0, for: 5 ms", { forMs: 5, direction: "both" }],
    ["half_open", "worker: node0, direction: in, for: 5 s", { forMs: 5000, direction: "in" }],
  ] as const)("%s {%s} is read", (func, args, more) => {
    const target = { worker: /worker: (\w+)/.exec(args)?.[1] };
    expect(hostFaultsOf(drillOf(act(func, args)))).toEqual([
      { index: 0, fault: { func, action: "take it down", target, ...more } },
    ]);
  });

  it.each([
    ["kill_agent", "host: host0", {}],
    ["stop_agent", "host: host0, for: 1 s", { forMs: 1000 }],
    ["lose_host", "host: host0", {}],
  ] as const)("%s {%s} is read, with a cap that fits", (func, args, more) => {
    const drill = drillOf(act(func, args), { maxBlastPercent: 100 });
    expect(hostFaultsOf(drill)[0].fault).toEqual({
      func,
      action: "take it down",
      target: { host: "host0" },
      ...more,
    });
  });

  it("between two workers is read where they have a connection", () => {
    const drill = drillOf(act("cut_connection", "between: [plane3, node1]"));
    expect(hostFaultsOf(drill)[0].fault.target).toEqual({ between: ["plane3", "node1"] });
    expect(said("cut_connection", "between: [node0, node1]")).toBe(
      "error[E026] d.yaml:19:28 method[0].provider.arguments.between: node0 and node1 have no connection: no link joins their actors",
    );
  });

  it.each([
    ["kill_worker", "worker: node2", "kills a real process"],
    ["stop_worker", "worker: node2, for: 1 s", "stops a real process"],
    ["cut_connection", "worker: node2", "cuts a real connection"],
    ["lose_host", "host: host0", "kills real processes"],
  ])("%s needs consent (row 33)", (func, args, words) => {
    expect(printed(act(func, args))).toEqual([
      `error[E031] ${FUNC_PATH}: 'take it down' ${words}; rerun with --allow-real-faults\n` +
        "  hint: faultplane plan shows what it hits; gpu-dead and node-crash emulate a loss",
    ]);
    const result = parse(act(func, args));
    expect(result.ok ? 0 : result.exitCode).toBe(77);
  });

  it.each([
    ["pid: 4711", "pid"],
    ["worker: 4711", "worker"],
    ["worker: '4711'", "worker"],
    ["worker: 'pid:1'", "worker"],
    ["worker: node2, signal: 9", "signal"],
    ["command: sleep", "command"],
  ])("names no stranger: {%s} (row 34)", (args, key) => {
    for (const consent of [{}, CONSENT]) {
      const text = printed(act("kill_worker", args), {}, consent).join("\n");
      expect(text).toMatch(/^error\[E032\] [^\n]*real faults take process labels, not pids[^\n]*$/);
      expect(text).toContain(`provider.arguments.${key}:`);
    }
  });

  it("hits labels of the run only", () => {
    expect(said("kill_worker", "worker: node7")).toBe(
      `error[E026] d.yaml:19:27 method[0].provider.arguments.worker: there is no worker "node7"; this run has ${LABELS}\n  hint: did you mean 'node0'?`,
    );
    expect(said("lose_host", "host: host1", { maxBlastPercent: 100 })).toContain(
      'there is no host "host1"; this run has host0',
    );
    expect(said("lose_host", "host: host1", { maxBlastPercent: 100, hosts: 2 })).toBe("");
    expect(said("kill_worker", "worker: pack2", { placement: "pack", workers: 8 })).toBe("");
    expect(said("kill_worker", "worker: node0", { placement: "single" })).toBe(
      `error[E026] ${FUNC_PATH}: 'take it down': placement single has no worker processes to hit\n  hint: --placement node, actor or pack`,
    );
  });

  it.each([
    ["stop_worker", "worker: node2", "E011", "stop_worker needs 'for', a lease"],
    ["stop_worker", "worker: node2, for: 3 min", "E013", "1 ms to 120 s, got 3 min"],
    ["stop_worker", "worker: node2, for: 1 us", "E013", "whole ms of wall time"],
    ["stop_worker", "worker: node2, for: 5", "E012", "a time with its unit, got 5"],
    ["slow_worker", "worker: node2, for: 1 s", "E011", "slow_worker needs 'delay'"],
    ["half_open", "worker: node2, for: 1 s, direction: up", "E013", "one of out, in, both"],
    ["kill_worker", "worker: node2, for: 1 s", "E010", "unknown key 'for'; allowed: worker"],
    ["kill_worker", "", "E011", "kill_worker needs 'worker'"],
    ["kill_worker", "worker: [node2]", "E012", "expected the label of a worker"],
    ["half_open", "worker: node2, between: [node0, plane0], for: 1 s", "E011", "not both"],
    ["half_open", "between: node0, for: 1 s", "E012", "a list of two workers"],
    ["kill", "worker: node2", "E013", "unknown action 'kill'"],
  ])("%s {%s} is told what is wrong", (func, args, code, words) => {
    const text = said(func, args);
    expect(text).toContain(`error[${code}]`);
    expect(text).toContain(words);
  });

  it("has no place among rollbacks", () => {
    const rollback = `${SMALL}rollbacks:
  - {type: action, name: undo, provider: {type: faultplane, func: kill_worker, arguments: {worker: node2}}}
`;
    expect(printed(rollback, {}, CONSENT).join()).toContain(
      "'undo' is a real fault, and rollbacks",
    );
  });

  it("gives a fault that measures may name, unless the run recovers", () => {
    const probe = "func: time_to_detect_ms, arguments: {fault: lost-node2}";
    const text = act("kill_worker", "worker: node2").replace("func: ranks_masked", probe);
    expect(printed(text, {}, CONSENT)).toEqual([]);
    expect(printed(text, {}, { ...CONSENT, onWorkerLoss: "recover" }).join()).toContain(
      "there is no fault 'lost-node2' in this drill",
    );
  });
});

describe("the cap on real faults", () => {
  const kill = (worker: string): string =>
    `  - {type: action, name: kill ${worker}, provider: {type: faultplane, func: kill_worker, arguments: {worker: ${worker}}}}\n`;
  const killing = (...workers: readonly string[]): string =>
    SMALL.replace(/method:\n(?: {2}.*\n)+/, `method:\n${workers.map(kill).join("")}`);

  it("is a quarter of the worker processes in one drill, whoever is hit twice counted once", () => {
    expect(printed(killing("node0", "plane0", "plane1", "node0"), {}, CONSENT)).toEqual([]);
    const four = killing("node0", "plane0", "plane1", "plane2");
    expect(printed(four, {}, CONSENT)).toEqual([
      "error[E027] d.yaml:17:5 method[3]: 'kill plane2' makes it 4 of 12 worker processes; cap 25 %; raise with --max-blast",
    ]);
    const result = parse(four, {}, CONSENT);
    expect(result.ok ? 0 : result.exitCode).toBe(77);
    expect(printed(four, {}, { ...CONSENT, maxBlastPercent: 40 })).toEqual([]);
  });

  it("counts the ranks that go with a process, where a cap is given", () => {
    const text = killing("node0");
    expect(printed(text, {}, { ...CONSENT, maxBlastPercent: 20 }).join()).toContain(
      "'kill node0' hits 8 of 32 ranks; cap 20 %",
    );
  });

  it("holds for the agent, who takes all along, and not for what only slows", () => {
    expect(said("kill_agent", "host: host0")).toContain("12 of 12 worker processes");
    expect(said("kill_agent", "host: host0", { hosts: 4 })).toBe("");
    expect(said("slow_worker", "worker: node0, delay: 1 ms, for: 1 s")).toBe("");
  });
});

describe("the plan of a real fault", () => {
  const planned = (func: string, args: string, more: DrillOverrides = {}) => {
    const drill = drillOf(act(func, args), { maxBlastPercent: 100, ...more });
    const { cluster, hardware } = drill.scenario;
    return { drill, topology: makeFatTree(cluster, hardware), hosts: more.hosts ?? 1 };
  };
  const lines = (...args: Parameters<typeof planned>): string => {
    const { drill, topology, hosts } = planned(...args);
    const [{ fault }] = hostFaultsOf(drill);
    return hostLines(planHostFault(fault, drill, topology, hosts)).join("\n");
  };

  it("names the processes, what goes with them, and what is made of a loss", () => {
    expect(lines("kill_worker", "worker: node2")).toBe(
      [
        "host fault, of real processes: kill_worker node2",
        "hits 1 worker process of 12 (8.3 %): node2",
        "takes along 17 actors, 8 ranks among them (25.0 % of the ranks)",
        "a loss is a fault (run.onWorkerLoss): these actors are dead from then on",
        "needs --allow-real-faults",
      ].join("\n"),
    );
    expect(lines("lose_host", "host: host1", { hosts: 2, onWorkerLoss: "recover" })).toContain(
      "hits 6 worker processes of 12 (50.0 %): plane2, plane3, plane4 and 3 more",
    );
  });

  it("tells a lease from a loss, and what it costs a paced run", () => {
    const stop = lines("stop_worker", "worker: plane3, for: 1 s", { speed: 0.001 });
    expect(stop).toContain("who is silent for as long as the silence limit is lost");
    expect(stop).toContain("a lease: it ends by itself");
    expect(stop).toMatch(/makes a paced run late; its lag budget is [\d.]+ s/);
    expect(lines("half_open", "between: [node0, plane0], for: 1 s")).toContain(
      "nobody is lost by it: the run waits",
    );
  });

  it("is part of the drill's plan, with the action's instant", () => {
    const { drill, topology } = planned("kill_worker", "worker: node2");
    const [action] = planDrill(drill, topology).actions;
    expect(action).toMatchObject({ func: "kill_worker", duePs: 6e9, host: { layer: "host" } });
    const reach = new HostReachFinder(drill.scenario, topology, 1);
    const cut = { func: "cut_connection", action: "x", target: { between: ["plane3", "node1"] } };
    expect(reach.reachOf(cut as never).workers).toEqual(["plane3"]);
  });
});
