/** What ranks compute, by kind of kernel, and how long it takes. */

/** What a rank computes between exchanges; one kernel, or a few that always run together. */
export type ComputeName =
  /** Attention block; in decode the shared experts too, which need no exchange. */
  | "attention-forward"
  | "attention-backward"
  | "attention-weights"
  /** The MLP of a layer without experts. */
  | "dense-forward"
  | "dense-backward"
  | "dense-weights"
  /** Experts of an MoE layer; outside decode the shared experts too. */
  | "mlp-forward"
  | "mlp-backward"
  | "mlp-weights";

/** How long a computation takes: a sum of three parts, whole ps each. */
export interface ComputeSpan {
  readonly fixedPs: number;
  /** For each routed expert of the rank that got at least one token. */
  readonly perExpertPs: number;
  /** For each (token, expert) assignment that the rank computes. */
  readonly perCopyPs: number;
}

/** Compute of one rank and one micro-batch in one layer. */
export type ComputeTimes = Readonly<Record<ComputeName, ComputeSpan>>;
