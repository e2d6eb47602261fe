/**
 * A strict reader of Prometheus' text format 0.0.4: whatever the format, or its conventions, do not
 * allow is an error with its line. It shares no code with what writes the text.
 */

/** One line of values. */
export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric. */
export interface ReadFamily {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly ReadSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const TYPES = ["counter", "gauge", "histogram"] as const;

/** All metrics of a text, by name. Throws an Error that names the line. */
export function readPrometheusText(text: string): Map<string, ReadFamily> {
  if (!text.endsWith("\n")) throw new Error("the text does not end in a line feed");
  const families = new Map<string, ReadFamily & { samples: ReadSample[] }>();
  const seen = new Set<string>();
  let help: readonly [name: string, text: string] | undefined;
  let family: (ReadFamily & { samples: ReadSample[] }) | undefined;
  for (const [place, line] of text.slice(0, -1).split("\n").entries()) {
    const fail = (why: string): never => {
      throw new Error(`line ${place + 1}: ${why}: ${line}`);
    };
    if (line === "") continue;
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, what, name, rest] = comment;
      if (!NAME.test(name)) fail("no name of a metric");
      if (what === "HELP") {
        if (families.has(name)) fail("a metric twice");
        help = [name, rest];
        family = undefined;
        continue;
      }
      if (help?.[0] !== name) fail("TYPE without its HELP");
      const type = TYPES.find((one) => one === rest) ?? fail("no type that we use");
      family = { name, type, help: help?.[1] ?? "", samples: [] };
      families.set(name, family);
      continue;
    }
    if (line.startsWith("#")) fail("a comment that is none of ours");
    if (family === undefined) return fail("a value before its TYPE");
    const sample = readSample(line, fail);
    const isOwn =
      family.type === "histogram"
        ? ["_bucket", "_sum", "_count"].some((end) => sample.name === family?.name + end)
        : sample.name === family.name;
    if (!isOwn) fail(`a value of another metric than ${family.name}`);
    const labels = Object.entries(sample.labels).sort(([left], [right]) => (left < right ? -1 : 1));
    const key = JSON.stringify([sample.name, labels]);
    if (seen.has(key)) fail("the same labels twice");
    seen.add(key);
    if (family.type === "counter" && !(sample.value >= 0)) fail("a counter below 0");
    family.samples.push(sample);
  }
  for (const { name, type, samples } of families.values()) {
    if (type === "histogram") checkHistogram(name, samples);
  }
  return families;
}

function readSample(line: string, fail: (why: string) => never): ReadSample {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0] ?? fail("no name");
  let at = name.length;
  const labels: Record<string, string> = {};
  if (line[at] === "{") {
    at += 1;
    while (line[at] !== "}") {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\n"])*)"/.exec(line.slice(at));
      if (label === null) return fail("a label that is none");
      if (Object.hasOwn(labels, label[1])) fail("a label twice");
      labels[label[1]] = label[2].replace(/\\(.)/g, (_, char) => (char === "n" ? "\n" : char));
      at += label[0].length;
      if (line[at] === "," && line[at + 1] !== "}") at += 1;
      else if (line[at] !== "}") fail("labels that do not end");
    }
    at += 1;
  }
  const number = /^ ([+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line.slice(at))?.[1];
  if (number === undefined) return fail("no value");
  const value = number.endsWith("Inf") ? Number(`${number}inity`) : Number(number);
  return { name, labels, value };
}

function checkHistogram(name: string, samples: readonly ReadSample[]): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const bounds = buckets.map(({ labels }) => Number(labels.le?.replace("+Inf", "Infinity")));
  const isAscending = (values: readonly number[], strictly: boolean): boolean =>
    values.every((value, place) => {
      const before = values[place - 1] ?? Number.NEGATIVE_INFINITY;
      return strictly ? value > before : value >= before;
    });
  const counts = buckets.map(({ value }) => value);
  const count = samples.find((sample) => sample.name === `${name}_count`)?.value;
  const isWhole =
    bounds.at(-1) === Number.POSITIVE_INFINITY &&
    isAscending(bounds, true) &&
    isAscending(counts, false) &&
    counts.at(-1) === count &&
    samples.some((sample) => sample.name === `${name}_sum`);
  if (!isWhole) throw new Error(`${name}: no histogram`);
}

/** The value of a metric with exactly these labels. Throws when there is none. */
export function valueIn(
  families: ReadonlyMap<string, ReadFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const found = samplesOf(families, name).find((sample) =>
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (found === undefined) throw new Error(`no ${name} with ${JSON.stringify(labels)}`);
  return found.value;
}

/** Values of a metric; of a histogram by the whole name. */
export function samplesOf(
  families: ReadonlyMap<string, ReadFamily>,
  name: string,
): readonly ReadSample[] {
  const family = families.get(name.replace(/_(?:bucket|sum|count)$/, "")) ?? families.get(name);
  if (family === undefined) throw new Error(`no metric ${name}`);
  return family.samples.filter((sample) => sample.name === name);
}

/** The sum over all labels. */
export function sumOf(families: ReadonlyMap<string, ReadFamily>, name: string): number {
  return samplesOf(families, name).reduce((sum, { value }) => sum + value, 0);
}
