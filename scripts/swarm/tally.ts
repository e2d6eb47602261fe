/** What many seeds add up to, and whether they were worth it: counts, a table, the tier's rules. */
import type { FaultKind } from "../../src/model/fault.ts";
import type { SeedAnswer } from "./check-seed.ts";
import { EFFECTS, type Effect } from "./effects.ts";
import { SOMETIMES } from "./sometimes.ts";

/** Seeds from which on every property must have been seen. */
export const SEEDS_FOR_ALL = 1_000;
/** Most seeds, of a hundred, that may prove little. */
const VACUOUS_PERCENT_MAX = 20;

/** Effects that show that a kind of fault does something. */
const FELT: readonly Effect[] = ["masked", "lost", "corrupted", "later", "sooner", "felt"];

export class Tally {
  seeds = 0;
  failed = 0;
  faultsBegun = 0;
  events = 0;
  readonly #names: readonly string[];
  readonly #vacuous = new Map<string, number>();
  readonly #sometimes = new Map<string, number>();
  readonly #effects = new Map<FaultKind, Map<Effect, number>>();
  #vacuousSeeds = 0;

  /** `names`: properties that should hold sometimes. */
  constructor(names: readonly string[] = SOMETIMES) {
    this.#names = names;
  }

  add({ problems, vacuous, effects, sometimes, faultsBegun, events }: SeedAnswer): void {
    this.seeds += 1;
    this.faultsBegun += faultsBegun;
    this.events += events;
    if (problems.length > 0) this.failed += 1;
    if (vacuous.length > 0) this.#vacuousSeeds += 1;
    for (const reason of vacuous) count(this.#vacuous, reason);
    for (const name of sometimes) count(this.#sometimes, name);
    for (const { kind, effect } of effects) {
      const row = this.#effects.get(kind) ?? new Map<Effect, number>();
      this.#effects.set(kind, row);
      count(row, effect);
    }
  }

  /** Effects by kind, reasons why seeds prove little, and how often each property was seen. */
  text(kinds: readonly FaultKind[]): string {
    const width = Math.max(...kinds.map((kind) => kind.length)) + 2;
    const cells = (texts: readonly (string | number)[]): string =>
      texts.map((text) => String(text).padStart(10)).join("");
    const share = percent(this.#vacuousSeeds, this.seeds);
    const lines = [
      `${"kind".padEnd(width)}${cells(EFFECTS)}`,
      ...kinds.map((kind) => {
        const row = this.#effects.get(kind);
        return `${kind.padEnd(width)}${cells(EFFECTS.map((effect) => row?.get(effect) ?? 0))}`;
      }),
      "",
      ...this.#names.map(
        (name) => `${String(this.#sometimes.get(name) ?? 0).padStart(7)}  ${name}`,
      ),
      "",
      `${this.#vacuousSeeds} of ${this.seeds} seeds prove little (${share}):`,
      ...[...this.#vacuous].map(([reason, seeds]) => `${String(seeds).padStart(7)}  ${reason}`),
    ];
    return lines.join("\n");
  }

  /**
   * What the seeds should have shown and did not; asked only of a tier that is large enough and
   * that nobody restricted.
   */
  missed(kinds: readonly FaultKind[]): string[] {
    const without = kinds.filter((kind) => {
      const row = this.#effects.get(kind);
      return !FELT.some((effect) => (row?.get(effect) ?? 0) > 0);
    });
    const vacuous = (100 * this.#vacuousSeeds) / Math.max(1, this.seeds);
    return [
      ...without.map((kind) => `no ${kind} ever changed anything`),
      ...this.#names.filter((name) => !this.#sometimes.has(name)).map((name) => `never: ${name}`),
      ...(vacuous > VACUOUS_PERCENT_MAX
        ? [`${vacuous.toFixed(1)} % of the seeds prove little, ${VACUOUS_PERCENT_MAX} % may`]
        : []),
    ];
  }
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}
