/**
 * How the tests run: plain Node, two processes at most, and a JSON copy of the result when asked
 * for.
 */
import { defineConfig } from "vitest/config";

/** File for the machine-readable result; `.ci/run` sets it. */
const json = process.env["VITEST_JSON"];

export default defineConfig({
  test: {
    environment: "node",
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
    ...(json ? { reporters: ["default", "json"], outputFile: { json } } : {}),
  },
});
