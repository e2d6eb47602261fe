/**
 * A model's `config.json` to a ModelShape. Reads Hugging Face's field names (DeepSeek-V3 family,
 * Qwen3-MoE, Mixtral) and those of DeepSeek's own inference code; ignores every other key. A value
 * that the file does not give is an error, unless the model's family fixes it.
 */
import type { ModelShape } from "../model/model-shape.ts";
import { type Problem, type ProblemCode, quote, show } from "./problem.ts";
import { ProblemList } from "./problem-list.ts";
import { readTree, type TextTree } from "./yaml-text.ts";

/**
 * The shape, or everything wrong with the file. `markOf` gives the line of a field for later
 * checks.
 */
export type ModelResult =
  | { readonly ok: true; readonly model: ModelShape; readonly tree: TextTree }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Other names of a field, by its Hugging Face name. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  hidden_size: ["dim"],
  num_hidden_layers: ["n_layers"],
  first_k_dense_replace: ["n_dense_layers"],
  n_routed_experts: ["num_experts", "num_local_experts"],
  num_experts_per_tok: ["num_experts_per_token", "n_activated_experts"],
  n_group: ["num_expert_group", "n_expert_groups"],
  topk_group: ["n_limited_groups"],
  scoring_func: ["score_func"],
  routed_scaling_factor: ["route_scale"],
  moe_intermediate_size: ["moe_inter_dim"],
  intermediate_size: ["inter_dim"],
  num_attention_heads: ["n_heads"],
  num_key_value_heads: ["n_kv_heads"],
};

/** Values that a family fixes where its files do not give them. */
const PLAIN_MIXTURE: Readonly<Record<string, unknown>> = {
  first_k_dense_replace: 0,
  n_shared_experts: 0,
  n_group: 1,
  topk_group: 1,
  scoring_func: "softmax",
  routed_scaling_factor: 1,
};

/** By `model_type`. */
const FAMILY_DEFAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  qwen3_moe: PLAIN_MIXTURE,
  mixtral: { ...PLAIN_MIXTURE, norm_topk_prob: true },
};

/** Names under which `field` is read, its own first. */
export function fieldNames(field: string): readonly string[] {
  return [field, ...(SYNONYMS[field] ?? [])];
}

/** Reads a model file; `name` is what the model is called in reports. */
export function readModel(bytes: Uint8Array, file: string, name: string): ModelResult {
  const text = readTree(bytes, file);
  if (!text.ok) return text;
  const reader = new ModelReader(text.tree);
  const model = reader.read(name);
  if (reader.problems.problems.length > 0) return { ok: false, problems: reader.problems.problems };
  return { ok: true, model, tree: text.tree };
}

type AttentionShape = Pick<
  ModelShape,
  "attentionParameters" | "attentionKeyWidth" | "attentionValueWidth"
>;

class ModelReader {
  readonly problems: ProblemList;
  readonly #root: Readonly<Record<string, unknown>>;
  readonly #defaults: Readonly<Record<string, unknown>>;

  constructor(tree: TextTree) {
    this.problems = new ProblemList(tree);
    this.#root = tree.root;
    const family = typeof tree.root.model_type === "string" ? tree.root.model_type : "";
    const known = Object.hasOwn(FAMILY_DEFAULTS, family) ? FAMILY_DEFAULTS[family] : {};
    // DeepSeek's inference code has no such key: it normalises exactly when it scores by sigmoid.
    const isInferenceConfig = Object.hasOwn(tree.root, "dim");
    const normalises = tree.root.score_func === "sigmoid";
    // Mixtral's experts have the width of `intermediate_size`; it knows no other.
    const width =
      family === "mixtral" ? { moe_intermediate_size: tree.root.intermediate_size } : {};
    this.#defaults = {
      ...known,
      ...width,
      ...(isInferenceConfig ? { norm_topk_prob: normalises } : {}),
    };
  }

  read(name: string): ModelShape {
    const hidden_size = this.#whole("hidden_size", 1, 1_048_576);
    return {
      name,
      hidden_size,
      num_hidden_layers: this.#whole("num_hidden_layers", 1, 65_535),
      first_k_dense_replace: this.#whole("first_k_dense_replace", 0, 65_535),
      n_routed_experts: this.#whole("n_routed_experts", 1, 65_536),
      n_shared_experts: this.#whole("n_shared_experts", 0, 1_024),
      num_experts_per_tok: this.#whole("num_experts_per_tok", 1, 65_536),
      n_group: this.#whole("n_group", 1, 65_536),
      topk_group: this.#whole("topk_group", 1, 65_536),
      scoring_func: this.#scoring(),
      norm_topk_prob: this.#boolean("norm_topk_prob"),
      routed_scaling_factor: this.#positive("routed_scaling_factor"),
      moe_intermediate_size: this.#whole("moe_intermediate_size", 1, 16_777_216),
      intermediate_size: this.#whole("intermediate_size", 1, 16_777_216),
      ...this.#attention(hidden_size),
    };
  }

  /**
   * Weights and widths of one attention block. Multi-head latent attention (DeepSeek-V3 report,
   * section 2.1.1): down and up projections of queries, keys and values, and the output; else
   * grouped-query attention.
   */
  #attention(hidden: number): AttentionShape {
    const heads = this.#whole("num_attention_heads", 1, 65_536);
    if (this.#found("kv_lora_rank") === undefined) return this.#groupedAttention(hidden, heads);
    const keyRank = this.#whole("kv_lora_rank", 1, 1_048_576);
    const rope = this.#whole("qk_rope_head_dim", 1, 65_536);
    const nope = this.#whole("qk_nope_head_dim", 1, 65_536);
    const value = this.#whole("v_head_dim", 1, 65_536);
    // Null or 0 stands for queries that are projected in one go (DeepSeek-V2-Lite).
    const isDirect = [null, 0].includes(this.#root.q_lora_rank as number | null);
    const queryRank = isDirect ? 0 : this.#whole("q_lora_rank", 1, 1_048_576);
    const queryWidth = heads * (nope + rope);
    const queries = isDirect ? hidden * queryWidth : hidden * queryRank + queryRank * queryWidth;
    const keys = hidden * (keyRank + rope) + keyRank * heads * (nope + value);
    return {
      attentionParameters: queries + keys + heads * value * hidden,
      attentionKeyWidth: queryWidth,
      attentionValueWidth: heads * value,
    };
  }

  /** Queries and output for every head, keys and values for every group of heads. */
  #groupedAttention(hidden: number, heads: number): AttentionShape {
    const isGiven = this.#found("head_dim") !== undefined;
    const headWidth = isGiven ? this.#whole("head_dim", 1, 65_536) : Math.floor(hidden / heads);
    const isGrouped = this.#found("num_key_value_heads") !== undefined;
    const groups = isGrouped ? this.#whole("num_key_value_heads", 1, 65_536) : heads;
    return {
      attentionParameters: 2 * hidden * heads * headWidth + 2 * hidden * groups * headWidth,
      attentionKeyWidth: heads * headWidth,
      attentionValueWidth: heads * headWidth,
    };
  }

  #scoring(): "sigmoid" | "softmax" {
    const value = this.#required("scoring_func");
    if (value === "sigmoid" || value === "softmax") return value;
    this.#wrong("E013", "scoring_func", `must be sigmoid or softmax, got ${quote(value)}`);
    return "softmax";
  }

  #whole(field: string, least: number, most: number): number {
    const value = this.#required(field);
    if (typeof value !== "number" || (Number.isFinite(value) && !Number.isInteger(value))) {
      this.#wrong("E012", field, `expected integer, got ${show(value)}`);
    } else if (value < least || value > most) {
      this.#wrong("E013", field, `must be ${least}..${most}, got ${value}`);
    } else return value;
    return least;
  }

  #positive(field: string): number {
    const value = this.#required(field);
    if (typeof value !== "number")
      this.#wrong("E012", field, `expected number, got ${show(value)}`);
    else if (value > 0 && value <= 1_000) return value;
    else this.#wrong("E013", field, `must be > 0 and at most 1000, got ${value}`);
    return 1;
  }

  #boolean(field: string): boolean {
    const value = this.#required(field);
    if (typeof value === "boolean") return value;
    this.#wrong("E012", field, `expected true or false, got ${show(value)}`);
    return true;
  }

  /** The name under which the file gives `field`. */
  #found(field: string): string | undefined {
    return fieldNames(field).find((name) => Object.hasOwn(this.#root, name));
  }

  /** The file's value, else the family's. */
  #required(field: string): unknown {
    const name = this.#found(field);
    if (name !== undefined) return this.#root[name];
    if (Object.hasOwn(this.#defaults, field) && this.#defaults[field] !== undefined) {
      return this.#defaults[field];
    }
    const others = fieldNames(field).slice(1);
    const also = others.length === 0 ? "" : ` (also read as ${others.join(", ")})`;
    this.problems.add("E011", [field], `${field} is required${also}`, { atKey: true });
    return undefined;
  }

  #wrong(code: ProblemCode, field: string, message: string): void {
    this.problems.add(code, [this.#found(field) ?? field], message);
  }
}
