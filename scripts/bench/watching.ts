/**
 * Part (g): what watching costs a run. The same run with nobody looking, and with the live log and
 * a page that one viewer follows, in turns; each is the command as users start it.
 */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../commands/package-files.ts";
import { startProgram } from "./child-program.ts";
import { median, type SideFigures } from "./measure.ts";

/** A few seconds of work: a fault, masks and a heal are in it. */
const SCENARIO = `title: watched
model: deepseek-v3.json
hardware: h800-infiniband
cluster: {nodes: 8, gpusPerNode: 8, planes: 8}
workload: {phase: decode, protocol: low-latency, tokensPerGpu: 32, steps: 1, layers: 3-8}
transport: {waitTimeout: 10 ms}
faults:
  - {name: flapping, kind: nic-flap, target: node2.nic3, at: 300 us, healAfter: 2 ms}
run: {seed: 7, timeLimit: 600 s}
`;

/** Wall ms between two looks for the page's address. */
const LOOK_EVERY_MS = 10;

/** Runs both in turns; medians over the rounds. */
export async function compareWatching(rounds: number, placement: string): Promise<SideFigures> {
  const folder = mkdtempSync(join(tmpdir(), "faultplane-bench-"));
  try {
    copyFileSync(
      join(packageRoot(), "drills/models/deepseek-v3.json"),
      join(folder, "deepseek-v3.json"),
    );
    writeFileSync(join(folder, "watched.yaml"), SCENARIO);
    const alone: Watched[] = [];
    const watched: Watched[] = [];
    for (let round = 0; round < rounds; round += 1) {
      alone.push(await runOnce(folder, placement, false));
      watched.push(await runOnce(folder, placement, true));
    }
    if (new Set([...alone, ...watched].map(({ digest }) => digest)).size !== 1) {
      throw new Error("the digest depends on whether somebody watches");
    }
    return {
      events: alone[0].events,
      alonePerSecond: median(alone.map(({ events, seconds }) => events / seconds)),
      watchedPerSecond: median(watched.map(({ events, seconds }) => events / seconds)),
      toldBytes: median(watched.map(({ toldBytes }) => toldBytes)),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Watched {
  readonly events: number;
  readonly seconds: number;
  readonly digest: string;
  readonly toldBytes: number;
}

async function runOnce(folder: string, placement: string, isWatched: boolean): Promise<Watched> {
  const command = join(packageRoot(), "dist/scripts/faultplane.js");
  const words = ["run", join(folder, "watched.yaml"), "--placement", placement, "--json"];
  const out = ["--out", join(folder, "run"), "--force"];
  const run = startProgram(process.execPath, [
    ...[command, ...words, ...out],
    ...(isWatched ? ["--ui"] : ["--quiet"]),
  ]);
  const leave = new AbortController();
  const toldBytes = isWatched ? await follow(run, leave) : 0;
  const { code, stdout, stderr } = await run.ended;
  leave.abort();
  if (code !== 0) throw new Error(`the run failed: ${stderr.slice(-500)}`);
  const { events, wallSeconds, digest } = JSON.parse(stdout) as Record<string, unknown>;
  return {
    events: Number(events),
    seconds: Number(wallSeconds),
    digest: String(digest),
    toldBytes,
  };
}

/** Follows the page's stream until the run is over; returns the bytes that came. */
async function follow(
  run: ReturnType<typeof startProgram>,
  leave: AbortController,
): Promise<number> {
  const link = (): string | undefined => /page: (http:\S+?)#/.exec(run.stderr)?.[1];
  while (link() === undefined && !run.isOver) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  const response = await fetch(`${link()}api/stream`, { signal: leave.signal });
  const decoder = new TextDecoder();
  let [bytes, tail] = [0, ""];
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    tail = `${tail}${decoder.decode(chunk, { stream: true })}`.slice(-4096);
    if (tail.includes("event: ended")) break;
  }
  return bytes;
}
