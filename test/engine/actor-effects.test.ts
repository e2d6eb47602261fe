/**
 * What faults do to actors: dead and revived devices, conditions, ports, who is told of it when,
 * and which fault is named. On hand-made nets, in one process and in several.
 */
import { describe, expect, it } from "vitest";
import { FaultTable } from "../../src/engine/fault-table.ts";
import type { FaultHeal, FaultKind, FaultSpec } from "../../src/model/fault.ts";
import { NO_FAULT } from "../../src/model/fault.ts";
import { LANE, type NetPlan, type NetResult, runNet, type Sending } from "./hand-made-net.ts";

/** host0 - leaf0 = spine0, spine1 = leaf1 - host1. */
const LINKS: NetPlan["links"] = [
  ["host0", "leaf0"],
  ["leaf0", "spine0"],
  ["leaf0", "spine1"],
  ["host1", "leaf1"],
  ["leaf1", "spine0"],
  ["leaf1", "spine1"],
];
const HOP_PS = 2_000 + LANE.latencyPs;

function fault(kind: FaultKind, target: string, changes: Partial<FaultSpec> = {}): FaultSpec {
  return { name: `${kind} ${target}`, kind, targets: [target], atPs: 100_000, ...changes };
}

function message(number: number, atPs: number): Sending {
  return { from: "host0", to: "host1", atPs, sizeBytes: 100, number };
}

/** Runs a net in one process and in two and four; they must agree in everything. */
function runAnywhere(plan: Omit<NetPlan, "links"> & { links?: NetPlan["links"] }): NetResult {
  const whole = { links: LINKS, ...plan };
  const one = runNet(whole);
  expect(one.troubles).toEqual([]);
  for (const workers of [2, 4]) {
    const other = runNet({ ...whole, workers });
    expect(other.digest).toBe(one.digest);
    expect(other.facts).toEqual(one.facts);
    const inOrder = (result: NetResult): string[] =>
      result.notices.map((notice) => JSON.stringify(notice)).sort();
    expect(inOrder(other)).toEqual(inOrder(one));
  }
  const { sentBytes, deliveredBytes, droppedBytes } = one.counters;
  expect(deliveredBytes + droppedBytes).toBe(sentBytes);
  expect(one.packetsInUse).toBe(0);
  return one;
}

function told(result: NetResult, what: "affected" | "revived" = "affected"): string[] {
  const notices = result.notices.filter((notice) => notice.what === what);
  return notices.map(({ at, atPs, portsDown }) => `${atPs} ${at} ${portsDown.join()}`).sort();
}

describe("a dead switch", () => {
  const down = fault("switch-down", "leaf1", { healAtPs: 300_000 });

  it("sends nothing and handles nothing until it is revived, and then does as before", () => {
    const sendings = [100_000, 200_000, 300_000 - 3 * HOP_PS, 400_000].map((atPs, number) =>
      message(number, atPs),
    );
    const result = runAnywhere({ sendings, faults: [down] });
    expect(sendings.map(({ number }) => result.arrivedPs("host1", number))).toEqual([
      undefined,
      undefined,
      300_000 + HOP_PS,
      400_000 + 4 * HOP_PS,
    ]);
    expect(told(result, "revived")).toEqual(["300000 leaf1 "]);
  });

  it("does not send what it had queued, but what had left it arrives", () => {
    // Three messages reach leaf1 one behind the other; each needs 2,000 ps to leave.
    const sendings = [0, 1, 2].map((number) => message(number, 1_000));
    const lastLeavesPs = 1_000 + 3 * HOP_PS + 3 * 2_000;
    const at = (atPs: number): (number | undefined)[] => {
      const result = runAnywhere({ sendings, faults: [{ ...down, atPs }] });
      return [0, 1, 2].map((number) => result.arrivedPs("host1", number));
    };
    const whole = [0, 1, 2].map((number) => 1_000 + 4 * HOP_PS + number * 2_000);
    expect(at(lastLeavesPs)).toEqual(whole);
    expect(at(lastLeavesPs - 1)).toEqual([whole[0], whole[1], undefined]);
  });

  it("shows at the far ends of its links, and every switch of its plane is told", () => {
    const result = runAnywhere({ sendings: [], faults: [down] });
    expect(told(result)).toEqual([
      "100000 host1 0",
      "100000 leaf0 ",
      "100000 spine0 1",
      "100000 spine1 1",
      "300000 host1 ",
      "300000 leaf0 ",
      "300000 spine0 ",
      "300000 spine1 ",
    ]);
  });

  it("shows nowhere when it died silently", () => {
    const silent = { ...down, parameters: { silent: true } as const };
    const result = runAnywhere({ sendings: [], faults: [silent] });
    expect(told(result)).toEqual([]);
    expect(told(result, "revived")).toEqual(["300000 leaf1 "]);
  });

  it("stays dead while any fault has it dead, and is revived once", () => {
    const longer = fault("switch-down", "leaf1", { atPs: 200_000, healAtPs: 500_000, name: "b" });
    const sendings = [message(0, 400_000), message(1, 600_000)];
    const result = runAnywhere({ sendings, faults: [down, longer] });
    expect(result.arrivedPs("host1", 0)).toBeUndefined();
    expect(result.arrivedPs("host1", 1)).toBe(600_000 + 4 * HOP_PS);
    expect(told(result, "revived")).toEqual(["500000 leaf1 "]);
  });

  it("leaves finite buffers whole when it lives again", () => {
    const sendings = Array.from({ length: 100 }, (_, number) =>
      message(number, 1 + number * 3_000),
    );
    const faults = [{ ...down, healAtPs: 200_000 }];
    const result = runAnywhere({ sendings, faults, portBufferBytes: 250 });
    const arrived = sendings.filter(({ number }) => result.arrivedPs("host1", number));
    expect(arrived.length).toBeGreaterThan(50);
    expect(arrived.length).toBeLessThan(100);
    expect(result.arrivedPs("host1", 99)).toBeDefined();
  });

  it("has buffers again when it lives again: who sends to it waits for room", () => {
    const sendings = Array.from({ length: 20 }, (_, number) => message(number, 300_000 + number));
    // leaf1 sends ten times slower than it receives.
    const links = LINKS.map(([from, to]): NetPlan["links"][number] =>
      from === "host1" ? [from, to, {}, { psPerByte: 200 }] : [from, to],
    );
    const [dead, alive] = [[down], []].map((faults) =>
      runAnywhere({ links, sendings, faults, portBufferBytes: 100 }),
    );
    expect(alive.counters.stalledPs).toBeGreaterThan(0);
    expect(dead.counters.stalledPs).toBe(alive.counters.stalledPs);
    expect(dead.arrivedPs("host1", 19)).toBe(alive.arrivedPs("host1", 19));
  });
});

describe("a revived device", () => {
  const dead = fault("gpu-dead", "gpu0", { healAtPs: 300_000 });
  const links: NetPlan["links"] = [
    ["gpu0", "nvswitch0"],
    ["gpu1", "nvswitch0"],
  ];
  const sendings: Sending[] = [
    { from: "gpu0", to: "gpu1", atPs: 400_000, sizeBytes: 100, number: 1 },
  ];

  it("has no reminders left, and must say itself when its part is over", () => {
    const result = runAnywhere({ links, sendings, faults: [dead] });
    expect(result.arrivedPs("gpu1", 1)).toBeUndefined();
    const [kernel] = result.kernels;
    expect(kernel.isDead(0)).toBe(false);
    expect(kernel.parts[0]).toBe(0);
    expect(kernel.faultState.killerOf(0)).toBe(0);
  });

  it("that cannot begin anew has no part in the run any more", () => {
    const [kernel] = runAnywhere({ links, sendings, faults: [dead], withoutRevival: true }).kernels;
    expect(kernel.isDead(0)).toBe(false);
    expect(kernel.parts[0]).toBe(1);
  });
});

describe("conditions", () => {
  const slow = (name: string, slowdown: number, changes: Partial<FaultSpec> = {}): FaultSpec =>
    fault("slow-gpu", "gpu0", { name, parameters: { slowdown, silent: true }, ...changes });
  const links: NetPlan["links"] = [["gpu0", "nvswitch0"]];

  it("of several faults come together, and are told when they change", () => {
    const faults = [
      slow("a", 2, { healAtPs: 400_000 }),
      slow("b", 1.5, { atPs: 200_000, healAtPs: 300_000 }),
      fault("process-hang", "gpu0", { atPs: 200_000, healAtPs: 250_000 }),
    ];
    const { notices } = runAnywhere({ links, sendings: [], faults });
    expect(notices.map(({ atPs, slowdown, isHung }) => [atPs, slowdown, isHung])).toEqual([
      [100_000, 2, false],
      [200_000, 3, true],
      [250_000, 3, false],
      [300_000, 2, false],
      [400_000, 1, false],
    ]);
  });

  it("are told once an instant, and not when the instant leaves them as they were", () => {
    const faults = [slow("a", 2, { healAtPs: 200_000 }), slow("b", 2, { atPs: 200_000 })];
    const { notices } = runAnywhere({ links, sendings: [], faults });
    expect(notices.map(({ atPs }) => atPs)).toEqual([100_000]);
  });

  it("of operators are every GPU's business", () => {
    const two: NetPlan["links"] = [...links, ["gpu1", "nvswitch0"]];
    for (const kind of ["masked", "drained"] as const) {
      const result = runAnywhere({ links: two, sendings: [], faults: [fault(kind, "gpu0")] });
      expect(told(result)).toEqual(["100000 gpu0 ", "100000 gpu1 "]);
    }
  });

  it("corrupt with all their shares, and the corrupter is known for as long as is asked", () => {
    const flips = (name: string, changes: Partial<FaultSpec>): FaultSpec =>
      fault("silent-corruption", "gpu0", {
        ...{ name, parameters: { flipsPerMillion: 500_000, silent: true }, ...changes },
      });
    const faults = [
      flips("a", { healAtPs: 300_000 }),
      flips("b", { atPs: 150_000, healAtPs: 200_000 }),
    ];
    const [kernel] = runNet({ links, sendings: [], faults }).kernels;
    const { faultState } = kernel;
    expect(faultState.conditionOf(0).flipsPerMillion).toBe(0);
    expect(faultState.corrupterOf(0, 250_000)).toBe(0);
    expect(faultState.corrupterOf(0, 300_001)).toBe(NO_FAULT);
    expect(faultState.corrupterOf(1, 0)).toBe(NO_FAULT);
  });
});

describe("a reroute", () => {
  it("shows at once at both ends, tells the plane, and loses nothing", () => {
    const faults = [fault("rerouted", "spine0", { healAtPs: 300_000 })];
    const sendings = [message(1, 100_000), message(2, 200_000)];
    const result = runAnywhere({ sendings, faults });
    expect(result.counters.droppedPackets).toBe(0);
    expect(told(result).filter((line) => line.startsWith("100000"))).toEqual([
      "100000 leaf0 1",
      "100000 leaf1 1",
      "100000 spine0 0,1",
      "100000 spine1 ",
    ]);
  });
});

describe("ends of faults", () => {
  const down = fault("link-down", "host0--leaf0", { healAtPs: 300_000 });
  const sendings = [150_000, 250_000, 350_000].map((atPs, number) => message(number, atPs));
  const arrived = (heals: FaultHeal[], faults = [down]): [boolean[], NetResult] => {
    const result = runAnywhere({ sendings, faults, heals });
    return [sendings.map(({ number }) => result.arrivedPs("host1", number) !== undefined), result];
  };
  const heal = (atPs: number): FaultHeal => ({ fault: down.name, atPs });

  it("come with the lease, with nobody's help", () => {
    expect(arrived([])[0]).toEqual([false, false, true]);
  });

  it("come early when somebody says so; doing it again, or too late, changes nothing", () => {
    const [early, result] = arrived([heal(200_000)]);
    expect(early).toEqual([false, true, true]);
    for (const again of [
      [heal(200_000), heal(200_000)],
      [heal(200_000), heal(260_000)],
    ]) {
      const [same, other] = arrived(again);
      expect(same).toEqual(early);
      expect(other.digest).toBe(result.digest);
      expect(other.facts).toEqual(result.facts);
    }
    expect(result.facts.map(({ atPs, fact: { type } }) => [atPs, type])).toEqual([
      [100_000, "fault.began"],
      [200_000, "fault.healed"],
    ]);
  });

  it("of a fault that nobody knows, or at its lease's end change nothing", () => {
    const [, plain] = arrived([]);
    for (const heals of [[{ fault: "x", atPs: 1 }], [heal(300_000)]]) {
      const [, other] = arrived(heals);
      expect(other.digest).toBe(plain.digest);
      expect(other.facts).toEqual(plain.facts);
    }
  });

  it("that come by the onset leave it without effect: it ends as it begins", () => {
    for (const atPs of [50_000, 100_000]) {
      const [all, result] = arrived([heal(atPs)]);
      expect(all).toEqual([true, true, true]);
      expect(result.facts.map(({ atPs: saidPs, fact: { type } }) => [saidPs, type])).toEqual([
        [100_000, "fault.began"],
        [100_000, "fault.healed"],
      ]);
    }
  });

  it("of one of two faults on a link leave the other in force", () => {
    const other = { ...down, name: "other", atPs: 120_000, healAtPs: 320_000 };
    expect(arrived([heal(200_000)], [down, other])[0]).toEqual([false, false, true]);
  });

  it("must come after the onset, and names are not given twice", () => {
    const [{ topology }] = [{ topology: { actors: [], lanes: [] } as never }];
    const make = (faults: FaultSpec[]): FaultTable =>
      new FaultTable(topology, faults, () => ({ actors: [], lanes: [] }));
    const hot = { ...fault("hot-expert", "expert1"), healAtPs: 100_000 };
    expect(() => make([hot])).toThrow("fault-has-a-span");
    const { healAtPs: _, ...whole } = hot;
    expect(() => make([whole, whole])).toThrow("fault-name-unique");
  });
});

describe("the fault that is named", () => {
  const named = (faults: FaultSpec[], sincePs: number): string => {
    const [kernel] = runNet({ links: LINKS, sendings: [], faults }).kernels;
    return kernel.faults.nameOf(kernel.faults.between(0, 1, sincePs));
  };
  const flips = fault("silent-corruption", "host0", { name: "flips", atPs: 1 });
  const slow = fault("slow-gpu", "host0", { name: "slow", atPs: 2 });
  const hang = fault("process-hang", "host1", { name: "hang", atPs: 3 });

  it("is the most severe of those in force, whatever began first", () => {
    expect(named([slow, flips, hang], 0)).toBe("hang");
    expect(named([slow, flips], 0)).toBe("flips");
    expect(named([slow], 0)).toBe("slow");
  });

  it("is one in force before one that has healed, and one since then before an older one", () => {
    const other = fault("process-hang", "host0", { name: "other", atPs: 2 });
    const healed = { ...hang, healAtPs: 50_000 };
    expect(named([other, healed], 0)).toBe("other");
    const otherHealed = { ...other, healAtPs: 90_000 };
    expect(named([otherHealed, healed], 40_000)).toBe("other");
    expect(named([otherHealed, healed], 60_000)).toBe("other");
    expect(named([otherHealed, healed], 95_000)).toBe("other");
  });

  it("is never one that only delays or spoils, where another can have lost something", () => {
    const healed = { ...hang, healAtPs: 50_000 };
    expect(named([slow, flips, healed], 60_000)).toBe("hang");
  });

  it("is the one that began first among equals, then the first by name", () => {
    const dead = fault("gpu-dead", "host0", { name: "z", atPs: 1 });
    expect(named([hang, dead], 0)).toBe("z");
    expect(
      named(
        [
          { ...hang, name: "b", atPs: 1 },
          { ...dead, name: "a" },
        ],
        0,
      ),
    ).toBe("a");
  });
});
