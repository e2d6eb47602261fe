/**
 * `npm run hostile`: hostile frames against every decoder, hostile connections against a listener,
 * and a flood against a real run, all on loopback; prints what each cost. Exit code 0 when all
 * held, 1 when something did not, 2 for wrong usage.
 */
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { MEMBER_LIMITS, scan } from "../../cluster/frame-scan.ts";
import { BOMBS, EXTENSIONS, prototypeKeys } from "./bombs.ts";
import { flood } from "./flood.ts";
import { runFlooded } from "./flooded-run.ts";
import { fuzzDecoders } from "./frame-fuzz.ts";
import { RawCaller } from "./raw-caller.ts";
import { VIOLATIONS } from "./violations.ts";
import { Witness } from "./witness.ts";

const USAGE = `npm run hostile -- [--frames N] [--rounds N] [--connections N] [--seed S]

  --frames N       hostile frames against the decoders (200000)
  --rounds N       times that each breach of the WebSocket protocol is tried (20)
  --connections N  unauthenticated connections against a listener and a run (10000)
  --seed S         what the frames follow from (the time)`;

/** Frames between two looks at the heap. */
const FRAMES_AT_ONCE = 50_000;
/** Longest that a frame may take in all decoders together, and an answer to a legitimate link. */
const FRAME_MS = 50;
const ANSWER_MS = 1000;
/** Growth of the heap that may be left when all frames are gone, bytes. */
const HEAP_LEFT_BYTES = 16 * 2 ** 20;
/** Wall s that a run may be late under flood: the budget beyond which a drill is INVALID. */
const LAG_SECONDS = 2;
/** Growth of the coordinator beyond that of a quiet run, bytes. */
const RUN_GROWTH_BYTES = 64 * 2 ** 20;
const DESCRIPTORS_LEFT = 5;

/** Everything that did not hold. */
const broken: string[] = [];

const counts = countsOf();
if (counts === undefined) {
  process.stderr.write(`${USAGE}\n`);
  process.exitCode = 2;
} else {
  say(`seed ${counts.seed}`);
  // Refusals are errors by the million; nobody reads where they were thrown.
  Error.stackTraceLimit = 0;
  // The run first: what the others leave in memory would hide what it needs.
  if (counts.connections > 0) {
    await floodRun(counts.connections);
    await floodListener(counts.connections);
  }
  if (counts.rounds > 0) await breach(counts.rounds);
  refuseBombs();
  if (counts.frames > 0) fuzz(counts.seed, counts.frames);
  for (const line of broken) say(`BROKEN ${line}`);
  say(broken.length === 0 ? "all held" : `${broken.length} did not hold; seed ${counts.seed}`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

/** Bombs, extensions and prototype keys: each refused, and at once. */
function refuseBombs(): void {
  const all = [...BOMBS, ...EXTENSIONS, ...prototypeKeys()];
  let worstMs = 0;
  for (const [name, bytes] of all) {
    const times = Array.from({ length: 5 }, () => {
      const fromMs = performance.now();
      expect(scan(bytes, MEMBER_LIMITS) !== undefined, `not refused: ${name}`);
      return performance.now() - fromMs;
    });
    worstMs = Math.max(worstMs, Math.min(...times));
  }
  say(`bombs: ${all.length} kinds refused, slowest ${worstMs.toFixed(1)} ms`);
  expect(worstMs <= FRAME_MS, `a bomb took ${worstMs.toFixed(1)} ms, at most ${FRAME_MS}`);
}

function fuzz(seed: string, frames: number): void {
  const fromMs = performance.now();
  let passed = 0;
  let worstMs = 0;
  let heapBefore = 0;
  for (let done = 0; done < frames; done += FRAMES_AT_ONCE) {
    const count = Math.min(FRAMES_AT_ONCE, frames - done);
    const result = fuzzDecoders(`${seed}-${done}`, count);
    passed += result.passed;
    worstMs = Math.max(worstMs, result.worstMs);
    for (const failure of result.failures) expect(false, failure);
    // After the first lot everything that is compiled and cached is there.
    if (done === 0) heapBefore = heapBytes();
  }
  const left = heapBytes() - heapBefore;
  const seconds = (performance.now() - fromMs) / 1000;
  say(
    `frames: ${frames} in ${seconds.toFixed(1)} s, ${passed} were plain data, ` +
      `slowest ${worstMs.toFixed(1)} ms, heap ${mebibytes(left)} more at the end`,
  );
  expect(worstMs <= FRAME_MS, `a frame took ${worstMs.toFixed(1)} ms, at most ${FRAME_MS}`);
  expect(left <= HEAP_LEFT_BYTES, `the heap has grown by ${mebibytes(left)}`);
}

async function breach(rounds: number): Promise<void> {
  const witness = await Witness.open();
  for (let round = 0; round < rounds; round += 1) {
    // All at once: what one of them costs the others shows.
    await Promise.all(
      VIOLATIONS.map(async ([, written], index) => {
        const caller = new RawCaller(witness.port);
        const isMember = (round + index) % 2 === 0;
        if (isMember)
          await caller.prove(witness.identity, { role: "worker", number: index, incarnation: 0 });
        else await caller.upgrade();
        caller.write(written);
        await caller.closed;
      }),
    );
  }
  say(`breaches: ${rounds} x ${VIOLATIONS.length} kinds; ${wordsOf(witness)}`);
  expectUnharmed(witness);
}

async function floodListener(connections: number): Promise<void> {
  const witness = await Witness.open();
  const { cutOff, wallSeconds } = await flood(witness.port, connections);
  await witness.answers();
  say(
    `listener: ${connections} connections in ${wallSeconds.toFixed(1)} s, ${cutOff} cut off; ` +
      wordsOf(witness),
  );
  expect(cutOff === connections, `${connections - cutOff} connections were left standing`);
  expect(witness.others.length === 0, `${witness.others.length} were let in`);
  expectUnharmed(witness);
}

async function floodRun(connections: number): Promise<void> {
  const [load] = loadavg();
  say(`run: this host has ${availableParallelism()} cores and a load of ${load.toFixed(1)}`);
  const quiet = await runFlooded(0);
  const flooded = await runFlooded(connections);
  for (const [name, run] of [["quiet", quiet] as const, ["flooded", flooded] as const]) {
    const { flood: seen, visitsMs, visitsFailed } = run;
    const attack = seen && `${seen.connections} connections in ${seen.wallSeconds.toFixed(1)} s, `;
    say(
      `run, ${name}: ${attack ?? ""}digest ${run.digest}, ${run.end}, ` +
        `lag ${run.lagSeconds.toFixed(3)} s, coordinator grew by ${mebibytes(run.grownBytes)}, ` +
        `${visitsMs.length} visits of an operator, slowest ${Math.max(...visitsMs).toFixed(0)} ms, ` +
        `${visitsFailed.length} failed, ${run.descriptorsLeft} descriptors left`,
    );
    for (const problem of new Set(visitsFailed)) say(`  a visit failed: ${problem}`);
    expect(run.descriptorsLeft <= DESCRIPTORS_LEFT, `${run.descriptorsLeft} descriptors left`);
    expect(visitsFailed.length === 0, `${visitsFailed.length} visits of an operator failed`);
  }
  const slip = flooded.lagSeconds - quiet.lagSeconds;
  say(`run: the flood cost ${slip.toFixed(3)} s of pace`);
  expect(flooded.digest === quiet.digest, "the flood has changed the digest");
  expect(flooded.end === "finished", `the run under flood ended: ${flooded.end}`);
  const more = flooded.grownBytes - quiet.grownBytes;
  expect(more <= RUN_GROWTH_BYTES, `the flood cost the coordinator ${mebibytes(more)}`);
  const lag = flooded.lagSeconds;
  expect(lag <= LAG_SECONDS, `the run came ${lag.toFixed(3)} s late, at most ${LAG_SECONDS}`);
}

/** Closes the listener after a last look at its legitimate link. */
function expectUnharmed(witness: Witness): void {
  expect(witness.lost === undefined, `the legitimate link is gone: ${witness.lost}`);
  const late = `an answer took ${witness.worstMs.toFixed(0)} ms, at most ${ANSWER_MS}`;
  expect(witness.worstMs <= ANSWER_MS, late);
  witness.close();
}

function wordsOf({ answered, worstMs, others }: Witness): string {
  const proved = others.length === 0 ? "" : `, ${others.length} hostile members`;
  return `legitimate link answered ${answered} times, slowest ${worstMs.toFixed(0)} ms${proved}`;
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) broken.push(otherwise);
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function countsOf():
  | (Record<"frames" | "rounds" | "connections", number> & { seed: string })
  | undefined {
  const text = { type: "string" } as const;
  try {
    const { values } = parseArgs({
      options: { frames: text, rounds: text, connections: text, seed: text },
    });
    const { frames = "200000", rounds = "20", connections = "10000" } = values;
    const seed = values.seed ?? String(Date.now());
    const [first, second, third] = [frames, rounds, connections].map((value) =>
      /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN,
    );
    if (![first, second, third].every(Number.isSafeInteger) || seed === "") return undefined;
    return { frames: first, rounds: second, connections: third, seed };
  } catch {
    return undefined;
  }
}
