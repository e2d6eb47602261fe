/** A month for people: what broke, what it cost by kind, and in all. Pure. */
import { aligned } from "../../src/drill/drill-text.ts";
import { RESTART } from "../../src/drill/month-plan.ts";
import type { FailureRow, Figure, KindRow, MonthReport } from "../../src/drill/month-report.ts";
import { grouped } from "../../src/drill/words.ts";

/** The report as lines, for a terminal. */
export function monthLines(report: MonthReport, title: string): string[] {
  const { plan, groupGpus, totals } = report;
  const { days, gpus, groups, seed } = plan;
  const fleet = `${grouped(gpus)} GPUs, ${groups} groups of ${groupGpus}`;
  return [
    `${title}: ${days} days of ${fleet}, seed ${seed}`,
    "",
    "Failures (drawn)",
    ...failureLines(report.failures),
    "",
    "By kind",
    ...kindLines(report.kinds),
    "",
    "  a day: published, of a range the geometric mean; expected: that times the days, arithmetic;",
    "  drawn; played: episodes emulated, the others have the outcome of one of these; stall,",
    "  capacity after it, ranks out: emulated, mean of those played; out for: assumed; lost:",
    "  GPU-hours of the group's capacity, emulated, and beyond the emulated time by arithmetic.",
    ...assumptionLines(report.kinds),
    "",
    "In all",
    ...totalLines(totals),
  ];
}

function failureLines(failures: readonly FailureRow[]): string[] {
  if (failures.length === 0) return ["  none"];
  const rows = failures.map(({ atHours, kind, group, target, how, loss }) => [
    String(1 + Math.floor(atHours / 24)),
    clock(atHours % 24),
    kind,
    `group ${group}`,
    target,
    how,
    (loss.emulated + loss.arithmetic).toFixed(3),
  ]);
  const heads = ["day", "time", "kind", "group", "target", "episode", "GPU-hours lost"];
  return aligned({ heads, rows }, 6);
}

function kindLines(kinds: readonly KindRow[]): string[] {
  const heads = [
    "kind",
    "a day",
    "expected",
    "drawn",
    "played",
    "stall",
    "capacity",
    "ranks out",
    "wrong",
    "out for",
    "lost, emulated",
    "arithmetic",
  ];
  const rows = kinds.map((row) => [
    row.kind,
    row.perDay.value.toFixed(3),
    row.expected.value.toFixed(1),
    String(row.failures.value),
    String(row.played.value),
    text(row.stalledSeconds, (value) => `${value.toFixed(3)} s`),
    text(row.capacityAfter, percent),
    text(row.ranksOut, (value) => value.toFixed(1)),
    text(row.wrongResults, (value) => value.toFixed(1)),
    hours(row.outageHours.value),
    row.lostEmulated.value.toFixed(3),
    row.lostArithmetic.value.toFixed(3),
  ]);
  return aligned({ heads, rows });
}

function assumptionLines(kinds: readonly KindRow[]): string[] {
  const why = kinds.map(({ kind, outageWhy }) => `  ${kind}: ${outageWhy}`);
  return [
    "",
    "How long it is out, and why",
    ...why,
    `  a group in which ranks gave each other up is restarted after it: ${RESTART.why}`,
  ];
}

function totalLines(totals: MonthReport["totals"]): string[] {
  const line = (name: string, value: string, figure: Figure | undefined): string[] =>
    figure === undefined ? [] : [`  ${name.padEnd(38)}${value.padStart(14)}  ${figure.source}`];
  const every = (figure: Figure | undefined): string =>
    text(figure, (value) => `${value.toFixed(1)} h`);
  const lost = totals.lostEmulated.value + totals.lostArithmetic.value;
  return [
    ...line("failures", String(totals.failures.value), totals.failures),
    ...line("one every", every(totals.hoursBetween), totals.hoursBetween),
    ...line(
      "one every, flaps left out",
      every(totals.hoursBetweenWithoutFlaps),
      totals.hoursBetweenWithoutFlaps,
    ),
    ...line("  by the rates", every(totals.hoursBetweenExpected), totals.hoursBetweenExpected),
    ...line(
      "  interruptions of 2,048 GPUs",
      every(totals.hoursBetweenPublished),
      totals.hoursBetweenPublished,
    ),
    ...line(
      "that stopped a group or cost it ranks",
      String(totals.interruptions.value),
      totals.interruptions,
    ),
    ...line("played together, as they overlap", String(totals.together.value), totals.together),
    ...line("GPU-hours lost in emulated time", fixed(totals.lostEmulated), totals.lostEmulated),
    ...line("GPU-hours lost beyond it", fixed(totals.lostArithmetic), totals.lostArithmetic),
    ...line("GPU-hours lost", lost.toFixed(2), totals.lostArithmetic),
    ...line("GPU-hours of the fleet", grouped(totals.fleetGpuHours.value), totals.fleetGpuHours),
    ...line(
      "availability",
      `${(100 * totals.availability.value).toFixed(4)} %`,
      totals.availability,
    ),
  ];
}

/** Hours of a day as 07:05. */
function clock(hoursOfDay: number): string {
  const minutes = Math.floor(hoursOfDay * 60);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

function hours(value: number): string {
  if (value >= 1) return `${value.toFixed(1)} h`;
  if (value * 60 >= 1) return `${(value * 60).toFixed(0)} min`;
  return `${(value * 3600).toFixed(0)} s`;
}

function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

function fixed({ value }: Figure): string {
  return value.toFixed(2);
}

function text(figure: Figure | undefined, of: (value: number) => string): string {
  return figure === undefined ? "-" : of(figure.value);
}
