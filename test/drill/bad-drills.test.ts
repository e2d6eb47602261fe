/**
 * The catalogue of bad drill files: what the user reads, word for word, and the exit code. Rows are
 * numbered as in the project's list of bad inputs, where they stand in it.
 */
import { describe, expect, it } from "vitest";
import { parse, printed, SMALL } from "./reading.ts";

const FUNC =
  "func: inject\n      arguments: {name: flap, kind: nic-down, target: node2.nic3, healAfter: 30 ms}";
const act = (text: string): string => SMALL.replace(FUNC, text);
const runtime = (text: string): string => `${SMALL}runtime: {hypothesis: {${text}}}\n`;
const HOST_FUNCS =
  "kill_worker, stop_worker, slow_worker, kill_agent, stop_agent, lose_host, cut_connection, half_open";
const REAL_HINT = `  hint: real faults are actions of their own: ${HOST_FUNCS}`;
const PROBE = "steady-state-hypothesis.probes[0]";
const TOLERANCE =
  "a tolerance is a number, [least, most], {type: range, range: [least, most]}, true or false";

interface BadDrill {
  readonly row: string;
  readonly text: string;
  readonly exit: number;
  readonly says: readonly string[];
}

const CATALOGUE: readonly BadDrill[] = [
  {
    row: "27 an action after the drill's end",
    text: SMALL.replace("before: 6 ms", "before: 40 s"),
    exit: 78,
    says: [
      "error[E025] d.yaml:14:5 method[0]: 'take it down' at 40.000 s, drill ends at 2.000 s\n  hint: make stop.after later",
    ],
  },
  {
    row: "27 a fault before its action",
    text: SMALL.replace("healAfter", "at: 4 ms, healAfter"),
    exit: 78,
    says: [
      "error[E025] d.yaml:19:71 method[0].provider.arguments.at: 'take it down' begins at 4.000 ms, due at 6.000 ms\n  hint: `at` counts from the beginning of the run; leave it out to begin when due",
    ],
  },
  {
    row: "27 a negative pause",
    text: SMALL.replace("before: 6 ms", "before: -1 s"),
    exit: 78,
    says: ["error[E025] d.yaml:20:22 method[0].pauses.before: must be 0 or later, got -1 s"],
  },
  {
    row: "16 a time with an exponent",
    text: SMALL.replace("before: 6 ms", "before: 1e300 s"),
    exit: 78,
    says: [
      'error[E016] d.yaml:20:22 method[0].pauses.before: write a time with its unit: ps, ns, us, ms, s, min or h, and digits without an exponent; got "1e300 s"',
    ],
  },
  {
    row: "27 a drill that outlives its run",
    text: SMALL.replace("after: 2 s", "after: 700 s"),
    exit: 78,
    says: [
      "error[E025] d.yaml:21:15 stop.after: the drill stops at 700 s, its run ends at 600.000 s\n  hint: run: {timeLimit: ...} of the scenario must be later",
    ],
  },
  {
    row: "28 an unknown target",
    text: SMALL.replace("node2.nic3", "plane=9"),
    exit: 78,
    says: [
      "error[E026] d.yaml:19:55 method[0].provider.arguments.target: selector 'plane=9' matches no nic (planes 0..7)\n  hint: did you mean 'plane=0'?",
    ],
  },
  {
    row: "30 a heal without a fault",
    text: act("func: heal\n      arguments: {fault: l3}"),
    exit: 78,
    says: [
      "error[E028] d.yaml:19:26 method[0].provider.arguments.fault: 'take it down' heals 'l3', which is never down\n  hint: what is ended must have begun before, or in the scenario",
    ],
  },
  {
    row: "30 heal as an instant, where the onset is none",
    text: SMALL.replace("healAfter", "heal"),
    exit: 78,
    says: [
      "error[E028] d.yaml:19:73 method[0].provider.arguments.heal: heal is an instant of the run, and this fault begins when its action is due\n  hint: write healAfter, a duration",
    ],
  },
  {
    row: "31 no stop",
    text: SMALL.replace("stop: {after: 2 s}\n", ""),
    exit: 78,
    says: [
      "error[E029] d.yaml:1:1 stop: add stop: {after: 60 s}: a drill has a time limit, in virtual time\n  hint: conditions that end it earlier: stop: {after: 60 s, when: [probes]}",
    ],
  },
  {
    row: "31 a stop without a time limit",
    text: SMALL.replace("stop: {after: 2 s}", "stop: {when: []}"),
    exit: 78,
    says: [
      "error[E029] d.yaml:21:1 stop.after: add stop: {after: 60 s}: a drill has a time limit, in virtual time\n  hint: conditions that end it earlier: stop: {after: 60 s, when: [probes]}",
    ],
  },
  {
    row: "32 an unknown measure",
    text: SMALL.replace("ranks_masked", "rank_masked"),
    exit: 78,
    says: [
      `error[E030] d.yaml:12:42 ${PROBE}.provider.func: unknown measure 'rank_masked'\n  hint: did you mean 'ranks_masked'?`,
    ],
  },
  {
    row: "32 an empty tolerance",
    text: SMALL.replace("tolerance: 0", "tolerance: []"),
    exit: 78,
    says: [`error[E030] d.yaml:11:18 ${PROBE}.tolerance: ${TOLERANCE}; got an empty list`],
  },
  {
    row: "32 a reversed tolerance",
    text: SMALL.replace("tolerance: 0", "tolerance: [5, 1]"),
    exit: 78,
    says: [
      `error[E030] d.yaml:11:18 ${PROBE}.tolerance: nothing is between 5 and 1: least comes first\n  hint: did you mean [1, 5]?`,
    ],
  },
  {
    row: "32 a percentage",
    text: SMALL.replace("tolerance: 0", "tolerance: 95 %"),
    exit: 78,
    says: [
      `error[E030] d.yaml:11:18 ${PROBE}.tolerance: ${TOLERANCE}; got string "95 %"\n  hint: write a share such as 0.95; percentages are not read`,
    ],
  },
  {
    row: "32 no tolerance in the hypothesis",
    text: SMALL.replace("      tolerance: 0\n", ""),
    exit: 78,
    says: [
      `error[E030] d.yaml:9:7 ${PROBE}: 'masks' has no tolerance\n  hint: write a tolerance: a number, [least, most], {type: range, range: [least, most]}, true or false`,
    ],
  },
  {
    row: "32 a fault that is not in the drill",
    text: SMALL.replace("ranks_masked", "time_to_detect_ms, arguments: {fault: flop}"),
    exit: 78,
    says: [
      `error[E030] d.yaml:12:80 ${PROBE}.provider.arguments.fault: there is no fault 'flop' in this drill\n  hint: did you mean 'flap'?`,
    ],
  },
  {
    row: "32 a stop condition that is known at the end only",
    text: SMALL.replace(
      "{after: 2 s}",
      "{after: 2 s, when: [{name: n, tolerance: 0, provider: {type: faultplane, func: assignments_lost}}]}",
    ),
    exit: 78,
    says: [
      "error[E030] d.yaml:21:86 stop.when[0].provider.func: assignments_lost is known when the run is over: it cannot stop one",
    ],
  },
  {
    row: "32 checks during a method that takes no time",
    text: runtime("strategy: continuously"),
    exit: 78,
    says: [
      "error[E030] d.yaml:22:34 runtime.hypothesis.strategy: continuously checks nothing: the method ends when it begins\n  hint: let time pass after the action: pauses: {after: 1 s}",
    ],
  },
  {
    row: "33 a real fault",
    text: act("func: kill\n      arguments: {process: worker-0}"),
    exit: 77,
    says: [
      `error[E031] d.yaml:18:13 method[0].provider.func: 'take it down' kills a real process; rerun with --allow-real-faults\n${REAL_HINT}`,
    ],
  },
  {
    row: "34 a real fault of a stranger",
    text: act("func: kill\n      arguments: {pid: 1}"),
    exit: 77,
    says: [
      "error[E032] d.yaml:18:13 method[0].provider.func: real faults take process labels, not pids or commands",
    ],
  },
  {
    row: "33 a real fault by its provider",
    text: SMALL.replace(
      `type: faultplane\n      ${FUNC}`,
      "type: process\n      path: kill\n      arguments: -9 1",
    ),
    exit: 77,
    says: [
      `error[E031] d.yaml:17:13 method[0].provider.type: 'take it down' starts a program, which no drill may\n${REAL_HINT}`,
    ],
  },
  {
    row: "33 a real fault by its kind",
    text: act("func: inject\n      arguments: {kind: process-kill, target: worker-0}"),
    exit: 77,
    says: [
      `error[E031] d.yaml:19:25 method[0].provider.arguments.kind: 'take it down' process-kill of a real process; rerun with --allow-real-faults\n${REAL_HINT}`,
    ],
  },
  {
    row: "34 a stranger as a target",
    text: act("func: inject\n      arguments: {kind: process-kill, target: 'pid:1'}"),
    exit: 77,
    says: [
      "error[E032] d.yaml:19:47 method[0].provider.arguments.target: real faults take process labels, not pids or commands",
    ],
  },
  {
    row: "27 a fault after the drill's end, by its own instant",
    text: SMALL.replace("healAfter", "at: 40 s, healAfter"),
    exit: 78,
    says: [
      "error[E025] d.yaml:19:71 method[0].provider.arguments.at: 'take it down' at 40.000 s, drill ends at 2.000 s\n  hint: make stop.after later",
    ],
  },
  {
    row: "30 a plane that there is not",
    text: SMALL.replace("func: ranks_masked", "func: plane_share, arguments: {plane: 8}"),
    exit: 78,
    says: [
      `error[E013] d.yaml:12:74 ${PROBE}.provider.arguments.plane: there are planes 0..7, got 8`,
    ],
  },
  {
    row: "36 a scenario outside the drill's folder",
    text: SMALL.replace(/scenario:\n(?: {2}.*\n)+/, "scenario: ../s.yaml\n"),
    exit: 77,
    says: [
      "error[E034] d.yaml:2:11 scenario: path must stay under the folder of this file; it has '..', got \"../s.yaml\"",
    ],
  },
  {
    row: "a fault's name given twice",
    text: SMALL.replace(
      "stop:",
      "  - {name: again, type: action, provider: {type: faultplane, func: inject, arguments: {name: flap, kind: nic-down, target: node0.nic0}}}\nstop:",
    ),
    exit: 78,
    says: [
      "error[E021] d.yaml:21:87 method[1].provider.arguments: fault 'flap' defined twice\n  hint: give it a name of its own: arguments: {name: ...}",
    ],
  },
  {
    row: "an unknown action",
    text: act("func: injct"),
    exit: 78,
    says: [
      `error[E013] d.yaml:18:13 method[0].provider.func: unknown action 'injct'; there are inject, heal, mask, unmask, drain, undrain, reroute, wait, note, ${HOST_FUNCS}\n  hint: did you mean 'inject'?`,
    ],
  },
  {
    row: "another provider",
    text: SMALL.replace("type: faultplane, func", "type: process, func"),
    exit: 78,
    says: [`error[E013] d.yaml:12:24 ${PROBE}.provider.type: must be faultplane, got "process"`],
  },
  {
    row: "more checks than any drill needs",
    text: runtime("frequency: 1 ns"),
    exit: 78,
    says: [
      "error[E013] d.yaml:22:35 runtime.hypothesis.frequency: at most 10000 checks in a drill: 200.000 us or more, got 1 ns",
    ],
  },
];

describe("a bad drill file", () => {
  it.each(CATALOGUE)("row '$row'", ({ text, exit, says }) => {
    const result = parse(text);
    expect(printed(text)).toEqual(says);
    expect(result.ok ? 0 : result.exitCode).toBe(exit);
  });

  it("row '29 above the blast cap': off without one, 77 above it", () => {
    const text = SMALL.replace("nic-down, target: node2.nic3", "plane-down, target: plane3");
    expect(printed(text)).toEqual([]);
    expect(printed(text, {}, { maxBlastPercent: 13 })).toEqual([]);
    expect(printed(text, {}, { maxBlastPercent: 10 })).toEqual([
      "error[E027] d.yaml:14:5 method[0]: 'take it down' hits 4 of 32 ranks; cap 10 %; raise with --max-blast",
    ]);
    const result = parse(text, {}, { maxBlastPercent: 10 });
    expect(result.ok ? 0 : result.exitCode).toBe(77);
    // What operators do, and what the scenario brings along, hits as well.
    const drain = SMALL.replace("func: inject", "func: drain").replace(
      /arguments: \{name: flap.*\}/,
      "arguments: {target: node1}",
    );
    expect(printed(drain, {}, { maxBlastPercent: 30 })).toEqual([]);
    expect(printed(drain, {}, { maxBlastPercent: 10 }).join()).toContain("E027");
    const own = SMALL.replace(
      "  model:",
      "  faults: [{kind: node-crash, target: node1, at: 1 ms}]\n  model:",
    );
    expect(printed(own, {}, { maxBlastPercent: 30 })).toEqual([]);
    expect(printed(own, {}, { maxBlastPercent: 10 }).join()).toContain("'f1' hits 8 of 32 ranks");
  });

  it("is told of a reroute that has no way round", () => {
    const reroute = (target: string): string =>
      printed(
        SMALL.replace("nodes: 4}", "nodes: 16, switchPorts: 8}")
          .replace("func: inject", "func: reroute")
          .replace(/arguments: \{name: flap.*\}/, `arguments: {target: ${target}}`),
      ).join();
    expect(reroute("plane3.leaf0--plane3.spine0.0")).toBe("");
    expect(reroute("node2.nic3--plane3.leaf0")).toContain(
      "error[E026] d.yaml:19:27 method[0].provider.arguments.target: there is no way round",
    );
  });

  it("has all its errors told at once, those of its scenario with their own lines", () => {
    const text = SMALL.replace("title: a flap", "titel: a flap")
      .replace("nodes: 4", "nods: 4")
      .replace("ranks_masked", "rank_masked")
      .replace("kind: nic-down", "kind: nic-dwn");
    const places = printed(text).map((line) => line.split(" ").slice(0, 2).join(" "));
    expect(places).toEqual([
      "error[E011] d.yaml:1:1",
      "error[E010] d.yaml:1:1",
      "error[E011] d.yaml:4:3",
      "error[E010] d.yaml:4:13",
      "error[E030] d.yaml:12:42",
    ]);
    const mended = printed(text.replace("nods", "nodes")).map((line) => line.slice(0, 11));
    expect(mended).toEqual(["error[E011]", "error[E010]", "error[E030]", "error[E026]"]);
  });

  it("says nothing of heals and probes of a fault that is wrong itself", () => {
    const rollback = `rollbacks:
  - {type: action, name: mend, provider: {type: faultplane, func: heal, arguments: {fault: flap}}}
`;
    const probe = "func: time_to_detect_ms, arguments: {fault: flap}";
    const text = SMALL.replace("func: ranks_masked", probe) + rollback;
    expect(printed(text)).toEqual([]);
    const codes = (bad: string): string[] => printed(bad).map((line) => line.slice(0, 11));
    expect(codes(text.replace("node2.nic3", "node9.nic3"))).toEqual(["error[E026]"]);
    expect(codes(text.replace("healAfter: 30 ms", "at: -1 ms"))).toEqual(["error[E025]"]);
    // Wrong in the file's own keys: the action is left out, and its fault with it.
    expect(codes(text.replace("before: 6 ms", "before: 6"))).toHaveLength(1);
    // What is right in itself is told that nothing of that name begins.
    expect(codes(text.replace("name: flap", "name: flop"))).toEqual(["error[E030]", "error[E028]"]);
  });

  it("names the file and line of a scenario beside it", () => {
    const text = SMALL.replace(/scenario:\n(?: {2}.*\n)+/, "scenario: s.yaml\n");
    const scenario = "model: models/deepseek-v3.json\ncluster: {nods: 4}\n";
    expect(printed(text, { "s.yaml": scenario })[0]).toMatch(/^error\[E011\] s\.yaml:2:/);
  });
});
