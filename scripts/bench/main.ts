/**
 * `npm run bench -- [a|b|c|d|e|f|g ...] [--rounds N] [--ns3 PATH] [--json]`: measures and prints
 * each figure with its workload and what it is held to. Exit code 1 when something exact is wrong;
 * a target that is missed is said and is no failure, since machines differ.
 */
import { parseArgs } from "node:util";
import { machine, type PartResult } from "./measure.ts";
import { PARTS } from "./parts.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    ns3: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const letters = positionals.length > 0 ? positionals : Object.keys(PARTS);
const unknown = letters.filter((letter) => !Object.hasOwn(PARTS, letter));
if (unknown.length > 0 || !Number.isSafeInteger(rounds) || rounds < 1) {
  process.stderr.write("usage: bench [a|b|c|d|e|f|g ...] [--rounds N] [--ns3 PATH] [--json]\n");
  process.exit(64);
}

const results: PartResult[] = [];
if (!values.json) process.stdout.write(`${machine()}; medians of ${rounds} rounds\n`);
for (const letter of letters) {
  const ns3 = values.ns3 ?? process.env.FAULTPLANE_NS3;
  const result = await PARTS[letter]({ rounds, ns3 });
  results.push(result);
  if (!values.json) process.stdout.write(textOf(result));
}
if (values.json)
  process.stdout.write(`${JSON.stringify({ machine: machine(), rounds, results })}\n`);
const broken = results.flatMap(({ checks }) => checks).some(({ exact, holds }) => exact && !holds);
process.exitCode = broken ? 1 : 0;

function textOf({ part, workload, lines, checks }: PartResult): string {
  const verdicts = checks.map(
    ({ what, holds, exact }) => `${holds ? "holds " : exact ? "BROKEN" : "missed"}  ${what}`,
  );
  return `\n(${part}) ${workload}\n${[...lines, ...verdicts].map((line) => `    ${line}\n`).join("")}`;
}
