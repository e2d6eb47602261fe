/**
 * A run as `faultplane run` performs it, with its metrics at http://127.0.0.1:PORT/metrics: for
 * tests that need a whole process to scrape. Arguments: scenario, run folder, port (0: any), names
 * of other exporters (or none). Prints the port on a line of its own, and ends as the run does.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { RunMetrics } from "../../cluster/metrics.ts";
import { loadScenario } from "../../scripts/commands/load-scenario.ts";
import { parseMetricsAs, parsePlacement } from "../../scripts/commands/option-values.ts";
import { performRun } from "../../scripts/commands/perform-run.ts";
import { placeOfRun } from "../../scripts/commands/recorded-run.ts";
import { withMoments } from "../../scripts/resolve-moments.ts";
import { Terminal } from "../../scripts/terminal/terminal.ts";
import { makeFatTree } from "../../src/topology/fat-tree.ts";

const [, , path, out, port = "0", names = "none", placement] = process.argv;
let metrics: RunMetrics | undefined;

const server = createServer((request, response) => {
  if (request.url !== "/metrics" || metrics === undefined) {
    response.writeHead(404).end();
    return;
  }
  const { contentType } = metrics;
  void metrics.text().then((text) => {
    response.writeHead(200, { "content-type": contentType }).end(text);
  });
});
await new Promise<void>((done) => server.listen(Number(port), "127.0.0.1", done));
process.stdout.write(`${(server.address() as AddressInfo).port}\n`);

const overrides = placement === undefined ? {} : { placement: parsePlacement(placement) };
const { scenario } = withMoments(loadScenario(path, overrides).scenario);
process.exitCode = await performRun({
  scenario,
  topology: makeFatTree(scenario.cluster, scenario.hardware),
  version: "test",
  place: placeOfRun({ out }),
  files: [],
  terminal: new Terminal(false),
  options: { quiet: true, json: true },
  path: undefined,
  watch: {
    serveMetrics: (given) => {
      metrics = given;
    },
    metricsAs: names === "none" ? undefined : parseMetricsAs(names),
  },
});
server.close();
server.closeAllConnections();
