/** A published figure beside what comes out here. */

/** What a row is for. */
export type RowRole =
  /** Follows from a formula: must agree in every digit that is published. */
  | "exact"
  /** A parameter was set by it: it says how well, and nothing about the model. */
  | "calibration"
  /** Nothing was fitted to it. */
  | "validation";

export interface ValidationRow {
  readonly group: string;
  readonly name: string;
  /** `yes` when the figures are 1 for what holds and 0 for what does not. */
  readonly unit: string;
  readonly published: number;
  readonly emulated: number;
  /** (emulated - published) / published. */
  readonly errorPercent: number;
  /** Largest error, percent either way, at which the row is not marked as missed. */
  readonly boundPercent: number;
  readonly source: string;
  readonly role: RowRole;
}

/** Where figures come from, as rows name it. */
export const Source = {
  paper: "arXiv 2505.09343",
  deepep: "DeepEP README and tests",
} as const;

/** Makes a row; its error follows. */
export function rowOf(
  parts: Omit<ValidationRow, "errorPercent" | "role" | "boundPercent"> &
    Partial<Pick<ValidationRow, "role" | "boundPercent">>,
): ValidationRow {
  const { published, emulated, role = "validation" } = parts;
  const errorPercent = (emulated / published - 1) * 100;
  const boundPercent = parts.boundPercent ?? (role === "exact" ? 0 : 12);
  return { ...parts, role, boundPercent, errorPercent };
}

/** An exact row: the emulated figure is rounded as the published one is, `decimals` places. */
export function exactRow(
  parts: Pick<ValidationRow, "group" | "name" | "unit" | "published" | "emulated" | "source">,
  decimals = 0,
  rounding: "nearest" | "down" = "nearest",
): ValidationRow {
  let scale = 1;
  for (let place = 0; place < decimals; place += 1) scale *= 10;
  const scaled = parts.emulated * scale;
  // A hair above a digit's edge is the edge: 6.72 is not a binary fraction.
  const whole = rounding === "down" ? Math.floor(scaled + 1e-9) : Math.round(scaled);
  return rowOf({ ...parts, emulated: whole / scale, role: "exact" });
}

export function isMissed(row: ValidationRow): boolean {
  return Math.abs(row.errorPercent) > row.boundPercent;
}

/** Errors of the rows that nothing was fitted to, and how many exact ones fail. */
export interface ValidationSummary {
  /** Over the low-latency and normal rows. */
  readonly medianErrorPercent: number;
  readonly worstErrorPercent: number;
  readonly worstRow: string;
  readonly rowsCompared: number;
  readonly exactFailed: number;
  readonly missed: number;
}

/** Groups whose errors the summary is about: DeepEP's two families of kernels. */
export const SUMMARY_GROUPS: readonly string[] = ["low-latency", "normal"];

export function summarizeRows(rows: readonly ValidationRow[]): ValidationSummary {
  const compared = rows
    .filter((row) => row.role === "validation" && SUMMARY_GROUPS.includes(row.group))
    .sort((left, right) => Math.abs(left.errorPercent) - Math.abs(right.errorPercent));
  const sizes = compared.map((row) => Math.abs(row.errorPercent));
  const middle = Math.floor(sizes.length / 2);
  const median = sizes.length % 2 === 1 ? sizes[middle] : (sizes[middle - 1] + sizes[middle]) / 2;
  return {
    medianErrorPercent: median,
    worstErrorPercent: sizes[sizes.length - 1],
    worstRow: compared[compared.length - 1].name,
    rowsCompared: sizes.length,
    exactFailed: rows.filter((row) => row.role === "exact" && isMissed(row)).length,
    missed: rows.filter(isMissed).length,
  };
}
