/**
 * Control of runs that are up, over real processes and sockets: what operators do acts at the
 * instant that they are told, is written down first, ends by itself, and can be done again from the
 * record. The runs go slower than life, so that they last.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { BlindSession } from "../../cluster/blind.ts";
import { encode } from "../../cluster/codec.ts";
import { askRun } from "../../cluster/control-client.ts";
import { readControl, writeControl } from "../../cluster/control-file.ts";
import type { ControlAnswer, ControlRequest, LiveStatus } from "../../cluster/control-messages.ts";
import { encodeRequest } from "../../cluster/control-messages.ts";
import { controlIdentity } from "../../cluster/control-server.ts";
import { OperatingError } from "../../cluster/errors.ts";
import { makeJournalDirector } from "../../cluster/journal-director.ts";
import { faultsOf, healsOf, type JournalOrder } from "../../cluster/journal-orders.ts";
import type { Link } from "../../cluster/link.ts";
import type { ControlAddress, RunOptions } from "../../cluster/prepared-run.ts";
import type { RunOutcome } from "../../cluster/run-cluster.ts";
import { dial } from "../../cluster/websocket-transport.ts";
import type { FactRecord } from "../../src/model/fact.ts";
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { tinyScenario } from "../support/scenarios.ts";
import { descendantsOf, runScenario } from "./child-processes.ts";

const folders: string[] = [];
const runs: { readonly stop: AbortController; readonly outcome: Promise<unknown> }[] = [];

afterEach(async () => {
  for (const { stop, outcome } of runs.splice(0)) {
    stop.abort();
    await outcome.catch(() => undefined);
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  expect(descendantsOf(process.pid)).toEqual([]);
});

/** A run that is up, and everything that is known of it. */
interface LiveRun {
  readonly folder: string;
  readonly facts: FactRecord[];
  readonly orders: JournalOrder[];
  readonly windows: () => number;
  readonly outcome: Promise<RunOutcome>;
  ask(request: ControlRequest): Promise<ControlAnswer>;
  /** A link as an operator's program has it, proved or with a wrong token. */
  call(token?: string): Promise<Link>;
}

/** Forty steps of 35 us; at speed 0.0005 they take 2.8 s. */
const paced = (placement: "single" | "pack", speed: number | "max" = 0.0005): Scenario =>
  tinyScenario({ run: { placement, workers: 2, speed }, workload: { steps: 40 } });

/** Starts a run; resolves when it can be controlled. */
function start(scenario: Scenario, settings: Partial<RunOptions> = {}): Promise<LiveRun> {
  const folder = mkdtempSync(join(tmpdir(), "faultplane-live-"));
  folders.push(folder);
  const facts: FactRecord[] = [];
  const orders: JournalOrder[] = [];
  let windows = 0;
  return new Promise((resolve, reject) => {
    const started = ({ port, token }: ControlAddress): void => {
      writeControl(folder, { port, token, runId: "test-run", pid: process.pid });
      const call = (other = token): Promise<Link> =>
        dial({
          host: "127.0.0.1",
          port,
          identity: controlIdentity(Buffer.from(other, "hex"), "test-run"),
          caller: { role: "control", number: -1, incarnation: 0 },
          maxMessageBytes: 1e6,
        });
      const ask = (request: ControlRequest): Promise<ControlAnswer> => askRun(folder, request);
      resolve({ folder, facts, orders, windows: () => windows, outcome, ask, call });
    };
    const stop = new AbortController();
    const outcome = runScenario(scenario, {
      operators: true,
      stop: stop.signal,
      ...settings,
      observer: {
        started: ({ control }) => {
          if (control === undefined) reject(new Error("no control port"));
          else started(control);
        },
        committed: (window) => {
          windows += 1;
          facts.push(...window.facts);
        },
        ordered: (given) => void orders.push(...given),
      },
    });
    outcome.catch(reject);
    runs.push({ stop, outcome });
  });
}

async function accepted(answer: Promise<ControlAnswer>): Promise<ControlAnswer & { ok: true }> {
  const given = await answer;
  if (!given.ok) throw new Error(JSON.stringify(given.problems));
  return given;
}

async function statusOf(run: LiveRun): Promise<LiveStatus> {
  const { status } = await accepted(run.ask({ command: "status" }));
  return status as LiveStatus;
}

/** Runs the record of `run` again in one process, as a replay does. */
async function again(
  run: LiveRun,
  scenario: Scenario,
): Promise<{ outcome: RunOutcome; facts: FactRecord[] }> {
  const facts: FactRecord[] = [];
  const director = makeJournalDirector(run.orders);
  const outcome = await runScenario(
    {
      ...scenario,
      faults: [...scenario.faults, ...faultsOf(run.orders)],
      run: { ...scenario.run, placement: "single", speed: "max" },
    },
    {
      ...(director === undefined ? {} : { director }),
      observer: {
        started: () => undefined,
        committed: (window) => void facts.push(...window.facts),
      },
    },
  );
  return { outcome, facts };
}

/** The orders as the faults of a scenario file: each with the end that it had. */
function asWritten(orders: readonly JournalOrder[]): FaultSpec[] {
  const heals = healsOf(orders);
  return faultsOf(orders).map((fault) => {
    const heal = heals.find((one) => one.fault === fault.name);
    return heal === undefined ? fault : { ...fault, healAtPs: heal.atPs };
  });
}

const inject = (kind: string, target: string, more: object = {}): ControlRequest => ({
  command: "inject",
  fault: { kind, target, ...more },
});

describe.each(["pack", "single"] as const)("operators of a run (%s)", (placement) => {
  it("break, heal, mask, pause and change its pace; the record gives the same run again", async () => {
    const scenario = paced(placement);
    const run = await start(scenario);
    const nic = await accepted(run.ask(inject("slow-nic", "node1.nic2", { name: "slow" })));
    expect(nic.text).toMatch(/^fault slow begins: slow-nic on node1\.nic2, until /);
    const paused = await accepted(run.ask({ command: "pause" }));
    const gpu = await accepted(run.ask(inject("slow-gpu", "node0.gpu1", { slowdown: 3 })));
    expect(gpu.atPs).toBe(paused.atPs);
    await accepted(run.ask({ command: "speed", speed: 0.001 }));
    await accepted(run.ask({ command: "resume" }));
    const masked = await accepted(run.ask({ command: "mask", target: "node1.gpu3" }));
    const healed = await accepted(run.ask({ command: "heal", fault: "slow" }));
    await accepted(run.ask({ command: "unmask", target: "node1.gpu3" }));
    await accepted(run.ask({ command: "speed", speed: "max" }));
    const outcome = await run.outcome;
    expect(outcome.end).toBe("finished");

    expect(run.orders.map(({ record, by }) => [record, by])).toEqual(
      ["fault", "note", "fault", "note", "note", "fault", "heal", "heal", "note"].map((record) => [
        record,
        "operator",
      ]),
    );
    const onset = (name: string): number | undefined =>
      run.facts.find(({ fact }) => fact.type === "fault.began" && fact.fault === name)?.atPs;
    expect([onset("slow"), onset("slow-gpu")]).toEqual([nic.atPs, gpu.atPs]);
    const end = run.facts.find(({ fact }) => fact.type === "fault.healed" && fact.fault === "slow");
    expect(end?.atPs).toBe(healed.atPs);
    const masks = run.facts.filter(({ fact }) => fact.type === "rank.masked");
    expect(masks.length).toBeGreaterThan(0);
    expect(masks.every(({ atPs }) => atPs >= masked.atPs)).toBe(true);

    const replayed = await again(run, scenario);
    expect(replayed.facts).toEqual(run.facts);
    expect(replayed.outcome.digest).toBe(outcome.digest);
    const written = await runScenario({ ...paced("single", "max"), faults: asWritten(run.orders) });
    expect(written.digest).toBe(outcome.digest);
    const healthy = await runScenario(paced("single", "max"));
    expect(outcome.digest).not.toBe(healthy.digest);
  });

  it("see virtual time stand still while it is paused, and the answers still come", async () => {
    const run = await start(paced(placement));
    const { atPs } = await accepted(run.ask({ command: "pause" }));
    const windows = run.windows();
    for (let turn = 0; turn < 20; turn += 1) {
      const status = await statusOf(run);
      expect([status.virtualTimePs, status.isPaused]).toEqual([atPs, true]);
    }
    expect(run.windows()).toBe(windows);
    expect((await accepted(run.ask({ command: "pause" }))).text).toBe("paused already");
    await accepted(run.ask({ command: "resume" }));
    await accepted(run.ask({ command: "speed", speed: "max" }));
    const outcome = await run.outcome;
    const undisturbed = await runScenario(paced("single", "max"));
    expect(outcome.digest).toBe(undisturbed.digest);
  });

  it("stop a run at an instant; its record stops there, too", async () => {
    const scenario = paced(placement);
    const run = await start(scenario);
    await accepted(run.ask(inject("nic-down", "node1.nic2", { healAfter: "1 ms" })));
    const { atPs } = await accepted(run.ask({ command: "stop" }));
    const outcome = await run.outcome;
    expect(outcome).toMatchObject({
      end: "stopped",
      detail: "an operator asked for it",
      stoppedAtPs: atPs,
    });
    const replayed = await again(run, scenario);
    expect(replayed.facts).toEqual(run.facts);
    const { digest, end, events } = replayed.outcome;
    expect([digest, end, events]).toEqual([outcome.digest, "stopped", outcome.events]);
    const late = await run.ask({ command: "status" }).catch((error: unknown) => error);
    expect(late).toMatchObject({ code: "E064", exitCode: 69 });
  });
});

describe("a status", () => {
  it("tells faults with the end of their lease, masked ranks and progress", async () => {
    const run = await start(paced("pack"));
    const { atPs } = await accepted(
      run.ask(inject("slow-gpu", "node0.gpu1", { name: "tired", healAfter: "10 ms" })),
    );
    await accepted(run.ask({ command: "mask", target: "node1.gpu3" }));
    const status = await statusOf(run);
    expect(status.faults[0]).toEqual({
      fault: "tired",
      kind: "slow-gpu",
      targets: ["node0.gpu1"],
      atPs,
      untilPs: atPs + 1e10,
    });
    expect(status.faults[1]).toMatchObject({ kind: "masked", targets: ["node1.gpu3"] });
    expect(status).toMatchObject({ speed: 0.0005, isPaused: false, ranks: 8, ranksFinished: 0 });
    expect(status.layersTotal).toBe(8 * 4 * 40);
    await accepted(run.ask({ command: "speed", speed: "max" }));
    await run.outcome;
  });
});

describe("what cannot be done", () => {
  it("is refused in the words that files get, and changes nothing", async () => {
    const run = await start(paced("pack"));
    const refusals: [ControlRequest, string, RegExp][] = [
      [inject("nic-dwn", "node1.nic2"), "E026", /nic-dwn/],
      [inject("nic-down", "node9.nic2"), "E026", /matches no nic/],
      [inject("nic-down", "node1.gpu2"), "E026", /takes a nic, 'node1\.gpu2' is a gpu/],
      [inject("nic-down", "node1.nic2", { healAfter: "never" }), "E028", /is no lease/],
      [inject("nic-down", "node1.nic2", { healAfter: "5" }), "E016", /unit/],
      [inject("nic-down", "node1.nic2", { at: "1 ms" }), "E025", /begins now/],
      [inject("slow-gpu", "node1.gpu2", { slowdown: 0.5 }), "E013", /1\.\.1000/],
      [{ command: "heal", fault: "nothing" }, "E066", /no fault 'nothing'/],
      [{ command: "mask", target: "node1.nic2" }, "E026", /takes a gpu/],
      [{ command: "mask", target: "node1.gpu2", lease: "soon" }, "E025", /lease: .*unit/],
      [{ command: "diagnose", target: "node1.gpu2", kind: "gpu-dead" }, "E066", /hides nothing/],
    ];
    for (const [request, code, words] of refusals) {
      const answer = await run.ask(request);
      expect(answer, JSON.stringify(request)).toMatchObject({ ok: false, exitCode: 78 });
      if (answer.ok) continue;
      expect(answer.problems[0].code, answer.problems[0].message).toBe(code);
      expect(answer.problems[0].message).toMatch(words);
    }
    expect(run.orders).toEqual([]);
    const nothing = await accepted(run.ask({ command: "heal", fault: "all" }));
    expect(nothing.text).toBe("no fault is in force");
    await accepted(run.ask({ command: "speed", speed: "max" }));
    expect((await run.outcome).digest).toBe((await runScenario(paced("single", "max"))).digest);
  });

  it("healing what is healed is no error, and masking what is masked neither", async () => {
    const run = await start(paced("pack"));
    await accepted(run.ask(inject("nic-down", "node1.nic2", { name: "cut" })));
    await accepted(run.ask({ command: "heal", fault: "cut" }));
    const twice = await accepted(run.ask({ command: "heal", fault: "cut" }));
    expect(twice.text).toMatch(/^fault cut was healed at .* already$/);
    await accepted(run.ask({ command: "mask", target: "node1.gpu3" }));
    const again = await accepted(run.ask({ command: "mask", target: "node1.gpu3" }));
    expect(again.text).toBe("node1.gpu3 is masked already");
    const other = await accepted(run.ask({ command: "unmask", target: "node1.gpu2" }));
    expect(other.text).toBe("node1.gpu2 is not masked by an operator");
    expect(run.orders.map(({ record }) => record)).toEqual(["fault", "heal", "fault"]);
    await accepted(run.ask({ command: "stop" }));
    await run.outcome;
  });
});

describe("several operators", () => {
  it("take turns: of two faults of one name one is refused, and both are answered", async () => {
    const run = await start(paced("pack"));
    const same = inject("slow-gpu", "node0.gpu1", { name: "mine" });
    const answers = await Promise.all([run.ask(same), run.ask(same), run.ask(same)]);
    expect(answers.map(({ ok }) => ok).sort()).toEqual([false, false, true]);
    const unnamed = inject("slow-gpu", "node0.gpu2");
    await Promise.all([run.ask(unnamed), run.ask(unnamed)]);
    const names = faultsOf(run.orders).map(({ name }) => name);
    expect(names).toEqual(["mine", "slow-gpu", "slow-gpu-2"]);
    await accepted(run.ask({ command: "stop" }));
    await run.outcome;
  });

  it("lose nothing but their own connection when they are rude", async () => {
    const run = await start(paced("pack"));
    const wrong = await run.call("00".repeat(32)).catch((error: unknown) => error);
    expect(wrong).toBeInstanceOf(OperatingError);
    expect(wrong).toMatchObject({ code: "E046", exitCode: 77 });
    const rude: Uint8Array[][] = [
      [Uint8Array.of(0xc1)],
      [encode({ command: "format the disk" })],
      [encode({ command: "heal", fault: "x".repeat(5000) })],
      [new Uint8Array(100_000)],
      Array.from({ length: 200 }, () => encodeRequest(inject("slow-gpu", "node0.gpu1"))),
    ];
    for (const messages of rude) {
      const link = await run.call();
      const closed = new Promise((resolve) => link.onClosed(resolve));
      for (const bytes of messages) link.send(bytes);
      await closed;
    }
    const status = await statusOf(run);
    expect(status.ranks).toBe(8);
    await accepted(run.ask({ command: "stop" }));
    expect((await run.outcome).end).toBe("stopped");
  });

  it("that say nothing do not keep out one who does, however many they are", async () => {
    const run = await start(paced("single"));
    const port = readControl(run.folder)?.port ?? 0;
    const strangers = Array.from({ length: 64 }, () => connect(port, "127.0.0.1"));
    for (const stranger of strangers) stranger.on("error", () => stranger.destroy());
    await Promise.all(strangers.map((stranger) => once(stranger, "connect")));
    const dropped = once(strangers[0], "close");
    expect((await statusOf(run)).ranks).toBe(8);
    await dropped;
    expect(strangers.filter(({ closed }) => !closed).length).toBe(63);
    for (const stranger of strangers) stranger.destroy();
    await accepted(run.ask({ command: "stop" }));
    await run.outcome;
  });

  it("that die leave nothing behind: a lease ends by itself", async () => {
    const scenario = paced("pack");
    const run = await start(scenario);
    const link = await run.call();
    const request = inject("nic-down", "node1.nic2", { name: "orphan", healAfter: "300 us" });
    const answered = new Promise((resolve) => link.onMessage(resolve));
    link.send(encodeRequest(request));
    await answered;
    link.terminate();
    await accepted(run.ask({ command: "speed", speed: "max" }));
    expect((await run.outcome).end).toBe("finished");
    const [began, healed] = (["fault.began", "fault.healed"] as const).map(
      (type) => run.facts.find(({ fact }) => fact.type === type)?.atPs ?? 0,
    );
    expect(healed - began).toBe(300e6);
  });
});

describe("a blind drill", () => {
  it("hides what broke from its status, notes what is named, and heals without telling", async () => {
    const blind = new BlindSession();
    const faults = [
      { name: "secret", kind: "slow-gpu", targets: ["node0.gpu1"], atPs: 0 } as const,
    ];
    const run = await start({ ...paced("pack"), faults }, { blind });
    const status = await statusOf(run);
    expect(status.faults).toEqual([
      { fault: "?", kind: "?", targets: ["?"], atPs: 0, untilPs: null },
    ]);
    const nobody = await run.ask({ command: "heal", fault: "secret" });
    expect(nobody).toMatchObject({
      ok: false,
      problems: [
        { message: "this run has no fault 'secret'", hint: "no operator's fault is in force" },
      ],
    });
    const wrong = await run.ask({ command: "diagnose", target: "node0.gpu9", kind: "slow-gpu" });
    expect(wrong).toMatchObject({ ok: false, problems: [{ code: "E026" }] });
    const many = await run.ask({ command: "diagnose", target: "node*.gpu*", kind: "slow-gpu" });
    expect(many).toMatchObject({
      ok: false,
      problems: [{ code: "E026", message: "target: 'node*.gpu*' is 8 targets; name one culprit" }],
    });
    const asked = { command: "diagnose", target: "node0.gpu1" } as const;
    const first = await accepted(run.ask({ ...asked, kind: "process-hang" }));
    const second = await accepted(run.ask({ ...asked, kind: "slow-gpu" }));
    expect(first.text).toBe(second.text);
    const all = await accepted(run.ask({ command: "heal", fault: "all" }));
    expect(all.text).toBe("whatever was in force heals");
    await accepted(run.ask({ command: "stop" }));
    await run.outcome;
    expect(blind.attempts.map(({ kind, targets, atPs }) => ({ kind, targets, atPs }))).toEqual([
      { kind: "process-hang", targets: ["node0.gpu1"], atPs: first.atPs },
      { kind: "slow-gpu", targets: ["node0.gpu1"], atPs: second.atPs },
    ]);
    const texts = run.orders.flatMap((order) => (order.record === "note" ? [order.text] : []));
    expect(texts).toEqual([
      "diagnosed process-hang on node0.gpu1",
      "diagnosed slow-gpu on node0.gpu1",
    ]);
  });
});

describe("a run that is not up", () => {
  it("is told apart: over, killed, or with nobody behind its port", async () => {
    const run = await start(paced("single", "max"));
    await run.outcome;
    const errorOf = (): Promise<unknown> =>
      run.ask({ command: "status" }).catch((error: unknown) => error);
    const control = readControl(run.folder);
    if (control === undefined) throw new Error("the test's own control.json is gone");
    expect(await errorOf()).toMatchObject({
      code: "E064",
      message: expect.stringContaining(`nobody answers on port ${control.port}`),
    });
    // No port has this number: the file is none of ours.
    rmSync(join(run.folder, "control.json"));
    writeControl(run.folder, { ...control, port: 99_999 });
    expect(readControl(run.folder)).toBeUndefined();
    expect(await errorOf()).toMatchObject({ code: "E064" });
    rmSync(join(run.folder, "control.json"));
    expect(await errorOf()).toMatchObject({
      code: "E064",
      message: expect.stringContaining("it is over, or has not begun"),
    });
    // No process has this number: pids end at 2^22.
    writeControl(run.folder, { ...control, pid: 2 ** 22 + 1 });
    expect(await errorOf()).toMatchObject({
      code: "E064",
      exitCode: 69,
      message: expect.stringContaining("is gone without having cleaned up"),
    });
  });
});

describe("a request to stop", () => {
  it("does not wait half a minute for a worker that is frozen", async () => {
    const stop = new AbortController();
    let windows = 0;
    let pids: readonly number[] = [];
    const began = performance.now();
    const outcome = await runScenario(paced("pack", "max"), {
      stop: stop.signal,
      observer: {
        started: (started) => {
          pids = started.pids;
        },
        committed: () => {
          windows += 1;
          if (windows !== 9) return;
          process.kill(pids[1], "SIGSTOP");
          setImmediate(() => stop.abort());
        },
      },
    });
    expect(outcome.end).toBe("worker-lost");
    expect(outcome.detail).toMatch(/^worker pack1 \(pid \d+\) did not stop within 5 s; at virtual/);
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});
