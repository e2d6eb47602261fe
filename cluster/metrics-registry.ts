/**
 * Metrics as Prometheus text. Counters and gauges are read from whoever counts when somebody asks,
 * so counting costs nothing here; only histograms are told each value. The only file that imports
 * prom-client, which takes some 75 ms to load: import this one when metrics are wanted.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Values of labels, by name. */
export type Labels = Readonly<Record<string, string>>;

/** One value of a metric, and its labels; none: the metric has one value. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** A metric whose values are asked for. */
export interface MetricEntry {
  readonly name: string;
  readonly type: "counter" | "gauge";
  /** One sentence, for `# HELP`. */
  readonly help: string;
  readonly labels?: readonly string[];
  /** Every value that there is now, each set of labels once. */
  samples(): Iterable<Sample>;
}

/** A metric that is told values. */
export interface HistogramEntry {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending, in the unit of the name. */
  readonly buckets: readonly number[];
}

export class MetricsRegistry {
  readonly #registry = new Registry();

  /** Value of the header Content-Type. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Adds a metric. Throws when there is one of that name. */
  add({ name, type, help, labels = [], samples }: MetricEntry): void {
    const registers = [this.#registry];
    const labelNames = [...labels];
    if (type === "counter") {
      const counter: Counter = new Counter({
        ...{ name, help, labelNames, registers },
        collect: () => {
          counter.reset();
          for (const { labels: given, value } of samples()) {
            if (given === undefined) counter.inc(value);
            else counter.inc(given, value);
          }
        },
      });
      return;
    }
    const gauge: Gauge = new Gauge({
      ...{ name, help, labelNames, registers },
      collect: () => {
        gauge.reset();
        for (const { labels: given, value } of samples()) {
          if (given === undefined) gauge.set(value);
          else gauge.set(given, value);
        }
      },
    });
  }

  /** Adds a histogram; call what it returns with each value. */
  addHistogram({ name, help, buckets }: HistogramEntry): (value: number) => void {
    const registers = [this.#registry];
    const histogram = new Histogram({ name, help, buckets: [...buckets], registers });
    return (value) => histogram.observe(value);
  }

  /** All metrics as they are now. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
