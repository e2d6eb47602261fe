/**
 * What the catalogue says of a type of fact: severity, class, loudness, and for each field what it
 * is, its unit and its meaning. A kind of field fits the type of the value, so that a wrong one
 * does not compile.
 */
import type { Fact } from "../model/fact.ts";

/** Severities, the least one first. Packets are `info`, as logs have them that were written. */
export const SEVERITIES = ["info", "warn", "error"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Classes: what part of the fleet a fact is about. */
export const FACT_CLASSES = [
  "fault",
  "transport",
  "route",
  "recovery",
  "rank",
  "layer",
  "packet",
] as const;
export type FactClass = (typeof FACT_CLASSES)[number];

/**
 * When a fact is shown: `state` always, `progress` to who wants every detail (`--verbose`),
 * `packet` to who asks for packets.
 */
export type FactLoudness = "state" | "progress" | "packet";

/** A type of fact. */
export type FactType = Fact["type"];

/** Kinds of numbers: what is counted, measured, or numbered. */
type NumberKind =
  /** A whole number from 0. */
  | "count"
  /** A span of virtual time, ps. */
  | "time"
  /** A whole number as it stands in a packet; it may be negative. */
  | "word"
  /** A network plane, a layer of the model, a forward pass; from 0. */
  | "plane"
  | "layer"
  | "step";

/** Kinds of text: what it names. */
type TextKind =
  | "actor"
  /** A link's id, as docs/event-log.md says. */
  | "link"
  /** What a fault hits: an actor, link or direction, `node2`, `plane3`, `expert17`. */
  | "target"
  /** A fault's name. */
  | "fault"
  /** Anything else. */
  | "text";

/** Kinds of lists. */
type ListKind<Item> = Item extends string ? "actors" | "links" : "counts";

/** One of a few words. */
type ChoiceKind = "choice";

/** The kinds of field that a value of this type can have. */
type KindOf<Value> = Value extends readonly (infer Item)[]
  ? ListKind<Item>
  : Value extends number
    ? NumberKind
    : string extends Value
      ? TextKind
      : ChoiceKind;

/** Every kind of field. */
export type FieldKind = NumberKind | TextKind | "actors" | "links" | "counts" | ChoiceKind;

/** One field of a fact. */
export interface FactField {
  readonly kind: FieldKind;
  /** Unit, or empty. */
  readonly unit: string;
  /** Meaning, in Markdown. */
  readonly about: string;
  /** Of a choice: the words that are allowed, each with its meaning (empty: it needs none). */
  readonly words?: Readonly<Record<string, string>>;
}

/** The fields that fit values of the type `Value`. */
type FieldFor<Value> = FactField & {
  readonly kind: KindOf<Value>;
} & (KindOf<Value> extends ChoiceKind
    ? { readonly words: Readonly<Record<Extract<Value, string>, string>> }
    : { readonly words?: never });

/** The members of a fact that are its fields. */
type FieldName<Of> = Exclude<keyof Of, "type">;

/** One type of fact. */
export interface CatalogueEntry {
  readonly level: Severity;
  readonly class: FactClass;
  readonly loudness: FactLoudness;
  /** What happened: a sentence in Markdown. */
  readonly about: string;
  readonly fields: Readonly<Record<string, FactField>>;
}

/** The entry of a fact of the shape `Of`: it has each of its fields, and no other. */
export interface EntryFor<Of> extends CatalogueEntry {
  readonly fields: { readonly [Name in FieldName<Of>]: FieldFor<Of[Name]> };
}

/** All entries. */
export type Catalogue = {
  readonly [Type in FactType]: EntryFor<Extract<Fact, { readonly type: Type }>>;
};
