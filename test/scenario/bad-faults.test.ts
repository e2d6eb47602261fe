/**
 * Bad faults and recovery policies in scenario files: what the user reads, word for word. Rows are
 * numbered as in bad-input.test.ts.
 */
import { describe, expect, it } from "vitest";
import { formatProblem } from "../../src/scenario/problem.ts";
import { parse, SMALLEST } from "./reading.ts";

interface BadInput {
  readonly row: string;
  readonly text: string;
  readonly exit: number;
  readonly says: readonly string[];
}

const CATALOGUE: readonly BadInput[] = [
  {
    row: "27 fault times that are drawn, or in a phase",
    text: `${SMALLEST}run: {timeLimit: 30 s}
faults:
  - {kind: gpu-dead, target: node0.gpu0, at: {between: [1 s, 40 s]}}
  - {kind: gpu-dead, target: node0.gpu1, at: {between: [2 s, 1 s]}}
  - {kind: gpu-dead, target: node0.gpu2, at: {step: 1, layer: 12, phase: dispatch}}
  - {kind: gpu-dead, target: node0.gpu3, at: {step: 0, layer: 2, phase: dispatch}}
  - {kind: gpu-dead, target: node0.gpu4, at: {step: 0, layer: 12}}
  - {kind: gpu-dead, target: node0.gpu5, at: {step: 0, layer: 12, phase: dispatch}, heal: 9 ms}
`,
    exit: 78,
    says: [
      "error[E025] s.yaml:5:62 faults[0].at.between[1]: fault f1 at 40 s, run ends at 30 s",
      "error[E025] s.yaml:6:56 faults[1].at.between: between 2 s and 1 s is no time; write the earlier first",
      "error[E025] s.yaml:7:53 faults[2].at.step: step 1 is never reached; the run has steps 0..0",
      "error[E025] s.yaml:8:63 faults[3].at.layer: layer 2 is dense and exchanges nothing; layers with experts are 3..60",
      "error[E011] s.yaml:9:46 faults[4].at: a phase is named by step, layer and phase; phase is missing\n  hint: at: {step: 0, layer: 12, phase: dispatch, fraction: 0.5}, or a time such as 6 ms",
      "error[E028] s.yaml:10:91 faults[5].heal: f6 begins in a phase of a layer: how long it lasts is healAfter\n  hint: heal is a virtual time; a duration is healAfter",
    ],
  },
  {
    row: "28 domains, draws and other kinds of target",
    text: `${SMALLEST}faults:
  - {kind: link-down, target: plane=9, at: 5 ms}
  - {kind: nic-down, target: host=h1, at: 5 ms}
  - {kind: nic-down, target: nod=2, at: 5 ms}
  - {kind: nic-down, target: node2, at: 5 ms}
  - {kind: nic-down, target: {draw: 9, from: node=2}, at: 5 ms}
  - {kind: one-way-loss, target: node2.nic3--plane3.leaf0, at: 5 ms}
  - {kind: hot-expert, target: expert256, at: 5 ms}
  - {kind: switch-down, target: [plane3.leaf0, plane3.leaf*9], at: 5 ms}
`,
    exit: 78,
    says: [
      "error[E026] s.yaml:4:31 faults[0].target: selector 'plane=9' matches no link (planes 0..7)\n  hint: did you mean 'plane=0'?",
      "error[E026] s.yaml:5:30 faults[1].target: selector 'host=h1' is refused: faults hit emulated parts, and which host runs them is not modelled",
      "error[E026] s.yaml:6:30 faults[2].target: selector 'nod=2' names no domain; domains are plane, leaf, spine, node\n  hint: did you mean 'node=2'?",
      "error[E026] s.yaml:7:30 faults[3].target: nic-down takes a nic, 'node2' is a node\n  hint: node=2 is every nic of it",
      "error[E026] s.yaml:8:30 faults[4].target: cannot draw 9 of the 8 that 'node=2' matches",
      "error[E026] s.yaml:9:34 faults[5].target: one-way-loss takes a direction, 'node2.nic3--plane3.leaf0' is a link\n  hint: write one direction of the link: node2.nic3->plane3.leaf0",
      "error[E026] s.yaml:10:32 faults[6].target: selector 'expert256' matches no expert (expert0..expert255)\n  hint: did you mean 'expert25'?",
      "error[E026] s.yaml:11:48 faults[7].target[1]: selector 'plane3.leaf*9' matches no leaf or spine or nvswitch (plane0.leaf0..plane7.leaf0, there is none, node0.nvswitch..node3.nvswitch)\n  hint: did you mean 'plane3.leaf0'?",
    ],
  },
  {
    row: "30 a fault on what is dead already",
    text: `${SMALLEST}faults:
  - {name: crash, kind: node-crash, target: node1, at: 5 ms, healAfter: 10 ms}
  - {name: late, kind: nic-down, target: node1.nic3, at: 6 ms, healAfter: 9 ms}
  - {name: later, kind: nic-down, target: node1.nic3, at: 6 ms, healAfter: 10 ms}
`,
    exit: 78,
    says: [
      "error[E028] s.yaml:5:42 faults[1].target: late breaks node1.nic3, which crash has dead already\n  hint: let crash heal first, or choose another target",
    ],
  },
  {
    row: "a parameter, a visibility and an onset that the kind does not have",
    text: `${SMALLEST}faults:
  - {kind: slow-gpu, target: node0.gpu0, at: 5 ms, loss: 0.1}
  - {kind: grey-loss, target: node0.nic0, at: 5 ms, visibility: loud}
  - {kind: nic-down, target: node0.nic0, at: 5 ms, onset: {ramp: 1 ms}}
  - {kind: nic-flap, target: node0.nic0, at: 5 ms, onset: step}
  - {kind: slow-nic, target: node0.nic0, at: 5 ms, onset: {ramp: 1 ms}, healAfter: 1 us}
  - {kind: kv-copy, target: node0.nic0, at: 5 ms, kvRate: 64 GB/s}
  - {kind: slow-nic, target: node0.nic0, at: 5 ms, slowdown: 0.5}
  - {kind: grey-loss, target: node0.nic0, at: 5 ms, spared: 256}
`,
    exit: 78,
    says: [
      "error[E019] s.yaml:4:52 faults[0].loss: slow-gpu takes slowdown\n  hint: loss is for grey-loss",
      "error[E019] s.yaml:5:65 faults[1].visibility: grey-loss is always silent: it takes no port down\n  hint: leave visibility out",
      "error[E019] s.yaml:6:66 faults[2].onset.ramp: nic-down is all or nothing: it has no ramp\n  hint: leave onset out, or give a flap",
      "error[E019] s.yaml:7:59 faults[3].onset: nic-flap comes and goes\n  hint: nic-down is one that stays",
      "error[E028] s.yaml:8:59 faults[4].onset: f5 heals before its ramp has ended\n  hint: give a longer healAfter",
      "error[E013] s.yaml:9:59 faults[5].kvRate: copies at 64 GB/s leave nothing of PCIe, which has 64.0 GB/s\n  hint: give kvRate above 0 and below 64.0 GB/s",
      "error[E013] s.yaml:10:62 faults[6].slowdown: must be 1..1000, got 0.5",
      "error[E016] s.yaml:11:61 faults[7].spared: write bytes with their unit: B, kB or MB; got 256",
    ],
  },
  {
    row: "21 recovery that could never act",
    text: `${SMALLEST.replace("nodes: 4", "nodes: 4, planes: 1")}recovery: {failover: nvlink, takeover: true, onSilence: trap, controller: remap}
`,
    exit: 78,
    says: [
      "error[E019] s.yaml:3:22 recovery.failover: failover nvlink needs a neighbour on another plane; there is one plane\n  hint: set cluster.planes above 1, or failover: none",
      "error[E019] s.yaml:3:40 recovery.takeover: takeover needs replicas, and experts.redundant is 0\n  hint: set experts.redundant, such as one replica for each rank",
      "error[E019] s.yaml:3:75 recovery.controller: controller remap moves the experts of masked ranks; onSilence trap masks none\n  hint: set onSilence: mask, or controller: restart",
    ],
  },
  {
    row: "18 clocks of recovery",
    text: `${SMALLEST}recovery: {rerouteLocal: 5, rerouteManager: nevr, controllerDelay: 8 s, takeover: 1}
`,
    exit: 78,
    says: [
      "error[E016] s.yaml:3:26 recovery.rerouteLocal: write a time with its unit: ps, ns, us, ms, s, min or h, or never; got 5",
      'error[E016] s.yaml:3:45 recovery.rerouteManager: write a time with its unit: ps, ns, us, ms, s, min or h, or never; got "nevr"',
      "error[E019] s.yaml:3:68 recovery.controllerDelay: controllerDelay is the clock of a controller; controller is none\n  hint: set controller: remap or restart, or leave it out",
      "error[E012] s.yaml:3:83 recovery.takeover: expected true or false, got 1",
    ],
  },
];

describe("a bad fault or recovery policy", () => {
  it.each(CATALOGUE)("row $row", ({ text, exit, says }) => {
    const result = parse(text);
    expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual(says);
    expect(result.ok ? 0 : result.exitCode).toBe(exit);
  });
});
