/**
 * The fields of facts, in short: what the catalogue's table is written with.
 */
import type { FactField, FieldKind } from "./catalogue-entry.ts";

/** A field of one kind. */
type Field<Kind extends FieldKind> = Omit<FactField, "kind" | "words"> & { readonly kind: Kind };

/** A field whose kind is `kind`. */
function field<Kind extends FieldKind>(kind: Kind, unit: string, about: string): Field<Kind> {
  return { kind, unit, about };
}

export const anActor = (about: string) => field("actor", "actor id", about);
export const actors = (about: string) => field("actors", "actor ids", about);
export const aLink = (about: string) => field("link", "link id", about);
export const links = (about: string) => field("links", "link ids", about);
export const aTarget = (about: string) => field("target", "", about);
export const aFault = (about: string) => field("fault", "", about);
export const aText = (about: string, unit = "") => field("text", unit, about);
export const aCount = (about: string, unit = "count") => field("count", unit, about);
export const counts = (about: string) => field("counts", "", about);
export const aTime = (about: string) => field("time", "ps", about);
export const aWord = (about: string) => field("word", "", about);

/** One of `words`, by word: its meaning. */
export function aChoice<Word extends string>(
  about: string,
  words: Readonly<Record<Word, string>>,
): Field<"choice"> & { readonly words: Readonly<Record<Word, string>> } {
  return { ...field("choice", "", about), words };
}

/** What the facts about exchanges and layers have in common. */
export const LAYER = field("layer", "", "layer of the model");
export const STEP = field("step", "", "forward pass");
export const CHAIN = aText("whose tokens: `batch0`, `batch1`, `forward` or `backward`");
export const TOKEN = aCount("the token's place on its home rank", "");
export const PLANE = field("plane", "", "the plane avoided");
export const EPOCH = aCount("number of the membership", "");

/** What the facts about faults have in common. */
export const FAULT = {
  fault: aFault("the fault's name"),
  kind: aText("its kind; `faultplane faults` lists them"),
  target: aTarget("actor, link or direction id; `node2`, `plane3`, `expert17`"),
};

/** What the facts about packets have in common. */
export const PACKET = {
  link: aLink("the link that it was on"),
  kind: aText("a name of `PacketKind` in `src/model/packet.ts`"),
  sizeBytes: aCount("on the wire", "bytes"),
  origin: anActor("the GPU that made the message; of an acknowledgement the NIC"),
  destination: anActor("the GPU, or of an acknowledgement the NIC, that it is for"),
  psn: aWord("packet sequence number in its queue pair"),
  layer: aWord("which exchange of the run it belongs to, from 0; see below"),
  token: aWord("the token's place on its home rank; see below"),
  slot: aWord("the choice and 256 times the expert, a count, or a rank; see below"),
};
