/**
 * How the tests run: plain Node, two processes at most, and a JSON copy of the result when asked
 * for. Tests that start nothing of their own share a process, where every module is loaded once:
 * a third of their time was loading. Those that start processes, open ports or count what is left
 * of them get a process for each file.
 */
import { defineConfig } from "vitest/config";

/** File for the machine-readable result; `.ci/run` sets it. */
const json = process.env["VITEST_JSON"];

/** Tests of what starts processes, opens ports or reads the whole tree. */
const HOST_TESTS = ["test/{cluster,command,process}/**/*.test.ts", "test/*.test.ts"];

export default defineConfig({
  test: {
    environment: "node",
    projects: [
      {
        extends: true,
        test: {
          name: "model",
          include: ["test/**/*.test.ts"],
          exclude: HOST_TESTS,
          isolate: false,
        },
      },
      { extends: true, test: { name: "host", include: HOST_TESTS } },
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
    ...(json ? { reporters: ["default", "json"], outputFile: { json } } : {}),
  },
});
