/** What the swarm says about a seed: the one line of a failure, and everything of one seed. */
import type { FaultSpec } from "../../src/model/fault.ts";
import type { Scenario } from "../../src/model/scenario.ts";
import { formatTime } from "../../src/model/time.ts";
import type { CheckedSeed, SeedAnswer, SeedQuestion } from "./check-seed.ts";
import type { SwarmOrder } from "./orders.ts";

/** Longest detail that a line shows, characters. */
const SHOWN = 300;

/** The command that repeats a question. */
export function commandFor(question: SeedQuestion, isCanary: boolean): string {
  const { seed, kinds, only, plain, withLosses } = question;
  return [
    `npm run swarm -- --seed ${seed}`,
    ...(kinds === undefined ? [] : [`--kinds ${kinds.join(",")}`]),
    ...(only === undefined ? [] : [`--only ${only.length === 0 ? "none" : only.join(",")}`]),
    ...(plain === undefined ? [] : [`--plain ${plain.join(",")}`]),
    ...(withLosses ? ["--losses"] : []),
    ...(isCanary ? ["--canary"] : []),
  ].join(" ");
}

/** The failing artefact: seed, scenario, what failed, and how to see it again. */
export function failureLine(answer: SeedAnswer, command: string): string {
  const what = answer.problems.map(({ check, detail }) => `${check}: ${cut(detail)}`).join(" | ");
  const where = `seed ${answer.seed} scenario ${answer.hash} node ${process.version}`;
  return `FAIL ${where}: ${what}; again: ${command}`;
}

/** Everything about a seed, for people. */
export function seedText({ answer, case: drawn, scenario, orders = [], run }: CheckedSeed): string {
  const lines: string[] = [];
  if (scenario !== undefined) lines.push(...fleetLines(scenario));
  if (drawn !== undefined) {
    const { placement, workers } = drawn.spread;
    lines.push(`spread      ${placement}${placement === "pack" ? ` over ${workers}` : ""}`);
    lines.push(...drawn.plan.known.map((fault) => `fault       ${faultText(fault)}`));
    lines.push(...drawn.plan.orders.map((order) => `order       ${orderText(order)}`));
  }
  lines.push(...orders.map((order) => `ordered     ${JSON.stringify(order)}`));
  if (run !== undefined) {
    const { dispatched, combined, masked, lost } = run.assignments;
    lines.push(
      `run         ${run.end} at ${formatTime(run.virtualTimePs)}, digest ${run.digest}, ` +
        `${run.events} events`,
      `assignments ${dispatched} dispatched, ${combined} combined, ${masked} masked, ` +
        `${lost} lost, ${run.corrupted} corrupted`,
      ...run.byFault.map(
        (total) => `  by ${total.fault}: ${total.masked} masked, ${total.lost} lost`,
      ),
      `facts       ${factCounts(run.facts.map(({ fact }) => fact.type))}`,
    );
  }
  lines.push(
    `effects     ${answer.effects.map(({ kind, effect }) => `${kind} ${effect}`).join(", ")}`,
  );
  lines.push(`sometimes   ${answer.sometimes.join("; ")}`);
  if (answer.vacuous.length > 0) lines.push(`vacuous     ${answer.vacuous.join("; ")}`);
  lines.push(...answer.problems.map(({ check, detail }) => `PROBLEM     ${check}: ${detail}`));
  return lines.join("\n");
}

function fleetLines({
  cluster,
  workload,
  recovery,
  transport,
  experts,
  routing,
}: Scenario): string[] {
  const of = (fields: object): string =>
    Object.entries(fields)
      .map(([key, value]) => `${key} ${Array.isArray(value) ? value.join() : value}`)
      .join(", ");
  return [
    `cluster     ${of(cluster)}`,
    `workload    ${of(workload)}`,
    `routing     ${of(routing)}; ${experts.redundant} redundant experts`,
    `transport   ${of(transport)}`,
    `recovery    ${of(recovery)}`,
  ];
}

function faultText({ name, kind, targets, atPs, healAtPs, parameters, levels }: FaultSpec): string {
  const until = healAtPs === undefined ? "the end" : `${healAtPs} ps`;
  const extra = [parameters, levels].flatMap((part) => (part === undefined ? [] : [part]));
  return `${name} ${kind} on ${targets.join(" ")} from ${atPs} ps to ${until} ${extra
    .map((part) => JSON.stringify(part))
    .join(" ")}`.trimEnd();
}

function orderText(order: SwarmOrder): string {
  const { name, atPs, type } = order;
  if (type === "inject") return `${name} at ${atPs} ps: inject ${faultText(order.fault)}`;
  return `${name} at ${atPs} ps: ${type}${type === "heal" ? ` ${order.fault}` : ""}`;
}

function factCounts(types: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].map(([type, count]) => `${count} ${type}`).join(", ");
}

function cut(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}
