/**
 * The facts of one process in the order in which they happen. A fact is part of its actor's digest;
 * a packet's line is not, since the digest holds every packet anyway.
 */
import type { Fact, FactRecord } from "../model/fact.ts";
import type { ActorDigest } from "./actor-digest.ts";

export class FactLog {
  readonly #digest: ActorDigest;
  /** By actor: facts recorded. */
  readonly #count: Int32Array;
  #facts: FactRecord[] = [];

  constructor(actors: number, digest: ActorDigest) {
    this.#digest = digest;
    this.#count = new Int32Array(actors);
  }

  /** A fact said while an event is handled, whose instant the digest has already. */
  record(actor: number, atPs: number, fact: Fact): void {
    this.#add(actor, atPs, fact, JSON.stringify(fact));
  }

  /** A fact that no event stands behind, such as the onset of a fault: its instant counts, too. */
  recordAlone(actor: number, atPs: number, fact: Fact): void {
    this.#add(actor, atPs, fact, `${atPs} ${JSON.stringify(fact)}`);
  }

  /** A packet's line. It takes no number of its own, so that all other facts keep theirs. */
  note(actor: number, atPs: number, fact: Fact): void {
    this.#facts.push({ atPs, actor, index: this.#count[actor], fact });
  }

  #add(actor: number, atPs: number, fact: Fact, digested: string): void {
    const index = this.#count[actor];
    this.#count[actor] = index + 1;
    this.#digest.touch(actor);
    this.#digest.absorbText(actor, digested);
    this.#facts.push({ atPs, actor, index, fact });
  }

  /** Facts recorded since the last call. */
  take(): FactRecord[] {
    const facts = this.#facts;
    this.#facts = [];
    return facts;
  }
}
