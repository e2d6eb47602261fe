/**
 * Metrics as a user has them: a run with `--ui` serves them at `/metrics`, and they follow what is
 * done to it from another terminal.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { until } from "../process/child-processes.ts";
import { type ReadFamily, readPrometheusText, sumOf, valueIn } from "../support/prometheus-text.ts";
import { COMMAND, faultplane, workFolder } from "./command.ts";

const folder = workFolder();
afterAll(() => folder.remove());

it("are served while the run is up, and show what operators do", async () => {
  const paced = ["--speed", "0.000005", "--out", "watched", "--ui", "--metrics-as", "node"];
  const run = spawn(process.execPath, [COMMAND, "run", "small.yaml", "-q", ...paced], {
    cwd: folder.path,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(run, "exit");
  try {
    let said = "";
    run.stderr.on("data", (bytes: Buffer) => {
      said += bytes.toString();
    });
    const control = join(folder.path, "watched", "control.json");
    const isUp = (): boolean => existsSync(control) && /page: \S+/.test(said);
    await until(isUp, 30_000, () => said);
    const port = /page: http:\/\/127\.0\.0\.1:(\d+)\//.exec(said)?.[1];
    const read = async (): Promise<Map<string, ReadFamily>> => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      return readPrometheusText(await response.text());
    };
    const first = await read();
    expect(sumOf(first, "faultplane_ranks")).toBe(4);
    expect(sumOf(first, "faultplane_speed_target_ratio")).toBe(0.000005);
    expect(valueIn(first, "node_infiniband_state_id", { node: "node0", device: "mlx5_1" })).toBe(4);

    // What a command has answered to is there at once: orders are told before they act.
    for (const [args, name, value] of [
      [["pause"], "faultplane_paused", 1],
      [["resume"], "faultplane_paused", 0],
      [["speed", "0.00001"], "faultplane_speed_target_ratio", 0.00001],
    ] as const) {
      const { exitCode, stderr } = await faultplane(folder.path, args);
      expect(exitCode, stderr).toBe(0);
      expect(sumOf(await read(), name), args.join(" ")).toBe(value);
    }
    expect((await faultplane(folder.path, ["stop"])).exitCode).toBe(0);
  } finally {
    if (run.exitCode === null) run.kill("SIGTERM");
    await ended;
  }
});
